"""The shape of the board table: what is worth knowing about a kind of board.

Sources named `device-protocol.md N` are sections of the project's specification.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, unique

from app.text import Text, text


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
class Radio(Enum):
    """What a board reaches Wi-Fi with; decides which networks it can join."""

    NONE = "none"  # a modem for mobile networks instead
    CC3000 = "cc3000"  # of the Core: 802.11b/g, channels 1 to 11 (support page, Can't Get Connected)
    PHOTON = "photon"  # of Photon and P1


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
    IGNORES_ALT = "ignores-alt"  # medium chosen from the address; choosing an alt does no harm (2.2.3, 2.4.2)
    NEVER_REPORTS_ERRORS = "never-reports-errors"  # status always OK: read back (2.2.4, 2.4.4)
    WORKS_AFTER_STATUS = "works-after-status"  # busy after GETSTATUS was answered (2.2.2)
    WORKS_DURING_STATUS = "works-during-status"  # GETSTATUS itself takes as long as the erase (2.4.3)
    STALLS_ON_FAILURE = "stalls-on-failure"  # the only error report is a stalled GETSTATUS (2.4.4)
    RESETS_ON_LEAVE = "resets-on-leave"  # gone at once after manifest GETSTATUS (2.2)
    STALE_POLL_BYTES = "stale-poll-bytes"  # bwPollTimeout not cleared in dfuDNLOAD-IDLE (2.4.7)
    DCT_NEEDS_PART2 = "dct-needs-part2"  # alt 1 works only with a good system part 2 (2.4.11)
    EVEN_LENGTH = "even-length"  # pad odd writes (2.2.8)
    NO_DFU_BY_BAUD = "no-dfu-by-baud"  # 14400 baud only restarts the application (5.6)
    CLEARING_BREAKS = "clearing-breaks"  # CLRSTATUS outside dfuERROR makes dfuERROR/errUNKNOWN (2.1)
    ILLEGAL_STATE = "illegal-state"  # UPLOAD of block 1 leaves state 0x0F; CLRSTATUS twice ends it (2.4.14)
    LONG_READ_OVERRUNS = "long-read-overruns"  # never ask for more than wTransferSize (2.2.12)
    PADDED_STRINGS = "padded-strings"  # NULs and garbage after string descriptors 4 and 5 (1.2)
    DETACH_STALLS = "detach-stalls"  # (2.2.5)
    HIDES_ID = "hides-id"  # the device ID cannot be had in DFU mode (1.4)
    ID_IN_DCT = "id-in-dct"  # serial says nothing; the DCT holds the ID if 0.6 or later ever ran (1.4)
    LAYOUT_TOO_WIDE = "layout-too-wide"  # the layout string marks protected sectors as writable (1.5)
    LAYOUT_TOO_NARROW = "layout-too-narrow"  # ... marks writable pages as read-only (2.2.11)
    BAD_READ_STALE = "bad-read-stale"  # a read of a refused address gives old buffer contents (2.4.6)
    BAD_READ_ZERO = "bad-read-zero"  # ... gives zeros (2.4.6)
    SWAPPED_DCT_POLL = "swapped-dct-poll"  # reports DCT erase and write times the wrong way round (2.4.7)
    VERIFIES_WRITES = "verifies-writes"  # checks internal flash itself; unerased flash stalls (2.4.8)
    PART2_NEEDS_RESET = "part2-needs-reset"  # after new system parts alt 1 works only after a reset (2.4.11)
    NO_FACTORY_CHECK = "no-factory-check"  # a missing factory image ends in reset or DFU (8.1)
    SHORT_BUTTON_LOOP = "short-button-loop"  # without a factory image DFU starts at 3 s, still held (8.1)


CAREFUL_QUIRKS = frozenset(
    {
        Quirk.STARTS_IN_ERROR,
        Quirk.IGNORES_ALT,
        Quirk.NEVER_REPORTS_ERRORS,
        Quirk.WORKS_AFTER_STATUS,
        Quirk.WORKS_DURING_STATUS,
        Quirk.RESETS_ON_LEAVE,
        Quirk.STALE_POLL_BYTES,
        Quirk.DCT_NEEDS_PART2,
        Quirk.EVEN_LENGTH,
        Quirk.CLEARING_BREAKS,
        Quirk.ILLEGAL_STATE,
        Quirk.HIDES_ID,
        Quirk.LONG_READ_OVERRUNS,
        Quirk.BAD_READ_STALE,
        Quirk.BAD_READ_ZERO,
        Quirk.PART2_NEEDS_RESET,
        Quirk.NO_FACTORY_CHECK,
    }
)
"""Quirks that ask for care: to expect one that is not there costs time, a restart, or a place that is left alone.

