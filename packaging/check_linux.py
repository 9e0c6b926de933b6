#!/usr/bin/env python3
"""Try the Debian package and the portable program where nothing else is: `sudo python3 packaging/check_linux.py`.

After `package linux`. Makes a minimal Debian in a folder (kept, packed, in the cache), installs the package there,
and runs it as a plain person: the self-check, practice mode to the end, the window under Xvfb; then removes it. The
portable program does the same in a second copy. Pictures go to `dist/check/`. With `--twice` everything is built once
more and compared. Needs root, debootstrap, unshare, xvfb. Exit status: 0 all is well, 1 something is not, 2 a tool is
missing.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import linux  # noqa: E402 - found only now
from parts import BUILD, CACHE, DIST, ROOT, listing, sha256, version  # noqa: E402
from screen import Screen, screen  # noqa: E402

PICTURES = DIST / "check"
SUITE = "bookworm"
TOOLS = ("debootstrap", "unshare", "Xvfb", "tar", "dpkg-deb")
RULE = "usr/lib/udev/rules.d/70-rekindle.rules"
PERSON = 1000
SLOW_S = 600.0
WINDOW_S = 60.0
WINDOW_COLOURS = 60
LOOK_AGAIN_S = 0.01
STARTS = 5
MANY = 20
"""Differing lines that are shown."""
BOARDS = ("core", "photon", "p1", "electron")
SLOWER = 1.5
"""The installed program's first window may take so many times as long as that of the sources."""
# What the portable program expects of a desktop; the Debian package names the same in its dependencies.
DESKTOP = ("libstdc++6", "libgcc-s1", "libgl1", "libegl1", "fontconfig-config", "fonts-dejavu-core")


