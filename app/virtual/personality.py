"""Which board with which boot loader and which firmware: the facts everything virtual looks up.

Typed from device-protocol.md 0.3, 1.1 to 1.6, 2.2, 2.4, 5.2 and 8.1, without a look at `app.platforms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Family(Enum):
    """The microcontroller, which decides nearly everything about DFU."""

    F1 = "stm32f103"
    F2 = "stm32f205"


@unique
class Serial(Enum):
    """What a boot loader or firmware says as its iSerialNumber (1.4)."""

    HASH_12 = "hash"
    UPPER_24 = "upper"
    LOWER_24 = "lower"
    CONSTANT = "constant"


@unique
class Hold(Enum):
    """How a boot loader treats the MODE button held through a reset (8.1)."""

    ORIGINAL = "original"  # Core: DFU from 3 s, factory reset at 10 s without waiting for release
    # 8.1 says it of 0.4; 0.5 and 0.6 are taken to be the same.
    UNCHECKED = "unchecked"  # does not look for a factory image at 6.5 s
    ENDS_AT_DFU = "ends-at-dfu"  # 0.7: without a factory image the loop ends at 3 s
    FULL = "full"  # 1.4 and later: the table as it stands


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of board.

    Attributes:
        key: `core`, `photon`, `p1` or `electron`.
        name: As it stands in product strings.
        number: Platform id.
        family: Microcontroller.
        cdc: idVendor and idProduct in normal mode.
        dfu: idVendor and idProduct in DFU mode.
        layouts: Memory-layout string of each alternate setting.
        early_product: Product string up to 0.5.
    """

    key: str
    name: str
    number: int
    family: Family
    cdc: tuple[int, int]
    dfu: tuple[int, int]
    layouts: tuple[str, ...]
    early_product: str

    @property
    def wifi(self) -> bool:
        """Whether it gets to the cloud by Wi-Fi; an Electron has a modem."""
        return self.key != "electron"


F2_INTERNAL = "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg"  # 1.5
F2_DCT = "@DCT Flash   /0x00000000/01*016Kg"  # 1.5
P1_SERIAL = "@Serial Flash   /0x00000000/256*004Kg"  # 1.5

CORE = Kind(
    key="core",
    name="Core",
    number=0,
    family=Family.F1,
    cdc=(0x1D50, 0x607D),
    dfu=(0x1D50, 0x607F),
    layouts=(
        "@Internal Flash  /0x08000000/20*001Ka,108*001Kg",
        "@SPI Flash : SST25x/0x00000000/512*04Kg",
    ),  # 1.2
    early_product="Spark Core with WiFi    ",  # 1.3
)
PHOTON = Kind(
    key="photon",
    name="Photon",
    number=6,
    family=Family.F2,
    cdc=(0x2B04, 0xC006),
    dfu=(0x2B04, 0xD006),
    layouts=(F2_INTERNAL, F2_DCT),
    early_product="Photon with WiFi",
)
P1 = Kind(
    key="p1",
    name="P1",
    number=8,
    family=Family.F2,
    cdc=(0x2B04, 0xC008),
    dfu=(0x2B04, 0xD008),
    layouts=(F2_INTERNAL, F2_DCT, P1_SERIAL),
    early_product="P1 with WiFi",
)
ELECTRON = Kind(
    key="electron",
    name="Electron",
    number=10,
    family=Family.F2,
    cdc=(0x2B04, 0xC00A),
    dfu=(0x2B04, 0xD00A),
    layouts=(F2_INTERNAL, F2_DCT),
    early_product="Electron",
)


@dataclass(frozen=True, slots=True)
class BootLoader:
    """A boot loader's generation.

    Attributes:
        key: For example `original` or `0.7`.
        version: Its module version; 0 where it has none.
        manufacturer: String 1.
        serial: Form of string 3.
        release: bcdDevice.
        hold: Treatment of the held MODE button.
        leaves_at_once: Resets inside the GETSTATUS after the zero-length DNLOAD; otherwise 500 ms later (2.2).
        knows_requests: Understands BKP_DR1 = 0xEDFA, the application's wish for DFU (3.1).
        early_product: F2: calls itself `Photon DFU Mode` on every board (1.5).
        microsoft: Has Microsoft OS descriptors (1.5).
        honours_alt: F2: medium chosen by alternate setting, not by address (2.4.2).
        reports_failures: F2: stalls when an operation failed (2.4.4).
        internal_poll: bwPollTimeout for internal flash in ms (2.2.6, 2.4.7).
        zeros: F2: a bad read gives zeros instead of stale buffer contents (2.4.6).
        dct_in_part2: Photon, P1: the DCT code lives in system part 2 (2.4.11).
        reloads_dct: Looks for that code again after a DFU write into the system parts.
    """

    key: str
    version: int
    manufacturer: str
    serial: Serial
    release: int
    hold: Hold
    leaves_at_once: bool = False
    knows_requests: bool = True
    early_product: bool = False
    microsoft: bool = False
    honours_alt: bool = True
    reports_failures: bool = True
    internal_poll: int = 50
    zeros: bool = False
    dct_in_part2: bool = False
    reloads_dct: bool = False


