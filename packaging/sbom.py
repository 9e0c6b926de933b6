"""What is inside an installer and under which licence: one text for people, one CycloneDX file for tools."""

from __future__ import annotations

import json
import re
import uuid
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from parts import BUILD_LOCK, ROOT, epoch, pack_files, project, sha256, version
from wheels import Wheel, read_lock

LICENCE_FILE = re.compile(
    r"^[^/]+\.dist-info/(?:licenses/.*|(?:LICEN[SC]E|COPYING|NOTICE|AUTHORS)[^/]*)$", re.IGNORECASE
)
# Spelled out where a wheel's own fields are vague or missing.
KNOWN_LICENCES = {
    "anyio": "MIT",
    "backports-tarfile": "MIT",
    "cryptography": "Apache-2.0 OR BSD-3-Clause",
    "jaraco-classes": "MIT",
    "libusb-package": "Apache-2.0 AND LGPL-2.1-or-later",
    "psutil": "BSD-3-Clause",
    "pyserial": "BSD-3-Clause",
    "pyside6-essentials": "LGPL-3.0-only",
    "pyusb": "BSD-3-Clause",
    "segno": "BSD-3-Clause",
    "shiboken6": "LGPL-3.0-only",
    "socksio": "MIT",
    "truststore": "MIT",
}
LICENCES = ROOT / "packaging" / "licences"
# Wheels that come without the text they are licensed under.
ADDED_TEXTS = {
    "libusb-package": ("LGPL-2.1.txt",),
    "pyserial": ("pyserial.txt",),
    "pyside6-essentials": ("LGPL-3.0.txt", "GPL-3.0.txt"),
}


@dataclass(frozen=True, slots=True)
class Component:
    """Something inside that others made: a library, Python itself, the firmware files."""

    name: str
    version: str
    licence: str
    purl: str = ""
    sha256: str = ""
    texts: tuple[tuple[str, str], ...] = ()
    """Name and words of each licence file that came with it."""
    remark: str = ""


def of_wheel(wheel: Wheel) -> Component:
    """Describe a library by its wheel."""
    fields = wheel.metadata()
    told = [*fields.get("license-expression", []), *(line for line in fields.get("license", []) if len(line) < 60)]
    licence = KNOWN_LICENCES.get(wheel.name) or (told[0] if told else "see the text")
    texts = [(name, (LICENCES / name).read_text(encoding="utf-8")) for name in ADDED_TEXTS.get(wheel.name, ())]
    with zipfile.ZipFile(wheel.path) as archive:
        for name in sorted(archive.namelist()):
            if LICENCE_FILE.match(name) and not name.endswith("/") and "Qt-Commercial" not in name:
                texts.append((name.split("/", 1)[1], archive.read(name).decode("utf-8", "replace")))
    purl = f"pkg:pypi/{wheel.name}@{wheel.version}"
    return Component(wheel.name, wheel.version, licence, purl, wheel.sha256, tuple(texts))


def of_wheels(wheels: Iterable[Wheel]) -> list[Component]:
    """Describe libraries by their wheels, and what is linked into those."""
    described = tuple(wheels)
    return [*map(of_wheel, described), *inside(described)]


def inside(wheels: Iterable[Wheel]) -> list[Component]:
    """Describe what others made and a wheel has linked into itself without a word in its fields.

    Raises:
        ValueError: It tells no version any more.
    """
    found = []
    for wheel in wheels:
        if wheel.name != "cryptography":  # the only one: it has an OpenSSL of its own
            continue
        with zipfile.ZipFile(wheel.path) as archive:
            name = next(name for name in archive.namelist() if "/_rust." in name and name.endswith((".so", ".pyd")))
            told = re.search(rb"OpenSSL (\d+\.\d+\.\d+) ", archive.read(name))
        if told is None:
            raise ValueError(f"which OpenSSL is in {wheel.path.name}?")
        remark = f"Linked into {name}."
        found.append(Component("OpenSSL (of cryptography)", told.group(1).decode(), "Apache-2.0", remark=remark))
    return found


def boot_loader() -> Component:
    """Describe the small program by which PyInstaller starts what it has frozen."""
    pin = next(pin for pin in read_lock(BUILD_LOCK) if pin.name == "pyinstaller")
    licence = "GPL-2.0-or-later WITH Bootloader-exception"
    return Component("PyInstaller boot loader", pin.version, licence, f"pkg:pypi/{pin.name}@{pin.version}")


def python(full_version: str, licence_text: str) -> Component:
    """Describe the interpreter."""
    purl = f"pkg:generic/python@{full_version}"
    return Component("Python", full_version, "PSF-2.0", purl, "", (("LICENSE", licence_text),) if licence_text else ())


