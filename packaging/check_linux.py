#!/usr/bin/env python3
"""Try the Debian package and the portable program where nothing else is: `sudo python3 packaging/check_linux.py`.

After `package linux`. Makes a minimal Debian in a folder (kept, packed, in the cache), installs the package there over
an older one, and runs it as a plain person without a network: the self-check, the chief jobs in practice mode to the
end, the window under Xvfb; then removes it. The portable file does the same in a second copy, and is started twice at
once, killed while it unpacks, and where it cannot unpack. A newer Debian has both started. Pictures go to
`dist/check/`. With `--twice` everything is built once more and compared. Needs root, debootstrap, unshare, xvfb,
xdotool; what it would also use says SKIPPED. Exit status: 0 all is well, 1 something is not, 2 a tool is missing.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import linux  # noqa: E402 - found only now
from parts import BUILD, CACHE, DIST, ROOT, listing, sha256, version  # noqa: E402
from screen import Screen, screen  # noqa: E402

PICTURES = DIST / "check"
SUITE = "bookworm"
NEWER_SUITE = "trixie"
TOOLS = ("debootstrap", "unshare", "Xvfb", "tar", "dpkg-deb", "xdotool")
RULE = "usr/lib/udev/rules.d/70-rekindle.rules"
PERSON = 1000
SLOW_S = 600.0
WINDOW_S = 60.0
SOON_S = 10.0
WINDOW_COLOURS = 60
LOOK_AGAIN_S = 0.01
STARTS = 5
MANY = 20
"""Differing lines that are shown."""
BOARDS = ("core", "photon", "p1", "electron")
SLOWER = 1.5
"""The first window of what is installed or unpacked may take so many times as long as that of the sources."""
PERSON_HOME = Path("home/person")
WINDOW_DATA = PERSON_HOME / "window"
PASSWORD = "practice board"
JOBS = {
    "join-wifi": "run join-wifi --practice photon --answer network=2 --answer password-file=/home/person/password",
    "check-keys": "run check-keys --practice photon --answer light=orange",
    "change-key": "run change-key --practice core --answer way=here --answer plan=yes",
    "full-firmware-upgrade": "run full-firmware-upgrade --practice core --answer radio-patch=1.13.7 --answer plan=yes",
    "claim-board": "run claim-board --practice photon",
    "light": "light red counted 2",
    "monitor": "monitor --help",
    "account": "account clouds",
}
"""What is done without a window besides keeping keys, each in a data folder of its own, all at once."""
NOTED = "tmp/tool-environment"
TOOL = f"#!/bin/sh\nenv >/{NOTED}.new\nmv /{NOTED}.new /{NOTED}\n"
"""Stands for a tool of the system: writes down what it was started with."""
OWN = "/its/own"
ALLOWED = (
    "bogus-mail-host",  # the project has no address
    "bogus-mail-host-in-debian-changelog",
    "embedded-library",  # one package for many systems brings its libraries along
    "library-not-linked-against-libc",  # a module of Python's that needs nothing of it
)
"""What lintian calls an error and is meant to be so."""
OLDER = "0.0.1"
SMALL_MB = 20
# What the portable program expects of a desktop; the Debian package names the same in its dependencies.
DESKTOP = ("libstdc++6", "libgcc-s1", "libgl1", "libegl1", "fontconfig-config", "fonts-dejavu-core")


class Checks:
    """Prints a line for each thing looked at, and remembers whether all were well."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def skip(self, sentence: str) -> None:
        """Say loudly what was not looked at."""
        print(f"SKIPPED {sentence}", flush=True)

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

    def command(
        self, words: Sequence[str], *, person: bool, environment: dict[str, str], before: str = "", offline: bool = True
    ) -> list[str]:
        """Return what runs `words` inside: with /proc and /dev, and with the X server's sockets of this machine.

        Args:
            words: Program and arguments.
            person: As the person; else as root.
            environment: Variables beside the usual ones.
            before: A shell command of root's that prepares; "$0" is the folder.
            offline: Without any network; of the X server's sockets only the one in a file is left.
        """
        mounts = (
            'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mkdir -p "$0/tmp/.X11-unix" && '
            'if [ -d /tmp/.X11-unix ]; then mount --bind /tmp/.X11-unix "$0/tmp/.X11-unix"; fi && '
            f"{before or ':'} && "
            'exec chroot $WHO "$0" env -i "$@"'
        )
        who = f"--userspec={PERSON}:{PERSON}" if person else ""
        home = "/home/person" if person else "/root"
        variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LANG": "C.UTF-8", **environment}
        inner = [
            "unshare",
            *(["--net"] if offline else []),
            "--mount",
            "--propagation",
            "private",
            "env",
            f"WHO={who}",
            "sh",
            "-c",
            mounts,
        ]
        return [*inner, str(self.root), *(f"{name}={value}" for name, value in variables.items()), *words]

    def run(self, *words: str, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside to its end: as the person, without a network."""
        return self._run(self.command(words, person=True, environment=environment, before=before))

    def root_runs(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside to its end as root, with the network of this machine."""
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        return self._run(self.command(words, person=False, environment=quiet, offline=False))

    def install(self, *packages: str) -> subprocess.CompletedProcess[str]:
        """Install packages, or files of packages, and nothing that is only recommended."""
        return self.root_runs("apt-get", "install", "-q", "-y", "--no-install-recommends", *packages)

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
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


def base(suite: str) -> Path:
    """Return a packed minimal Debian; made once a suite."""
    packed = CACHE / "check" / f"{suite}.tar"
    if not packed.exists():
        packed.parent.mkdir(parents=True, exist_ok=True)
        print(f"        making a minimal {suite} (once)", flush=True)
        with tempfile.TemporaryDirectory(dir=packed.parent) as made:
            root = Path(made) / "root"
            subprocess.run(
                ["debootstrap", "--variant=minbase", suite, str(root)], check=True, stdout=subprocess.DEVNULL
            )
            partly = packed.with_suffix(".part")
            subprocess.run(["tar", "-C", str(root), "--one-file-system", "-cf", str(partly), "."], check=True)
            partly.rename(packed)
    return packed


@contextmanager
def fresh(suite: str = SUITE) -> Iterator[Chroot]:
    """Give a minimal Debian with one person in it, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rekindle-check-", dir=base(suite).parent) as made:
        root = Path(made) / "root"
        root.mkdir()
        subprocess.run(["tar", "-C", str(root), "-xf", str(base(suite))], check=True)
        # Without a system running, a package's services must not be started.
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
        chroot = Chroot(root)
        chroot.root_runs("useradd", "-m", "-u", str(PERSON), "person")
        chroot.root_runs("apt-get", "-q", "update")
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


def try_program(checks: Checks, chroot: Chroot, program: str, name: str) -> None:
    """Run everything that needs no screen."""
    told = chroot.run(program, "--version")
    checks.that(told.stdout.strip() == f"rekindle {version()}", f"{name}: says its version, {version()}", told.stdout)
    told = chroot.run(program, "--self-check")
    checks.that(told.returncode == 0, f"{name}: the self-check finds every part", told.stdout)
    print("        " + told.stdout.strip().replace("\n", "\n        "))
    told = chroot.run(program, "pack")
    checks.that(
        told.returncode == 0 and "missing" not in told.stdout.lower(), f"{name}: the rescue pack is whole", told.stdout
    )
    told = chroot.run(program, "list")
    checks.that(told.returncode == 0, f"{name}: lists the boards of a computer without any", told.stdout)
    for board in BOARDS:
        told = chroot.run(program, "run", "back-up-key", "--practice", board)
        checks.that(told.returncode == 0, f"{name}: practice {board}: the key is backed up", told.stdout)
    kept = practice_keys(chroot)
    checks.that(len(kept) >= len(BOARDS), f"{name}: {len(kept)} keys are in the practice safe")
    try_jobs(checks, chroot, program, name)
    try_children(checks, chroot, program, name)


def practice_keys(chroot: Chroot) -> dict[str, bytes]:
    """Return the keys in the person's practice safe: path -> content."""
    folder = chroot.root / PERSON_HOME / ".local/share/rekindle/practice-keys"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("*/*.der"))}