_SPARK = "Spark Devices     "
_PARTICLE_CORE = "Particle          "

CORE_BOOT_LOADERS: dict[str, BootLoader] = {
    row.key: row
    for row in (
        BootLoader(
            "original", 0, _SPARK, Serial.HASH_12, 0x0200, Hold.ORIGINAL, leaves_at_once=True, knows_requests=False
        ),
        BootLoader("0.4", 2, _SPARK, Serial.HASH_12, 0x0200, Hold.UNCHECKED, leaves_at_once=True),
        BootLoader("0.5", 7, _PARTICLE_CORE, Serial.HASH_12, 0x0200, Hold.UNCHECKED),
        BootLoader("0.7", 101, _PARTICLE_CORE, Serial.UPPER_24, 0x0200, Hold.ENDS_AT_DFU),
    )
}

F2_BOOT_LOADERS: dict[str, BootLoader] = {
    row.key: row
    for row in (
        BootLoader(
            "0.4.0",
            2,
            "Spark Devices",
            Serial.CONSTANT,
            0x0200,
            Hold.UNCHECKED,
            leaves_at_once=True,
            early_product=True,
            honours_alt=False,
            reports_failures=False,
        ),
        BootLoader("0.5", 7, "Particle", Serial.CONSTANT, 0x0200, Hold.UNCHECKED, early_product=True),
        BootLoader("0.6", 11, "Particle", Serial.UPPER_24, 0x0250, Hold.UNCHECKED, microsoft=True),
        BootLoader(
            "0.7",
            101,
            "Particle",
            Serial.LOWER_24,
            0x0250,
            Hold.ENDS_AT_DFU,
            microsoft=True,
            internal_poll=0,
            zeros=True,
            dct_in_part2=True,
        ),
        BootLoader(
            "2.x",
            1006,
            "Particle",
            Serial.LOWER_24,
            0x0250,
            Hold.FULL,
            microsoft=True,
            internal_poll=0,
            zeros=True,
            dct_in_part2=True,
            reloads_dct=True,
        ),
    )
}


# First module version of each generation of the F2 boot loader (0.3); the alternate setting counts from 0.4.4 (3) on
# (2.4.2), and the DCT functions are looked for again "in the 1.2+/1.4 era", so from 1.2.1 (311) on (2.4.11).
_F2_GENERATIONS = ((0, "0.4.0"), (3, "0.5"), (8, "0.6"), (101, "0.7"), (311, "2.x"))


def f2_boot_loader(version: int) -> BootLoader:
    """Return how a boot loader of a Photon, P1 or Electron with that module version behaves."""
    key = next(key for first, key in reversed(_F2_GENERATIONS) if version >= first)
    return F2_BOOT_LOADERS[key]


@dataclass(frozen=True, slots=True)
class Firmware:
    """The system firmware a board runs.

    Attributes:
        key: For example `spark_11` or `2.x`.
        version: What the console says to `v`.
        number: Version for comparisons; `spark_11` of 2013-14 is (0, 0, 11).
        module: Version number of its system modules (0.3; those of 0.4.0 and 0.4.4 are made up).
    """

    key: str
    version: str
    number: tuple[int, int, int]
    module: int

    def at_least(self, major: int, minor: int, patch: int) -> bool:
        """Whether this firmware is that release or a later one."""
        return self.number >= (major, minor, patch)

    @property
    def spark(self) -> bool:
        """Whether this is one of the `spark_*` firmwares of 2013-14."""
        return self.number < (0, 1, 0)

    @property
    def commands(self) -> frozenset[str]:
        """The console commands modelled here, as far as this release has them (5.2); `f` and `d` are not."""
        since = {
            "w": (0, 0, 0),
            "i": (0, 0, 0),
            "m": (0, 4, 0),
            "x": (0, 4, 0),
            "s": (0, 4, 0),
            "v": (0, 4, 4),
            "L": (0, 5, 0),
            "c": (0, 6, 0),
            "C": (0, 6, 0),
        }
        return frozenset(key for key, first in since.items() if self.number >= first)

    @property
    def character_pause(self) -> float:
        """Seconds after each printed character (5.1)."""
        return 0.0 if self.at_least(0, 7, 0) else 0.001

    @property
    def command_loop(self) -> float:
        """Seconds between two looks for a command character (5.1)."""
        return 0.250 if self.spark else 0.0


