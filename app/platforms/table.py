"""The board table: one row per kind of board. Facts only; every one names its section of device-protocol.md.

Gathered in small groups that several rows share (the memory of all STM32F205 boards, their buttons), so that a fact
stands once. `tests/unit/platform_second_table.py` is a second reading of the same sections, typed independently.
"""

from __future__ import annotations

from app.platforms.model import (
    Algorithm,
    AltSetting,
    BootLoader,
    ButtonStep,
    Choreography,
    EraseUnits,
    Field,
    FirmwareLook,
    KeySlot,
    Medium,
    Mode,
    Platform,
    PollTime,
    Quirk,
    Radio,
    Region,
    SerialForm,
    UsbId,
    WorkTime,
)
from app.text import Text, text

_KB = 1024

# --- names of memory ------------------------------------------------------------------------------------------------

_BOOT_LOADER = text("Boards", "Boot loader")
_APPLICATION = text("Boards", "Firmware")
_USER = text("Boards", "User firmware")
_OTA = text("Boards", "Download area")
_FACTORY = text("Boards", "Factory firmware")
_DCT = text("Boards", "Settings and keys")
_DCT_COPY_1 = text("Boards", "Settings and keys, first copy")
_DCT_COPY_2 = text("Boards", "Settings and keys, second copy")
_SYSTEM_1 = text("Boards", "System part 1")
_SYSTEM_2 = text("Boards", "System part 2")
_SYSTEM_3 = text("Boards", "System part 3")

# --- buttons (8.1) --------------------------------------------------------------------------------------------------

_STARTS = text("Boards", "The board starts as usual.")
_DFU = text("Boards", "Update mode.")
_SAFE_MODE = text("Boards", "Safe mode: the board starts without the user firmware.")
_RESETS = text("Boards", "Factory reset; Wi-Fi networks are kept.")
_RESETS_ALL = text("Boards", "Factory reset; Wi-Fi networks are forgotten. It starts while the button is still held.")
_RESETS_ALL_ON_RELEASE = text("Boards", "Factory reset; Wi-Fi networks are forgotten.")
_TOO_LONG = text("Boards", "The board stops waiting for the button.")
_NOTHING = text("Boards", "Nothing happens.")
_LISTENS = text("Boards", "Setup mode.")
_LEAVES = text("Boards", "The board leaves setup mode.")
_CLEARS = text("Boards", "The board forgets its Wi-Fi networks.")
_BARS = text("Boards", "The light blinks the signal strength.")
_POWERS_OFF = text("Boards", "The board switches itself off.")

_TO_DFU = text("Boards", "Enter update mode")
_TO_SAFE_MODE = text("Boards", "Enter safe mode")
_TO_FACTORY = text("Boards", "Factory reset")
_TO_FACTORY_CLEAR = text("Boards", "Factory reset, forgetting Wi-Fi")
_TO_LISTENING = text("Boards", "Enter setup mode")
_FROM_LISTENING = text("Boards", "Leave setup mode")
_TO_CLEAR = text("Boards", "Forget Wi-Fi networks")
_TO_BARS = text("Boards", "Show the signal strength")
_TO_POWER_OFF = text("Boards", "Switch off")

_HELD_ORIGINAL = (
    ButtonStep(0, "", _STARTS),
    ButtonStep(3000, "boot-loader-2014.dfu", _DFU),
    ButtonStep(10_000, "boot-loader-2014.factory-reset", _RESETS_ALL),
)
_HELD = (
    ButtonStep(0, "", _STARTS),
    ButtonStep(1000, "boot-loader.safe-mode", _SAFE_MODE),
    ButtonStep(3000, "boot-loader.dfu", _DFU),
    ButtonStep(6500, "boot-loader.factory-reset", _RESETS),
    ButtonStep(10_000, "boot-loader.factory-reset-clear", _RESETS_ALL_ON_RELEASE),
    ButtonStep(12_000, "", _TOO_LONG),
)


def _after_reset(
    key: str,
    name: Text,
    steps: tuple[ButtonStep, ...],
    boot_loaders: tuple[str, ...],
    hold_ms: int,
    until_ms: int | None,
) -> Choreography:
    return Choreography(key, name, True, steps, "8.1", hold_ms, until_ms, boot_loaders)