def try_jobs(checks: Checks, chroot: Chroot, program: str, name: str) -> None:
    """Do the chief jobs in practice mode, all at once: each mostly waits for its board."""
    (chroot.root / PERSON_HOME / "password").write_text(PASSWORD + "\n")
    begun = {}
    for job, words in JOBS.items():
        where = {"REKINDLE_DATA": f"/home/person/job-{job}"}
        command = chroot.command([program, *words.split()], person=True, environment=where)
        begun[job] = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    for job, running in begun.items():
        said = running.communicate(timeout=SLOW_S)[0]
        checks.that(running.returncode == 0, f"{name}: offline: {JOBS[job].split(' --answer')[0]}", said)


def stand_in(chroot: Chroot, tool: str) -> Path:
    """Put something in a tool's place that writes down what it was started with."""
    path = chroot.root / tool
    path.write_text(TOOL)
    path.chmod(0o755)
    (chroot.root / NOTED).unlink(missing_ok=True)
    return path


def look_at_children(checks: Checks, chroot: Chroot, sentence: str) -> None:
    """See what the tool was started with: the libraries and plugins of nobody but the person who set `OWN`."""
    noted = chroot.root / NOTED
    words = noted.read_text() if noted.exists() else "it was not started"
    got = dict(line.split("=", 1) for line in words.splitlines() if "=" in line)
    ours = [key for key, value in got.items() if "_internal" in value or key in ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH")]
    checks.that(got.get("LD_LIBRARY_PATH") == OWN and not ours, sentence, words)


def try_children(checks: Checks, chroot: Chroot, program: str, name: str) -> None:
    """See what programs of the system are started with, and that a real one and a real store for passwords work."""
    tool = stand_in(chroot, "usr/local/bin/nmcli")
    path = "/usr/local/bin:/usr/bin:/bin"
    chroot.run(program, "--self-check", PATH=path, LD_LIBRARY_PATH=OWN)
    look_at_children(checks, chroot, f"{name}: nmcli is started with the system's libraries")
    tool.write_text("#!/bin/sh\nexit 127\n")
    told = chroot.run(program, "--self-check", PATH=path)
    checks.that(
        told.returncode == 1 and "FAILED  Wi-Fi scan" in told.stdout,
        f"{name}: the self-check tells of a tool that does not start",
        told.stdout,
    )
    tool.unlink()
    more = chroot.install("iw", "gnome-keyring", "dbus-daemon")
    checks.that(more.returncode == 0, f"{name}: iw and a store for passwords are installed", more.stdout)
    session = f"echo -n words | gnome-keyring-daemon --unlock --components=secrets >/dev/null; {program} --self-check"
    told = chroot.run("dbus-run-session", "--", "sh", "-c", session, XDG_RUNTIME_DIR="/home/person")
    lines = [line for line in told.stdout.splitlines() if "password store" in line or "Wi-Fi scan" in line]
    wanted = ["ok      password store: keyring.backends.SecretService", "ok      Wi-Fi scan: /usr/sbin/iw"]
    checks.that(lines == wanted, f"{name}: finds a real store for passwords, and iw", told.stdout)


def try_window(checks: Checks, chroot: Chroot, program: str, name: str) -> None:
    """Open the window, with and without practice, and compare the time it takes with that of the sources."""
    for what, arguments in (("window", ()), ("practice", ("--practice", "photon"))):
        with screen() as shown:
            places = {"DISPLAY": shown.name, "REKINDLE_DATA": f"/{WINDOW_DATA}", "LD_LIBRARY_PATH": OWN}
            command = chroot.command([program, *arguments], person=True, environment=places)
            running = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            seen = shown.wait(WINDOW_COLOURS, WINDOW_S)
            pause(3.0)  # until it is drawn whole
            picture = shown.save(PICTURES / f"linux-{name}-{what}.png")
            if what == "practice":
                try_keys(checks, chroot, shown, name)
            alive = running.poll() is None
            end(running)
            said = running.stdout.read().decode(errors="replace") if running.stdout else ""
            checks.that(seen is not None and alive, f"{name}: {what} opens under Xvfb ({picture.name})", said)
            if said.strip():
                print("        it said: " + said.strip().replace("\n", "\n        "))
    with screen() as shown, tempfile.TemporaryDirectory() as data:
        command = chroot.command([program], person=True, environment={"DISPLAY": shown.name})
        source = {**os.environ, "DISPLAY": shown.name, "REKINDLE_DATA": data, "QT_QPA_PLATFORM": "xcb"}
        # As a user has it: compiled files are kept.
        source.pop("PYTHONDONTWRITEBYTECODE", None)
        source["PYTHONPYCACHEPREFIX"] = str(BUILD / "compiled")
        # In turn, so that whatever else the machine does slows down both. The first ones read the disk: not counted.
        pairs = [
            (first_window(command, shown), first_window([sys.executable, "-m", "app"], shown, source))
            for _ in range(STARTS + 1)
        ][1:]
    both = [(mine, theirs) for mine, theirs in pairs if mine is not None and theirs is not None]
    if not checks.that(len(both) == STARTS, f"{name}: opened {STARTS} times more, in turn with the sources"):
        return
    mine, theirs = (statistics.median(times) for times in zip(*both, strict=True))
    checks.that(
        mine <= SLOWER * theirs,
        f"{name}: first window after {mine:.2f} s, {mine / theirs:.2f} x the source start of {theirs:.2f} s "
        f"(at most {SLOWER} x)",
    )


def try_keys(checks: Checks, chroot: Chroot, shown: Screen, name: str) -> None:
    """Back up the key in the practice window with keys alone; the file with the key is what tells that it was done."""

    def kept() -> int:
        return len(list((chroot.root / WINDOW_DATA / "practice-keys").glob("*/*.der")))

    before = kept()
    press(shown, "mousemove", "640", "60", "click", "1", "key", "alt+b")
    pause(2.0)
    shown.save(PICTURES / f"linux-{name}-recipe.png")
    press(shown, "key", "Return")
    begun = time.monotonic()
    while kept() == before and time.monotonic() - begun < WINDOW_S:
        pause(0.5)
    pause(4.0)
    picture = shown.save(PICTURES / f"linux-{name}-done.png")
    checks.that(kept() > before, f"{name}: a key backed up with the keyboard alone ({picture.name})")
    tool = stand_in(chroot, "usr/bin/xdg-open")
    press(shown, "key", "alt+f")  # Show in folder
    begun = time.monotonic()
    while not (chroot.root / NOTED).exists() and time.monotonic() - begun < SOON_S:
        pause(0.5)
    look_at_children(checks, chroot, f"{name}: a file manager is started with the system's libraries")
    tool.unlink()


def press(shown: Screen, *words: str) -> None:
    """Press keys or the pointer's button on a screen."""
    environment = {**os.environ, "DISPLAY": shown.name}
    subprocess.run(["xdotool", *words], env=environment, check=False, stdout=subprocess.DEVNULL)


def pause(seconds: float) -> None:
    """Wait for what cannot be asked."""
    time.sleep(seconds)  # noqa: TID251 - a script, not the program


def check_deb(checks: Checks, deb: Path) -> None:
    """Install the package over an older one, use it, remove it."""
    validate(checks)
    with fresh() as chroot:
        before = chroot.files()
        shutil.copyfile(deb, chroot.root / "tmp" / deb.name)
        older = older_package(deb, chroot.root / "tmp" / "older.deb")
        begun = time.monotonic()
        told = chroot.install(f"/tmp/{older.name}")
        took_s = time.monotonic() - begun
        if not checks.that(told.returncode == 0, f"deb: installs ({took_s:.0f} s with what it needs)", told.stdout):
            return
        told = chroot.run("rekindle", "run", "back-up-key", "--practice", "core")
        kept = practice_keys(chroot)
        checks.that(told.returncode == 0 and bool(kept), "deb: an older version backs up a key", told.stdout)
        told = chroot.install(f"/tmp/{deb.name}")
        is_now = chroot.root_runs("dpkg-query", "-W", "-f", "${Version}", "rekindle").stdout
        checks.that(told.returncode == 0 and is_now == version(), f"deb: upgrades {OLDER} to {is_now}", told.stdout)
        checks.that(practice_keys(chroot) == kept, "deb: the key is the same after the upgrade")
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
        try_window(checks, chroot, "/usr/bin/rekindle", "deb")
        again = chroot.root_runs("apt-get", "install", "-q", "-y", "--reinstall", f"/tmp/{deb.name}")
        checks.that(again.returncode == 0, "deb: installs over itself", again.stdout)
        gone = chroot.root_runs("apt-get", "purge", "-q", "-y", "rekindle")
        checks.that(gone.returncode == 0, "deb: is removed", gone.stdout)
        left = sorted(name for name in chroot.files() - before if "rekindle" in name)
        checks.that(not left, "deb: leaves nothing of itself", "\n".join(left))
        checks.that(kept.items() <= practice_keys(chroot).items(), "deb: leaves what belongs to the person")


def older_package(deb: Path, target: Path) -> Path:
    """Write the package once more with a lower version."""
    with tempfile.TemporaryDirectory(dir=target.parent) as made:
        tree = Path(made) / "tree"
        subprocess.run(["dpkg-deb", "-R", str(deb), str(tree)], check=True)
        control = tree / "DEBIAN" / "control"
        words = control.read_text(encoding="utf-8")
        control.write_text(words.replace(f"Version: {version()}\n", f"Version: {OLDER}\n"), encoding="utf-8")
        subprocess.run(["dpkg-deb", "-Znone", "-b", str(tree), str(target)], check=True, stdout=subprocess.DEVNULL)
    return target


def validate(checks: Checks) -> None:
    """Have the desktop's files and the package looked at by the tools made for it."""
    deb = linux.names()[0]
    share = BUILD / "linux" / "deb" / "usr" / "share"
    for command in (
        [
            "appstreamcli",
            "validate",
            "--pedantic",
            "--no-net",
            str(share / f"metainfo/{linux.APPLICATION}.metainfo.xml"),
        ],
        ["desktop-file-validate", str(share / "applications/rekindle.desktop")],
        ["lintian", "--no-cfg", "--allow-root", "--fail-on", "error", "--suppress-tags", ",".join(ALLOWED), str(deb)],
    ):
        if shutil.which(command[0]) is None:
            checks.skip(f"deb: {command[0]} is not installed")
            continue
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        checks.that(done.returncode == 0, f"deb: {command[0]} finds no error", done.stdout)


def check_newer(checks: Checks, deb: Path, portable: Path) -> None:
    """Install and open the package in a newer Debian, which today's Ubuntu is made from; start the portable file."""
    with fresh(NEWER_SUITE) as chroot, screen() as shown:
        shutil.copyfile(deb, chroot.root / "tmp" / deb.name)
        told = chroot.install(f"/tmp/{deb.name}")
        checks.that(told.returncode == 0, f"{NEWER_SUITE}: installs", told.stdout)
        for program in ("rekindle", place(chroot, portable)):
            told = chroot.run(program, "--self-check")
            checks.that(told.returncode == 0, f"{NEWER_SUITE}: {Path(program).name}: the self-check", told.stdout)
        command = chroot.command(["rekindle"], person=True, environment={"DISPLAY": shown.name})
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        seen = shown.wait(WINDOW_COLOURS, WINDOW_S)
        pause(3.0)
        picture = shown.save(PICTURES / f"linux-{NEWER_SUITE}-window.png")
        end(running)
        said = running.stdout.read().decode(errors="replace") if running.stdout else ""
        checks.that(seen is not None, f"{NEWER_SUITE}: the window opens ({picture.name})", said)


def check_wayland(checks: Checks, portable: Path) -> None:
    """Open the window on Wayland, without X, with a server that shows it to nobody."""
    if shutil.which("weston") is None:
        checks.skip("wayland: weston is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="rekindle-wayland-") as made:
        environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
        environment |= {"XDG_RUNTIME_DIR": made, "WAYLAND_DISPLAY": "check", "XDG_CACHE_HOME": made}
        environment |= {"QT_QPA_PLATFORM": "wayland", "REKINDLE_DATA": made, "WAYLAND_DEBUG": "client"}
        Path(made).chmod(0o700)
        server = subprocess.Popen(
            ["weston", "--backend=headless-backend.so", "--socket=check", "--idle-time=0"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        begun = time.monotonic()
        while not (Path(made) / "check").exists() and time.monotonic() - begun < WINDOW_S:
            pause(0.2)
        said = Path(made) / "said"
        with said.open("wb") as file:
            running = subprocess.Popen([portable], env=environment, stdout=file, stderr=file)
            begun = time.monotonic()
            # What was drawn is handed over: from then on there is a window.
            while b".commit(" not in said.read_bytes() and time.monotonic() - begun < WINDOW_S:
                pause(0.2)
            pause(1.0)
            alive = running.poll() is None
            end(running)
        end(server)
        words = said.read_text(errors="replace")
        shows = "xdg_toplevel" in words and ".commit(" in words
        checks.that(alive and shows, "wayland: the window opens without X", words[-2000:])


def missing_libraries(chroot: Chroot) -> list[str]:
    """Return the libraries of the system that something bundled asks for in vain; those of Wayland are a desktop's."""
    look = (
        "cd /usr/lib/rekindle/_internal && export LD_LIBRARY_PATH=$PWD && "
        "find . -type f -name '*.so*' | sort | while read f; do "
        'ldd "$f" 2>/dev/null | grep \'not found\' | sed "s|^|$f |"; done'
    )
    lines = chroot.run("sh", "-c", look).stdout.splitlines()
    return sorted({" ".join(line.split()) for line in lines if "libwayland" not in line})


def place(chroot: Chroot, portable: Path) -> str:
    """Put the portable file where a person would have it; return its path inside."""
    target = chroot.root / PERSON_HOME / portable.name
    shutil.copyfile(portable, target)
    target.chmod(0o755)
    return f"/{PERSON_HOME}/{portable.name}"


def check_portable(checks: Checks, portable: Path) -> None:
    """Run the portable program where only what every desktop has is installed."""
    with fresh() as chroot:
        told = chroot.install(*DESKTOP)
        checks.that(told.returncode == 0, "portable: what a desktop has is there", told.stdout)
        program = place(chroot, portable)
        try_unpacking(checks, chroot, program)
        try_program(checks, chroot, program, "portable")
        try_window(checks, chroot, program, "portable")
        with screen() as shown:
            chroot.run(program, "--remove-unpacked")
            first = first_window(chroot.command([program], person=True, environment={"DISPLAY": shown.name}), shown)
        checks.that(first is not None, f"portable: the very first start, with unpacking, took {first or 0:.2f} s")
        chroot.run(program, "--remove-unpacked")
        left = [*unpacked(chroot), *(chroot.root / "tmp").glob("*MEI*"), *(chroot.root / "tmp").glob("rekindle-*")]
        checks.that(not left, "portable: leaves nothing unpacked behind after --remove-unpacked", f"{left}")


def unpacked(chroot: Chroot) -> list[Path]:
    """Return the folders into which the portable file was unpacked, whole or not."""
    return sorted((chroot.root / PERSON_HOME / ".cache/rekindle").glob("portable-*"))


def try_unpacking(checks: Checks, chroot: Chroot, program: str) -> None:
    """Two starts at once, one killed amid unpacking, a damaged cache, and places where unpacking is impossible."""
    said = f"rekindle {version()}"
    command = chroot.command([program, "--version"], person=True, environment={})
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    told = [running.communicate(timeout=SLOW_S)[0].strip() for running in both]
    checks.that(told == [said] * 2 and len(unpacked(chroot)) == 1, "portable: two first starts at once", f"{told}")
    chroot.run(program, "--remove-unpacked")
    checks.that(not unpacked(chroot), "portable: --remove-unpacked removes it")

    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    begun = time.monotonic()
    while not any(path.is_dir() for path in half(chroot)) and time.monotonic() - begun < WINDOW_S:
        time.sleep(LOOK_AGAIN_S)  # noqa: TID251
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    left = half(chroot)
    done = chroot.run(program, "--version")
    checks.that(
        bool(left) and done.stdout.strip() == said and not half(chroot),
        "portable: killed amid unpacking, the next start is good and clears up",
        f"{left} {done.stdout} {half(chroot)}",
    )
    (home,) = unpacked(chroot)
    library = next((home / "_internal").glob("libpython*"))
    library.write_bytes(library.read_bytes()[:-1])
    done = chroot.run(program, "--version")
    checks.that(
        done.stdout.strip().endswith(said) and "damaged" in done.stdout,
        "portable: a damaged file is noticed and unpacked anew",
        done.stdout,
    )
    chroot.run(program, "--remove-unpacked")
    for what, options, word in (
        ("a full disk", f"-o size={SMALL_MB}m", "has no room"),
        ("a disk without programs", "-o noexec", "noexec"),
        ("a disk that is read-only", "-o ro", "cannot be made"),
    ):
        mount = f'mkdir -p "$0/home/person/.cache" && mount -t tmpfs {options},mode=777 none "$0/home/person/.cache"'
        done = chroot.run(program, "--version", before=mount)
        good = done.stdout.strip().endswith(said) and word in done.stdout
        checks.that(good, f"portable: {what}: says so and starts from a passing folder", done.stdout)
        if what == "a full disk":
            print("        " + done.stdout.strip().replace("\n", "\n        "))
        chroot.run(program, "--remove-unpacked")


def half(chroot: Chroot) -> list[Path]:
    """Return what was unpacked half."""
    return [path for path in unpacked(chroot) if ".part." in path.name]


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
    check_deb(checks, deb)
    check_portable(checks, portable)
    check_wayland(checks, portable)
    check_newer(checks, deb, portable)
    if "--twice" in arguments:
        check_twice(checks)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
