"""The portable file for Linux: the script in it, on a small program, in the place of the file it is compiled into."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("the portable file is one of Linux", allow_module_level=True)

import portable

PROGRAM = '#!/bin/sh\nprintf "%s|" "$@"\n[ "$1" != wait ] || read -r line\nexit 7\n'


class Portable:
    """A portable file in a folder, with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "rekindle-portable"
        self.cache = folder / "cache"
        self.passing = folder / "passing"
        self.passing.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(self.cache),
            "TMPDIR": str(self.passing),
        }
        self.make(PROGRAM, folder)

    def make(self, program: str, folder: Path) -> None:
        """Make the file anew, as a version with another program in it."""
        tree = folder / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        (tree / "_internal").mkdir(parents=True)
        (tree / "rekindle").write_text(program)
        (tree / "rekindle").chmod(0o755)
        (tree / "_internal" / "data").write_text("data")
        (tree / "_internal" / "link").symlink_to("data")
        for path in tree.rglob("*"):
            os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
        packed = portable.pack(tree)
        assert packed == portable.pack(tree)
        self.script = portable.script(tree, packed, start=0)
        self.file.write_bytes(packed)

    def command(self, *arguments: str) -> list[str]:
        """Return what starts it, as the program in front of it does."""
        return ["/bin/sh", "-c", self.script, str(self.file), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Start it and wait for its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def unpacked(self) -> list[Path]:
        """Return the folders with an unpacked program."""
        return sorted((self.cache / "rekindle").glob("portable-*"))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Portable:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return Portable(tmp_path)


def test_the_program_gets_the_arguments_as_they_are_and_its_exit_status_is_told(file: Portable) -> None:
    for _ in ("unpacks", "is there"):
        done = file.run("a b", "", "$(c)'\"")
        assert (done.stdout, done.stderr, done.returncode) == ("a b||$(c)'\"|", "", 7)
    (home,) = file.unpacked()
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "_internal" / "link").read_text() == "data"


def test_it_becomes_the_program_so_a_signal_reaches_that(file: Portable) -> None:
    file.run()
    begun = subprocess.Popen(
        file.command("wait"), env=file.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with begun:
        assert begun.stdout is not None
        assert begun.stdout.read(5) == "wait|"
        assert "rekindle" in Path(f"/proc/{begun.pid}/cmdline").read_text().split("\0")[1]
        begun.terminate()
    assert begun.returncode == -15


def test_starts_at_once_share_what_the_first_of_them_unpacks(file: Portable) -> None:
    begun = [
        subprocess.Popen(file.command(str(number)), env=file.environment, stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    said = [process.communicate()[0] for process in begun]
    assert said == ["0|", "1|", "2|", "3|"]
    assert len(file.unpacked()) == 1


def test_what_a_killed_start_left_is_cleared_away(file: Portable) -> None:
    half = file.cache / "rekindle" / "portable-abc.part.123456"
    half.mkdir(parents=True)
    (half / "rekindle").write_text("half")
    assert file.run().returncode == 7
    assert not half.exists()


@pytest.mark.parametrize("damage", ["changed", "gone", "added", "open"])
def test_what_was_changed_after_unpacking_is_not_run(file: Portable, damage: str) -> None:
    file.run()
    (home,) = file.unpacked()
    program = home / "rekindle"
    if damage == "changed":
        program.write_text("#!/bin/sh\necho somebody else's\n")
    elif damage == "gone":
        (home / "_internal" / "data").unlink()
    elif damage == "added":
        (home / "_internal" / "more.so").write_text("")
    else:
        home.chmod(0o777)
    done = file.run("x")
    assert (done.stdout, done.returncode) == ("x|", 7)
    assert "damaged" in done.stderr
    assert program.read_text() == PROGRAM
    assert file.unpacked() == [home]
    assert home.stat().st_mode & 0o777 == 0o700


def test_an_older_version_goes_unless_it_runs(file: Portable, tmp_path: Path) -> None:
    running = subprocess.Popen(
        file.command("wait"), env=file.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with running:
        assert running.stdout is not None
        running.stdout.read(5)
        file.make(PROGRAM + "# newer\n", tmp_path)
        file.run()
        assert len(file.unpacked()) == 2
        told = file.run("--remove-unpacked")
        assert (told.returncode, "Still in use" in told.stdout) == (1, True)
    file.make(PROGRAM + "# newest\n", tmp_path)
    file.run()
    assert len(file.unpacked()) == 1
    assert file.run("--remove-unpacked").returncode == 0
    assert not (file.cache / "rekindle").exists()


def test_where_the_cache_cannot_be_written_it_says_so_and_takes_a_passing_folder(file: Portable) -> None:
    file.cache.write_text("a file where the folder should be")
    for _ in ("unpacks", "is there"):
        done = file.run("x")
        assert (done.stdout, done.returncode) == ("x|", 7)
        assert f"{file.cache}/rekindle cannot be made, or is not yours alone" in done.stderr
    assert len(list(file.passing.glob("rekindle-*/portable-*"))) == 1


def test_half_a_download_is_noticed_and_nothing_of_it_stays(file: Portable) -> None:
    file.file.write_bytes(file.file.read_bytes()[:-40])
    done = file.run()
    assert (done.stderr, done.returncode) == ("rekindle: This file is damaged. Download it again.\n", 1)
    assert file.unpacked() == []


def test_the_script_can_stand_in_a_program_in_c() -> None:
    assert portable.quoted('say "a\\b"\nend\n') == '"say \\"a\\\\b\\"\\n"\n"end\\n"\n'
    words = (portable.FILES / "portable.sh").read_text(encoding="ascii")
    assert "\t" not in words