_RESET_HOLDS_ORIGINAL = (
    _after_reset("dfu", _TO_DFU, _HELD_ORIGINAL, ("original",), 3000, 10_000),
    # This boot loader has no factory reset that keeps Wi-Fi, and no safe mode.
    _after_reset("factory-reset", _TO_FACTORY_CLEAR, _HELD_ORIGINAL, ("original",), 10_000, None),
)


def _reset_holds(boot_loaders: tuple[str, ...]) -> tuple[Choreography, ...]:
    """What MODE does after a reset on boot loaders 0.4.0 and later."""
    return (
        _after_reset("dfu", _TO_DFU, _HELD, boot_loaders, 3000, 6500),
        _after_reset("safe-mode", _TO_SAFE_MODE, _HELD, boot_loaders, 1000, 3000),
        _after_reset("factory-reset", _TO_FACTORY, _HELD, boot_loaders, 6500, 10_000),
        _after_reset("factory-reset-clear", _TO_FACTORY_CLEAR, _HELD, boot_loaders, 10_000, None),
    )


def _while_running(era: str, clear_ms: int) -> tuple[Choreography, ...]:
    """What MODE does while the firmware runs; Wi-Fi is forgotten after `clear_ms` in listening mode.

    Held in one go from running, Wi-Fi is forgotten after 10 s: said of firmware up to 0.4.4, and careful for all.
    """
    listening, clearing = f"{era}.listening", f"{era}.clear-wifi"
    return (
        Choreography(
            "listening",
            _TO_LISTENING,
            False,
            (
                ButtonStep(0, "", _NOTHING),
                ButtonStep(3000, listening, _LISTENS),
                ButtonStep(10_000, clearing, _CLEARS),
            ),
            "8.1",
            3000,
            10_000,
        ),
        Choreography(
            "clear-wifi",
            _TO_CLEAR,
            False,
            (ButtonStep(0, listening, _NOTHING), ButtonStep(clear_ms, clearing, _CLEARS)),
            "8.1",
            clear_ms,
            from_listening=True,
        ),
    )


_LEAVE_LISTENING = Choreography(  # since 0.4.6
    "leave-listening",
    _FROM_LISTENING,
    False,
    (ButtonStep(0, "up-to-0.6.listening", _NOTHING), ButtonStep(3000, "up-to-0.6.listening", _LEAVES)),
    "8.1",
    3000,
    8000,
    from_listening=True,
)
_ELECTRON_CLICKS = (
    Choreography("signal-bars", _TO_BARS, False, (ButtonStep(0, "", _BARS),), "8.1", 0, clicks=1),
    Choreography(
        "power-off", _TO_POWER_OFF, False, (ButtonStep(0, "from-0.7.power-off", _POWERS_OFF),), "8.1", 0, clicks=2
    ),
)

# --- the Core (1.1-1.4, 2.1-2.3, 3.1, 3.2) --------------------------------------------------------------------------

_CORE_QUIRKS = frozenset(
    {
        Quirk.STARTS_IN_ERROR,
        Quirk.IGNORES_ALT,
        Quirk.NEVER_REPORTS_ERRORS,
        Quirk.WORKS_AFTER_STATUS,
        Quirk.EVEN_LENGTH,
        Quirk.CLEARING_BREAKS,
        Quirk.ILLEGAL_STATE,
        Quirk.LONG_READ_OVERRUNS,
        Quirk.PADDED_STRINGS,
        Quirk.DETACH_STALLS,
        Quirk.LAYOUT_TOO_NARROW,
    }
)
_CORE_POLL = (PollTime(Medium.INTERNAL_F1, 50, 50), PollTime(Medium.SPI, 20, 30))  # 2.2.6


_SPI_WORK = WorkTime(Medium.SPI, 4 * _KB, 18, 0, 7_000)  # 2.5
_CORE_WORK = (WorkTime(Medium.INTERNAL_F1, 1 * _KB, 30, 0, 26_250), _SPI_WORK)  # 2.5: 52.5 us for two bytes


def _core_boot_loader(
    key: str, name: Text, form: SerialForm, quirks: frozenset[Quirk], manufacturer: str, source: str
) -> BootLoader:
    return BootLoader(
        key=key,
        name=name,
        serial_form=form,
        releases=(0x0200,),  # 1.2
        quirks=_CORE_QUIRKS | quirks,
        transfer_size=1024,  # 1.2
        initial_address=0x0800_5000,  # 2.1
        source=source,
        manufacturer=manufacturer,
        product="CORE DFU",
        versions=(),
        poll_times=_CORE_POLL,
    )