def firmware() -> Component:
    """Describe the rescue pack: the maker's own files, with the licence they were published under."""
    from app.firmware.pack import LICENCE, PACKAGE, pack_file

    release = pack_file(LICENCE).package_version
    text = pack_files()[f"resources/pack/{LICENCE}"].read_text(encoding="utf-8", errors="replace")
    remark = "Firmware files of Particle Industries, unchanged; see `rekindle pack notices`."
    return Component(PACKAGE, release, "see the text", f"pkg:npm/{PACKAGE}@{release}", "", ((LICENCE, text),), remark)


def notices(components: Iterable[Component]) -> str:
    """Return the text for people: what is inside, whose it is, and every licence in full."""
    lines = [
        f"Rekindle {version()} is licensed under the {project()['license']} licence. It brings along:",
        "",
    ]
    everything = sorted(components, key=lambda item: item.name.lower())
    for item in everything:
        lines.append(f"  {item.name} {item.version}: {item.licence}")
        if item.remark:
            lines.append(f"    {item.remark}")
    lines += [
        "",
        "Qt and PySide6 are used under the LGPL, version 3, and libusb under the LGPL, version 2.1, each unchanged, as",
        "libraries of their own that may be replaced. The source of these versions is published by who makes them:",
        "",
        "  Qt, PySide6, shiboken6: https://download.qt.io/official_releases/",
        "  libusb: https://github.com/libusb/libusb/releases",
    ]
    if system := next((item.purl.split("/")[1] for item in everything if item.purl.startswith("pkg:deb/")), ""):
        lines += [f"  the packages of {system.capitalize()}: its archive, under the names and versions above"]
    for item in everything:
        for name, text in item.texts:
            title = f"{item.name} {item.version}: {name}"
            lines += ["", "", title, "=" * len(title), "", text.strip().replace("\r\n", "\n")]
    return "\n".join(lines) + "\n"


def cyclonedx(components: Iterable[Component], target: str) -> dict[str, Any]:
    """Return the software bill of materials in CycloneDX 1.5.

    Args:
        components: What others made.
        target: The system it is for; two systems are two documents.
    """
    everything = sorted(components, key=lambda item: item.name.lower())
    mine = f"pkg:generic/rekindle@{version()}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        # Not by chance: the same build has the same number.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'rekindle-{version()}-{target}-{epoch()}')}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": mine,
                "name": "rekindle",
                "version": version(),
                "licenses": [{"license": {"id": project()["license"]}}],
                "purl": mine,
            },
            "properties": [{"name": "rekindle:system", "value": target}],
        },
        "components": [_entry(item) for item in everything],
        "dependencies": [{"ref": mine, "dependsOn": [_ref(item) for item in everything]}],
    }


def _ref(item: Component) -> str:
    return item.purl or f"{item.name}@{item.version}"


def _entry(item: Component) -> dict[str, Any]:
    licence: dict[str, Any]
    if re.fullmatch(r"[\w.+-]+(?: (?:OR|AND|WITH) [\w.+-]+)*", item.licence):
        licence = {"expression": item.licence}
    else:
        licence = {"license": {"name": item.licence}}
    entry: dict[str, Any] = {
        "type": "library",
        "bom-ref": _ref(item),
        "name": item.name,
        "version": item.version,
        "licenses": [licence],
    }
    if item.remark:
        entry["description"] = item.remark
    if item.purl:
        entry["purl"] = item.purl
    if item.sha256:
        entry["hashes"] = [{"alg": "SHA-256", "content": item.sha256}]
    return entry


def firmware_entries() -> list[dict[str, Any]]:
    """Return each file of the rescue pack as a CycloneDX component."""
    return [
        {
            "type": "firmware",
            "bom-ref": f"pack:{path.name}",
            "name": path.name,
            "hashes": [{"alg": "SHA-256", "content": sha256(path)}],
        }
        for _, path in sorted(pack_files().items())
    ]


def write(folder: Path, components: Sequence[Component], target: str) -> None:
    """Write `LICENSE.txt`, `NOTICES.txt` and `sbom.cdx.json` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "LICENSE.txt").write_text((ROOT / "LICENSE").read_text(encoding="utf-8"), encoding="utf-8", newline="\n")
    (folder / "NOTICES.txt").write_text(notices(components), encoding="utf-8", newline="\n")
    bill = cyclonedx(components, target)
    bill["components"] += firmware_entries()
    (folder / "sbom.cdx.json").write_text(
        json.dumps(bill, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )
