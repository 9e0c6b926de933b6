#!/usr/bin/env python3
"""Exercise the Windows setup under Wine: `python3 packaging/check_windows.py [SETUP]`, after `package windows`.

An older version is installed silently, the new one over it, the installed program runs practice mode to the end and
opens its window, nothing is replaced while it runs, and uninstalling leaves what belongs to the person. At the end the
payload is built once more and compared. A line for each check is printed; pictures go to `dist/check/`. Exit status:
0 all is well, 1 something is not, 2 a tool is missing. On Windows itself the same is done without Wine, short of what
needs the build: the upgrade, the window and the comparison. Only for a runner: it uninstalls what was installed.

Needs wine64 (Debian's 8.0 or newer), xvfb, xdotool, nsis and mingw-w64. Wine lacks two libraries that Windows has
(`bcryptprimitives`, `icuuc`); stand-ins are compiled into Wine's own folder, and never packed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import pe_file  # noqa: E402 - found only now
import windows  # noqa: E402
from parts import BUILD, DIST, ROOT, build_folder, listing, normalize, sha256, version  # noqa: E402
from screen import Screen, screen  # noqa: E402

PICTURES = DIST / "check"
WINES = ("/usr/lib/wine/wine64", "wine64", "wine")
WINE_SERVERS = ("wineserver64", "wineserver")
KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Rekindle"
OLD = "0.0.1"
MINE = "mine.der"
RUNS = 3
"""Exit status of the setup while the program is open."""
SLOW_S = 600.0
WINDOW_COLOURS = 60
BOARDS = ("core", "photon", "p1", "electron")

PRNG = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size)
{ return SystemFunction036(data, (ULONG)size) ? TRUE : FALSE; }
"""


class Windows:
    """The Windows this script runs on itself: a runner's, or somebody's."""

    prefix: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.drive = Path(Path.home().anchor)
        self.profile = Path.home()
        self._environment = dict(os.environ)

    def run(self, *words: str | Path, seconds: float = SLOW_S) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; its output goes through a pipe, as Wine's Python wants it."""
        return subprocess.run(
            [*self.prefix, *(str(word) for word in words)],
            env=self._environment,
            cwd=self.drive if self.drive.is_dir() else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Start a program and go on."""
        return subprocess.Popen(
            [*self.prefix, *(str(word) for word in words)],
            env=self._environment,
            cwd=self.drive,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    @property
    def local(self) -> Path:
        """The folder of what belongs to its person on this computer: AppData, Local."""
        return self.profile / "AppData" / "Local"

    @property
    def installed(self) -> Path:
        """Where the setup puts the program."""
        return self.local / "Programs" / "Rekindle"

    def value(self, name: str) -> str:
        """A value of the program's entry in the list of installed ones; "" if there is none."""
        told = self.run("reg", "query", KEY, "/v", name)
        if told.returncode:
            return ""
        line = next((line for line in told.stdout.splitlines() if f" {name} " in line), "")
        return line.split(None, 2)[2].strip() if line else ""


class Wine(Windows):
    """A Windows of its own in a folder, thrown away afterwards."""

    def __init__(self, folder: Path, program: str, display: str) -> None:
        self.prefix = (program,)
        self.drive = folder / "prefix" / "drive_c"
        (folder / "home").mkdir()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("QT_", "XDG_", "REKINDLE_"))},
            "WINEPREFIX": str(folder / "prefix"),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "HOME": str(folder / "home"),
            "DISPLAY": display,
        }

    def keys(self, *names: str) -> None:
        """Press keys in the window that is in front."""
        subprocess.run(["xdotool", "key", "--delay", "120", *names], env=self._environment, check=False)

    def make(self) -> None:
        """Make it Windows 10, with a font without serifs and the stand-ins."""
        self.run("wineboot", "-i")
        self.run("reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f")
        for font in ("Segoe UI", "MS Shell Dlg", "MS Shell Dlg 2", "Tahoma"):
            self.run("reg", "add", r"HKCU\Software\Wine\Fonts\Replacements", "/v", font, "/d", "DejaVu Sans", "/f")
        self.profile = next(path for path in (self.drive / "users").iterdir() if path.name != "Public")

    def stop(self) -> None:
        """End everything in it, and wait until Wine has written what it writes at its end."""
        server = str(Path(self.prefix[0]).with_name("wineserver"))
        found = next((path for path in (server, *WINE_SERVERS) if shutil.which(path)), None)
        self.run("wineboot", "-k", seconds=60)
        if found is not None:
            subprocess.run([found, "-w"], env=self._environment, timeout=60, check=False)