# Section 2.2 was read from the original boot loader. Nothing else is said about the rebuilds' DFU side, so they are
# taken to be like it, the careful assumption, except where a section names a difference.
_CORE_BOOT_LOADERS = (
    _core_boot_loader(
        "original",
        text("Boards", "original, 2013-14"),
        SerialForm.HASH_12,
        frozenset({Quirk.RESETS_ON_LEAVE, Quirk.NO_DFU_BY_BAUD, Quirk.HIDES_ID}),
        "Spark Devices",
        "0.3, 1.2, 1.4, 2.1, 2.2, 5.6",
    ),
    _core_boot_loader(
        "0.4",
        text("Boards", "rebuilt, 0.4 to 0.6"),
        SerialForm.HASH_12,
        # 2.2: those built since September 2015 stay half a second longer; the earlier ones are in this row too.
        frozenset({Quirk.RESETS_ON_LEAVE, Quirk.HIDES_ID, Quirk.NO_FACTORY_CHECK}),
        "Particle",
        "0.3, 1.2, 1.4, 8.1",
    ),
    _core_boot_loader(
        "0.7",
        text("Boards", "rebuilt, 0.7 and later"),
        SerialForm.ID_24_UPPER,
        frozenset({Quirk.SHORT_BUTTON_LOOP}),
        "Particle",
        "0.3, 1.2, 1.4, 8.1",
    ),
)

_CORE_PRODUCT = "Spark Core with WiFi"
_CORE_LOOKS = (
    FirmwareLook("spark", _CORE_PRODUCT, 0x0200, SerialForm.HASH_12, "1.3, 1.4"),
    FirmwareLook("0.4", _CORE_PRODUCT, 0x0200, SerialForm.HASH_12, "1.3, 1.4"),
    FirmwareLook("0.7", _CORE_PRODUCT, 0x0200, SerialForm.ID_24_UPPER, "1.3, 1.4"),
)


def _core_flag(key: str, offset: int, size: int) -> Field:
    return Field(key, 0, 0x0800_4C00 + offset, size, "3.1")


_CORE_FIELDS = (
    _core_flag("flag-version", 0, 2),
    _core_flag("flag-nvmem-reset", 2, 2),
    _core_flag("flag-ota-update", 4, 2),
    _core_flag("flag-ota-flashed", 6, 2),
    _core_flag("flag-factory-reset", 8, 2),
    _core_flag("flag-dfu-on-no-firmware", 10, 1),
    _core_flag("flag-factory-reset-done", 11, 1),
    _core_flag("flag-startup-mode", 12, 1),
    _core_flag("flag-features", 13, 1),
    _core_flag("flag-rcc-csr", 14, 4),
    Field("server-address", 1, 0x1180, 128, "3.2"),
    Field("server-port", 1, 0x11C2, 2, "3.2"),
)

