"""Which program an application image is, and what firmware is inside it.

Real images are recognised by size and SHA-256 (typed from device-protocol.md 7.3), everything else by its module info:
a Core image without any is of 2013-14 (7.1).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from app.virtual.flash import F1_BASE, F1_SIZE
from app.virtual.images import CORE_INFO, practice_mark, read_module
from app.virtual.layout import CORE_APP, CORE_APP_SIZE, slots_of
from app.virtual.machine import Radio
from app.virtual.personality import FIRMWARES, Family, Firmware, Kind, firmware_called, firmware_of


@dataclass(frozen=True, slots=True)
class Program:
    """What an application does when it runs.

    Attributes:
        key: Its name; "" for a program nobody knows.
        release: The firmware inside a Core image whose module version does not tell it.
        radio: The service pack it writes into the radio by itself.
        deep: It does so only where the radio is older, keeps the networks and then waits for the cloud (8.4).
        clears: It forgets the Wi-Fi networks (8.3).
    """

    key: str
    release: str = ""
    radio: Radio | None = None
    deep: bool = False
    clears: bool = False


# The images with module version 0 name their release in the answer to the console's `v`.
PROGRAMS: dict[str, Program] = {
    row.key: row
    for row in (
        Program("tinker"),
        Program("tinker-of-2016", release="0.5.1"),
        Program("doctor", release="0.6.2"),
        Program("voodoospark", release="0.4.7"),
        Program("tinker-usb-debugging"),
        Program("radio-patch", radio=Radio.PATCH_1_13_7),
        Program("radio-patch-1.14", radio=Radio.PATCH_1_14, clears=True),
        Program("deep-update", radio=Radio.PATCH_1_13_7, deep=True),
    )
}
_UNKNOWN = Program("")

# Size, SHA-256, key (7.3).
CORE_IMAGES = (
    (82864, "f82984e8fb78339a90bd690a50df175f00f3dc8acf72b4f7c8697576ca4d164b", "tinker-of-2016"),
    (98932, "8e55851b39bcfb6a6ada1ee26fe968e36662abe7c1cee814b3f52e1d2616f051", "tinker"),
    (93908, "d37ee413578dc8d8e210d907f1298b5899869f39784acd99ec9871fefe21db93", "doctor"),
    (25068, "7291e032472121b1f70f9daf56e4de175f21beba50172da8fbe737e2e2734670", "radio-patch"),
    (25240, "7df4ee5c284ec2bdd209398ee64068d86c57c59465f6d56018fee874517dbb45", "radio-patch-1.14"),
    (93636, "fd5a64395e5c454f8f0485689371141bc2297e2d1d03a90c0367c2b7734fa2f8", "deep-update"),
    (87060, "552c2201edbe15c3464c7be62992c9599f0742062f60b4bf6c33f8b5ee46d2b8", "voodoospark"),
)
USER_IMAGES = (
    (3952, "cd4241ffdf536e0d78ee6d18b54777eda24de5e72f6d8ca0ec000df94ca85555", "tinker"),
    (4740, "39aa2c8fd51f0b6a294c152e799098472f7d0bc7568f65418f3039b295c717d3", "tinker"),
    (5776, "c505033c91cdd6dadb1c5f386ea60fbf6986fd1f67cd7d7d8f9d3cfc3dd6688a", "tinker"),
    (5324, "4122f115129c3565f6a56a0625beb15fcb366200e797160ae334776eecf7013f", "tinker"),
    (5324, "e4f6a51fb68407c39d535153d279ffa9a5ca09b9ee2dd2007d5c6469feff12f0", "tinker"),
    (5856, "caf9527a7e88c75072288a65d0ce47aa30046e34a92938410f47e538efc27088", "tinker-usb-debugging"),
    (10464, "80ee543738ae31ca339191324139bf1a157448e65c41cec971451a1b6cc3f179", "tinker-usb-debugging"),
    (6888, "f7846c51b787a1a1bf30a5c06e38664aba9285a235fa40b945938323cc8dfdc2", "doctor"),
    (6888, "7e52af943180d9f1b98ea53ab196c9d8cebf9a4b90d42a6df16c6cadbe602ed0", "doctor"),
    (6664, "f974f6fb825f81c3777e756db76d3d436f868dc2c8faadb815b1ff5b1936cd1f", "doctor"),
)


def program_in(kind: Kind, internal: bytes | bytearray) -> Program:
    """Return the program in the application slot of a board."""
    if kind.family is Family.F2:
        slots = slots_of(kind)
        return _recognise(internal[slots.user : slots.user + slots.user_size], USER_IMAGES) or _UNKNOWN
    app = internal[CORE_APP : CORE_APP + CORE_APP_SIZE]
    return PROGRAMS.get(practice_mark(app)) or _recognise(app, CORE_IMAGES) or _UNKNOWN


def core_firmware(program: Program, kind: Kind, internal: bytes | bytearray) -> Firmware | None:
    """Return the firmware inside a Core's application; None where the image is not all there and crashes.

    The boot loader does not look (3.1), and the specification does not say what half an image does: here it crashes
    when its check sum is wrong, or when its first instruction is erased.
    """
    module = read_module(internal, CORE_APP, CORE_INFO, kind.number)
    reset = int.from_bytes(internal[CORE_APP + 4 : CORE_APP + 8], "little") - 1 - F1_BASE
    if not 0 <= reset < F1_SIZE or internal[reset : reset + 4] == b"\xff" * 4:
        return None
    if module is not None and not module.whole:
        return None
    if program.release:
        return firmware_called(program.release, 0)
    if module is not None:
        return firmware_of(module.version)
    return FIRMWARES.get(practice_mark(internal[CORE_APP : CORE_APP + CORE_APP_SIZE]), FIRMWARES["spark_11"])


def _recognise(slot: bytes | bytearray, rows: tuple[tuple[int, str, str], ...]) -> Program | None:
    read, done = hashlib.sha256(), 0
    for size, digest, key in sorted(rows):
        read.update(slot[done:size])
        done = size
        if read.hexdigest() == digest:
            return PROGRAMS[key]
    return None