The others are promises (`STALLS_ON_FAILURE`, `VERIFIES_WRITES`), or say how the board looks and what fingers do.
"""


UNKNOWN_BOOT_LOADER = "unknown"
"""Key of `Platform.careful_boot_loader`."""


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
        secret: Whether it holds private keys, passwords or the like, and nothing of it may be shown or logged.
        erase_first: Whether even its blank units take writes only after an erase, which ends the write protection that
            running firmware sets (2.4.9).
    """

    key: str
    name: Text
    alt: int
    start: int
    size: int
    medium: Medium
    writable: bool
    source: str
    secret: bool = False
    erase_first: bool = False

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
        size: Bytes the firmware and the Particle command line use (for a server key, address block included).
        algorithm: What belongs into it.
        source: Section of the specification.
        address_offset: Offset of the 128-byte server address block from `address`; None for device keys.
        segment: Bytes the Particle command line reads and writes here; 0 when it does not know the slot (4.4).
    """

    key: str
    alt: int
    address: int
    size: int
    algorithm: Algorithm
    source: str
    address_offset: int | None = None
    segment: int = 0

    @property
    def port_offset(self) -> int | None:
        """Offset of the big-endian server port from `address`; None for device keys (4.3)."""
        return None if self.address_offset is None else self.address_offset + 66


@dataclass(frozen=True, slots=True)
class Field:
    """A named value inside a region: where it is (address as DFU counts it) and how many bytes it has."""

    key: str
    alt: int
    address: int
    size: int
    source: str


@dataclass(frozen=True, slots=True)
class PollTime:
    """The bwPollTimeout a boot loader reports for a medium, in ms: for an erase command and for a write."""

    medium: Medium
    erase_ms: int
    write_ms: int


@dataclass(frozen=True, slots=True)
class WorkTime:
    """How long a memory itself usually takes (2.5). Good for estimates: what a board says it needs always goes first.

    Attributes:
        medium: What kind of memory.
        unit_size: Bytes of one erase unit.
        erase_ms: Erasing one unit.
        write_us: Each write, however short.
        byte_ns: Each byte of a write.
    """

    medium: Medium
    unit_size: int
    erase_ms: int
    write_us: int
    byte_ns: int


@dataclass(frozen=True, slots=True)
class FirmwareLook:
    """How a generation of firmware shows itself on USB in normal mode.

    Attributes:
        key: For example `0.6`.
        product: iProduct without the blanks at its end.
        release: bcdDevice.
        serial_form: What its iSerialNumber is.
        source: Section of the specification.
    """

    key: str
    product: str
    release: int
    serial_form: SerialForm
    source: str


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
        source: Section of the specification.
        manufacturer: iManufacturer without the blanks at its end.
        product: iProduct in DFU mode without the blanks at its end.
        versions: Version numbers it is known to carry; empty when it has none.
        poll_times: What it says an operation takes.
    """

    key: str
    name: Text
    serial_form: SerialForm
    releases: tuple[int, ...]
    quirks: frozenset[Quirk]
    transfer_size: int
    initial_address: int
    source: str
    manufacturer: str
    product: str
    versions: tuple[int, ...]
    poll_times: tuple[PollTime, ...]


@dataclass(frozen=True, slots=True)
class ButtonStep:
    """What the light does once MODE has been held for `after_ms` after RESET, and what letting go there does."""

    after_ms: int
    light: str  # key of a LightPattern; "" for none
    result: Text