_CORE = Platform(
    key="core",
    name="Spark Core",
    number=0,  # 1.1
    chip="STM32F103CB",  # 3.1
    mode_button="MODE",  # 8.1
    ids={Mode.NORMAL: UsbId(0x1D50, 0x607D), Mode.DFU: UsbId(0x1D50, 0x607F)},  # 1.1
    alts=(  # 1.2
        AltSetting(0, "@Internal Flash  /0x08000000/20*001Ka,108*001Kg"),
        AltSetting(1, "@SPI Flash : SST25x/0x00000000/512*04Kg"),
    ),
    bases=(0x0800_0000, 0x0000_0000),
    erase_units=(  # 2.2.9, 2.2.10
        (EraseUnits(1 * _KB, 20), EraseUnits(1 * _KB, 108)),
        (EraseUnits(4 * _KB, 512),),
    ),
    regions=(
        # 3.1: the boot loader has 19 KB; 2.2.11: only its first 16 KB are protected, whatever the layout string says.
        Region("bootloader", _BOOT_LOADER, 0, 0x0800_0000, 16 * _KB, Medium.INTERNAL_F1, False, "2.2, 2.3, 3.1"),
        Region(
            "bootloader-end",
            text("Boards", "Boot loader, unprotected end"),
            0,
            0x0800_4000,
            3 * _KB,
            Medium.INTERNAL_F1,
            True,
            "2.2, 2.3, 3.1",
        ),
        Region(
            "system-flags",
            text("Boards", "System flags"),
            0,
            0x0800_4C00,
            1 * _KB,
            Medium.INTERNAL_F1,
            True,
            "2.2, 3.1",
        ),
        Region("application", _APPLICATION, 0, 0x0800_5000, 108 * _KB, Medium.INTERNAL_F1, True, "3.1"),
        Region("reserved", text("Boards", "Reserved by the maker"), 1, 0x00_0000, 4 * _KB, Medium.SPI, True, "3.2"),
        Region("server-key", text("Boards", "Server key"), 1, 0x00_1000, 4 * _KB, Medium.SPI, True, "3.2"),
        Region("device-key", text("Boards", "Device key"), 1, 0x00_2000, 4 * _KB, Medium.SPI, True, "3.2", secret=True),
        Region("factory", _FACTORY, 1, 0x02_0000, 128 * _KB, Medium.SPI, True, "3.2"),
        Region("backup", text("Boards", "Backup firmware"), 1, 0x04_0000, 128 * _KB, Medium.SPI, True, "3.2"),
        Region("ota", _OTA, 1, 0x06_0000, 128 * _KB, Medium.SPI, True, "3.2"),
        Region("free", text("Boards", "Free memory"), 1, 0x08_0000, 1536 * _KB, Medium.SPI, True, "3.2"),
    ),
    key_slots=(
        KeySlot("device-private", 1, 0x2000, 612, Algorithm.RSA_1024, "3.2, 4.2, 4.4", segment=1024),
        KeySlot("server-public", 1, 0x1000, 2048, Algorithm.RSA_2048, "3.2, 4.4", 384, segment=2048),
    ),
    boot_loaders=_CORE_BOOT_LOADERS,
    choreographies=(
        *_RESET_HOLDS_ORIGINAL,
        *_reset_holds(("0.4", "0.7")),
        # 8.1: spark_*, 0.4.0 and 0.4.4 clear after 7 s in listening mode, later ones after 10 s.
        *_while_running("core-2014", 7000),
        _LEAVE_LISTENING,
    ),
    light_eras=(
        "core-2014",
        "up-to-0.6",
        "from-0.7",
        "boot-loader-2014",
        "boot-loader",
        "core-radio",
        "panic",
        "special",
        "special-core",
    ),
    default_host="device.spark.io",  # 4.1
    default_port=5683,
    source="1.1-1.4, 2.1-2.3, 3.1, 3.2, 4.1-4.4, 8.1, 9",
    usual_boot_loader="original",  # 0.3: almost every Core ever shipped
    firmware_looks=_CORE_LOOKS,
    fields=_CORE_FIELDS,
    shares_ids=True,  # 1.1: prototypes of the Photon announce the same ids
    work_times=_CORE_WORK,
    radio=Radio.CC3000,
)

# --- what all STM32F205 boards share (1.4-1.6, 2.1, 2.4, 3.5, 4) ----------------------------------------------------

_F2_ALTS = (  # 1.5
    AltSetting(0, "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg"),
    AltSetting(1, "@DCT Flash   /0x00000000/01*016Kg"),
)
_F2_ERASE_UNITS = (  # 1.5, 2.4.9, 2.7
    (
        EraseUnits(16 * _KB, 3),
        EraseUnits(16 * _KB, 1),
        EraseUnits(64 * _KB, 1),
        EraseUnits(128 * _KB, 7),
    ),
    (EraseUnits(16 * _KB, 1),),
)

