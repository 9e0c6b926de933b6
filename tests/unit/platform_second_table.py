"""The board table read from the specification a second time and typed in plain values.

Nothing here is derived from `app.platforms`: a number mistyped there must differ from what stands here. Addresses and
sizes are written the way the specification writes them, names are its words.
"""

from __future__ import annotations

# 1.1: key -> (platform id, normal mode, DFU mode)
USB_IDS = {
    "core": (0, "1d50:607d", "1d50:607f"),
    "photon": (6, "2b04:c006", "2b04:d006"),
    "p1": (8, "2b04:c008", "2b04:d008"),
    "electron": (10, "2b04:c00a", "2b04:d00a"),
}

# 1.2, 1.5: key -> layout strings by alternate setting
_INTERNAL_F2 = "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg"
_DCT_FLASH = "@DCT Flash   /0x00000000/01*016Kg"
ALT_STRINGS = {
    "core": ["@Internal Flash  /0x08000000/20*001Ka,108*001Kg", "@SPI Flash : SST25x/0x00000000/512*04Kg"],
    "photon": [_INTERNAL_F2, _DCT_FLASH],
    "p1": [_INTERNAL_F2, _DCT_FLASH, "@Serial Flash   /0x00000000/256*004Kg"],
    "electron": [_INTERNAL_F2, _DCT_FLASH],
}

# 2.2 (9, 10), 2.7: key -> sizes in KB, one entry a page or sector
_F205 = [16, 16, 16, 16, 64, 128, 128, 128, 128, 128, 128, 128]
ERASE_KB = {
    "core": [[1] * 128, [4] * 512],
    "photon": [_F205, [16]],
    "p1": [_F205, [16], [4] * 256],
    "electron": [_F205, [16]],
}

# 3.1-3.4, 2.2 (11), 2.4 (5): key -> rows of (region, alt, first address, last address, may be written)
_F2_BOOT = [
    ("bootloader", 0, 0x08000000, 0x08003FFF, False),
    ("dct-copy-1", 0, 0x08004000, 0x08007FFF, False),
    ("dct-copy-2", 0, 0x08008000, 0x0800BFFF, False),
    ("dct", 1, 0x0000, 0x3FFF, True),
]
_PHOTON_MEMORY = [
    *_F2_BOOT,
    ("eeprom", 0, 0x0800C000, 0x0801FFFF, False),
    ("system-1", 0, 0x08020000, 0x0805FFFF, True),
    ("system-2", 0, 0x08060000, 0x0809FFFF, True),
    ("user", 0, 0x080A0000, 0x080BFFFF, True),
    ("ota", 0, 0x080C0000, 0x080FFFFF, True),
    ("factory", 0, 0x080E0000, 0x080FFFFF, True),
]
MEMORY = {
    "core": [
        ("bootloader", 0, 0x08000000, 0x08003FFF, False),
        ("bootloader-end", 0, 0x08004000, 0x08004BFF, True),
        ("system-flags", 0, 0x08004C00, 0x08004FFF, True),
        ("application", 0, 0x08005000, 0x0801FFFF, True),
        ("reserved", 1, 0x000000, 0x000FFF, True),
        ("server-key", 1, 0x001000, 0x001FFF, True),
        ("device-key", 1, 0x002000, 0x002FFF, True),
        ("factory", 1, 0x020000, 0x03FFFF, True),
        ("backup", 1, 0x040000, 0x05FFFF, True),
        ("ota", 1, 0x060000, 0x07FFFF, True),
        ("free", 1, 0x080000, 0x1FFFFF, True),
    ],
    "photon": _PHOTON_MEMORY,
    "p1": [*_PHOTON_MEMORY, ("serial-flash", 2, 0x00000, 0xFFFFF, True)],
    "electron": [
        *_F2_BOOT,
        ("system-1", 0, 0x08020000, 0x0803FFFF, True),
        ("system-2", 0, 0x08040000, 0x0805FFFF, True),
        ("system-3", 0, 0x08060000, 0x0807FFFF, True),
        ("user", 0, 0x08080000, 0x0809FFFF, True),
        ("factory", 0, 0x080A0000, 0x080BFFFF, True),
        ("ota", 0, 0x080C0000, 0x080DFFFF, True),
        ("factory-0.4.9", 0, 0x080E0000, 0x080FFFFF, True),
    ],
}