def stand_ins(wine: Wine, payload: Path, work: Path) -> tuple[str, ...]:
    """Compile the libraries this Wine does not have into its own folder: each function returns nothing at all."""
    system = wine.drive / "windows" / "system32"
    there = {path.name.lower() for path in payload.rglob("*")} | {path.name.lower() for path in system.iterdir()}
    asked: dict[str, set[str]] = {}
    for path in payload.rglob("*"):
        if path.suffix.lower() in pe_file.SUFFIXES:
            for library, names in pe_file.PeFile(path.read_bytes()).functions().items():
                if library not in there and not library.startswith(pe_file.SETS):
                    asked.setdefault(library, set()).update(names)
    for library, wanted in asked.items():
        source = work / f"{library}.c"
        words = "".join(f"__declspec(dllexport) void *{name}(void) {{ return 0; }}\n" for name in sorted(wanted))
        source.write_text(PRNG if library == "bcryptprimitives.dll" else words)
        subprocess.run(
            [windows.COMPILER, "-shared", "-s", "-o", system / library, source, "-ladvapi32"], check=True, text=True
        )
    return tuple(sorted(asked))


class Checks:
    """What was looked at, and how it went."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.count = 0

    def that(self, words: str, truth: object, told: str = "") -> None:
        """Print a line; remember a failure."""
        self.count += 1
        print(f"{'ok    ' if truth else 'FAILED'} {words}", flush=True)
        if not truth:
            self.failed.append(words)
            print("\n".join(f"       | {line}" for line in told.splitlines()[-25:]), flush=True)


def make_old(work: Path) -> Path:
    """Build the setup of an older version: a few files, one of which the new one does not have."""
    payload = work / "old"
    (payload / "lib" / "gone").mkdir(parents=True)
    (payload / "lib" / "gone" / "only-in-the-old-one.txt").write_text("old\n")
    shutil.copytree(BUILD / "windows" / "payload" / "licences", payload / "licences")
    shutil.copyfile(BUILD / "windows" / "payload" / "rekindle-driver.exe", payload / "Rekindle.exe")
    normalize(payload)
    shutil.copytree(BUILD / "windows" / "compiled", work / "compiled")
    return windows.make_setup(payload, work, OLD, work / "Old-Setup.exe")


def differences(payload: Path, installed: Path) -> list[str]:
    """Names that are not the same in both folders, apart from the uninstaller."""
    mine = {path.relative_to(payload).as_posix(): sha256(path) for path in payload.rglob("*") if path.is_file()}
    there = {path.relative_to(installed).as_posix(): sha256(path) for path in installed.rglob("*") if path.is_file()}
    there.pop("Uninstall.exe", None)
    return sorted(name for name in mine.keys() | there.keys() if mine.get(name) != there.get(name))


def gone(folder: Path, seconds: float = 120.0) -> bool:
    """Wait until a folder is away: an uninstaller goes on as a copy of itself."""
    end = time.monotonic() + seconds
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.5)  # noqa: TID251 - a script, not the program
    return not folder.exists()


def check_install(here: Windows, checks: Checks, setup: Path) -> None:
    """The setup, silent; the person has a key already."""
    keys = here.local / "rekindle" / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    (keys / MINE).write_bytes(b"a key of the person's")
    begun = time.monotonic()
    told = here.run(setup, "/S", "/DESKTOP=1")
    checks.that(f"it installs silently ({time.monotonic() - begun:.0f} s)", told.returncode == 0, told.stdout)
    checks.that(f"it says it is {version()}", here.value("DisplayVersion") == version(), here.value("DisplayVersion"))
    menu = list(here.profile.rglob("Start Menu/Programs/Rekindle.lnk"))
    checks.that("it is in the Start menu, for this person", menu)
    checks.that("an icon is on the desktop, as asked for", list(here.profile.rglob("Desktop/Rekindle.lnk")))


def check_upgrade(wine: Wine, checks: Checks, setup: Path, payload: Path, work: Path) -> None:
    """An older version, the person's files, and the new one over it."""
    told = wine.run(make_old(work), "/S")
    checks.that("the older version installs silently", told.returncode == 0, told.stdout)
    checks.that(f"it says it is {OLD}", wine.value("DisplayVersion") == OLD, wine.value("DisplayVersion"))
    check_install(wine, checks, setup)
    differing = differences(payload, wine.installed)
    checks.that("what is installed is the payload, nothing else and nothing less", not differing, "\n".join(differing))


