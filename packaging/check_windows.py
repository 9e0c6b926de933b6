#!/usr/bin/env python3
"""Exercise the Windows setup under Wine: `python3 packaging/check_windows.py [SETUP]`, after `package windows`.

The setup is used as people use it: over an older version, in the middle of which it is killed, with a full disk, by the
keyboard, cancelled on each page, for a person and in a folder with letters beyond ASCII. The installed program does its
chief jobs in practice mode, keeps a sign-in in Windows' own store and opens its window; how long that takes is compared
with the sources. Uninstalling leaves what belongs to the person. A certificate made for the day signs everything. At
the end the setup is built once more, elsewhere, and compared. A line for each check is printed; pictures go to
`dist/check/`. Exit status: 0 all is well, 1 something is not, 2 a tool is missing. On Windows itself what needs no Wine
and no build is done. Only for a runner: it uninstalls what was installed.

Needs wine64 (Debian's 8.0 or newer), xvfb, xdotool, nsis and mingw-w64. Root for a full disk, osslsigncode and openssl
for signing: without them these parts are skipped, and it says so.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import own_python  # noqa: E402 - found only now
import pe_file  # noqa: E402
import wheels  # noqa: E402
import windows  # noqa: E402
from parts import (  # noqa: E402
    BUILD,
    DIST,
    MEGABYTE,
    ROOT,
    build_folder,
    listing,
    normalize,
    pack_files,
    sha256,
    size_of,
    stage_program,
    version,
)
from screen import Screen  # noqa: E402
from wine import LOOK_AGAIN_S, WINES, Windows, Wine, stand_ins, wine_with_screen  # noqa: E402

PICTURES = DIST / "check"
OLD, NEW = "0.0.1", "99.0.0"
MINE = "mine.der"
MINE_CONTENT = b"a key of the person's"
STOPPED, OPEN, NEWER, NO_ROOM = 1, 3, 4, 5
"""Exit statuses of the setup, as rekindle.nsi has them."""
WINDOW_COLOURS = 60
STARTS = 5
SLOWER = 1.5
"""The installed program's first window may take so many times as long as that of the sources."""
BOARDS = ("core", "photon", "p1", "electron")
WIFI_PASSWORD = "practice board"  # of the practice air
JOBS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("join-wifi", "photon", ("network=Practice", "password-file={password}")),
    ("check-keys", "core", ("light=unseen",)),
    ("change-key", "photon", ("way=here", "plan=yes")),
    ("full-firmware-upgrade", "core", ("radio-patch=1.13.7", "plan=yes")),
    ("claim-board", "photon", ()),
)
"""Recipe, practice board and answers."""
PLANTED = """
#include <windows.h>
BOOL WINAPI DllMain(HINSTANCE self, DWORD why, LPVOID more)
{
    if (why == DLL_PROCESS_ATTACH)
        CloseHandle(CreateFileW(L"C:\\\\planted", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL));
    return TRUE;
}
"""
# A program that does load what lies beside it, to show that those libraries would have been noticed.
UNPROTECTED = """
#include <windows.h>
int main(void) { return LoadLibraryA("WinTrust") == NULL; }
"""
PLANTS = ("wintrust", "crypt32", "bcrypt", "cfgmgr32", "newdev")
"""Libraries of Windows that the driver helper, or what it uses, loads by name while it runs."""
# Loaded by Windows before any program starts, so that no file beside a program can stand in for one (KnownDLLs; and
# ntdll, which is in every process).
_KNOWN_NAMES = """
    advapi32 clbcatq combase comdlg32 gdi32 imm32 kernel32 msctf msvcrt ntdll ole32 oleaut32 rpcrt4 sechost setupapi
    shcore shell32 shlwapi user32 ws2_32
"""
KNOWN = frozenset(_KNOWN_NAMES.split())


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

    def skipped(self, words: str) -> None:
        """Say that something was not looked at."""
        print(f"SKIPPED {words}", flush=True)


def small_setup(work: Path, number: str) -> Path:
    """Build the setup of another version: a few files, one of which this one does not have."""
    folder = work / f"small-{number}"
    payload = folder / "payload"
    (payload / "lib" / "gone").mkdir(parents=True)
    (payload / "lib" / "gone" / f"only-in-{number}.txt").write_text("old\n")
    made = BUILD / "windows"
    shutil.copytree(made / "payload" / "licences", payload / "licences")
    for name in ("Rekindle.exe", "rekindle-cli.exe", "rekindle-driver.exe"):
        shutil.copyfile(made / "payload" / name, payload / name)
    windows.sign([payload / name for name in ("Rekindle.exe", "rekindle-cli.exe", "rekindle-driver.exe")])
    normalize(payload)
    shutil.copytree(made / "compiled", folder / "compiled", ignore=shutil.ignore_patterns("driver", "libwdi"))
    return windows.make_setup(payload, folder, number, folder / f"Rekindle-{number}-Setup.exe")


