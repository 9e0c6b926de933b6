"""Where things are in the boards' memories (device-protocol.md 3.1 to 3.5), as offsets from the start of each."""

from __future__ import annotations

from dataclasses import dataclass

from app.virtual.personality import Family, Kind

# Core, internal flash (3.1).
CORE_WIPE_FLAG = 0x4C02  # NVMEM_SPARK_Reset
CORE_OTA_FLAG = 0x4C04
CORE_FACTORY_FLAG = 0x4C08
CORE_STARTUP_MODE = 0x4C0C
CORE_APP = 0x5000
CORE_APP_SIZE = 110592
# Core, SPI flash (3.2).
SPI_SERVER, SPI_KEY = 0x1000, 0x2000
SPI_FACTORY, SPI_BACKUP, SPI_OTA = 0x20000, 0x40000, 0x60000
# Values of FLASH_OTA_Update and Factory_Reset (3.1).
RUN, UPDATE, RESTORE, FACTORY = 0x5000, 0x0005, 0x5555, 0xAAAA
SAFE_MODE_ONCE = 1  # StartupMode

# Photon and its family, application section of the DCT (3.5).
DCT_WIPE_FLAG = 6  # NVMEM_SPARK_Reset
DCT_ANTENNA = 2976
DCT_FACTORY_FLAG = 12
DCT_STARTUP_MODE = 18
DCT_RSA_KEY, DCT_RSA_PUBLIC = 34, 1250
DCT_OTA_FLAG = 1753
DCT_CLAIM_CODE = 1762
DCT_CLAIMED = 1825
DCT_SERVER = 2082
DCT_COPIES, DCT_COPY_SLOTS = 2852, 5
DCT_TRANSPORT = 2977  # 0 is TCP, 0xFF what is usual for the platform
DCT_EC_PUBLIC, DCT_EC_KEY, DCT_EC_SERVER = 2978, 3106, 3298
DCT_DEVICE_ID = 3618
DCT_SECRET = 8119
OTA_PENDING = 0xA5
COPY_LAYOUT = "<HBBIIIBBH"  # magic, source device, destination device, source, destination, length, flags, function
COPY_PENDING = 0xABCD


@dataclass(frozen=True, slots=True)
class Slots:
    """Where modules are in the internal flash of a Photon, P1 or Electron (3.3, 3.4).

    Attributes:
        parts: System parts, the one with module index 1 first.
        part_size: Bytes of each.
        user: The application.
        factory: The factory image.
        user_size: Bytes of each of these two.
        ota: The update region.
        protected: Flash sectors with the system parts, which running firmware protects (2.4.9).
    """

    parts: tuple[int, ...]
    part_size: int
    user: int
    factory: int
    user_size: int
    ota: int
    protected: frozenset[int]


PHOTON_SLOTS = Slots(
    parts=(0x20000, 0x60000),
    part_size=262144,
    user=0xA0000,
    factory=0xE0000,
    user_size=131072,
    ota=0xC0000,
    protected=frozenset((5, 6, 7, 8)),
)
ELECTRON_SLOTS = Slots(
    parts=(0x20000, 0x40000, 0x60000),
    part_size=131072,
    user=0x80000,
    factory=0xA0000,
    user_size=131072,
    ota=0xC0000,
    protected=frozenset((5, 6, 7)),
)


def slots_of(kind: Kind) -> Slots:
    """Return the slots of a Photon, P1 or Electron."""
    assert kind.family is Family.F2
    return ELECTRON_SLOTS if kind.key == "electron" else PHOTON_SLOTS