FIRMWARES: dict[str, Firmware] = {
    row.key: row
    for row in (
        Firmware("spark_1", "", (0, 0, 1), 0),
        Firmware("spark_3", "", (0, 0, 3), 0),
        Firmware("spark_11", "", (0, 0, 11), 0),
        Firmware("0.4.0", "0.4.0", (0, 4, 0), 2),
        Firmware("0.4.4", "0.4.4", (0, 4, 4), 6),
        Firmware("0.4.9", "0.4.9", (0, 4, 9), 11),
        Firmware("0.5", "0.5.3", (0, 5, 3), 21),
        Firmware("0.6", "0.6.3", (0, 6, 3), 109),
        Firmware("0.7", "0.7.0", (0, 7, 0), 207),
        Firmware("0.8", "0.8.0-rc.10", (0, 8, 0), 309),
        Firmware("1.0", "1.0.1", (1, 0, 1), 1002),
        Firmware("1.2", "1.2.1", (1, 2, 1), 1213),
        Firmware("1.4", "1.4.4", (1, 4, 4), 1406),
        Firmware("1.5", "1.5.2", (1, 5, 2), 1512),
        Firmware("2.x", "2.3.1", (2, 3, 1), 2302),
    )
}


# Module version and release (0.3).
RELEASES: dict[int, str] = {
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


def firmware_of(version: int) -> Firmware:
    """Return the firmware whose system modules have that version.

    A version that no release in the table has behaves like the last release before it, and says so on the console.
    """
    rows = sorted(FIRMWARES.values(), key=lambda row: row.module)
    row = next((row for row in reversed(rows) if 0 < row.module <= version), FIRMWARES["0.4.0"])
    release = max((known for known in RELEASES if known <= version), default=0)
    if release <= row.module:
        return row
    return firmware_called(RELEASES[release], release)


def firmware_called(release: str, module: int) -> Firmware:
    """Return the firmware of that release, for example `0.5.1`, whose modules have that version."""
    major, minor, patch = (int(part) for part in release.partition("-")[0].split("."))
    return Firmware(release, release, (major, minor, patch), module)


@dataclass(frozen=True, slots=True)
class Personality:
    """One board in one state of software."""

    kind: Kind
    boot: BootLoader
    firmware: Firmware

    @property
    def dfu_serial(self) -> Serial:
        """Form of the serial number in DFU mode."""
        return self.boot.serial

    @property
    def listening_limit(self) -> float | None:
        """Seconds after which it stops listening by itself; None for never (5.1)."""
        return 300.0 if self.kind.key == "electron" and self.firmware.at_least(0, 6, 1) else None

    @property
    def cdc_serial(self) -> Serial:
        """Form of the serial number in normal mode."""
        if self.kind.family is Family.F1:
            return Serial.UPPER_24 if self.firmware.at_least(0, 7, 0) else Serial.HASH_12
        if not self.firmware.at_least(0, 6, 0):
            return Serial.CONSTANT
        return Serial.LOWER_24 if self.firmware.at_least(0, 7, 0) else Serial.UPPER_24


def serial_text(form: Serial, device_id: str, constant: str) -> str:
    """Return the serial number of a device id (24 hex digits) in that form (1.4)."""
    match form:
        case Serial.HASH_12:
            unique_id = bytes.fromhex(device_id)
            first, second, third = (int.from_bytes(unique_id[start : start + 4], "little") for start in (0, 4, 8))
            return f"{(first + third) % (1 << 32):08X}{second >> 16:04X}"
        case Serial.UPPER_24:
            return device_id.upper()
        case Serial.LOWER_24:
            return device_id.lower()
        case Serial.CONSTANT:
            return constant