# 3.3, "Monolithic builds"
MONOLITHIC = [
    ("user", 0, 0x08020000, 0x0807FFFF, True),
    ("factory", 0, 0x08080000, 0x080DFFFF, True),
    ("ota", 0, 0x08080000, 0x080DFFFF, True),
]

# 2.4 (9): first and last address of what running firmware protects, on boards that run it from there
SYSTEM_PARTS = {
    "core": [],
    "photon": [(0x08020000, 0x0809FFFF)],
    "p1": [(0x08020000, 0x0809FFFF)],
    "electron": [(0x08020000, 0x0807FFFF)],
}

# 2.5, 2.4 (10): memory -> KB of an erase unit -> (ms to erase it, us to write 4 KB, of the DCT any number of bytes)
TYPICAL_TIMES = {
    "internal-f1": {1: (30, 2048 * 105 // 2)},
    "spi": {4: (18, 4096 * 7)},
    "internal-f2": {16: (250, 1024 * 16), 64: (550, 1024 * 16), 128: (1000, 1024 * 16)},
    "dct": {16: (0, 250_000 + 4096 * 16)},
}

# 3.2, 3.5, 4.2, 4.4: key -> rows of (slot, alt, address, bytes used, CLI segment, address at, port at, algorithm)
_TCP = [
    ("device-private", 1, 34, 612, 612, None, None, "rsa-1024"),
    ("device-public", 1, 1250, 162, 0, None, None, "rsa-1024"),
    ("server-public", 1, 2082, 512, 512, 2466, 2532, "rsa-2048"),
]
_UDP = [
    ("device-private-udp", 1, 3106, 192, 192, None, None, "ec-p256"),
    ("device-public-udp", 1, 2978, 91, 0, None, None, "ec-p256"),
    ("server-public-udp", 1, 3298, 320, 320, 3490, 3556, "ec-p256"),
]
KEY_SLOTS = {
    "core": [
        ("device-private", 1, 0x2000, 612, 1024, None, None, "rsa-1024"),
        ("server-public", 1, 0x1000, 2048, 2048, 0x1180, 0x11C2, "rsa-2048"),
    ],
    "photon": _TCP + _UDP,
    "p1": _TCP + _UDP,
    "electron": _UDP + _TCP,
}

# 4.1: key -> host and port
SERVERS = {
    "core": ("device.spark.io", 5683),
    "photon": ("device.spark.io", 5683),
    "p1": ("device.spark.io", 5683),
    "electron": ("$id.udp.particle.io", 5684),
}

# 3.1: offset from 0x08004C00 -> bytes
CORE_FLAGS = {0: 2, 2: 2, 4: 2, 6: 2, 8: 2, 10: 1, 11: 1, 12: 1, 13: 1, 14: 4}

# 3.5: offset -> bytes, flags at the start counted one by one
DCT_FIELDS = {
    0: 32,
    4: 2,
    6: 2,
    8: 2,
    10: 2,
    12: 2,
    14: 2,
    16: 1,
    17: 1,
    18: 1,
    19: 1,
    20: 4,
    32: 2,
    34: 1216,
    1250: 384,
    1634: 24,
    1753: 1,
    1754: 4,
    1758: 4,
    1762: 63,
    1825: 1,
    1826: 26,
    1852: 6,
    1858: 32,
    1890: 128,
    2082: 768,
    2466: 128,
    2532: 2,
    2852: 5 * 20,
    2952: 24,
    2976: 1,
    2977: 1,
    2978: 128,
    3106: 192,
    3298: 192,
    3490: 128,
    3556: 2,
    3618: 12,
    3630: 1,
    3631: 32,
    3663: 96,
    3759: 64,
    3823: 4296,
    8119: 15,
}
DCT_BY_NAME = {
    "ota-update-flag": 1753,
    "claim-code": 1762,
    "claimed": 1825,
    "device-code": 1852,
    "transport": 2977,
    "device-id": 3618,
    "device-secret": 8119,
}

# 0.3, 1.2, 1.4, 1.5, 2.1, 2.2 (6), 2.4 (7): rows of
# (boot loader, serial, bcdDevice, wTransferSize, pointer at power-up, iManufacturer, iProduct, versions, poll times)
_CORE_POLL = {"internal-f1": (50, 50), "spi": (20, 30)}
_OLD_POLL = {"internal-f2": (50, 50), "dct": (500, 1)}
_NEW_POLL = {"internal-f2": (0, 0), "dct": (500, 1)}


def _f2(name: str) -> list[tuple[object, ...]]:
    return [
        ("0.4.0", "constant", 0x200, 0x1000, 0x08020000, "Spark Devices", "Photon DFU Mode", (2,), _OLD_POLL),
        ("0.4.4", "constant", 0x200, 0x1000, 0x08020000, "Particle", "Photon DFU Mode", (3, 5, 7), _OLD_POLL),
        ("0.6", "id-24-upper", 0x250, 0x1000, 0x08020000, "Particle", name, (8, 11), _OLD_POLL),
        ("0.7", "id-24-lower", 0x250, 0x1000, 0x08020000, "Particle", name, (101, 201), _NEW_POLL),
        (
            "1.2",
            "id-24-lower",
            0x250,
            0x1000,
            0x08020000,
            "Particle",
            name,
            (311, 501, 502, 1005, 1006),
            _NEW_POLL,
        ),
    ]


BOOT_LOADERS = {
    "core": [
        ("original", "hash-12", 0x200, 1024, 0x08005000, "Spark Devices", "CORE DFU", (), _CORE_POLL),
        ("0.4", "hash-12", 0x200, 1024, 0x08005000, "Particle", "CORE DFU", (), _CORE_POLL),
        ("0.7", "id-24-upper", 0x200, 1024, 0x08005000, "Particle", "CORE DFU", (), _CORE_POLL),
    ],
    "photon": _f2("Photon DFU Mode"),
    "p1": _f2("P1 DFU Mode"),
    "electron": _f2("Electron DFU Mode"),
}

# 1.4, 2.1, 2.2, 2.4, 5.6, 8.1: (platform, boot loader) -> quirks
_CORE_ALL = {
    "starts-in-error",
    "ignores-alt",
    "never-reports-errors",
    "works-after-status",
    "even-length",
    "clearing-breaks",
    "illegal-state",
    "long-read-overruns",
    "padded-strings",
    "detach-stalls",
    "layout-too-narrow",
}
_F2_ALL = {
    "works-during-status",
    "stale-poll-bytes",
    "clearing-breaks",
    "illegal-state",
    "layout-too-wide",
    "swapped-dct-poll",
}
_F2_0_4_0 = _F2_ALL | {
    "ignores-alt",
    "never-reports-errors",
    "resets-on-leave",
    "bad-read-stale",
    "id-in-dct",
    "no-factory-check",
}
_F2_0_4_4 = _F2_ALL | {"stalls-on-failure", "bad-read-stale", "id-in-dct", "no-factory-check"}
_F2_0_6 = _F2_ALL | {"stalls-on-failure", "bad-read-stale", "verifies-writes"}
_F2_1_2 = _F2_ALL | {"stalls-on-failure", "bad-read-zero", "verifies-writes"}
_F2_0_7 = _F2_1_2 | {"short-button-loop"}
QUIRKS = {
    ("core", "original"): _CORE_ALL | {"resets-on-leave", "no-dfu-by-baud", "hides-id"},
    ("core", "0.4"): _CORE_ALL | {"resets-on-leave", "hides-id", "no-factory-check"},
    ("core", "0.7"): _CORE_ALL | {"short-button-loop"},
    ("photon", "0.4.0"): _F2_0_4_0,
    ("photon", "0.4.4"): _F2_0_4_4,
    ("photon", "0.6"): _F2_0_6,
    ("photon", "0.7"): _F2_0_7 | {"dct-needs-part2", "part2-needs-reset"},
    ("photon", "1.2"): _F2_1_2 | {"dct-needs-part2"},
    ("p1", "0.4.0"): _F2_0_4_0,
    ("p1", "0.4.4"): _F2_0_4_4,
    ("p1", "0.6"): _F2_0_6,
    ("p1", "0.7"): _F2_0_7 | {"dct-needs-part2", "part2-needs-reset"},
    ("p1", "1.2"): _F2_1_2 | {"dct-needs-part2"},
    ("electron", "0.4.0"): _F2_0_4_0,
    ("electron", "0.4.4"): _F2_0_4_4,
    ("electron", "0.6"): _F2_0_6,
    ("electron", "0.7"): _F2_0_7,
    ("electron", "1.2"): _F2_1_2,
}

# 1.3, 1.4, 1.6: key -> rows of (generation, iProduct, bcdDevice, serial) in normal mode
NORMAL_MODE = {
    "core": [
        ("spark", "Spark Core with WiFi", 0x200, "hash-12"),
        ("0.4", "Spark Core with WiFi", 0x200, "hash-12"),
        ("0.7", "Spark Core with WiFi", 0x200, "id-24-upper"),
    ],
    "photon": [
        ("0.4", "Photon with WiFi", 0x200, "constant"),
        ("0.6", "Photon", 0x250, "id-24-upper"),
        ("0.7", "Photon", 0x250, "id-24-lower"),
    ],
    "p1": [
        ("0.4", "P1 with WiFi", 0x200, "constant"),
        ("0.6", "P1", 0x250, "id-24-upper"),
        ("0.7", "P1", 0x250, "id-24-lower"),
    ],
    "electron": [
        ("0.4", "Electron", 0x200, "constant"),
        ("0.6", "Electron", 0x250, "id-24-upper"),
        ("0.7", "Electron", 0x250, "id-24-lower"),
    ],
}

BUTTONS = {"core": "MODE", "photon": "SETUP", "p1": "SETUP", "electron": "MODE"}  # 8.1

# 8.1: (platform, boot loader) -> what to reach -> (hold for ms, let go before ms)
_OLD_HOLDS = {"dfu": (3000, 10000), "factory-reset": (10000, None)}
_NEW_HOLDS = {
    "safe-mode": (1000, 3000),
    "dfu": (3000, 6500),
    "factory-reset": (6500, 10000),
    "factory-reset-clear": (10000, None),
}
HOLDS = {
    ("core", "original"): _OLD_HOLDS,
    ("core", "0.4"): _NEW_HOLDS,
    ("core", "0.7"): _NEW_HOLDS,
    **{
        (board, which): _NEW_HOLDS
        for board in ("photon", "p1", "electron")
        for which in ("0.4.0", "0.4.4", "0.6", "0.7", "1.2")
    },
}
# 8.1: the colour seen so many ms after the reset while the button is held
HELD_COLOURS = {
    "original": {3000: "yellow", 10000: "white"},
    "later": {1000: "magenta", 3000: "yellow", 6500: "green", 10000: "white"},
}
CLEAR_WIFI_MS = {"core": 7000, "photon": 10000, "p1": 10000, "electron": 10000}

# 9.1-9.3, 8.1, 8.3, 8.4, support page: pattern -> (colour, toggle ms) of plain blinks
BLINKS = {
    "core-2014.connecting": (0x00FF00, 100),
    "core-2014.cloud-connecting": (0x00FFFF, 100),
    "core-2014.handshake": (0x00FFFF, 50),
    "core-2014.listening": (0x0000FF, 250),
    "core-2014.clear-wifi": (0x0000FF, 50),
    "core-2014.ota": (0xFF00FF, 100),
    "up-to-0.6.connecting": (0x00FF00, 100),
    "up-to-0.6.cloud-connecting": (0x00FFFF, 100),
    "up-to-0.6.handshake": (0x00FFFF, 50),
    "up-to-0.6.listening": (0x0000FF, 250),
    "up-to-0.6.clear-wifi": (0x0000FF, 50),
    "up-to-0.6.ota": (0xFF00FF, 100),
    "from-0.7.connecting": (0x00FF00, 100),
    "from-0.7.dhcp": (0x00FF00, 50),
    "from-0.7.cloud-connecting": (0x00FFFF, 100),
    "from-0.7.handshake": (0x00FFFF, 50),
    "from-0.7.listening": (0x0000FF, 250),
    "from-0.7.clear-wifi": (0x0000FF, 50),
    "from-0.7.clear-wifi-failed": (0xFF0000, 50),
    "from-0.7.dfu": (0xFFFF00, 100),
    "from-0.7.ota": (0xFF00FF, 50),
    "boot-loader-2014.dfu": (0xFFFF00, 100),
    "boot-loader-2014.ota": (0xFF00FF, 50),
    "boot-loader-2014.restore": (0xFF0000, 50),
    "boot-loader-2014.factory-reset": (0xFFFFFF, 50),
    "boot-loader.safe-mode": (0xFF00FF, 100),
    "boot-loader.dfu": (0xFFFF00, 100),
    "boot-loader.ota": (0xFF00FF, 50),
    "boot-loader.factory-reset": (0x00FF00, 50),
    "boot-loader.factory-reset-clear": (0xFFFFFF, 50),
    "core-radio.patching": (0xFF00FF, 200),
    "core-radio.deep-update": (0xFF6000, 100),
    "special.fast-white": (0xFFFFFF, 50),
    "special.orange-flashing": (0xFF6000, 250),
}
# pattern -> colour; 4 s up and down
BREATHS = {
    "core-2014.network-off": 0xFFFFFF,
    "core-2014.network-on": 0x0000FF,
    "core-2014.dhcp": 0x00FF00,
    "core-2014.cloud-connected": 0x00FFFF,
    "up-to-0.6.network-off": 0xFFFFFF,
    "up-to-0.6.network-on": 0x0000FF,
    "up-to-0.6.dhcp": 0x00FF00,
    "up-to-0.6.cloud-connected": 0x00FFFF,
    "up-to-0.6.safe-mode": 0xFF00FF,
    "from-0.7.network-off": 0xFFFFFF,
    "from-0.7.network-on": 0x0000FF,
    "from-0.7.connected": 0x00FF00,
    "from-0.7.cloud-connected": 0x00FFFF,
    "from-0.7.safe-mode": 0xFF00FF,
    "special-core.pulsing-white": 0xFFFFFF,
}
STEADY = {
    "from-0.7.power-off": 0x1F1F1F,
    "core-radio.patched": 0x00FF00,
    "core-radio.clearing": 0x0000FF,
    "special.solid-white": 0xFFFFFF,
    "special.no-light": 0,
    "special-core.details-received": 0x0000FF,
    "special-core.no-firmware": 0,
}
# pattern -> (colour, how many blinks of 500 ms on and 500 ms off)
COUNTS = {
    "core-2014.no-internet": (0xFF0000, 2),
    "core-2014.no-cloud": (0xFF0000, 3),
    "up-to-0.6.no-internet": (0xFF6000, 2),
    "up-to-0.6.no-cloud": (0xFF6000, 3),
    "from-0.7.no-internet": (0xFF6000, 2),
    "from-0.7.no-cloud": (0xFF6000, 3),
    "from-0.7.one-red": (0xFF0000, 1),
}
# pattern -> colour shown for 250 ms after the fast cyan of a handshake
REFUSALS = {
    "core-2014.handshake-red": 0xFF0000,
    "core-2014.handshake-orange": 0xFF6000,
    "core-2014.handshake-magenta": 0xFF00FF,
    "up-to-0.6.handshake-red": 0xFF0000,
    "up-to-0.6.handshake-orange": 0xFF6000,
    "up-to-0.6.handshake-magenta": 0xFF00FF,
    "from-0.7.handshake-red": 0xFF0000,
    "from-0.7.handshake-orange": 0xFF6000,
    "from-0.7.handshake-magenta": 0xFF00FF,
}
# Support page, "Check your router settings": cyan that now and then flashes in this colour; no times are given.
NOW_AND_THEN = {
    "special-core.cyan-red": 0xFF0000,
}
# 9.4: code -> pattern
PANICS = {
    1: "panic.hard-fault",
    2: "panic.nmi",
    3: "panic.mem-manage",
    4: "panic.bus-fault",
    5: "panic.usage-fault",
    6: "panic.invalid-length",
    7: "panic.exit",
    8: "panic.out-of-heap",
    9: "panic.spi-overrun",
    10: "panic.assertion-failure",
    11: "panic.invalid-case",
    12: "panic.pure-virtual-call",
    13: "panic.stack-overflow",
    14: "panic.heap-error",
}