def check_console(here: Windows, checks: Checks) -> None:
    """The installed program without a window."""
    console = here.installed / "rekindle-cli.exe"
    begun = time.monotonic()
    told = here.run(console, "--version")
    checks.that(
        f"it starts and knows its version ({time.monotonic() - begun:.1f} s)",
        told.stdout.strip() == f"rekindle {version()}",
        told.stdout,
    )
    told = here.run(console, "--self-check")
    bad = [line for line in told.stdout.splitlines() if not line.startswith("ok ")]
    if here.prefix:  # Wine 8 lacks a function that listing serial ports needs; Windows has had it for long
        bad = [line for line in bad if "serial ports: AttributeError" not in line]
    checks.that("it finds every part it came with (--self-check)", told.stdout and not bad, told.stdout)
    print("\n".join(f"       | {line}" for line in told.stdout.splitlines()), flush=True)
    for board in BOARDS:
        told = here.run(console, "run", "back-up-key", "--practice", board, "--json")
        checks.that(
            f"practice mode backs up the key of {board} to the end",
            told.returncode == 0 and '"event": "Succeeded"' in told.stdout,
            told.stdout,
        )
    kept = {path.parent.name for path in (here.local / "rekindle" / "practice-keys").rglob("*.der")}
    checks.that(f"the keys of {len(kept)} boards are in the key safe", len(kept) == len(BOARDS))
    told = here.run(console, "pack", "--json")
    lines = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    checks.that(
        f"the rescue pack is whole ({len(lines)} lines)",
        told.returncode == 0 and lines and '"missing"' not in told.stdout and '"damaged"' not in told.stdout,
        told.stdout,
    )
    told = here.run(console, "list")
    checks.that(
        "libusb is found and lists (no board is here)",
        told.returncode in (0, 1) and "libusb" not in told.stdout.lower() and "No board" in told.stdout,
        told.stdout,
    )


def check_driver(here: Windows, checks: Checks) -> None:
    """The driver helper, short of installing a driver."""
    helper = here.installed / "rekindle-driver.exe"
    told = here.run(helper, "--list")
    wanted = [f"{key} {vendor:04x} {product:04x}" for key, _, vendor, product in windows.known_boards()]
    checks.that("the driver helper knows the boards", told.stdout.split("\n")[: len(wanted)] == wanted, told.stdout)
    told = here.run(helper, "--extract", r"C:\driver", "core")
    lines = here.drive / "driver" / "rekindle.inf"
    words = lines.read_bytes().decode("utf-16") if lines.is_file() else ""
    checks.that(
        "it writes the driver of a Core (WinUSB, 1d50:607f)",
        told.returncode == 0 and "VID_1D50&PID_607F" in words and "winusb.inf" in words,
        told.stdout,
    )
    shutil.rmtree(here.drive / "driver", ignore_errors=True)
    checks.that("it takes no board it does not know", here.run(helper, "toaster").returncode == 2)


