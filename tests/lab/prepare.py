"""Install and build everything the USB lab needs; run it as `python tests/lab/prepare.py`.

Only the standard library is used, so that it works before any virtual environment exists. Everything is cached under
`~/.cache/rekindle/lab` (or `XDG_CACHE_HOME`): the User-Mode Linux binary under the hash of its configuration and the
version of its source package, and the unpacked, unmodified Debian kernel for the cross-check.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

CONFIG = Path(__file__).resolve().with_name("uml.config")
RUN_PACKAGES = ("busybox-static", "dfu-util", "qemu-system-x86")
BUILD_PACKAGES = ("gcc", "libc6-dev", "make", "flex", "bison", "bc", "xz-utils", "binutils")
STOCK_META_PACKAGE = "linux-image-amd64"  # the cloud kernel has no USB
SOURCE_META_PACKAGE = "linux-source"

# What the stock kernel must load: a root over 9p, the overlay, virtual USB ports, USB serial. Their dependencies are
# read from the modules themselves.
STOCK_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "vhci-hcd", "cdc-acm")

Say = Callable[[str], None]


class LabMissing(Exception):
    """The lab cannot run on this machine now; the message says why."""


@dataclass(frozen=True)
class Lab:
    """Where the prepared pieces are.

    Attributes:
        uml: The User-Mode Linux binary.
        uml_config: Hash of the configuration it was built from.
        vmlinux: The unmodified Debian kernel, decompressed.
        modules: Its modules for the lab, in the order they must be loaded.
    """

    uml: str
    uml_config: str
    vmlinux: str
    modules: tuple[str, ...]


def cache_folder() -> Path:
    """The user's cache folder for the lab."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "rekindle" / "lab"