def differences(payload: Path, installed: Path) -> list[str]:
    """Names that are not the same in both folders, apart from the uninstaller."""
    mine = {path.relative_to(payload).as_posix(): sha256(path) for path in payload.rglob("*") if path.is_file()}
    there = {path.relative_to(installed).as_posix(): sha256(path) for path in installed.rglob("*") if path.is_file()}
    there.pop("Uninstall.exe", None)
    return sorted(name for name in mine.keys() | there.keys() if mine.get(name) != there.get(name))


def until(holds: Callable[[], object], seconds: float = 120.0) -> bool:
    """Wait for something; return whether it came."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(LOOK_AGAIN_S)  # noqa: TID251 - a script, not the program
    return bool(holds())


def gone(folder: Path, seconds: float = 120.0) -> bool:
    """Wait until a folder is away: an uninstaller goes on as a copy of itself."""
    return until(lambda: not folder.exists(), seconds)


def pause(seconds: float) -> None:
    """Give a window time to be drawn."""
    time.sleep(seconds)  # noqa: TID251 - a script, not the program


def leave_key(here: Windows) -> Path:
    """Put a key of the person's where the program keeps them; return it."""
    key = here.local / "rekindle" / "keys" / MINE
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_bytes(MINE_CONTENT)
    return key


# --- installing ---


def check_install(here: Windows, checks: Checks, setup: Path) -> None:
    """The setup, silent; the person has a key already."""
    leave_key(here)
    begun = time.monotonic()
    told = here.run(setup, "/S", "/DESKTOP=1")
    checks.that(f"it installs silently ({time.monotonic() - begun:.0f} s)", told.returncode == 0, told.stdout)
    checks.that(f"it says it is {version()}", here.value("DisplayVersion") == version(), here.value("DisplayVersion"))
    menu = list(here.profile.rglob("Start Menu/Programs/Rekindle.lnk"))
    checks.that("it is in the Start menu, for this person", menu)
    checks.that("an icon is on the desktop, as asked for", list(here.profile.rglob("Desktop/Rekindle.lnk")))


def check_upgrade(wine: Wine, checks: Checks, setup: Path, payload: Path, work: Path) -> None:
    """An older version, the person's files, and the new one over it."""
    told = wine.run(small_setup(work, OLD), "/S")
    checks.that("the older version installs silently", told.returncode == 0, told.stdout)
    checks.that(f"it says it is {OLD}", wine.value("DisplayVersion") == OLD, wine.value("DisplayVersion"))
    check_install(wine, checks, setup)
    differing = differences(payload, wine.installed)
    checks.that("what is installed is the payload, nothing else and nothing less", not differing, "\n".join(differing))


def check_trouble(wine: Wine, checks: Checks, setup: Path, payload: Path, work: Path) -> None:
    """What may come between: a file in use, a newer version, a full disk, a setup killed in the middle."""
    with wine.holding(wine.installed / "lib" / "PySide6" / "Qt6Core.dll", work):
        told = wine.run(setup, "/S")
        checks.that(f"with a file in use the setup ends with {OPEN}", told.returncode == OPEN, str(told.returncode))
        told = wine.run(wine.installed / "Uninstall.exe", "/S", f"_?={wine.path(wine.installed)}")
        checks.that("and so does the uninstaller", told.returncode == OPEN, str(told.returncode))
    checks.that("and nothing was changed", not differences(payload, wine.installed))

    newer = small_setup(work, NEW)
    told = wine.run(newer, "/S")
    checks.that("a newer version replaces it", told.returncode == 0 and wine.value("DisplayVersion") == NEW)
    told = wine.run(setup, "/S")
    checks.that(f"this one does not replace the newer one unasked ({NEWER})", told.returncode == NEWER, told.stdout)
    checks.that("the newer one is still there", not differences(newer.parent / "payload", wine.installed))
    told = wine.run(setup, "/S", "/OLDER=1")
    differing = differences(payload, wine.installed)
    checks.that("with /OLDER=1 it does, whole", told.returncode == 0 and not differing, "\n".join(differing))

    program = wine.start(setup, "/S")
    library = wine.installed / "lib"
    midway = until(lambda: not (library / "app" / "main.pyc").exists(), 60)  # the version before is being removed
    midway = midway and until((library / "PySide6" / "Qt6Core.dll").exists, 60)  # and this one laid out
    program.kill()
    program.wait(60)
    left = differences(payload, wine.installed)
    checks.that(f"killed in the middle, it leaves half a program ({len(left)} files differ)", midway and left)
    told = wine.run(setup, "/S")
    differing = differences(payload, wine.installed)
    checks.that("run again, it is whole", told.returncode == 0 and not differing, "\n".join(differing))
    key = wine.local / "rekindle" / "keys" / MINE
    checks.that("through all this the person's key was not touched", key.read_bytes() == MINE_CONTENT)
    check_full(wine, checks, setup, payload, work)


