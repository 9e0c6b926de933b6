"""The libraries of the program for any system, from the lock and by hash; this machine need not be that system.

Which of the lock's packages the program needs is not written down twice: it is worked out from pyproject.toml and from
what each wheel says it requires. Standard library only; pip (of the build tools) does the downloading.
"""

from __future__ import annotations

import re
import shutil
import stat
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path, PurePosixPath

from parts import CACHE, ROOT, build_python, must, normalize, say, sha256

LOCK = ROOT / "packaging" / "requirements.lock"


@dataclass(frozen=True, slots=True)
class Target:
    """A system wheels are chosen for.

    Args:
        key: Its name here, also of its folder in the cache.
        python: Version of its Python, for example "3.11.9"; of the markers and of the wheels' tags.
        sys_platform: What `sys.platform` is there; `os_name` and `platform_system` likewise.
        machine: What `platform.machine()` is there.
        tags: Platform tags pip may take, best first.
    """

    key: str
    python: str
    sys_platform: str
    os_name: str
    platform_system: str
    machine: str
    tags: tuple[str, ...]

    def markers(self) -> dict[str, str]:
        """Return the variables of environment markers, as they are on this system."""
        return {
            "python_version": ".".join(self.python.split(".")[:2]),
            "python_full_version": self.python,
            "sys_platform": self.sys_platform,
            "os_name": self.os_name,
            "platform_system": self.platform_system,
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "extra": "",
        }


def linux(python: str) -> Target:
    """Linux on x86-64 with a C library of 2.34 or newer (what Qt's wheels need)."""
    tags = (*(f"manylinux_2_{minor}_x86_64" for minor in range(34, 4, -1)), "manylinux2014_x86_64")
    return Target("linux", python, "linux", "posix", "Linux", "x86_64", tags)


def windows(python: str) -> Target:
    """Windows on x86-64."""
    return Target("windows", python, "win32", "nt", "Windows", "AMD64", ("win_amd64",))


def macos(python: str, machine: str) -> Target:
    """A Mac, macOS 13 or newer; `machine` is arm64 or x86_64. Wheels for both at once are taken where there are any."""
    numbers = [*range(13, 10, -1)]
    tags = [f"macosx_{major}_0_{kind}" for major in numbers for kind in ("universal2", machine)]
    tags += [f"macosx_10_{minor}_{kind}" for minor in range(16, 8, -1) for kind in ("universal2", machine)]
    return Target(f"macos-{machine}", python, "darwin", "posix", "Darwin", machine, tuple(tags))


@dataclass(frozen=True, slots=True)
class Pin:
    """A package of the lock: its version, when it applies, and the hashes its files may have."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that is here and has a hash of the lock."""

    name: str
    version: str
    path: Path

    @property
    def sha256(self) -> str:
        """The hash of the file, 64 hex digits."""
        return sha256(self.path)

    def metadata(self) -> Mapping[str, list[str]]:
        """Return the fields of its METADATA, by lower-case name; the text below them is `""`."""
        with zipfile.ZipFile(self.path) as archive:
            member = next(
                name for name in sorted(archive.namelist()) if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)
            )
            message = Parser().parsestr(archive.read(member).decode("utf-8", "replace"))
        fields: dict[str, list[str]] = {}
        for key, value in message.items():
            fields.setdefault(key.lower(), []).append(str(value))
        return fields


