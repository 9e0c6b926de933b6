"""A Windows to try programs in: this computer's own, or Wine in a folder that is thrown away. For check_windows.py.

Wine lacks some libraries that Windows has; stand-ins are compiled into Wine's own folder, and never packed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pe_file
import windows
from screen import Screen, screen

WINES = ("/usr/lib/wine/wine64", "wine64", "wine")
WINE_SERVERS = ("/usr/lib/wine/wineserver64", "wineserver64", "wineserver")
KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Rekindle"
FOLDERS = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
SLOW_S = 600.0
LOOK_AGAIN_S = 0.02
SIZE = (1440, 900)
"""Of the screen, in px."""

PRNG = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size)
{ return SystemFunction036(data, (ULONG)size) ? TRUE : FALSE; }
"""
# Another program that has a file open, as a virus scanner or a viewer does. It says so, and ends with its input.
HOLDER = """
#include <windows.h>
#include <stdio.h>
int wmain(int argc, wchar_t **argv)
{
    HANDLE file = argc == 2 ? CreateFileW(argv[1], GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) : NULL;
    puts(file == INVALID_HANDLE_VALUE ? "no" : "held");
    fflush(stdout);
    getchar();
    return 0;
}
"""


class Windows:
    """The Windows this script runs on itself: a runner's, or somebody's."""

    prefix: tuple[str, ...] = ()
    place: Path | None = None

    def __init__(self) -> None:
        self.drive = Path(Path.home().anchor)
        self.profile = Path.home()
        self.environment = dict(os.environ)

    def run(
        self, *words: str | Path, seconds: float = SLOW_S, typed: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; its output goes through a pipe, as Wine's Python wants it.

        Args:
            words: Program and arguments.
            seconds: How long it may take.
            typed: What it reads.
            variables: Added to its environment.
        """
        return subprocess.run(
            [*self.prefix, *(str(word) for word in words)],
            env={**self.environment, **variables},
            cwd=self.drive if self.drive.is_dir() else None,
            input=typed,
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
            env=self.environment,
            cwd=self.drive,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    @property
    def local(self) -> Path:
        """The folder of what belongs to its person on this computer: AppData, Local."""
        return self.profile / "AppData" / "Local"

    @property
    def installed(self) -> Path:
        """Where the program is: `place`, or where the setup puts it unasked."""
        return self.place or self.local / "Programs" / "Rekindle"

    def path(self, path: Path) -> str:
        """Return what Windows calls a file."""
        return str(path)

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
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("QT_", "XDG_", "REKINDLE_"))},
            "WINEPREFIX": str(folder / "prefix"),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "HOME": str(folder / "home"),
            "DISPLAY": display,
            "LC_ALL": "C.UTF-8",  # else Wine has no letters beyond ASCII in the names of files
        }

    def path(self, path: Path) -> str:
        """Return what Windows calls a file on its drive C."""
        return "C:\\" + path.relative_to(self.drive).as_posix().replace("/", "\\")

    def person(self, folder: str) -> Path:
        """Move what belongs to the person to another folder on drive C, as if they had another name; return it."""
        profile = self.drive.joinpath(*folder.split("\\"))
        for name, inside in (
            ("Local AppData", "AppData\\Local"),
            ("AppData", "AppData\\Roaming"),
            ("Desktop", "Desktop"),
            ("Programs", "AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs"),
        ):
            profile.joinpath(*inside.split("\\")).mkdir(parents=True, exist_ok=True)
            self.run("reg", "add", FOLDERS, "/v", name, "/d", f"C:\\{folder}\\{inside}", "/f")
        self.profile = profile
        return profile

    @contextmanager
    def holding(self, path: Path | None, work: Path) -> Iterator[None]:
        """Have another program keep a file open meanwhile; without a file it only keeps Windows from ending.

        Raises:
            RuntimeError: It could not open it.
        """
        source, holder = work / "holder.c", self.drive / "holder.exe"
        if not holder.exists():
            source.write_text(HOLDER)
            subprocess.run([windows.COMPILER, "-municode", "-s", "-o", holder, source], check=True)
        program = self.start(holder, *([] if path is None else [self.path(path)]))
        try:
            assert program.stdout is not None
            if b"held" not in program.stdout.readline():
                raise RuntimeError(f"{path} cannot be held open")
            yield
        finally:
            assert program.stdin is not None
            program.stdin.write(b"\n")
            program.stdin.close()
            program.wait(60)

    def keys(self, *names: str) -> None:
        """Press keys in the window in the middle of the screen: keys go to where the pointer is, which then leaves."""
        for words in (
            ("mousemove", str(SIZE[0] // 2), str(SIZE[1] // 2), "sleep", "0.3"),
            ("key", "--delay", "120", *names),
            ("sleep", "0.3", "mousemove", str(SIZE[0]), str(SIZE[1])),
        ):
            subprocess.run(["xdotool", *words], env=self.environment, check=False)

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
        found = next((path for path in (server, *WINE_SERVERS) if shutil.which(path)), None)  # each Wine has its own
        self.run("wineboot", "-k", seconds=60)
        if found is not None:
            subprocess.run([found, "-w"], env=self.environment, timeout=60, check=False)


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


@contextmanager
def wine_with_screen(program: str) -> Iterator[tuple[Wine, Screen, Path]]:
    """Give a fresh Windows and the screen it draws on."""
    with (
        tempfile.TemporaryDirectory(prefix="rekindle-wine-", ignore_cleanup_errors=True) as made,
        screen(*SIZE) as desk,
    ):
        wine = Wine(Path(made), program, desk.name)
        try:
            wine.make()
            subprocess.run(["xdotool", "mousemove", *map(str, SIZE)], env=wine.environment, check=False)
            yield wine, desk, Path(made)
        finally:
            wine.stop()
