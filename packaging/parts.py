"""What the builds for all systems share: places, version, time stamps, the staged program, listings.

Standard library only. Everything staged here is the same, byte for byte, whenever it is made from the same sources:
files come in sorted order, with the modes and the time stamp of the build, and nothing that depends on the machine is
among them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
"""What is handed out."""
BUILD = ROOT / "build"
"""What lies about while building; each system has its own folder in it and starts by emptying it."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rekindle"
BUILD_LOCK = ROOT / "packaging" / "build.lock"
OLDEST_EPOCH = 315_619_200
"""1980-01-02: a zip file knows no earlier day, in whatever time zone."""
MEGABYTE = 1_000_000


def say(sentence: str) -> None:
    """Tell the person what happens now."""
    print(f"[rekindle] {sentence}", file=sys.stderr, flush=True)


def must(
    command: Sequence[str | Path], *, folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that has to succeed, show what it said if it does not, and end then.

    Args:
        command: Program and arguments.
        folder: Where it runs.
        environment: Variables beside those of this process.

    Raises:
        SystemExit: It failed, or it is not there.
    """
    words = [str(part) for part in command]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        say(f"{words[0]} is needed for this build and is not installed.")
        raise SystemExit(1) from None
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        say(f"This failed with exit status {done.returncode}: {' '.join(words)}")
        raise SystemExit(1)
    return done


def need(tools: Mapping[str, str]) -> None:
    """End at once, before minutes of work, if a program for the build is not there.

    Args:
        tools: Program -> the Debian package it comes in.

    Raises:
        SystemExit: One is missing.
    """
    lacking = sorted({package for tool, package in tools.items() if shutil.which(tool) is None})
    if lacking:
        say(f"Needed for this build and not installed: {', '.join(lacking)} (apt-get install {' '.join(lacking)})")
        raise SystemExit(1)


def project() -> dict[str, Any]:
    """Return the `[project]` table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def version() -> str:
    """Return the program's version; pyproject.toml is the one place where it stands."""
    return str(project()["version"])


def epoch() -> int:
    """Return the time stamp of everything built, in seconds: `SOURCE_DATE_EPOCH`, else the time of the commit.

    Raises:
        SystemExit: Neither is known.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return max(int(given), OLDEST_EPOCH)
    try:
        told = subprocess.run(
            ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        told = ""
    if not told:
        say("Set SOURCE_DATE_EPOCH: this is no git checkout, and everything built gets one time stamp.")
        raise SystemExit(1)
    return max(int(told), OLDEST_EPOCH)


def build_environment() -> dict[str, str]:
    """Return the variables that make compilers, archivers and interpreters repeatable."""
    return {
        "SOURCE_DATE_EPOCH": str(epoch()),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
    }


def build_folder(name: str) -> Path:
    """Return `build/<name>`, empty."""
    folder = BUILD / name
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def build_python() -> Path:
    """Return a Python with the build tools of build.lock; made once for each lock, in the cache folder.

    The environment of the checkout stays as it is: nothing is installed there for a build.
    """
    stamp = hashlib.sha256(BUILD_LOCK.read_bytes() + repr((sys.version_info[:3], sys.base_prefix)).encode()).hexdigest()
    home = CACHE / f"build-{stamp[:12]}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = home / "complete"
    if not done.exists():
        say("Setting up the build tools (once)")
        if home.exists():
            shutil.rmtree(home)
        uv = shutil.which("uv")
        if uv:
            must([uv, "venv", "-q", "--python", sys.executable, home])
            must([uv, "pip", "install", "-q", "--python", python, "--require-hashes", "-r", BUILD_LOCK])
        else:
            venv.create(home, with_pip=True)
            must([python, "-m", "pip", "install", "-q", "--require-hashes", "-r", BUILD_LOCK])
        done.touch()
    return python


def program_files() -> dict[str, Path]:
    """Return what belongs to the program itself, as path in the payload -> file of the checkout, sorted.

    `app/` with its Python files, and `resources/` with the whole rescue pack, each of whose files is compared with the
    program's own table. Where the pack is not whole, nothing may be built.

    Raises:
        SystemExit: A file of the rescue pack is missing or damaged.
    """
    found = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "app").rglob("*.py")}
    resources = ROOT / "resources"
    for path in resources.rglob("*"):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and not name.startswith("resources/pack/") and not path.name.startswith("."):
            found[name] = path
    found.update(pack_files())
    return {name: found[name] for name in sorted(found)}


def pack_files() -> dict[str, Path]:
    """Return the rescue pack, as path in the payload -> file of the checkout.

    Raises:
        SystemExit: One is missing or damaged; `packaging/dev.py setup` gets them.
    """
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from app.firmware.pack import PACK, PackState, RescuePack

    folder = ROOT / "resources" / "pack"
    bad = [item.file.name for item in RescuePack(folder).items() if item.state is not PackState.PRESENT]
    if bad:
        say(f"The rescue pack is not whole (run packaging/dev.py setup): {', '.join(bad)}")
        raise SystemExit(1)
    return {f"resources/pack/{file.name}": folder / file.name for file in PACK}


def stage_program(folder: Path) -> None:
    """Copy the program into `folder`: `app/`, `resources/`, and what tells its version to a program that is installed.

    The layout is what `app.paths.resources` looks for beside `app/`.
    """
    for name, path in program_files().items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    note = folder / f"rekindle-{version()}.dist-info"
    note.mkdir(parents=True)
    (note / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: rekindle\nVersion: {version()}\nLicense: {project()['license']}\n",
        encoding="utf-8",
        newline="\n",
    )
    normalize(folder)


def normalize(folder: Path, when: int | None = None) -> None:
    """Give everything in `folder`, itself included, the build's time stamp and one of two modes (0755, 0644)."""
    stamp = epoch() if when is None else when
    for path in [folder, *folder.rglob("*")]:
        if path.is_symlink():
            if os.utime in os.supports_follow_symlinks:
                os.utime(path, (stamp, stamp), follow_symlinks=False)
            continue
        runs = path.is_dir() or bool(path.stat().st_mode & 0o100)
        path.chmod(0o755 if runs else 0o644)
        os.utime(path, (stamp, stamp))


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a payload's listing: `kind` is file, folder or link; `content` a SHA-256 or the link's target."""

    name: str
    kind: str
    mode: int
    size: int
    modified: int
    content: str

    def __str__(self) -> str:
        return f"{self.kind:6} {self.mode:04o} {self.size:>10} {self.modified} {self.content or '-':64} {self.name}"


def listing(folder: Path) -> tuple[Entry, ...]:
    """Return everything in `folder`, sorted by name: two builds of the same commit have the same listing."""
    return tuple(sorted(_entries(folder), key=lambda entry: entry.name))


def _entries(folder: Path) -> Iterator[Entry]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        info = path.lstat()
        mode, when = info.st_mode & 0o7777, int(info.st_mtime)
        if path.is_symlink():
            yield Entry(name, "link", 0o777, 0, when, os.readlink(path))
        elif path.is_dir():
            yield Entry(name, "folder", mode, 0, when, "")
        else:
            yield Entry(name, "file", mode, info.st_size, when, sha256(path))


def write_listing(folder: Path, target: Path) -> None:
    """Write the listing of `folder`, a line for each entry, to `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(f"{entry}\n" for entry in listing(folder)), encoding="utf-8", newline="\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(entry.lstat().st_size for entry in path.rglob("*") if not entry.is_dir())


def zip_folder(folder: Path, target: Path, *, compression: int = zipfile.ZIP_DEFLATED) -> None:
    """Pack the files of `folder` into a zip that depends on nothing but their names and bytes."""
    moment = _zip_moment(epoch())
    with zipfile.ZipFile(target, "w", compression, compresslevel=9) as archive:
        for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), moment)
            info.compress_type = compression
            info.create_system = 3
            info.external_attr = (0o100755 if path.stat().st_mode & 0o100 else 0o100644) << 16
            archive.writestr(info, path.read_bytes(), compresslevel=9)


def _zip_moment(stamp: int) -> tuple[int, int, int, int, int, int]:
    import time

    moment = time.gmtime(stamp)
    return (moment.tm_year, moment.tm_mon, moment.tm_mday, moment.tm_hour, moment.tm_min, moment.tm_sec)


@dataclass(frozen=True, slots=True)
class Product:
    """A file of a build, what it may weigh beside the rescue pack (bytes; None: no target), and its unpacked bytes."""

    path: Path
    limit: int | None = None
    installed: int | None = None


def report(products: Sequence[Product]) -> bool:
    """Print sizes and checksums of what was built, write `dist/SHA256SUMS`; return whether every target is met."""
    pack = sum(path.stat().st_size for path in pack_files().values())
    print(f"rescue pack {pack / MEGABYTE:.1f} MB (uncompressed, in each of the files below)")
    met = True
    for product in products:
        size = product.path.stat().st_size
        words = f"{product.path.name}: {size / MEGABYTE:.1f} MB"
        if product.installed is not None:
            words += f", installed {product.installed / MEGABYTE:.1f} MB"
        if product.limit is not None:
            fits = size <= product.limit + pack
            met = met and fits
            words += f"; target {product.limit / MEGABYTE:.0f} MB and the pack: {'met' if fits else 'MISSED'}"
        print(f"{words}\n  sha256 {sha256(product.path)}")
    sums = DIST / "SHA256SUMS"
    lines = dict(line.split("  ", 1)[::-1] for line in sums.read_text().splitlines()) if sums.exists() else {}
    lines = {name: total for name, total in lines.items() if (DIST / name).is_file()}
    lines.update({product.path.name: sha256(product.path) for product in products})
    sums.write_text("".join(f"{total}  {name}\n" for name, total in sorted(lines.items())), newline="\n")
    return met