def find() -> Lab:
    """Return the prepared lab without changing anything.

    Raises:
        LabMissing: When the machine cannot run it, or it was not prepared.
    """
    _demand_linux()
    try:
        lab = Lab(**json.loads((cache_folder() / "lab.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        raise LabMissing("the USB lab is not prepared (python tests/lab/prepare.py does it)") from None
    if lab.uml_config != _config_hash():
        raise LabMissing("the lab's kernel configuration changed (run python tests/lab/prepare.py)")
    for path in (lab.uml, lab.vmlinux, *lab.modules):
        if not Path(path).is_file():
            raise LabMissing(f"{path} is gone (run python tests/lab/prepare.py)")
    for program in ("busybox", "dfu-util", "qemu-system-x86_64"):
        if _which(program) is None:
            raise LabMissing(f"{program} is not installed (run python tests/lab/prepare.py)")
    return lab


def prepare(say: Say = print) -> Lab:
    """Install and build what is missing, and return the lab.

    Args:
        say: Told each thing that is done, one line each.

    Raises:
        LabMissing: When the machine cannot run the lab, or a step failed.
    """
    _demand_linux()
    if _which("apt-get") is None or _which("dpkg-query") is None:
        raise LabMissing("the USB lab needs a Debian-like system (no apt-get here)")
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one(cache / "lock"):
        apt = _Apt(say)
        apt.install(RUN_PACKAGES)
        uml = _user_mode_linux(cache, apt, say)
        vmlinux, modules = _stock_kernel(cache, apt, say)
        lab = Lab(str(uml), _config_hash(), str(vmlinux), tuple(str(module) for module in modules))
        _write_whole(cache / "lab.json", json.dumps(asdict(lab), indent=2))
    say("The USB lab is ready.")
    return lab


def main() -> int:
    """Prepare the lab from the command line.

    Returns:
        0, also when this machine cannot run the lab: its tests are then skipped, and say so. With
        `REKINDLE_LAB=require` that is a failure, 1.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # half a kernel's sources are swept away
    try:
        prepare(lambda line: print(line, flush=True))
    except LabMissing as missing:
        print(f"THE USB LAB CANNOT BE PREPARED: {missing}", file=sys.stderr)
        return 1 if os.environ.get("REKINDLE_LAB") == "require" else 0
    return 0


# --- the two kernels ------------------------------------------------------------------------------------------------


def _user_mode_linux(cache: Path, apt: _Apt, say: Say) -> Path:
    source = apt.dependency(SOURCE_META_PACKAGE, "linux-source-")
    version = apt.candidate(source)
    key = hashlib.sha256(f"{_config_hash()} {source} {version}".encode()).hexdigest()[:16]
    binary = cache / f"uml-{key}" / "linux"
    if binary.is_file():
        return binary
    apt.install(BUILD_PACKAGES)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="build-", dir=cache) as name:
        build = Path(name)
        say(f"Downloading {source} {version} (about 140 MB) ...")
        package = apt.download(source, build)
        _run(["dpkg-deb", "-x", str(package), str(build / "package")])
        package.unlink()
        archives = sorted((build / "package/usr/src").rglob("linux-source-*.tar.*"))
        if not archives:
            raise LabMissing(f"{source} holds no linux-source archive")
        say("Unpacking it ...")
        tree = build / "tree"
        tree.mkdir()
        _run(["tar", "-xf", str(archives[0]), "-C", str(tree), "--strip-components=1"])
        shutil.rmtree(build / "package")
        say("Building User-Mode Linux with USB (two to three minutes) ...")
        make = ["make", "ARCH=um"]
        _run([*make, f"KCONFIG_ALLCONFIG={CONFIG}", "allnoconfig"], folder=tree)
        _check_config((tree / ".config").read_text("utf-8"))
        _run([*make, f"-j{_cores()}", "linux"], folder=tree, log=cache / "build.log")
        _run(["strip", str(tree / "linux")])
        binary.parent.mkdir(exist_ok=True)
        shutil.copy2(tree / "linux", binary.with_name("linux.new"))
        binary.with_name("linux.new").replace(binary)
    say(f"Built {binary} in {time.monotonic() - started:.0f} s.")
    return binary


def _stock_kernel(cache: Path, apt: _Apt, say: Say) -> tuple[Path, list[Path]]:
    image = apt.dependency(STOCK_META_PACKAGE, "linux-image-")
    version = apt.candidate(image)
    folder = cache / f"stock-{image.removeprefix('linux-image-')}-{version.replace(':', '_')}"
    if not folder.is_dir():
        say(f"Downloading {image} {version} (about 70 MB, unpacked only, not installed) ...")
        with tempfile.TemporaryDirectory(prefix="stock-", dir=cache) as name:
            package = apt.download(image, Path(name))
            unpacked = Path(name) / "package"
            _run(["dpkg-deb", "-x", str(package), str(unpacked)])
            wanted = Path(name) / "wanted"
            wanted.mkdir()
            kernels = sorted((unpacked / "boot").glob("vmlinuz-*"))
            if not kernels:
                raise LabMissing(f"{image} holds no kernel")
            (wanted / "vmlinux").write_bytes(_decompressed_kernel(kernels[0].read_bytes()))
            for place, module in enumerate(_with_dependencies(unpacked, STOCK_MODULES)):
                data = _decompressed_module(module)
                (wanted / f"{place:02d}-{module.name.split('.')[0]}.ko").write_bytes(data)
            wanted.replace(folder)
        say(f"Unpacked {folder}.")
    return folder / "vmlinux", sorted(folder.glob("*.ko"))


def _decompressed_kernel(vmlinuz: bytes) -> bytes:
    """The ELF file inside a bzImage; QEMU starts it directly (PVH) and skips the slow decompression."""
    start = vmlinuz.find(lzma_magic := b"\xfd7zXZ\x00")
    while start >= 0:
        try:
            plain = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(vmlinuz[start:])
        except lzma.LZMAError:
            plain = b""
        if plain.startswith(b"\x7fELF"):
            return plain
        start = vmlinuz.find(lzma_magic, start + 1)
    raise LabMissing("the kernel image is not compressed with xz")


def _decompressed_module(path: Path) -> bytes:
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def _with_dependencies(unpacked: Path, names: Iterable[str]) -> list[Path]:
    """The modules and what they need, each after everything it depends on."""
    by_name = {path.name.split(".")[0].replace("-", "_"): path for path in unpacked.rglob("*.ko*") if path.is_file()}
    builtin = {
        Path(line).stem.replace("-", "_")
        for listing in unpacked.rglob("modules.builtin")
        for line in listing.read_text("utf-8").split()
    }
    ordered: list[Path] = []

    def add(name: str) -> None:
        name = name.replace("-", "_")
        if name in builtin:
            return
        if name not in by_name:
            raise LabMissing(f"the kernel package has no module {name}")
        path = by_name[name]
        if path in ordered:
            return
        for entry in _decompressed_module(path).split(b"\0"):
            if entry.startswith(b"depends="):
                for needed in entry.removeprefix(b"depends=").decode().split(","):
                    if needed:
                        add(needed)
        ordered.append(path)

    for name in names:
        add(name)
    return ordered


def _check_config(made: str) -> None:
    """A wish that Kconfig dropped silently would show up much later as a missing device."""
    lines = set(made.splitlines())
    for wish in CONFIG.read_text("utf-8").splitlines():
        if wish.startswith("CONFIG_") and not wish.endswith("=n") and wish not in lines:
            raise LabMissing(f"this kernel source does not accept {wish}")


def _config_hash() -> str:
    return hashlib.sha256(CONFIG.read_bytes()).hexdigest()[:16]


# --- the system -----------------------------------------------------------------------------------------------------


class _Apt:
    """What we ask of the package system; package lists are refreshed at most once, and only when needed."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._updated = False

    def install(self, packages: Sequence[str]) -> None:
        """Install those that are missing, without recommended extras."""
        missing = [package for package in packages if not self._installed(package)]
        if not missing:
            return
        self._say(f"Installing {' '.join(missing)} ...")
        install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
        if any(not self._candidate(package) for package in missing):
            self._update()
        with _whole():
            try:
                _run(self._as_root(install))
            except LabMissing:
                if self._updated:
                    raise
                self._update()
                _run(self._as_root(install))

    def dependency(self, package: str, prefix: str) -> str:
        """The first package with this prefix that a meta package depends on."""
        self.candidate(package)
        for line in _run(["apt-cache", "depends", package]).splitlines():
            word = line.split(":", 1)[-1].strip()
            if line.strip().startswith("Depends:") and word.startswith(prefix):
                return word
        raise LabMissing(f"{package} depends on no {prefix}*")

    def candidate(self, package: str) -> str:
        """The version that would be installed."""
        version = self._candidate(package)
        if not version:
            self._update()
            version = self._candidate(package)
        if not version:
            raise LabMissing(f"the system's package sources have no {package}")
        return version

    def download(self, package: str, folder: Path) -> Path:
        """Fetch a package file without installing it."""
        try:
            _run(["apt-get", "download", package], folder=folder)
        except LabMissing:
            if self._updated:
                raise
            self._update()
            _run(["apt-get", "download", package], folder=folder)
        return next(folder.glob("*.deb"))

    def _installed(self, package: str) -> bool:
        query = ["dpkg-query", "-W", "-f=${db:Status-Status}", package]
        answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=60)
        return answer.returncode == 0 and answer.stdout == "installed"

    def _candidate(self, package: str) -> str:
        for line in _run(["apt-cache", "policy", package]).splitlines():
            if line.strip().startswith("Candidate:"):
                version = line.split(":", 1)[1].strip()
                return "" if version == "(none)" else version
        return ""

    def _update(self) -> None:
        if not self._updated:
            self._say("Refreshing the package lists ...")
            _run(self._as_root(["apt-get", "update"]))
            self._updated = True

    def _as_root(self, command: list[str]) -> list[str]:
        if os.geteuid() == 0:
            return command
        if _which("sudo") is None:
            raise LabMissing(f"needs administrator rights for: {' '.join(command)}")
        return ["sudo", *command]


def _run(command: Sequence[str], folder: Path | None = None, log: Path | None = None) -> str:
    """Run a program to its end and return its output; a failure names the program and shows its last words."""
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=1800,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabMissing(f"{command[0]} failed: {error}") from error
    if log is not None:
        log.write_text(done.stdout, "utf-8")
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise LabMissing(f"{' '.join(command[:4])} ended with {done.returncode}:\n{last}")
    return done.stdout


@contextmanager
def _whole() -> Iterator[None]:
    """Let nobody end this in the middle: half an installation is in the way of every other."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _demand_linux() -> None:
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
        raise LabMissing("the USB lab needs Linux on x86-64")


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin")


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _write_whole(path: Path, content: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(content, "utf-8")
    fresh.replace(path)


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Two preparations at once wait for each other."""
    import fcntl  # not on Windows, where this module is still imported to say that there is no lab

    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    raise SystemExit(main())