class Checks:
    """Prints a line for each thing looked at, and remembers whether all were well."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def that(self, holds: bool, sentence: str, detail: str = "") -> bool:
        """Note one; `detail` is printed when it does not hold."""
        self.passed += holds
        self.failed += not holds
        print(f"{'ok    ' if holds else 'FAILED'}  {sentence}", flush=True)
        if not holds and detail:
            print("        " + detail.strip().replace("\n", "\n        "), flush=True)
        return holds


class Chroot:
    """A Debian in a folder. What is mounted for a command is gone with it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def command(self, words: Sequence[str], *, person: bool, environment: dict[str, str]) -> list[str]:
        """Return what runs `words` inside: with /proc and /dev, and with the X server's sockets of this machine."""
        mounts = (
            'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mkdir -p "$0/tmp/.X11-unix" && '
            'if [ -d /tmp/.X11-unix ]; then mount --bind /tmp/.X11-unix "$0/tmp/.X11-unix"; fi && '
            'exec chroot $WHO "$0" env -i "$@"'
        )
        who = f"--userspec={PERSON}:{PERSON}" if person else ""
        home = "/home/person" if person else "/root"
        variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LANG": "C.UTF-8", **environment}
        inner = ["unshare", "--mount", "--propagation", "private", "env", f"WHO={who}", "sh", "-c", mounts]
        return [*inner, str(self.root), *(f"{name}={value}" for name, value in variables.items()), *words]

    def run(self, *words: str, person: bool = False, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside to its end."""
        return subprocess.run(
            self.command(words, person=person, environment=environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SLOW_S,
            text=True,
            errors="replace",
            check=False,
        )

    def files(self) -> set[str]:
        """Return every path inside, without what is there only while something runs."""
        passing = ("proc", "dev", "tmp", "var/cache", "var/lib/apt", "var/lib/dpkg", "var/log", "run", "home")
        found: set[str] = set()
        for folder, folders, files in os.walk(self.root):
            here = os.path.relpath(folder, self.root)
            folders[:] = [name for name in folders if os.path.normpath(os.path.join(here, name)) not in passing]
            found.update(os.path.normpath(os.path.join(here, name)) for name in (*files, *folders))
        return found


def base() -> Path:
    """Return a packed minimal Debian; made once a suite."""
    packed = CACHE / "check" / f"{SUITE}.tar"
    if not packed.exists():
        packed.parent.mkdir(parents=True, exist_ok=True)
        print(f"        making a minimal {SUITE} (once)", flush=True)
        with tempfile.TemporaryDirectory(dir=packed.parent) as made:
            root = Path(made) / "root"
            subprocess.run(
                ["debootstrap", "--variant=minbase", SUITE, str(root)], check=True, stdout=subprocess.DEVNULL
            )
            partly = packed.with_suffix(".part")
            subprocess.run(["tar", "-C", str(root), "--one-file-system", "-cf", str(partly), "."], check=True)
            partly.rename(packed)
    return packed


@contextmanager
def fresh() -> Iterator[Chroot]:
    """Give a minimal Debian with one person in it, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rekindle-check-", dir=base().parent) as made:
        root = Path(made) / "root"
        root.mkdir()
        subprocess.run(["tar", "-C", str(root), "-xf", str(base())], check=True)
        # Without a system running, a package's services must not be started.
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
        chroot = Chroot(root)
        chroot.run("useradd", "-m", "-u", str(PERSON), "person")
        yield chroot


def first_window(command: Sequence[str], shown: Screen, environment: dict[str, str] | None = None) -> float | None:
    """Start a program, and return after how many seconds something of it was on the screen; end it again."""
    empty = shown.top()
    begun = time.monotonic()
    running = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    took = None
    while time.monotonic() - begun < WINDOW_S and running.poll() is None:
        if shown.top() != empty:
            took = time.monotonic() - begun
            break
        time.sleep(LOOK_AGAIN_S)  # noqa: TID251 - a script, not the program
    end(running)
    begun = time.monotonic()
    while shown.top() != empty and time.monotonic() - begun < WINDOW_S:
        time.sleep(LOOK_AGAIN_S)  # noqa: TID251
    return took


def end(running: subprocess.Popen[bytes]) -> None:
    """End a program that was started here, as closing the session would."""
    running.terminate()
    try:
        running.wait(20)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def starts(command: Sequence[str], shown: Screen, environment: dict[str, str] | None = None) -> list[float]:
    """Measure the first window several times; the first time, which reads the disk, is not counted."""
    times = [first_window(command, shown, environment) for _ in range(STARTS + 1)]
    return [took for took in times[1:] if took is not None]


def try_program(checks: Checks, chroot: Chroot, program: str, name: str) -> None:
    """Run everything that needs no screen."""
    told = chroot.run(program, "--version", person=True)
    checks.that(told.stdout.strip() == f"rekindle {version()}", f"{name}: says its version, {version()}", told.stdout)
    told = chroot.run(program, "--self-check", person=True)
    checks.that(told.returncode == 0, f"{name}: the self-check finds every part", told.stdout)
    print("        " + told.stdout.strip().replace("\n", "\n        "))
    told = chroot.run(program, "pack", person=True)
    checks.that(
        told.returncode == 0 and "missing" not in told.stdout.lower(), f"{name}: the rescue pack is whole", told.stdout
    )
    told = chroot.run(program, "list", person=True)
    checks.that(told.returncode == 0, f"{name}: lists the boards of a computer without any", told.stdout)
    for board in BOARDS:
        told = chroot.run(program, "run", "back-up-key", "--practice", board, person=True)
        checks.that(told.returncode == 0, f"{name}: practice {board}: the key is backed up", told.stdout)
    kept = list((chroot.root / "home/person/.local/share/rekindle/practice-keys").glob("*/*.der"))
    checks.that(len(kept) >= len(BOARDS), f"{name}: {len(kept)} keys are in the practice safe")


def try_window(checks: Checks, chroot: Chroot, program: str, name: str) -> float | None:
    """Open the window, with and without practice; return the typical time to the first window in seconds."""
    with screen() as shown:
        for what, arguments in (("window", ()), ("practice", ("--practice", "photon"))):
            command = chroot.command([program, *arguments], person=True, environment={"DISPLAY": shown.name})
            running = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            seen = shown.wait(WINDOW_COLOURS, WINDOW_S)
            time.sleep(2.0)  # noqa: TID251 - until it is drawn whole
            picture = shown.save(PICTURES / f"linux-{name}-{what}.png")
            alive = running.poll() is None
            end(running)
            said = running.stdout.read().decode(errors="replace") if running.stdout else ""
            checks.that(seen is not None and alive, f"{name}: {what} opens under Xvfb ({picture.name})", said)
            if said.strip():
                print("        it said: " + said.strip().replace("\n", "\n        "))
    with screen() as shown:
        times = starts(chroot.command([program], person=True, environment={"DISPLAY": shown.name}), shown)
    if not checks.that(len(times) == STARTS, f"{name}: opened {STARTS} times more"):
        return None
    return statistics.median(times)


def source_start() -> float:
    """Return the typical time to the first window from the sources, in seconds."""
    with screen() as shown, tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "DISPLAY": shown.name, "REKINDLE_DATA": data, "QT_QPA_PLATFORM": "xcb"}
        # As a user has it: compiled files are kept.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(BUILD / "compiled")
        times = starts([sys.executable, "-m", "app"], shown, environment)
    return statistics.median(times)