def check_window(wine: Wine, checks: Checks, desk: Screen, setup: Path) -> None:
    """The window opens, and while it is open nothing is replaced or removed."""
    program = wine.start(wine.installed / "Rekindle.exe", "--practice")
    try:
        seconds = desk.wait(WINDOW_COLOURS, 120)
        checks.that(f"the window opens ({seconds or 0:.1f} s under Wine)", seconds is not None)
        time.sleep(6)  # noqa: TID251 - a script; the board on the desk is drawn
        desk.save(PICTURES / "windows-program.png")
        before = wine.value("DisplayVersion")
        told = wine.run(setup, "/S")
        checks.that("while it is open the setup changes nothing (exit status 3)", told.returncode == RUNS, told.stdout)
        told = wine.run(wine.installed / "Uninstall.exe", "/S", f"_?={windows_path(wine, wine.installed)}")
        checks.that(
            "nor does the uninstaller", told.returncode == RUNS and before == wine.value("DisplayVersion"), told.stdout
        )
    finally:
        wine.run("taskkill", "/F", "/IM", "Rekindle.exe", seconds=60)
        program.wait(60)


def windows_path(wine: Wine, path: Path) -> str:
    """Return what Windows calls a file on its drive C."""
    return "C:\\" + path.relative_to(wine.drive).as_posix().replace("/", "\\")


def check_pages(wine: Wine, checks: Checks, desk: Screen, setup: Path) -> None:
    """The setup as a person sees it: through all pages by the keyboard, with a picture of each."""
    program = wine.start(setup)
    try:
        checks.that("the setup shows itself", desk.wait(WINDOW_COLOURS, 60) is not None)
        time.sleep(3)  # noqa: TID251 - until it is drawn
        desk.save(PICTURES / "windows-setup-1-welcome.png")
        wine.keys("alt+n")
        time.sleep(3)  # noqa: TID251
        desk.save(PICTURES / "windows-setup-2-licence.png")
        wine.keys("alt+n")
        time.sleep(4)  # noqa: TID251
        desk.save(PICTURES / "windows-setup-3-installing.png")
        end = time.monotonic() + 180
        while not (wine.installed / "Uninstall.exe").exists() and time.monotonic() < end:
            time.sleep(1)  # noqa: TID251
        time.sleep(5)  # noqa: TID251
        desk.save(PICTURES / "windows-setup-4-finished.png")
        wine.keys("space")  # not to be started: the box has the focus or not, Alt+F ends it either way
        wine.keys("alt+f")
        time.sleep(3)  # noqa: TID251
        checks.that("it installs by the keyboard alone", (wine.installed / "Rekindle.exe").is_file())
    finally:
        wine.run("taskkill", "/F", "/IM", "Rekindle.exe", seconds=60)
        wine.run("taskkill", "/F", "/IM", setup.name, seconds=60)
        program.wait(60)


def check_removal(here: Windows, checks: Checks) -> None:
    """Uninstalling leaves what belongs to the person, and nothing else."""
    told = here.run(here.installed / "Uninstall.exe", "/S")
    checks.that("it uninstalls silently", told.returncode == 0 and gone(here.installed), told.stdout)
    left = list(here.installed.rglob("*"))
    checks.that("nothing is left in its folder", not left, "\n".join(map(str, left)))
    mine = here.local / "rekindle"
    checks.that(
        "keys and settings of the person are untouched",
        (mine / "keys" / MINE).read_bytes() == b"a key of the person's"
        and list((mine / "practice-keys").rglob("*.der")),
    )
    checks.that("it is off the list of programs", here.value("DisplayVersion") == "")
    icons = list(here.profile.rglob("Rekindle.lnk"))
    checks.that("its icons are gone", not icons, "\n".join(map(str, icons)))


