"""The shape of the board table: what is worth knowing about a kind of board.

Sources named `device-protocol.md N` are sections of the project's specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from app.text import Text


@unique
class Mode(Enum):
    """What a board is doing, as far as the program knows.

    USB alone tells NORMAL from DFU. LISTENING is a NORMAL board whose console has answered.
    """

    NORMAL = "normal"
    LISTENING = "listening"
    DFU = "dfu"


@unique
class Medium(Enum):
    """What kind of memory a region is; decides what an erase is and what an unerased write does."""

    INTERNAL_F1 = "internal-f1"  # 1 KB pages, halfwords
    INTERNAL_F2 = "internal-f2"  # sectors of 16, 64 and 128 KB, words
    SPI = "spi"  # 4 KB sectors, writing ANDs
    DCT = "dct"  # journalled by the boot loader; erase is a no-op


@unique
class Algorithm(Enum):
    """What kind of key a slot holds (device-protocol.md 4.1)."""

    RSA_1024 = "rsa-1024"
    RSA_2048 = "rsa-2048"
    EC_P256 = "ec-p256"


@unique
class Button(Enum):
    """The two buttons; MODE on the Core and Electron is SETUP on Photon and P1 (8.1)."""

    RESET = "reset"
    MODE = "mode"


@unique
class SerialForm(Enum):
    """What an iSerialNumber is in one mode of one generation (device-protocol.md 1.4)."""

    HASH_12 = "hash-12"  # 12 upper-case digits, a hash of the device ID: checks a candidate, gives none
    ID_24_UPPER = "id-24-upper"  # the device ID, upper case
    ID_24_LOWER = "id-24-lower"  # the device ID
    CONSTANT = "constant"  # the same on every board: says nothing


@unique
class Quirk(Enum):
    """How a boot loader or firmware differs from the ordinary. Behaviour asks for these, never for a name."""

    STARTS_IN_ERROR = "starts-in-error"  # dfuERROR/errFIRMWARE at entry: CLRSTATUS first (2.2.1)
    IGNORES_ALT = "ignores-alt"  # medium chosen from the address (2.2.3)
    NEVER_REPORTS_ERRORS = "never-reports-errors"  # status always OK: read back (2.2.4, 2.4.4)
    WORKS_AFTER_STATUS = "works-after-status"  # busy after GETSTATUS was answered (2.2.2)
    WORKS_DURING_STATUS = "works-during-status"  # GETSTATUS itself takes as long as the erase (2.4.3)
    STALLS_ON_FAILURE = "stalls-on-failure"  # the only error report is a stalled GETSTATUS (2.4.4)
    RESETS_ON_LEAVE = "resets-on-leave"  # gone at once after manifest GETSTATUS (2.2)
    STALE_POLL_BYTES = "stale-poll-bytes"  # bwPollTimeout not cleared in dfuDNLOAD-IDLE (2.4.7)
    DCT_NEEDS_PART2 = "dct-needs-part2"  # alt 1 works only with a good system part 2 (2.4.11)
    EVEN_LENGTH = "even-length"  # pad odd writes (2.2.8)
    NO_DFU_BY_BAUD = "no-dfu-by-baud"  # 14400 baud only restarts the application (5.6)


@dataclass(frozen=True, slots=True)
class UsbId:
    """idVendor and idProduct."""

    vendor: int
    product: int

    def __str__(self) -> str:
        return f"{self.vendor:04x}:{self.product:04x}"


@dataclass(frozen=True, slots=True)
class AltSetting:
    """One DFU alternate setting with its DfuSe memory-layout string, trailing NULs removed."""

    number: int
    layout: str


@dataclass(frozen=True, slots=True)
class EraseUnits:
    """A run of equal erase units: `count` pages or sectors of `size` bytes."""

    size: int
    count: int


@dataclass(frozen=True, slots=True)
class Region:
    """A named piece of memory reachable over DFU.

    Attributes:
        key: Our name for it, for example `user-firmware`.
        alt: DFU alternate setting.
        start: First address.
        size: Bytes.
        medium: What kind of memory.
        writable: Whether the boot loader or hardware lets it be changed.
        source: Section of the specification.
    """

    key: str
    name: Text
    alt: int
    start: int
    size: int
    medium: Medium
    writable: bool
    source: str

    @property
    def end(self) -> int:
        """First address after the region."""
        return self.start + self.size


@dataclass(frozen=True, slots=True)
class KeySlot:
    """Where a key lives.

    Attributes:
        key: `device-private`, `device-public`, `server-public`, and the `-udp` ones of the Electron.
        alt: DFU alternate setting.
        address: First byte.
        size: Bytes that belong to the slot.
        algorithm: What belongs into it.
        address_offset: Offset of the 128-byte server address block from `address`; None for device keys.
        source: Section of the specification.
    """

    key: str
    alt: int
    address: int
    size: int
    algorithm: Algorithm
    source: str
    address_offset: int | None = None


@dataclass(frozen=True, slots=True)
class BootLoader:
    """A generation of a platform's boot loader, as far as a host can tell it apart.

    Attributes:
        key: For example `original` or `0.7`.
        name: For people.
        serial_form: What its iSerialNumber is in DFU mode.
        releases: bcdDevice values it announces.
        quirks: How it differs.
        transfer_size: wTransferSize in bytes.
        initial_address: Address pointer after power-up.
    """

    key: str
    name: Text
    serial_form: SerialForm
    releases: tuple[int, ...]
    quirks: frozenset[Quirk]
    transfer_size: int
    initial_address: int
    source: str


@dataclass(frozen=True, slots=True)
class ButtonStep:
    """What the light does once MODE has been held for `after_ms` after RESET, and what letting go there does."""

    after_ms: int
    light: str  # key of a LightPattern; "" for none
    result: Text


@dataclass(frozen=True, slots=True)
class Choreography:
    """What happens while MODE is held after a reset (`after_reset`), or while the firmware runs (8.1)."""

    key: str
    name: Text
    after_reset: bool
    steps: tuple[ButtonStep, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Platform:
    """One kind of board.

    Attributes:
        key: `core`, `photon`, `p1`, `electron`.
        name: For people; a proper name, not translated.
        number: platform_id of firmware images.
        chip: Microcontroller.
        mode_button: What is printed beside the MODE/SETUP button.
        ids: USB ids by mode (NORMAL and DFU).
        alts: DFU alternate settings.
        erase_units: Erase units of each alternate setting, from its lowest address.
        bases: Lowest address of each alternate setting.
        regions: Named memory.
        key_slots: Where keys live; the first `device-private*` row is the one the default transport uses.
        boot_loaders: Generations, oldest first.
        choreographies: What the buttons do.
        light_eras: Keys of the LED eras that fit this board (see `lights.py`), oldest first.
        picture: Name of the drawing.
    """

    key: str
    name: str
    number: int
    chip: str
    mode_button: str
    ids: dict[Mode, UsbId]
    alts: tuple[AltSetting, ...]
    bases: tuple[int, ...]
    erase_units: tuple[tuple[EraseUnits, ...], ...]
    regions: tuple[Region, ...]
    key_slots: tuple[KeySlot, ...]
    boot_loaders: tuple[BootLoader, ...]
    choreographies: tuple[Choreography, ...]
    light_eras: tuple[str, ...]
    default_host: str
    default_port: int
    source: str

    def region(self, key: str) -> Region:
        """Return the named region; KeyError when this platform has none of that name."""
        return {found.key: found for found in self.regions}[key]

    def slot(self, key: str) -> KeySlot:
        """Return the named key slot; KeyError when this platform has none of that name."""
        return {found.key: found for found in self.key_slots}[key]