_F2_QUIRKS = frozenset(
    {
        Quirk.WORKS_DURING_STATUS,
        Quirk.STALE_POLL_BYTES,
        Quirk.CLEARING_BREAKS,
        Quirk.ILLEGAL_STATE,
        Quirk.LAYOUT_TOO_WIDE,
        Quirk.SWAPPED_DCT_POLL,
    }
)
_F2_POLL = (PollTime(Medium.INTERNAL_F2, 50, 50), PollTime(Medium.DCT, 500, 1))  # 2.4.7, as reported
_F2_POLL_0_7 = (PollTime(Medium.INTERNAL_F2, 0, 0), PollTime(Medium.DCT, 500, 1))
_F2_WORK = (  # 2.5; 2.4.10: each write to the DCT copies one sector of 16 KB into another, which is erased before
    WorkTime(Medium.INTERNAL_F2, 16 * _KB, 250, 0, 4_000),
    WorkTime(Medium.INTERNAL_F2, 64 * _KB, 550, 0, 4_000),
    WorkTime(Medium.INTERNAL_F2, 128 * _KB, 1_000, 0, 4_000),
    WorkTime(Medium.DCT, 16 * _KB, 0, 315_536, 0),
)
_OLD_DFU_PRODUCT = "Photon DFU Mode"  # 1.5: on every board up to 0.5.x


def _f2_boot_loader(
    key: str,
    name: Text,
    form: SerialForm,
    release: int,
    quirks: frozenset[Quirk],
    product: str,
    versions: tuple[int, ...],
    poll_times: tuple[PollTime, ...],
    manufacturer: str = "Particle",
) -> BootLoader:
    return BootLoader(
        key=key,
        name=name,
        serial_form=form,
        releases=(release,),
        quirks=_F2_QUIRKS | quirks,
        transfer_size=4096,  # 1.5
        initial_address=0x0802_0000,  # 2.1
        source="0.3, 1.4, 1.5, 2.1, 2.4, 8.1",
        manufacturer=manufacturer,
        product=product,
        versions=versions,
        poll_times=poll_times,
    )


def _f2_boot_loaders(product: str, dct: frozenset[Quirk], reset: frozenset[Quirk]) -> tuple[BootLoader, ...]:
    """Generations of the STM32F205 boot loader.

    Args:
        product: iProduct from 0.6.0 on.
        dct: What 0.7 and later need for the DCT.
        reset: What those before the 1.2 line need besides.
    """
    stalls = Quirk.STALLS_ON_FAILURE
    return (
        _f2_boot_loader(
            "0.4.0",
            text("Boards", "0.4.0"),
            SerialForm.CONSTANT,
            0x0200,
            frozenset(
                {
                    Quirk.IGNORES_ALT,
                    Quirk.NEVER_REPORTS_ERRORS,
                    Quirk.RESETS_ON_LEAVE,  # 2.2: until August 2015
                    Quirk.BAD_READ_STALE,
                    Quirk.ID_IN_DCT,
                    Quirk.NO_FACTORY_CHECK,
                }
            ),
            _OLD_DFU_PRODUCT,
            (2,),
            _F2_POLL,
            "Spark Devices",
        ),
        _f2_boot_loader(
            "0.4.4",
            text("Boards", "0.4.4 to 0.5"),
            SerialForm.CONSTANT,
            0x0200,
            # VERIFIES_WRITES is known from 0.5.x on only (2.4.8); 0.4 and 0.5 cannot be told apart over USB.
            frozenset({stalls, Quirk.BAD_READ_STALE, Quirk.ID_IN_DCT, Quirk.NO_FACTORY_CHECK}),
            _OLD_DFU_PRODUCT,
            (3, 5, 7),
            _F2_POLL,
        ),
        _f2_boot_loader(
            "0.6",
            text("Boards", "0.6"),
            SerialForm.ID_24_UPPER,
            0x0250,
            frozenset({stalls, Quirk.BAD_READ_STALE, Quirk.VERIFIES_WRITES}),
            product,
            (8, 11),
            _F2_POLL,
        ),
        _f2_boot_loader(
            "0.7",
            text("Boards", "0.7 to 1.1"),
            SerialForm.ID_24_LOWER,
            0x0250,
            frozenset({stalls, Quirk.BAD_READ_ZERO, Quirk.VERIFIES_WRITES, Quirk.SHORT_BUTTON_LOOP}) | dct | reset,
            product,
            (101, 201),
            _F2_POLL_0_7,
        ),
        _f2_boot_loader(
            "1.2",
            text("Boards", "1.2 and later"),
            SerialForm.ID_24_LOWER,
            0x0250,
            frozenset({stalls, Quirk.BAD_READ_ZERO, Quirk.VERIFIES_WRITES}) | dct,
            product,
            (311, 501, 502, 1005, 1006),
            _F2_POLL_0_7,
        ),
    )


_NEEDS_PART2 = frozenset({Quirk.DCT_NEEDS_PART2})
_NEEDS_RESET = frozenset({Quirk.PART2_NEEDS_RESET})