def check_again(checks: Checks, payload: Path, work: Path) -> None:
    """Lay out the payload once more, elsewhere, with the time stamp of the first: it has to be the same."""
    os.environ["SOURCE_DATE_EPOCH"] = str(int(payload.stat().st_mtime))
    other = work / "somewhere" / "else"
    other.mkdir(parents=True)
    windows.stage(other / "payload", windows.find_runtime(other / "python"), other)
    mine, again = set(listing(payload)), set(listing(other / "payload"))
    told = "\n".join(str(entry) for entry in sorted(mine ^ again, key=str))
    checks.that(f"built again elsewhere, all {len(mine)} entries of the payload are the same", mine == again, told)


@contextmanager
def wine_with_screen(program: str) -> Iterator[tuple[Wine, Screen, Path]]:
    """Give a fresh Windows and the screen it draws on."""
    with tempfile.TemporaryDirectory(prefix="rekindle-wine-", ignore_cleanup_errors=True) as made, screen() as desk:
        wine = Wine(Path(made), program, desk.name)
        try:
            wine.make()
            yield wine, desk, Path(made)
        finally:
            wine.stop()


def tools() -> str | None:
    """Return the Wine there is; None, with a word about it, when something is missing."""
    wine = next((path for path in map(shutil.which, WINES) if path), None)
    lacking = [name for name in ("Xvfb", "xdotool", "makensis", windows.COMPILER) if not shutil.which(name)]
    if wine is None or lacking:
        print(f"These are needed and not installed: {' '.join(lacking or ['wine64'])}", file=sys.stderr)
        return None
    return wine


def finish(checks: Checks) -> int:
    """Print the closing line and return the exit status."""
    print(f"{checks.count - len(checks.failed)} passed, {len(checks.failed)} failed")
    return 1 if checks.failed else 0


def main(arguments: Sequence[str]) -> int:
    """Do every check."""
    setup = Path(arguments[0]).resolve() if arguments else DIST / f"Rekindle-{version()}-Setup.exe"
    if not setup.is_file():
        print(f"{setup.name} is not here; build it with: python3 packaging/dev.py package windows", file=sys.stderr)
        return 2
    if os.name == "nt":
        here, checks = Windows(), Checks()
        check_install(here, checks, setup)
        check_console(here, checks)
        check_driver(here, checks)
        check_removal(here, checks)
        return finish(checks)
    payload = BUILD / "windows" / "payload"
    if not payload.is_dir():
        print("What the setup was made from is not here: build it again", file=sys.stderr)
        return 2
    program = tools()
    if program is None:
        return 2
    checks = Checks()
    work = build_folder("check-windows")
    print(f"{setup.name}: {setup.stat().st_size / 1e6:.1f} MB, under {program}", flush=True)
    with wine_with_screen(program) as (wine, desk, _):
        made = stand_ins(wine, payload, work)
        print(f"stand-ins for what this Wine does not have: {', '.join(made) or 'none'}", flush=True)
        steps: tuple[Callable[[], None], ...] = (
            lambda: check_upgrade(wine, checks, setup, payload, work),
            lambda: check_console(wine, checks),
            lambda: check_driver(wine, checks),
            lambda: check_window(wine, checks, desk, setup),
            lambda: check_removal(wine, checks),
            lambda: check_pages(wine, checks, desk, setup),
        )
        for step in steps:
            step()
        wine.run(wine.installed / "Uninstall.exe", "/S")
        gone(wine.installed)
    check_again(checks, payload, work)
    shown = PICTURES.relative_to(ROOT)
    print(f"pictures: {', '.join(sorted(path.name for path in PICTURES.glob('windows-*.png')))} in {shown}")
    return finish(checks)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
