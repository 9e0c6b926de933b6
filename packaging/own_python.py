"""A Python of the program's own: its byte code, its standard library in one file, and its libraries' notes.

For the systems whose payload is laid out here instead of by a tool that freezes programs: Windows, and macOS on Linux.
"""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

from parts import build_environment, must, say, zip_folder

# Of the standard library: what needs files that are not here, or makes no sense inside a program.
_LEFT_OUT_NAMES = """
    __phello__ __pycache__ config curses dbm distutils ensurepip idlelib lib-dynload lib2to3 msilib pydoc_data
    site-packages sqlite3 test tkinter turtledemo unittest venv wsgiref
"""
LEFT_OUT = frozenset(_LEFT_OUT_NAMES.split())
LEFT_OUT_FILES = re.compile(
    r"turtle|antigravity|this|pydoc|doctest|_sysconfigdata.*|_aix_support|_osx_support|crypt|pty"
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Python to take along: its number ("3.11.9"), its files, where they are from, and its licence."""

    version: str
    files: tuple[Path, ...]
    origin: str
    licence: str

    @property
    def short(self) -> str:
        """As in the names of its files: "311"."""
        return "".join(self.version.split(".")[:2])

    @property
    def library(self) -> Path | None:
        """Its own standard library, compiled (the embeddable package has one); None when it came without."""
        return next((path for path in self.files if path.name.lower() == f"python{self.short}.zip"), None)


def licence() -> str:
    """Return the licence of the interpreter that runs this; "" where it came without."""
    text = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    return text.read_text(encoding="utf-8") if text.is_file() else ""


def fits(number: str) -> bool:
    """Whether this interpreter compiles for that Python: the same minor version means the same byte code."""
    return tuple(number.split(".")[:2]) == tuple(str(part) for part in sys.version_info[:2])


def compile_tree(folder: Path, name: str) -> None:
    """Replace every Python file in `folder` by its byte code, which depends on nothing but the words in it.

    Args:
        folder: Where the files are.
        name: What tracebacks call the folder.
    """
    script = (
        "import pathlib, py_compile, sys\n"
        "folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]\n"
        "for path in sorted(folder.rglob('*.py')):\n"
        "    shown = name + '/' + path.relative_to(folder).as_posix()\n"
        "    py_compile.compile(str(path), str(path) + 'c', shown, True, 0,\n"
        "                       py_compile.PycInvalidationMode.UNCHECKED_HASH)\n"
        "    path.unlink()\n"
    )
    must([sys.executable, "-I", "-c", script, folder, name], environment=build_environment())


def library_zip(runtime: Runtime, target: Path, work: Path) -> None:
    """Write the standard library as a zip of byte code: the runtime's own one, or else that of this interpreter.

    Raises:
        SystemExit: The runtime has none, and this interpreter is of another version.
    """
    if runtime.library is not None:
        shutil.copyfile(runtime.library, target)
        return
    if not fits(runtime.version):
        say(f"Build with Python {runtime.version.rpartition('.')[0]}: its standard library and byte code go in.")
        raise SystemExit(1)
    source = Path(sysconfig.get_path("stdlib"))
    folder = work / "library"
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).parts
        if (
            LEFT_OUT & set(parts)
            or parts[0].startswith("config-")
            or (len(parts) == 1 and LEFT_OUT_FILES.fullmatch(path.stem))
        ):
            continue
        copy = folder.joinpath(*parts)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    compile_tree(folder, f"python{runtime.short}.zip")
    # Stored, not deflated: it is read faster, and the setup as a whole is smaller.
    zip_folder(folder, target, compression=zipfile.ZIP_STORED)


def trim_notes(library: Path) -> None:
    """Of what the libraries tell of themselves keep what is read at run time."""
    for note in sorted(library.glob("*.dist-info")):
        for path in sorted(note.rglob("*")):
            if path.is_file() and path != note / "METADATA" and not offers_plugins(path):
                path.unlink()
        shorten_metadata(note / "METADATA")


def offers_plugins(path: Path) -> bool:
    """Whether a library's note tells which stores for passwords there are: keyring finds its own by nothing else."""
    return path.name == "entry_points.txt" and "[keyring.backends]" in path.read_text(encoding="utf-8")


def shorten_metadata(path: Path) -> None:
    """Keep the fields of a library's description, which the program reads its version from, and drop its read-me."""
    fields = path.read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0]
    kept = [line for line in fields.splitlines() if line.startswith(("Metadata-Version:", "Name:", "Version:"))]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8", newline="\n")


def drop_empty(folder: Path) -> None:
    """Remove folders with nothing in them, the deepest first."""
    for path in sorted(folder.rglob("*"), key=lambda path: len(path.parts), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