def canonical(name: str) -> str:
    """Return a package's name as the lock writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(path: Path = LOCK) -> tuple[Pin, ...]:
    """Return the packages of a lock file, in its order."""
    pins = []
    for line in re.sub(r"\\\n", " ", path.read_text(encoding="utf-8")).splitlines():
        if not line.strip() or line.startswith(("#", "-")):
            continue
        head, *hashes = line.split("--hash=sha256:")
        requirement, _, marker = head.partition(";")
        name, _, version = requirement.strip().partition("==")
        pins.append(Pin(canonical(name), version.strip(), marker.strip(), frozenset(item.strip() for item in hashes)))
    return tuple(pins)


_TOKEN = re.compile(r"\s*(\(|\)|<=|>=|==|!=|~=|<|>|'[^']*'|\"[^\"]*\"|not\s+in\b|[A-Za-z_.]+)")


def applies(marker: str, variables: Mapping[str, str]) -> bool:
    """Evaluate an environment marker (PEP 508), for example `python_version < "3.12" and os_name == "nt"`.

    Raises:
        ValueError: It is none.
    """
    if not marker.strip():
        return True
    tokens = _tokens(marker)
    value, rest = _either(tokens, variables)
    if rest:
        raise ValueError(marker)
    return value


def _tokens(marker: str) -> list[str]:
    tokens, at = [], 0
    while at < len(marker.rstrip()):
        found = _TOKEN.match(marker, at)
        if found is None:
            raise ValueError(marker)
        tokens.append(" ".join(found.group(1).split()))
        at = found.end()
    return tokens


def _either(tokens: list[str], variables: Mapping[str, str]) -> tuple[bool, list[str]]:
    value, rest = _both(tokens, variables)
    while rest and rest[0] == "or":
        other, rest = _both(rest[1:], variables)
        value = value or other
    return value, rest


def _both(tokens: list[str], variables: Mapping[str, str]) -> tuple[bool, list[str]]:
    value, rest = _single(tokens, variables)
    while rest and rest[0] == "and":
        other, rest = _single(rest[1:], variables)
        value = value and other
    return value, rest


def _single(tokens: list[str], variables: Mapping[str, str]) -> tuple[bool, list[str]]:
    if tokens and tokens[0] == "(":
        value, rest = _either(tokens[1:], variables)
        if not rest or rest[0] != ")":
            raise ValueError(" ".join(tokens))
        return value, rest[1:]
    if len(tokens) < 3:
        raise ValueError(" ".join(tokens))
    left, operator, right = tokens[:3]
    of_version = any("version" in token for token in (left, right))
    return _compare(_value(left, variables), operator, _value(right, variables), of_version), tokens[3:]


def _value(token: str, variables: Mapping[str, str]) -> str:
    return token[1:-1] if token[:1] in "'\"" else variables[token]


def _compare(left: str, operator: str, right: str, of_version: bool) -> bool:
    if operator in ("in", "not in"):
        return (left in right) is (operator == "in")
    if operator in ("==", "!=") and right.endswith(".*"):
        return f"{left}.".startswith(right[:-1]) is (operator == "==")
    mine: tuple[int, ...] | str = left
    other: tuple[int, ...] | str = right
    if of_version:
        mine, other = _numbers(left), _numbers(right)
    match operator:
        case "==":
            return mine == other
        case "!=":
            return mine != other
        case "<":
            return mine < other  # type: ignore[operator]
        case "<=":
            return mine <= other  # type: ignore[operator]
        case ">":
            return mine > other  # type: ignore[operator]
        case ">=" | "~=":
            return mine >= other  # type: ignore[operator]
    raise ValueError(operator)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(found) for found in re.findall(r"\d+", version)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def split_requirement(requirement: str) -> tuple[str, tuple[str, ...], str]:
    """Split `httpx[socks]>=0.28; marker` into name, extras and marker."""
    head, _, marker = requirement.partition(";")
    found = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^]]*)\])?", head)
    if found is None:
        raise ValueError(requirement)
    extras = tuple(canonical(extra.strip()) for extra in (found.group(2) or "").split(",") if extra.strip())
    return canonical(found.group(1)), extras, marker.strip()


def fetch(target: Target) -> tuple[Wheel, ...]:
    """Return the wheels of everything the program needs on a system, sorted by name; downloads what is not here yet.

    Raises:
        SystemExit: One cannot be had, or the lock does not have it.
    """
    with (ROOT / "pyproject.toml").open("rb") as file:
        first = tomllib.load(file)["project"]["dependencies"]
    variables = target.markers()
    pins = {pin.name: pin for pin in read_lock() if applies(pin.marker, variables)}
    wheels: dict[str, Wheel] = {}
    seen: set[tuple[str, str]] = set()
    wanted = _required(first, variables, ())
    while wanted:
        unknown = sorted(name for name, _ in wanted if name not in pins)
        if unknown:
            say(f"The lock does not have: {', '.join(unknown)}")
            raise SystemExit(1)
        names = {name for name, _ in wanted} - wheels.keys()
        wheels.update(get_pins(target, [pins[name] for name in sorted(names)]))
        seen |= wanted
        following: set[tuple[str, str]] = set()
        for name, extra in wanted:
            requires = wheels[name].metadata().get("requires-dist", [])
            following |= _required(requires, variables, (extra,))
        wanted = following - seen
    return tuple(wheels[name] for name in sorted(wheels))


def _required(requirements: Iterable[str], variables: Mapping[str, str], extras: Sequence[str]) -> set[tuple[str, str]]:
    """Names that requirements ask for, each with "" and once more with each extra asked for."""
    found: set[tuple[str, str]] = set()
    for requirement in requirements:
        name, wanted_extras, marker = split_requirement(requirement)
        if any(applies(marker, {**variables, "extra": extra}) for extra in {"", *extras}):
            found |= {(name, ""), *((name, extra) for extra in wanted_extras)}
    return found


def get_pins(target: Target, pins: Sequence[Pin]) -> dict[str, Wheel]:
    """Return the wheels of these packages, from the cache where it has them with a hash of the lock."""
    folder = CACHE / "wheels" / target.key
    folder.mkdir(parents=True, exist_ok=True)
    found = {pin.name: wheel for pin in pins if (wheel := _here(folder, pin)) is not None}
    missing = [pin for pin in pins if pin.name not in found]
    if not missing:
        return found
    say(f"Getting for {target.key}: {', '.join(pin.name for pin in missing)}")
    with tempfile.TemporaryDirectory(dir=folder) as made:
        wanted = Path(made) / "wanted.txt"
        wanted.write_text(
            "".join(
                f"{pin.name}=={pin.version} {' '.join(f'--hash=sha256:{item}' for item in sorted(pin.hashes))}\n"
                for pin in missing
            )
        )
        tags = [part for tag in target.tags for part in ("--platform", tag)]
        number = ".".join(target.python.split(".")[:2])
        pip: list[str | Path] = [
            build_python(),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "-q",
            "--no-deps",
        ]
        choice = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", number, *tags]
        must([*pip, "--require-hashes", *choice, "-d", made, "-r", wanted])
        for path in Path(made).glob("*.whl"):
            shutil.move(path, folder / path.name)
    for pin in missing:
        wheel = _here(folder, pin)
        if wheel is None:
            say(f"{pin.name} {pin.version} did not come with a hash of the lock")
            raise SystemExit(1)
        found[pin.name] = wheel
    return found


def _here(folder: Path, pin: Pin) -> Wheel | None:
    for path in sorted(folder.glob("*.whl")):
        name, version = path.name.split("-")[:2]
        if canonical(name) == pin.name and version == pin.version and sha256(path) in pin.hashes:
            return Wheel(pin.name, pin.version, path)
    return None


def unpack(wheels: Iterable[Wheel], folder: Path) -> None:
    """Lay the content of wheels into one folder, as an installation would, without scripts and compiled files.

    Raises:
        ValueError: A wheel has a name that leads out of the folder.
    """
    for wheel in wheels:
        with zipfile.ZipFile(wheel.path) as archive:
            for info in archive.infolist():
                parts = PurePosixPath(info.filename).parts
                if info.is_dir() or "__pycache__" in parts:
                    continue
                if ".." in parts or info.filename.startswith("/"):
                    raise ValueError(info.filename)
                if parts[0].endswith(".data"):
                    if parts[1] not in ("purelib", "platlib"):
                        continue
                    parts = parts[2:]
                target = folder.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(info))
                if (info.external_attr >> 16) & stat.S_IXUSR:
                    target.chmod(0o755)
    normalize(folder)