def check_deb(checks: Checks, deb: Path) -> float | None:
    """Install the package, use it, remove it."""
    with fresh() as chroot:
        before = chroot.files()
        shutil.copyfile(deb, chroot.root / "tmp" / deb.name)
        chroot.run("apt-get", "-q", "update")
        begun = time.monotonic()
        install = ("apt-get", "install", "-q", "-y", "--no-install-recommends", f"/tmp/{deb.name}")
        told = chroot.run(*install, DEBIAN_FRONTEND="noninteractive")
        if not checks.that(
            told.returncode == 0, f"deb: installs ({time.monotonic() - begun:.0f} s with what it needs)", told.stdout
        ):
            return None
        checks.that(
            (chroot.root / RULE).read_bytes() == (ROOT / "resources/udev/70-rekindle.rules").read_bytes(),
            "deb: the udev rule is in place",
        )
        for name in (
            "applications/rekindle.desktop",
            f"metainfo/{linux.APPLICATION}.metainfo.xml",
            "icons/hicolor/256x256/apps/rekindle.png",
            "doc/rekindle/copyright",
            "doc/rekindle/sbom.cdx.json",
        ):
            checks.that((chroot.root / "usr/share" / name).exists(), f"deb: has {name}")
        unfound = missing_libraries(chroot)
        checks.that(not unfound, "deb: every library finds the ones it needs", "\n".join(unfound))
        try_program(checks, chroot, "rekindle", "deb")
        took = try_window(checks, chroot, "/usr/bin/rekindle", "deb")
        again = chroot.run(
            "apt-get", "install", "-q", "-y", "--reinstall", f"/tmp/{deb.name}", DEBIAN_FRONTEND="noninteractive"
        )
        checks.that(again.returncode == 0, "deb: installs over itself", again.stdout)
        gone = chroot.run("apt-get", "purge", "-q", "-y", "rekindle", DEBIAN_FRONTEND="noninteractive")
        checks.that(gone.returncode == 0, "deb: is removed", gone.stdout)
        left = sorted(name for name in chroot.files() - before if "rekindle" in name)
        checks.that(not left, "deb: leaves nothing of itself", "\n".join(left))
        kept = list((chroot.root / "home/person/.local/share/rekindle").iterdir())
        checks.that(bool(kept), "deb: leaves what belongs to the person")
        return took


def missing_libraries(chroot: Chroot) -> list[str]:
    """Return the libraries of the system that something bundled asks for in vain; those of Wayland are a desktop's."""
    look = (
        "cd /usr/lib/rekindle/_internal && export LD_LIBRARY_PATH=$PWD && "
        "find . -type f -name '*.so*' | sort | while read f; do "
        'ldd "$f" 2>/dev/null | grep \'not found\' | sed "s|^|$f |"; done'
    )
    lines = chroot.run("sh", "-c", look).stdout.splitlines()
    return sorted({" ".join(line.split()) for line in lines if "libwayland" not in line})


def check_portable(checks: Checks, portable: Path) -> float | None:
    """Run the portable program where only what every desktop has is installed."""
    with fresh() as chroot:
        chroot.run("apt-get", "-q", "update")
        install = ("apt-get", "install", "-q", "-y", "--no-install-recommends", *DESKTOP)
        told = chroot.run(*install, DEBIAN_FRONTEND="noninteractive")
        checks.that(told.returncode == 0, "portable: what a desktop has is there", told.stdout)
        target = chroot.root / "home/person" / portable.name
        shutil.copyfile(portable, target)
        target.chmod(0o755)
        program = f"/home/person/{portable.name}"
        try_program(checks, chroot, program, "portable")
        took = try_window(checks, chroot, program, "portable")
        left = sorted(path.name for path in (chroot.root / "tmp").glob("_MEI*"))
        checks.that(not left, "portable: leaves nothing unpacked behind", "\n".join(left))
        return took


def check_twice(checks: Checks) -> None:
    """Build once more and compare."""
    deb, portable = linux.names()
    before = {path.name: sha256(path) for path in (deb, portable)}
    entries = listing(BUILD / "linux" / "deb")
    lines = {str(entry) for entry in entries}
    # The moment of the first: a commit made meanwhile would be another.
    os.environ["SOURCE_DATE_EPOCH"] = str(entries[0].modified)
    linux.build()
    differ = sorted(lines ^ {str(entry) for entry in listing(BUILD / "linux" / "deb")})
    checks.that(not differ, "built twice: the payload is the same", "\n".join(differ[:MANY]))
    for path in (deb, portable):
        checks.that(sha256(path) == before[path.name], f"built twice: {path.name} is the same")


def main(arguments: list[str]) -> int:
    """Run all checks; return the exit status."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    deb, portable = linux.names()
    if missing or os.geteuid() != 0 or not (deb.exists() and portable.exists()):
        print(f"{__doc__}\nMissing: {', '.join(missing) or 'root, or the files of `package linux`'}")
        return 2
    checks = Checks()
    steps: dict[str, Callable[[Checks, Path], float | None]] = {"deb": check_deb, "portable": check_portable}
    took = {name: step(checks, path) for (name, step), path in zip(steps.items(), (deb, portable), strict=True)}
    source = source_start()
    print(f"        first window: from source {source:.2f} s", flush=True)
    for name, seconds in took.items():
        if seconds is not None:
            print(f"        first window: {name} {seconds:.2f} s, {seconds / source:.2f} x", flush=True)
    installed = took["deb"]
    checks.that(
        installed is not None and installed <= SLOWER * source, f"deb: first window within {SLOWER} x the source start"
    )
    if "--twice" in arguments:
        check_twice(checks)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