def check_full(wine: Wine, checks: Checks, setup: Path, payload: Path, work: Path) -> None:
    """A disk with too little room."""
    if os.geteuid() != 0:
        checks.skipped("a full disk: only root can make one")
        return
    with small_disk(work / "disk"):
        drive = wine.drive.parent / "dosdevices" / "e:"
        drive.symlink_to(work / "disk")
        try:
            told = wine.run(setup, "/S", r"/D=E:\Rekindle")
        finally:
            drive.unlink()
        left = list((work / "disk").iterdir())
        checks.that(f"without room it ends with {NO_ROOM}", told.returncode == NO_ROOM and not left, str(told))
    checks.that("and the version before is still whole", not differences(payload, wine.installed))


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a disk of 24 MB."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


# --- the installed program ---


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
    check_itself(here, checks)
    for board in BOARDS:
        practise(here, checks, "back-up-key", board)
    kept = {path.parent.name for path in (here.local / "rekindle" / "practice-keys").rglob("*.der")}
    checks.that(f"the keys of {len(kept)} boards are in the key safe", len(kept) == len(BOARDS))
    password = here.drive / "rekindle-password.txt"
    password.write_text(WIFI_PASSWORD)
    for recipe, board, answers in JOBS:
        practise(here, checks, recipe, board, *(answer.format(password=here.path(password)) for answer in answers))
    password.unlink()
    # A way out that leads nowhere: the pack needs none.
    told = here.run(console, "pack", "--json", ALL_PROXY="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9")
    lines = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    checks.that(
        f"the rescue pack is whole without a network ({len(lines)} lines)",
        told.returncode == 0 and lines and '"missing"' not in told.stdout and '"damaged"' not in told.stdout,
        told.stdout,
    )
    knows_its_program(here, checks)
    told = here.run(console, "list")
    checks.that(
        "libusb is found and lists (no board is here)",
        told.returncode in (0, 1) and "libusb" not in told.stdout.lower() and "No board" in told.stdout,
        told.stdout,
    )


def knows_its_program(here: Windows, checks: Checks) -> None:
    """Variables that name another Python: what the program starts next lies beside itself all the same."""
    console, data = here.installed / "rekindle-cli.exe", here.drive / "rekindle-elsewhere"
    other = r"C:\elsewhere\python.exe"
    here.run(console, "pack", REKINDLE_DATA=here.path(data), PYTHONEXECUTABLE=other, __PYVENV_LAUNCHER__=other)
    logged = "".join(path.read_text(encoding="utf-8") for path in data.rglob("*.log"))
    right = f"({here.path(console)})".lower() in logged.lower()
    checks.that("no variable tells it which program it is", right and "elsewhere\\python" not in logged, logged)
    shutil.rmtree(data, ignore_errors=True)


def check_itself(here: Windows, checks: Checks) -> None:
    """The self-check of the installed program."""
    told = here.run(here.installed / "rekindle-cli.exe", "--self-check")
    bad = [line for line in told.stdout.splitlines() if not line.startswith("ok ")]
    if here.prefix:  # Wine 8 lacks a function that listing serial ports needs; Windows has had it for long
        bad = [line for line in bad if "serial ports: AttributeError" not in line]
    checks.that("it finds every part it came with (--self-check)", told.stdout and not bad, told.stdout)
    print("\n".join(f"       | {line}" for line in told.stdout.splitlines()), flush=True)
    wanted = (
        "password store: keyring.backends.Windows",
        "account: ready",
        "downloads: httpx",
        "Wi-Fi scan: ",
        "network: ",
    )
    lacking = [words for words in wanted if f"ok      {words}" not in told.stdout]
    checks.that("Windows' own store for passwords, downloads and network are among them", not lacking, str(lacking))