def _f2_looks(old_product: str, product: str) -> tuple[FirmwareLook, ...]:
    """How the firmware of a STM32F205 board shows itself (1.4, 1.6)."""
    return (
        FirmwareLook("0.4", old_product, 0x0200, SerialForm.CONSTANT, "1.4, 1.6"),
        FirmwareLook("0.6", product, 0x0250, SerialForm.ID_24_UPPER, "1.4, 1.6"),
        FirmwareLook("0.7", product, 0x0250, SerialForm.ID_24_LOWER, "1.4, 1.6"),
    )


_F2_TCP_SLOTS = (  # 3.5, 4.4
    KeySlot("device-private", 1, 34, 612, Algorithm.RSA_1024, "3.5, 4.2, 4.4", segment=612),
    KeySlot("device-public", 1, 1250, 162, Algorithm.RSA_1024, "3.5, 4.2"),
    KeySlot("server-public", 1, 2082, 512, Algorithm.RSA_2048, "3.5, 4.4", 384, segment=512),
)
_F2_UDP_SLOTS = (
    KeySlot("device-private-udp", 1, 3106, 192, Algorithm.EC_P256, "3.5, 4.2, 4.4", segment=192),
    KeySlot("device-public-udp", 1, 2978, 91, Algorithm.EC_P256, "3.5, 4.2"),
    KeySlot("server-public-udp", 1, 3298, 320, Algorithm.EC_P256, "3.5, 4.4", 192, segment=320),
)


def _dct(key: str, offset: int, size: int) -> Field:
    return Field(key, 1, offset, size, "3.5")


_F2_FIELDS = (
    _dct("system-flags", 0, 32),
    _dct("flag-version", 4, 2),
    _dct("flag-nvmem-reset", 6, 2),
    _dct("flag-ota-update", 8, 2),
    _dct("flag-ota-flashed", 10, 2),
    _dct("flag-factory-reset", 12, 2),
    _dct("flag-iwdg", 14, 2),
    _dct("flag-dfu-on-no-firmware", 16, 1),
    _dct("flag-factory-reset-done", 17, 1),
    _dct("flag-startup-mode", 18, 1),
    _dct("flag-features", 19, 1),
    _dct("flag-rcc-csr", 20, 4),
    _dct("version", 32, 2),
    _dct("device-private-key", 34, 1216),
    _dct("device-public-key", 1250, 384),
    _dct("ip-config", 1634, 24),
    _dct("ota-update-flag", 1753, 1),
    _dct("feature-flags", 1754, 4),
    _dct("country-code", 1758, 4),
    _dct("claim-code", 1762, 63),
    _dct("claimed", 1825, 1),
    _dct("ssid-prefix", 1826, 26),
    _dct("device-code", 1852, 6),
    _dct("version-string", 1858, 32),
    _dct("dns-resolve", 1890, 128),
    _dct("server-public-key", 2082, 768),
    _dct("server-address", 2466, 128),
    _dct("server-port", 2532, 2),
    _dct("flash-modules", 2852, 100),
    _dct("product-store", 2952, 24),
    _dct("antenna", 2976, 1),
    _dct("transport", 2977, 1),
    _dct("device-public-key-udp", 2978, 128),
    _dct("device-private-key-udp", 3106, 192),
    _dct("server-public-key-udp", 3298, 192),
    _dct("server-address-udp", 3490, 128),
    _dct("server-port-udp", 3556, 2),
    _dct("device-id", 3618, 12),
    _dct("radio-flags", 3630, 1),
    _dct("mode-button-mirror", 3631, 32),
    _dct("led-mirror", 3663, 96),
    _dct("led-theme", 3759, 64),
    _dct("eap-configuration", 3823, 4296),
    _dct("device-secret", 8119, 15),
)

_F2_ERAS = ("up-to-0.6", "from-0.7", "boot-loader", "panic", "special")
_F2_GENERATIONS = ("0.4.0", "0.4.4", "0.6", "0.7", "1.2")
_F2_CHOREOGRAPHIES = (
    *_reset_holds(_F2_GENERATIONS),
    *_while_running("from-0.7", 10_000),  # 8.1: 0.4.6 and later; 0.4.0 and 0.4.4 already after 7 s
    _LEAVE_LISTENING,
)


