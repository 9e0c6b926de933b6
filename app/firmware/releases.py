"""Release names of module version numbers, and images in words (device-protocol.md 0.3)."""

from __future__ import annotations

from app.firmware.image import Form, Function, Image
from app.text import Text, text

# 0.3. A release appears once for each number; where several releases carry one number, the first of them names it.
_SYSTEM = {
    11: "0.4.9",
    13: "0.5.0",
    17: "0.5.2",
    21: "0.5.3",
    102: "0.6.0",
    109: "0.6.3",
    207: "0.7.0",
    309: "0.8.0-rc.10",
    403: "0.9.0",
    1002: "1.0.1",
    1213: "1.2.1",
    1406: "1.4.4",
    1512: "1.5.2",
    2011: "2.0.1",
    2202: "2.2.0",
    2302: "2.3.1",
}
_BOOT_LOADER = {
    2: "0.4.0",
    3: "0.4.4",
    5: "0.4.6",
    7: "0.4.9",
    8: "0.6.0",
    11: "0.6.3",
    101: "0.7.0",
    201: "0.8.0-rc.10",
    311: "1.2.1",
    501: "1.4.4",
    502: "1.5.2",
    1005: "2.0.1",
    1006: "2.2.0",
}
_NUMBERED = {Function.SYSTEM: _SYSTEM, Function.MONOLITHIC: _SYSTEM, Function.BOOT_LOADER: _BOOT_LOADER}


def release_of(version: int, function: Function) -> str:
    """Return the release that has this module version, for example "2.2.0"; "" when none is known.

    User firmware has version numbers of its own that name no release.
    """
    return _NUMBERED.get(function, {}).get(version, "")


def release_since(version: int, function: Function) -> str:
    """Return the oldest known release whose module is at least this version; "" when none is known."""
    known = _NUMBERED.get(function, {})
    return next((known[number] for number in sorted(known) if number >= version), "")


def version_of(release: str, function: Function) -> int:
    """Return the module version of a release, for example 2202; KeyError when it is not known."""
    return {name: number for number, name in _NUMBERED.get(function, {}).items()}[release]


def part(function: Function, index: int) -> Text:
    """Name a module without its version, for example `System part 1`."""
    match function:
        case Function.SYSTEM:
            return text("Firmware", "System part {index}").with_values(index=index)
        case Function.BOOT_LOADER:
            return text("Firmware", "Boot loader")
        case Function.USER:
            return text("Firmware", "User firmware")
        case Function.MONOLITHIC:
            return text("Firmware", "Complete firmware")
        case _:
            return text("Firmware", "Module of kind {function}").with_values(function=int(function))


def versioned(function: Function, index: int, version: int | None) -> Text:
    """Name a module with its release, or its version number when no release is known to have it."""
    name = part(function, index)
    if not version or function not in _NUMBERED:
        return name
    release = release_of(version, function)
    if release:
        return text("Firmware", "{part}, {release}").with_values(part=name, release=release)
    return text("Firmware", "{part}, version {version}").with_values(part=name, version=version)


def describe(image: Image) -> Text:
    """Say what an image is, for example `System part 1, 2.2.0`."""
    if image.known is not None:
        return image.known.title
    if image.form is Form.LEGACY:
        return text("Firmware", "Core firmware from before 0.4")
    return versioned(image.function, image.index, image.version)