def practise(here: Windows, checks: Checks, recipe: str, board: str, *answers: str) -> None:
    """Do a job on a practice board, to its end."""
    begun = time.monotonic()
    given = [word for answer in answers for word in ("--answer", answer)]
    console = here.installed / "rekindle-cli.exe"
    told = here.run(console, "run", recipe, "--practice", board, "--json", *given)
    last = told.stdout.splitlines()[-1:] or [""]
    checks.that(
        f"practice: {recipe} of {board}, to the end ({time.monotonic() - begun:.0f} s)",
        told.returncode == 0 and '"event": "Succeeded"' in last[0],
        told.stdout,
    )


@contextmanager
def practice_cloud() -> Iterator[tuple[str, list[str]]]:
    """Have the practice account's server answer on this computer; give its address, and the tokens it hands out."""
    from app.virtual.practice_account import PracticeCloud

    cloud = PracticeCloud(tuple)
    tokens: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, told, content = cloud.answer(self.command, self.path, headers, body)
            if self.path == "/oauth/token" and status == 200:
                tokens.append(json.loads(content)["access_token"])
            self.send_response(status)
            for name, value in {**told, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the checks speak for themselves."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", tokens
    finally:
        server.shutdown()
        server.server_close()


def check_account(here: Windows, checks: Checks) -> None:
    """A sign-in, kept in Windows' own store by one run of the program, found by the next, gone after signing out."""
    from app.virtual.practice_account import PASSWORD, USER

    def account(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return here.run(here.installed / "rekindle-cli.exe", "account", *words, "--json", typed=typed)

    def in_store() -> bool:
        if here.prefix:
            told = here.run("reg", "query", r"HKCU\Software\Wine\Credential Manager", "/s")
        else:
            told = here.run("cmdkey", "/list")
        return "Rekindle" in told.stdout

    with practice_cloud() as (address, tokens):
        account("choose", address)
        told = account("sign-in", USER, typed=f"{PASSWORD}\n")
        checks.that(
            "signing in keeps it in Windows' store", '"kept": "store"' in told.stdout and in_store(), told.stdout
        )
        told = account("status")
        checks.that(
            "the next run is signed in", '"signed_in": true' in told.stdout and USER in told.stdout, told.stdout
        )
        told = account("boards")
        checks.that(
            "and is told the account's boards", told.returncode == 0 and "greenhouse" in told.stdout, told.stdout
        )
        files = [path for path in (here.local / "rekindle").rglob("*") if path.is_file()]
        told_it = [path.name for path in files if any(token.encode() in path.read_bytes() for token in tokens)]
        checks.that(f"none of the {len(files)} files has its token", tokens and not told_it, " ".join(told_it))
        told = account("sign-out")
        checks.that("signing out takes it out of the store", told.returncode == 0 and not in_store(), told.stdout)
        told = account("status")
        checks.that("nobody is signed in then", '"signed_in": false' in told.stdout, told.stdout)


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
    wrong: tuple[tuple[str, ...], ...] = (
        (),
        ("toaster",),
        ("Core",),
        ("core", "toaster"),
        ("1d50:607f",),
        ("core & calc",),
        ("--elevated",),
        ("--elevated", "toaster"),
        ("--list", "core"),
        ("--extract", r"C:\driver", "toaster"),
        ("core",) * (len(wanted) + 1),
    )
    taken = [words for words in wrong if here.run(helper, *words).returncode != 2]
    checks.that(f"it takes no other words ({len(wrong)} tried)", not taken, str(taken))
    strange = sorted(name for name in pe_file.PeFile(helper.read_bytes()).imports() if name[:-4] not in KNOWN)
    checks.that("no file beside it can stand in for a library of its", not strange, " ".join(strange))


def check_driver_alone(wine: Wine, checks: Checks, work: Path) -> None:
    """The driver helper among files that somebody put beside it, up to where Wine can install no driver."""
    folder = wine.drive / "planted-beside"
    folder.mkdir()
    helper = folder / "rekindle-driver.exe"
    shutil.copyfile(wine.installed / helper.name, helper)
    for name, words in (("planted", PLANTED), ("unprotected", UNPROTECTED)):
        (work / f"{name}.c").write_text(words)
    for name in PLANTS:
        subprocess.run(
            [windows.COMPILER, "-shared", "-s", "-o", folder / f"{name}.dll", work / "planted.c"], check=True
        )
    subprocess.run([windows.COMPILER, "-s", "-o", folder / "unprotected.exe", work / "unprotected.c"], check=True)
    # Else Wine takes its own library of that name, wherever the file lies.
    overrides = f"mscoree,mshtml=;{','.join(PLANTS)}=n,b"
    marker = wine.drive / "planted"
    wine.run(folder / "unprotected.exe", WINEDLLOVERRIDES=overrides)
    noticed = marker.exists()
    marker.unlink(missing_ok=True)
    told = wine.run(helper, "core", WINEDLLOVERRIDES=overrides)
    left = [path.name for path in (wine.drive / "windows").rglob("rekindle-driver-*")]
    checks.that(
        "where a driver cannot be installed, it says so and leaves no files",
        told.returncode in (1, 3, 5) and not left,
        f"{told.returncode} {left} {told.stdout}",
    )
    checks.that(
        "it loaded no library from its own folder; a program without such care did",
        noticed and not marker.exists(),
        f"noticed: {noticed}, loaded: {marker.exists()}",
    )
    shutil.rmtree(folder)


def check_window(wine: Wine, checks: Checks, desk: Screen, setup: Path, work: Path) -> None:
    """The window opens, and while it is open nothing is replaced or removed."""
    program = wine.start(wine.installed / "Rekindle.exe", "--practice")
    try:
        seconds = desk.wait(WINDOW_COLOURS, 120)
        checks.that(f"the window opens ({seconds or 0:.1f} s under Wine)", seconds is not None)
        pause(6)  # the board on the desk is drawn
        desk.save(PICTURES / "windows-program.png")
        before = wine.value("DisplayVersion")
        told = wine.run(setup, "/S")
        checks.that(f"while it is open the setup changes nothing ({OPEN})", told.returncode == OPEN, told.stdout)
        told = wine.run(wine.installed / "Uninstall.exe", "/S", f"_?={wine.path(wine.installed)}")
        checks.that(
            "nor does the uninstaller", told.returncode == OPEN and before == wine.value("DisplayVersion"), told.stdout
        )
        second = wine.start(wine.installed / "Rekindle.exe", "--practice")
        pause(12)
        checks.that("a second one opens beside it", second.poll() is None and program.poll() is None)
        told = wine.run(wine.installed / "rekindle-cli.exe", "rescues", "--json")
        checks.that("and the keys can be read meanwhile", told.returncode == 0, told.stdout)
        wine.run("taskkill", "/F", "/IM", "Rekindle.exe", seconds=60)
        second.wait(60)
    finally:
        wine.run("taskkill", "/F", "/IM", "Rekindle.exe", seconds=60)
        program.wait(60)


def source_tree(wine: Wine, payload: Path) -> Path:
    """Lay out the program as a developer has it: Python files with their caches, whole libraries, the same Python."""
    number = windows.CARRIED
    short = next(payload.glob("python3??.dll")).stem
    folder = wine.drive / "sources"
    library = folder / "lib"
    wheels.unpack(wheels.fetch(wheels.windows(number)), library)
    stage_program(library)
    shutil.copyfile(windows.HERE / "rekindle_start.py", library / "rekindle_start.py")
    source = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(source, folder / "stdlib", ignore=shutil.ignore_patterns(*own_python.LEFT_OUT))
    for path in payload.iterdir():
        if path.suffix in (".dll", ".pyd") or path.name == "Rekindle.exe":
            shutil.copyfile(path, folder / path.name)
    (folder / f"{short}._pth").write_text("stdlib\n.\nlib\n")
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        check=False,  # some libraries bring files that are for no Python at all
    )
    return folder / "Rekindle.exe"


def first_window(wine: Wine, desk: Screen, program: Path, empty: bytes) -> float:
    """Return how many seconds after its start a program shows something."""
    until(lambda: desk.top() == empty, 60)
    begun = time.monotonic()
    running = wine.start(program, "--practice")
    until(lambda: desk.top() != empty, 120)
    seconds = time.monotonic() - begun
    wine.run("taskkill", "/F", "/IM", "Rekindle.exe", seconds=60)
    running.wait(60)
    return seconds


def check_start(wine: Wine, checks: Checks, desk: Screen, payload: Path, work: Path) -> None:
    """The first window of the installed program, and that of the same sources, in turn."""
    sources = source_tree(wine, payload)
    with wine.holding(None, work):  # Windows itself is running all the time
        pause(2)
        empty = desk.top()
        pairs = [
            (first_window(wine, desk, wine.installed / "Rekindle.exe", empty), first_window(wine, desk, sources, empty))
            for _ in range(STARTS + 1)
        ][1:]  # the first of each reads the disk
    installed, plain = (statistics.median(column) for column in zip(*pairs, strict=True))
    told = "\n".join(f"{one:.2f} s, sources {other:.2f} s" for one, other in pairs)
    checks.that(
        f"first window after {installed:.2f} s, of the sources after {plain:.2f} s: {installed / plain:.2f} times "
        f"(target {SLOWER}; medians of {STARTS} under Wine)",
        installed <= SLOWER * plain,
        told,
    )
    print("\n".join(f"       | {line}" for line in told.splitlines()), flush=True)
    shutil.rmtree(sources.parent)


# --- the pages ---


def check_pages(wine: Wine, checks: Checks, desk: Screen, setup: Path, work: Path) -> None:
    """The setup and the uninstaller as a person sees them, by the keyboard, with a picture of each page."""
    if wine.installed.exists():
        wine.run(wine.installed / "Uninstall.exe", "/S")
        gone(wine.installed)
    for pages in range(3):
        with shown(wine, desk, setup) as program:
            turn(wine, pages)
            wine.keys("Escape")
            pause(2)
            if pages == 1:
                desk.save(PICTURES / "windows-setup-0-cancel.png")
            wine.keys("alt+y")
            ended = until(lambda: program.poll() is not None, 30)
        left = [wine.installed.exists(), wine.value("DisplayVersion"), list(wine.profile.rglob("Rekindle.lnk"))]
        checks.that(
            f"cancelled on page {pages + 1}, nothing is there",
            ended and program.returncode == STOPPED and not any(left),
            f"{ended} {program.returncode} {left}",
        )
    with shown(wine, desk, setup):
        desk.save(PICTURES / "windows-setup-1-welcome.png")
        told = wine.run(setup, "/S")
        checks.that("a second setup beside it gives up", told.returncode == OPEN, str(told.returncode))
        for number, name in ((2, "licence"), (3, "folder")):
            turn(wine, 1)
            desk.save(PICTURES / f"windows-setup-{number}-{name}.png")
        wine.keys("alt+i")
        until(lambda: (wine.installed / "lib" / "PySide6").exists(), 60)
        desk.save(PICTURES / "windows-setup-4-installing.png")
        until(lambda: list(wine.profile.rglob("Start Menu/Programs/Rekindle.lnk")), 180)
        pause(5)
        desk.save(PICTURES / "windows-setup-5-finished.png")
        wine.keys("alt+f")
        checks.that("it installs by the keyboard alone", until((wine.installed / "Rekindle.exe").is_file, 20))
        pause(12)
        desk.save(PICTURES / "windows-setup-6-started.png")
        told = wine.run(setup, "/S")
        checks.that("its last page starts the program", told.returncode == OPEN, str(told.returncode))

    newer = work / f"small-{NEW}" / f"Rekindle-{NEW}-Setup.exe"
    with shown(wine, desk, newer):
        turn(wine, 2)
        wine.keys("alt+i")
        pause(3)
        desk.save(PICTURES / "windows-setup-7-program-open.png")
        wine.keys("Escape")
        pause(2)
    wine.run("taskkill", "/F", "/IM", "Rekindle.exe", seconds=60)
    checks.that("asked while the program is open, and told no, it changes nothing", wine.value("DisplayVersion") != NEW)
    with wine.holding(wine.installed / "python311.dll", work), shown(wine, desk, newer):
        turn(wine, 2)
        wine.keys("alt+i")
        pause(5)
        desk.save(PICTURES / "windows-setup-8-file-open.png")
        wine.keys("Escape")
        pause(2)
    checks.that("nor while one of its files is", wine.value("DisplayVersion") == version())
    wine.run(newer, "/S")
    with shown(wine, desk, setup):
        desk.save(PICTURES / "windows-setup-9-newer.png")
        wine.keys("Escape")
    check_uninstaller(wine, checks, desk)


def check_uninstaller(wine: Wine, checks: Checks, desk: Screen) -> None:
    """The uninstaller's two pages."""
    with shown(wine, desk, wine.installed / "Uninstall.exe"):
        desk.save(PICTURES / "windows-uninstall-1-confirm.png")
        wine.keys("alt+u")
        done = gone(wine.installed)
        pause(3)
        desk.save(PICTURES / "windows-uninstall-2-done.png")
        wine.keys("Return")
        pause(2)
    checks.that("it uninstalls by the keyboard", done and wine.value("DisplayVersion") == "")
    checks.that("and leaves the key", (wine.local / "rekindle" / "keys" / MINE).read_bytes() == MINE_CONTENT)


@contextmanager
def shown(wine: Wine, desk: Screen, setup: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a setup, and wait until its first page is there; end it, and what it started, afterwards."""
    program = wine.start(setup)
    try:
        desk.wait(WINDOW_COLOURS // 2, 60)
        pause(3)
        yield program
    finally:
        for name in (setup.name, "Un_A.exe", "Au_.exe"):
            wine.run("taskkill", "/F", "/IM", name, seconds=60)
        program.wait(60)
        pause(1)


def turn(wine: Wine, pages: int) -> None:
    """Go on by some pages."""
    for _ in range(pages):
        wine.keys("alt+n")
        pause(2)


# --- others ---


def check_elsewhere(wine: Wine, checks: Checks, setup: Path, payload: Path) -> None:
    """A person and a folder with letters beyond ASCII and with spaces; then another folder."""
    profile = wine.person(r"users\Jürgen Ünï")
    first, other = profile / "Meine Programme" / "Rekindle", wine.drive / "Ελληνικά" / "Rekindle"
    key = leave_key(wine)
    for folder in (first, other):
        # In words as they stand on a command line: the setup wants its folder without quotes.
        told = wine.run(setup, "/S", *f"/D={wine.path(folder)}".split(" "))
        differing = differences(payload, folder) if folder.is_dir() else ["nothing is there"]
        checks.that(
            f"it installs into {wine.path(folder)}",
            told.returncode == 0 and not differing and plain(wine.value("InstallLocation")) == plain(wine.path(folder)),
            "\n".join((wine.value("InstallLocation"), *differing)),
        )
        wine.place = folder
        check_itself(wine, checks)
        practise(wine, checks, "back-up-key", "photon")
    checks.that("the one in the first folder is gone", not first.exists())
    kept = list((wine.local / "rekindle" / "practice-keys").rglob("*.der"))
    checks.that("the keys are in the person's folder", kept)
    told = wine.run(other / "Uninstall.exe", "/S")
    checks.that("it uninstalls from there", told.returncode == 0 and gone(other), told.stdout)
    checks.that("the key is still there", key.read_bytes() == MINE_CONTENT)
    wine.place = None


def plain(path: str) -> str:
    """Leave out of a path what `reg` prints in a code page of its own, and the question marks for what that lacks."""
    return "".join(letter for letter in path if letter.isascii() and letter != "?")


def check_removal(here: Windows, checks: Checks) -> None:
    """Uninstalling leaves what belongs to the person, and nothing else."""
    told = here.run(here.installed / "Uninstall.exe", "/S")
    checks.that("it uninstalls silently", told.returncode == 0 and gone(here.installed), told.stdout)
    left = list(here.installed.rglob("*"))
    checks.that("nothing is left in its folder", not left, "\n".join(map(str, left)))
    mine = here.local / "rekindle"
    checks.that(
        "keys and settings of the person are untouched",
        (mine / "keys" / MINE).read_bytes() == MINE_CONTENT and list((mine / "practice-keys").rglob("*.der")),
    )
    checks.that("it is off the list of programs", here.value("DisplayVersion") == "")
    icons = list(here.profile.rglob("Rekindle.lnk"))
    checks.that("its icons are gone", not icons, "\n".join(map(str, icons)))


def check_signing(wine: Wine, checks: Checks, work: Path) -> None:
    """Sign with a certificate made for this: the programs, the uninstaller and the setup."""
    if not (shutil.which("osslsigncode") and shutil.which("openssl")):
        checks.skipped("signing: osslsigncode or openssl is not here")
        return
    folder = work / "signing"
    folder.mkdir()
    key, certificate, both = (folder / name for name in ("key.pem", "certificate.pem", "both.p12"))
    (folder / "password.txt").write_text("for a day")
    subject = ["-subj", "/CN=Rekindle check", "-days", "2", "-addext", "extendedKeyUsage=codeSigning"]
    made: tuple[list[str | Path], ...] = (
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", key, "-out", certificate],
        [
            "pkcs12",
            "-export",
            "-inkey",
            key,
            "-in",
            certificate,
            "-out",
            both,
            "-passout",
            f"file:{folder}/password.txt",
        ],
    )
    for words in made:
        subprocess.run(["openssl", *words], check=True, stderr=subprocess.DEVNULL)
    given = {windows.CERTIFICATE: str(both), windows.PASSWORD_FILE: str(folder / "password.txt")}
    os.environ.update(given)
    try:
        setup = small_setup(folder, "98.0.0")
    finally:
        for name in given:
            os.environ.pop(name)

    def verified(path: Path) -> bool:
        check: list[str | Path] = ["osslsigncode", "verify", "-CAfile", certificate, "-in", path]
        return subprocess.run(check, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, check=False).returncode == 0

    told = wine.run(setup, "/S")
    names = ("Rekindle.exe", "rekindle-cli.exe", "rekindle-driver.exe", "Uninstall.exe")
    bad = [path.name for path in (setup, *(wine.installed / name for name in names)) if not verified(path)]
    checks.that("setup, programs, driver helper and uninstaller are signed", told.returncode == 0 and not bad, str(bad))
    forged = folder / "forged.exe"
    content = bytearray((wine.installed / "rekindle-driver.exe").read_bytes())
    content[len(content) // 2] ^= 1
    forged.write_bytes(content)
    checks.that("one changed byte is noticed", not verified(forged))
    told = wine.run(wine.installed / "Uninstall.exe", "/S")
    checks.that("the signed one uninstalls", told.returncode == 0 and gone(wine.installed), told.stdout)


def check_again(checks: Checks, setup: Path, payload: Path, work: Path) -> None:
    """Build everything once more, elsewhere, with the time stamp of the first: it has to be the same."""
    os.environ["SOURCE_DATE_EPOCH"] = str(int(payload.stat().st_mtime))
    other = work / "somewhere" / "else"
    other.mkdir(parents=True)
    windows.stage(other / "payload", windows.find_runtime(other / "python"), other)
    mine, again = set(listing(payload)), set(listing(other / "payload"))
    told = "\n".join(str(entry) for entry in sorted(mine ^ again, key=str))
    checks.that(f"built again elsewhere, all {len(mine)} entries of the payload are the same", mine == again, told)
    if windows.signing():
        checks.skipped("comparing two setups: each signature is another")
        return
    second = windows.make_setup(other / "payload", other, version(), other / setup.name)
    differing = differing_bytes(setup.read_bytes(), second.read_bytes())
    checks.that(f"and so are all {setup.stat().st_size} bytes of the setup", not differing, differing)


def differing_bytes(one: bytes, other: bytes) -> str:
    """Tell where two files differ; "" if they do not."""
    if one == other:
        return ""
    places = [at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right]
    first = f", the first at {places[0]:#x}, the last at {places[-1]:#x}" if places else ""
    return f"{len(one)} and {len(other)} bytes; {len(places)} differ{first}"


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
    checks = Checks()
    if os.name == "nt":
        here = Windows()
        check_install(here, checks, setup)
        check_console(here, checks)
        check_account(here, checks)
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
    work = build_folder("check-windows")
    pack = sum(path.stat().st_size for path in pack_files().values())
    size = setup.stat().st_size
    print(f"{setup.name} under {program}", flush=True)
    checks.that(
        f"it has {size / MEGABYTE:.1f} MB, installed {size_of(payload) / MEGABYTE:.1f} MB (target "
        f"{windows.LIMIT / MEGABYTE:.0f} MB and the pack's {pack / MEGABYTE:.1f} MB)",
        size <= windows.LIMIT + pack,
    )
    with wine_with_screen(program) as (wine, desk, _):
        made = stand_ins(wine, payload, work)
        print(f"stand-ins for what this Wine does not have: {', '.join(made) or 'none'}", flush=True)
        steps: tuple[Callable[[], None], ...] = (
            lambda: check_upgrade(wine, checks, setup, payload, work),
            lambda: check_console(wine, checks),
            lambda: check_account(wine, checks),
            lambda: check_driver(wine, checks),
            lambda: check_driver_alone(wine, checks, work),
            lambda: check_start(wine, checks, desk, payload, work),
            lambda: check_window(wine, checks, desk, setup, work),
            lambda: check_trouble(wine, checks, setup, payload, work),
            lambda: check_removal(wine, checks),
            lambda: check_pages(wine, checks, desk, setup, work),
            lambda: check_signing(wine, checks, work),
            lambda: check_elsewhere(wine, checks, setup, payload),
        )
        for step in steps:
            step()
    check_again(checks, setup, payload, work)
    shown_at = PICTURES.relative_to(ROOT)
    print(f"pictures: {', '.join(sorted(path.name for path in PICTURES.glob('windows-*.png')))} in {shown_at}")
    return finish(checks)


def use_own_environment() -> None:
    """Go on with the checkout's own environment: the setup's picture is drawn with a library that is there."""
    own = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if own.is_file() and Path(sys.prefix) != ROOT / ".venv" and "REKINDLE_CHECK" not in os.environ:
        os.environ["REKINDLE_CHECK"] = "1"
        sys.exit(subprocess.run([own, __file__, *sys.argv[1:]], check=False).returncode)


if __name__ == "__main__":
    use_own_environment()
    raise SystemExit(main(sys.argv[1:]))