def _inside(
    key: str,
    name: Text,
    start: int,
    size_kb: int,
    source: str,
    *,
    writable: bool = True,
    alt: int = 0,
    secret: bool = False,
    erase_first: bool = False,
) -> Region:
    """A region of the STM32F205's own flash; below 0x08020000 the boot loader refuses every change (2.4.5)."""
    return Region(key, name, alt, start, size_kb * _KB, Medium.INTERNAL_F2, writable, source, secret, erase_first)


_F2_DCT_REGION = Region("dct", _DCT, 1, 0x0000_0000, 16 * _KB, Medium.DCT, True, "1.5, 2.4, 3.5", secret=True)

# --- Photon and P1 (3.3) --------------------------------------------------------------------------------------------

_PHOTON_REGIONS = (
    _inside("bootloader", _BOOT_LOADER, 0x0800_0000, 16, "2.4, 3.3", writable=False),
    _inside("dct-copy-1", _DCT_COPY_1, 0x0800_4000, 16, "2.4, 3.3", writable=False, secret=True),
    _inside("dct-copy-2", _DCT_COPY_2, 0x0800_8000, 16, "2.4, 3.3", writable=False, secret=True),
    _inside("eeprom", text("Boards", "Memory of the user firmware"), 0x0800_C000, 80, "2.4, 3.3", writable=False),
    _inside("system-1", _SYSTEM_1, 0x0802_0000, 256, "2.4, 3.3", erase_first=True),
    _inside("system-2", _SYSTEM_2, 0x0806_0000, 256, "2.4, 3.3", erase_first=True),
    _inside("user", _USER, 0x080A_0000, 128, "3.3"),
    _inside("ota", _OTA, 0x080C_0000, 256, "3.3"),
    _inside("factory", _FACTORY, 0x080E_0000, 128, "3.3"),
    _F2_DCT_REGION,
)
_PHOTON_MONOLITHIC = (
    _inside("user", _APPLICATION, 0x0802_0000, 384, "2.4, 3.3", erase_first=True),
    _inside("factory", _FACTORY, 0x0808_0000, 384, "3.3"),
    _inside("ota", _OTA, 0x0808_0000, 384, "3.3"),
)

_PHOTON = Platform(
    key="photon",
    name="Particle Photon",
    number=6,
    chip="STM32F205RG",  # 3.3
    mode_button="SETUP",  # 8.1
    ids={Mode.NORMAL: UsbId(0x2B04, 0xC006), Mode.DFU: UsbId(0x2B04, 0xD006)},  # 1.1
    alts=_F2_ALTS,
    bases=(0x0800_0000, 0x0000_0000),
    erase_units=_F2_ERASE_UNITS,
    regions=_PHOTON_REGIONS,
    key_slots=_F2_TCP_SLOTS + _F2_UDP_SLOTS,
    boot_loaders=_f2_boot_loaders("Photon DFU Mode", _NEEDS_PART2, _NEEDS_RESET),
    choreographies=_F2_CHOREOGRAPHIES,
    light_eras=_F2_ERAS,
    default_host="device.spark.io",  # 4.1
    default_port=5683,
    source="1.1, 1.4-1.6, 2.1, 2.4, 3.3, 3.5, 4.1-4.4, 8.1, 9",
    usual_boot_loader="1.2",  # what the last updates leave on the board (0.3)
    firmware_looks=_f2_looks("Photon with WiFi", "Photon"),
    fields=_F2_FIELDS,
    monolithic_regions=_PHOTON_MONOLITHIC,
    shared_overlaps=(("ota", "factory"),),
    work_times=_F2_WORK,
    radio=Radio.PHOTON,
)