@dataclass(frozen=True, slots=True)
class Choreography:
    """One thing the buttons can do: MODE held after a reset (`after_reset`), or while the firmware runs (8.1).

    `steps` tell everything that happens on the way and after it, so a coach can say what comes too early or too late.

    Attributes:
        key: What it is for: `dfu`, `listening`, `safe-mode`, `factory-reset`, `clear-wifi` and so on.
        name: For people.
        after_reset: Whether MODE is held while RESET is tapped.
        steps: What happens while MODE stays held, in order of time.
        source: Section of the specification.
        hold_ms: Let go no earlier than this, in ms.
        until_ms: Let go before this, in ms; None when holding longer changes nothing.
        boot_loaders: Keys of the boot loaders that behave so; empty when the firmware decides.
        clicks: How often MODE is clicked instead of held; 0 when it is held.
        from_listening: Whether the board must be in listening mode first.
    """

    key: str
    name: Text
    after_reset: bool
    steps: tuple[ButtonStep, ...]
    source: str
    hold_ms: int
    until_ms: int | None = None
    boot_loaders: tuple[str, ...] = ()
    clicks: int = 0
    from_listening: bool = False


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
        default_host: Server the firmware uses when none is stored; `$id` stands for the device ID.
        default_port: Its port.
        source: Sections of the specification.
        usual_boot_loader: Key of the one nearly every such board has.
        firmware_looks: How its firmware shows itself in normal mode, oldest first.
        fields: Named values inside regions.
        monolithic_regions: Memory of builds that are one image instead of system parts and a user part.
        shared_overlaps: Pairs of region keys that share memory by design.
        shares_ids: Whether prototypes of other boards announce the same USB ids (1.1).
        work_times: How long its memories take, one row for each medium and size of erase unit.
        radio: What it reaches Wi-Fi with.
        has_modem: Whether its console waits for a modem before it tells the ID, up to 20 s (5.3).
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
    usual_boot_loader: str
    firmware_looks: tuple[FirmwareLook, ...]
    fields: tuple[Field, ...]
    monolithic_regions: tuple[Region, ...] = ()
    shared_overlaps: tuple[tuple[str, str], ...] = ()
    shares_ids: bool = False
    has_modem: bool = False
    work_times: tuple[WorkTime, ...] = ()
    radio: Radio = Radio.NONE

    def region(self, key: str) -> Region:
        """Return the named region; KeyError when this platform has none of that name."""
        return {found.key: found for found in self.regions}[key]

    def slot(self, key: str) -> KeySlot:
        """Return the named key slot; KeyError when this platform has none of that name."""
        return {found.key: found for found in self.key_slots}[key]

    def field(self, key: str) -> Field:
        """Return the named field; KeyError when this platform has none of that name."""
        return {found.key: found for found in self.fields}[key]

    def boot_loader(self, key: str | None = None) -> BootLoader:
        """Return the boot loader of that key, or the usual one; KeyError when there is none of that name."""
        return {found.key: found for found in self.boot_loaders}[key or self.usual_boot_loader]

    def careful_boot_loader(self) -> BootLoader:
        """Return what stands for a boot loader nothing is known of: all the care that any of this board's rows needs.

        What all rows have it has, too. How long things take is taken from the usual one.
        """
        rows = [row.quirks for row in self.boot_loaders]
        always = frozenset.intersection(*rows)
        careful = frozenset.union(*rows) & CAREFUL_QUIRKS
        return replace(
            self.boot_loader(),
            key=UNKNOWN_BOOT_LOADER,
            name=text("Boards", "not known"),
            quirks=always | careful,
            versions=(),
        )

    def choreography(self, key: str, boot_loader: BootLoader | None = None) -> Choreography:
        """Return what to do with the buttons to reach something.

        Args:
            key: For example `dfu` or `listening`.
            boot_loader: The board's boot loader when it is known; None means the usual one.

        Raises:
            KeyError: This board cannot do that.
        """
        which = (boot_loader or self.boot_loader()).key
        for found in self.choreographies:
            if found.key == key and (not found.boot_loaders or which in found.boot_loaders):
                return found
        raise KeyError(key)