_P1 = Platform(
    key="p1",
    name="Particle P1",
    number=8,
    chip="STM32F205RG",  # 3.3
    mode_button="SETUP",  # 8.1
    ids={Mode.NORMAL: UsbId(0x2B04, 0xC008), Mode.DFU: UsbId(0x2B04, 0xD008)},  # 1.1
    alts=(*_F2_ALTS, AltSetting(2, "@Serial Flash   /0x00000000/256*004Kg")),  # 1.5
    bases=(0x0800_0000, 0x0000_0000, 0x0000_0000),
    erase_units=(*_F2_ERASE_UNITS, (EraseUnits(4 * _KB, 256),)),
    regions=(
        *_PHOTON_REGIONS,
        Region(
            "serial-flash",
            text("Boards", "Serial flash"),
            2,
            0x0000_0000,
            1024 * _KB,
            Medium.SPI,
            True,
            "1.5, 2.4, 3.3",
        ),
    ),
    key_slots=_F2_TCP_SLOTS + _F2_UDP_SLOTS,
    boot_loaders=_f2_boot_loaders("P1 DFU Mode", _NEEDS_PART2, _NEEDS_RESET),
    choreographies=_F2_CHOREOGRAPHIES,
    light_eras=_F2_ERAS,
    default_host="device.spark.io",  # 4.1
    default_port=5683,
    source="1.1, 1.4-1.6, 2.1, 2.4, 3.3, 3.5, 4.1-4.4, 8.1, 9",
    usual_boot_loader="1.2",
    firmware_looks=_f2_looks("P1 with WiFi", "P1"),
    fields=_F2_FIELDS,
    monolithic_regions=_PHOTON_MONOLITHIC,
    shared_overlaps=(("ota", "factory"),),
    work_times=(*_F2_WORK, _SPI_WORK),
    radio=Radio.PHOTON,
)

# --- Electron (3.4) -------------------------------------------------------------------------------------------------

_ELECTRON = Platform(
    key="electron",
    name="Particle Electron",
    number=10,
    chip="STM32F205",  # 1.4, 2.7
    mode_button="MODE",  # 8.1
    ids={Mode.NORMAL: UsbId(0x2B04, 0xC00A), Mode.DFU: UsbId(0x2B04, 0xD00A)},  # 1.1
    alts=_F2_ALTS,
    bases=(0x0800_0000, 0x0000_0000),
    erase_units=_F2_ERASE_UNITS,
    regions=(
        _inside("bootloader", _BOOT_LOADER, 0x0800_0000, 16, "2.4, 3.4", writable=False),
        _inside("dct-copy-1", _DCT_COPY_1, 0x0800_4000, 16, "2.4, 3.4", writable=False, secret=True),
        _inside("dct-copy-2", _DCT_COPY_2, 0x0800_8000, 16, "2.4, 3.4", writable=False, secret=True),
        # Numbers are module indices; release files are named otherwise (3.4). 0.5.2 has parts 1 and 2 only.
        _inside("system-1", _SYSTEM_1, 0x0802_0000, 128, "2.4, 3.4", erase_first=True),
        _inside("system-2", _SYSTEM_2, 0x0804_0000, 128, "2.4, 3.4", erase_first=True),
        _inside("system-3", _SYSTEM_3, 0x0806_0000, 128, "2.4, 3.4", erase_first=True),
        _inside("user", _USER, 0x0808_0000, 128, "3.4"),
        _inside("factory", _FACTORY, 0x080A_0000, 128, "3.4"),
        _inside("ota", _OTA, 0x080C_0000, 128, "3.4"),
        _inside("factory-0.4.9", text("Boards", "Factory firmware of 0.4.9"), 0x080E_0000, 128, "3.4"),
        _F2_DCT_REGION,
    ),
    key_slots=_F2_UDP_SLOTS + _F2_TCP_SLOTS,  # 4.1: UDP is its default
    # 2.4.11: its boot loaders carry their own DCT code.
    boot_loaders=_f2_boot_loaders("Electron DFU Mode", frozenset(), frozenset()),
    choreographies=(*_F2_CHOREOGRAPHIES, *_ELECTRON_CLICKS),
    light_eras=_F2_ERAS,
    default_host="$id.udp.particle.io",  # 4.1
    default_port=5684,
    source="1.1, 1.4-1.6, 2.1, 2.4, 3.4, 3.5, 4.1-4.4, 8.1, 9",
    usual_boot_loader="1.2",
    firmware_looks=_f2_looks("Electron", "Electron"),
    fields=_F2_FIELDS,
    has_modem=True,  # 5.3
    work_times=_F2_WORK,
)

PLATFORMS: tuple[Platform, ...] = (_CORE, _PHOTON, _P1, _ELECTRON)


def platform(key: str) -> Platform:
    """Return the board of that key (`core`, `photon`, `p1`, `electron`); KeyError when there is none."""
    return {found.key: found for found in PLATFORMS}[key]
