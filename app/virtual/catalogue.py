"""Practice boards by name, each as it would come out of a drawer: keys, firmware, factory image, flags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, unique
from typing import Any

from app.clock import Clock
from app.text import Text, text
from app.virtual import images
from app.virtual.air import PRACTICE_AIR, Network
from app.virtual.board import Radio, VirtualBoard
from app.virtual.images import BOOT_LOADER, CORE_INFO, F2_INFO, MONOLITHIC, SYSTEM_PART, USER_PART
from app.virtual.layout import (
    CORE_APP,
    CORE_OTA_FLAG,
    DCT_CLAIMED,
    DCT_EC_KEY,
    DCT_EC_PUBLIC,
    DCT_EC_SERVER,
    DCT_RSA_KEY,
    DCT_RSA_PUBLIC,
    DCT_SECRET,
    DCT_SERVER,
    DCT_TRANSPORT,
    RUN,
    SPI_FACTORY,
    SPI_KEY,
    SPI_SERVER,
    slots_of,
)
from app.virtual.mishaps import Mishap
from app.virtual.nameplate import Nameplate
from app.virtual.personality import (
    CORE,
    CORE_BOOT_LOADERS,
    ELECTRON,
    F2_BOOT_LOADERS,
    FIRMWARES,
    P1,
    PHOTON,
    Family,
    Kind,
    Personality,
)
from app.virtual.practice_keys import RsaNumbers, ec_key, rsa_key
from app.virtual.timing import Timing
from app.virtual.world import World


@unique
class KeyState(Enum):
    """What a practice board has in its key slot."""

    GOOD = "good"
    BLANK = "blank"  # all 0xFF
    CORRUPT = "corrupt"  # begins like a key, then rubbish
    UNUSABLE = "unusable"  # a good key whose encoding the firmware cannot read (4.2)


@dataclass(frozen=True, slots=True)
class PracticeBoard:
    """One row of the catalogue.

    Attributes:
        key: Its name on the command line.
        title: For people.
        kind: What kind of board.
        boot: Key of its boot loader.
        firmware: Key of its firmware.
        device_id: Made up in the pattern of real ones.
        profiles: Whether it knows Wi-Fi networks.
        patient: Whether something is wrong with it that a rescue has to put right.
        radio: The service pack of its radio (Core).
        application: Whether it has an application.
        part2: Whether its second system part is whole (Photon, P1).
        user_needs: Version of the system that its application needs at least (Photon, P1, Electron).
    """

    key: str
    title: Text
    kind: Kind
    boot: str
    firmware: str
    device_id: str
    profiles: bool = True
    patient: bool = False
    radio: Radio = Radio.PATCH_1_13_7
    application: bool = True
    part2: bool = True
    user_needs: int = 0


_ROWS = (
    PracticeBoard(
        "core",
        text("Practice", "Spark Core of 2014"),
        CORE,
        "original",
        "spark_11",
        "53ff6f065067544840551187",
        # With networks it would run its program, which shows nothing on USB (1.3); without any it listens by itself
        # (8.2), so there is a board to practise on at once.
        profiles=False,
    ),
    PracticeBoard(
        "core-0.5",
        text("Practice", "Core, 0.5 firmware"),
        CORE,
        "original",
        "0.5",
        "48ff6c065067555026311387",
    ),
    PracticeBoard(
        "core-0.7",
        text("Practice", "Core, 0.7 firmware"),
        CORE,
        "original",
        "0.7",
        "50ff6c065067545639190387",
    ),
    PracticeBoard(
        "photon",
        text("Practice", "Photon of today"),
        PHOTON,
        "2.x",
        "2.x",
        "2a0047001247353236343033",
    ),
    PracticeBoard(
        "photon-0.5",
        text("Practice", "Photon, 0.5 firmware"),
        PHOTON,
        "0.5",
        "0.5",
        "1f0031000547343432313031",
    ),
    PracticeBoard(
        "photon-0.6",
        text("Practice", "Photon, 0.6 firmware"),
        PHOTON,
        "0.6",
        "0.6",
        "3b0025000647343138333038",
    ),
    PracticeBoard(
        "photon-0.7",
        text("Practice", "Photon, 0.7 firmware"),
        PHOTON,
        "0.7",
        "0.7",
        "270038000f47353136383631",
    ),
    PracticeBoard("p1", text("Practice", "P1"), P1, "2.x", "2.x", "440042000c51353532343635"),
    PracticeBoard(
        "electron",
        text("Practice", "Electron"),
        ELECTRON,
        "2.x",
        "2.x",
        "560053000a51363432383136",
    ),
    PracticeBoard(
        "core-old-radio",
        text("Practice", "Core, old radio"),
        CORE,
        "original",
        "spark_11",
        "55ff70065075555338401587",
        patient=True,
        radio=Radio.OLD,
    ),
    PracticeBoard(
        "core-no-firmware",
        text("Practice", "Core, no firmware"),
        CORE,
        "original",
        "spark_11",
        "54ff6d066678574935150767",
        patient=True,
        radio=Radio.OLD,
        application=False,
    ),
    PracticeBoard(
        "photon-broken-part2",
        text("Practice", "Photon, half update"),
        PHOTON,
        "2.x",
        "2.x",
        "1e0033000547343233323032",
        patient=True,
        part2=False,
    ),
    PracticeBoard(
        "photon-safe-mode",
        text("Practice", "Photon, safe mode"),
        PHOTON,
        "0.7",
        "0.7",
        "21001f001147343339383037",
        patient=True,
        user_needs=2202,
    ),
)

PRACTICE_BOARDS: dict[str, PracticeBoard] = {row.key: row for row in _ROWS}
HEALTHY_BOARDS: tuple[str, ...] = tuple(row.key for row in _ROWS if not row.patient)


def make(
    name: str,
    clock: Clock,
    *,
    key: str = "good",
    boot: str = "",
    firmware: str = "",
    device_id: str = "",
    timing: Timing = Timing.TYPICAL,
    mishap: Mishap = Mishap.NONE,
    profiles: bool | None = None,
    networks: Iterable[Network] = PRACTICE_AIR,
    online: bool = True,
    app_uses_serial: bool = False,
    claimed: bool = False,
    secret: str = "",
    serial_number: str = "",
    factory_image: bool | None = None,
    part2: bool | None = None,
    radio: str = "",
    application: bool | None = None,
    user_needs: int | None = None,
    world: World | None = None,
    server: bytes | None = None,
    built_in_server: bytes = b"",
    registered: bytes | None = None,
    transport: str = "",
) -> VirtualBoard:
    """Build a practice board; it has no power until it is plugged in.

    Args:
        name: A key of `PRACTICE_BOARDS`.
        clock: The time it lives by.
        key: What is in its key slots, a `KeyState` value.
        boot: Key of another boot loader (`CORE_BOOT_LOADERS`, `F2_BOOT_LOADERS`) than the row's.
        firmware: Key of another firmware (`FIRMWARES`) than the row's.
        device_id: Another id than the row's.
        timing: How long its hardware takes.
        mishap: What goes wrong.
        profiles: Whether it knows the practice network (`air.HOME`), without which it starts listening by itself;
            None for the row's.
        networks: The Wi-Fi networks around it; without the practice network a board that knows no other gets nowhere.
        online: Whether it reaches the network and the cloud.
        app_uses_serial: Core of 2014: whether its application opens the serial port (1.3).
        claimed: Whether it says so.
        secret: Device secret of 15 characters; "" for none.
        serial_number: Of its one-time memory; "" for none.
        factory_image: Whether it has one; None for what is usual (Core yes, others no).
        part2: Whether a Photon's or P1's second system part is whole; None for the row's.
        radio: The service pack of a Core's radio, a `Radio` value; "" for the row's.
        application: Whether it has an application; None for the row's.
        user_needs: Version of the system that the application of a Photon, P1 or Electron needs; None for the row's.
        world: Where its connections go; None for this computer's own addresses, by real TCP, and nowhere else.
        server: Server block, written to the beginning of the slot that the board uses: 512 or 2048 bytes with an RSA
            key, 320 with an EC key (Electron, unless `transport` says otherwise). b"" for a slot that is really blank.
            None is a board for work in which no server matters: its slot is blank, and the makers' cloud takes that
            for its own key, so that such a board gets to breathing cyan as long as nobody writes there and its own
            key is right.
        built_in_server: The makers' block as firmware of 1.0 and later has it in itself, with which a Photon, P1 or
            Electron restores a blank one (4.2); b"" for none.
        registered: Public key (SubjectPublicKeyInfo) the makers' cloud has of this board; None for its first one.
        transport: Electron: `tcp` for TCP with RSA keys; "" for what is usual.
    """
    row = PRACTICE_BOARDS[name]
    given: dict[str, Any] = {"part2": part2, "application": application, "user_needs": user_needs, "profiles": profiles}
    row = replace(row, **{name: value for name, value in given.items() if value is not None})
    kind = row.kind
    boot_loaders = CORE_BOOT_LOADERS if kind.family is Family.F1 else F2_BOOT_LOADERS
    personality = Personality(kind, boot_loaders[boot or row.boot], FIRMWARES[firmware or row.firmware])
    own_id = (device_id or row.device_id).lower()
    unique_id = bytes.fromhex(own_id)
    oui = {Family.F1: bytes((0x08, 0x00, 0x28)), Family.F2: bytes((0x6C, 0x0B, 0x84))}[kind.family]
    plate = Nameplate(own_id, oui + bytes((unique_id[2], *unique_id[8:10])), secret, serial_number)
    if kind is ELECTRON:
        plate = replace(plate, imei="353162070012345", iccid="8934076500002345678", radio="08.90")
    board = VirtualBoard(
        personality,
        clock,
        plate,
        timing=timing,
        mishap=mishap,
        profiles=row.profiles,
        networks=networks,
        online=online,
        radio=Radio(radio) if radio else row.radio,
        app_uses_serial=app_uses_serial,
        other_id=bytes((unique_id[0] ^ 0x11, *unique_id[1:11], unique_id[11] ^ 0x04)).hex(),
        world=world,
        registered=b"" if registered is None else registered,
        built_in_server=built_in_server,
        blank_server_is_right=server is None,
    )
    by_udp = kind is ELECTRON and transport != "tcp"
    state = KeyState(key)
    if kind.family is Family.F1:
        _fill_core(board, row, state, factory_image is not False)
        _put(board.spi, SPI_SERVER, server or b"")
    else:
        _fill_f2(board, row, state, bool(factory_image))
        _put(board.dct, DCT_EC_SERVER if by_udp else DCT_SERVER, server or b"")
        if transport == "tcp":
            board.dct[DCT_TRANSPORT] = 0
        if claimed:
            board.dct[DCT_CLAIMED] = 0x31
        if secret:
            board.dct[DCT_SECRET : DCT_SECRET + len(secret)] = secret.encode()
    if registered is None:
        board.registered = ec_key(board.device_id)[1] if by_udp else _rsa(board, state).public_der()
    return board


def _put(cells: bytearray, offset: int, data: bytes) -> None:
    cells[offset : offset + len(data)] = data


def _slot_contents(good: bytes, state: KeyState) -> bytes:
    if state is KeyState.BLANK:
        return b""
    if state is KeyState.CORRUPT:
        middle = len(good) // 3
        return good[:middle] + bytes(value ^ 0x5A for value in good[middle : 2 * middle]) + good[2 * middle :]
    return good


def _rsa(board: VirtualBoard, state: KeyState) -> RsaNumbers:
    return rsa_key(board.device_id, usable=state is not KeyState.UNUSABLE)


def _fill_core(board: VirtualBoard, row: PracticeBoard, state: KeyState, factory_image: bool) -> None:
    firmware = board.personality.firmware
    _put(board.spi, SPI_KEY, _slot_contents(_rsa(board, state).standard_der(), state))
    _put(board.internal, 0, images.legacy_core_image("core boot loader", 0x4800))
    if firmware.key == "spark_11":
        app = images.legacy_core_image("core spark_11", 79_872)
    elif firmware.spark:
        app = images.practice_program(firmware.key, 79_872)
    else:
        app = images.build(
            seed=f"core {firmware.key}",
            size=98_932,
            start=0x0800_5000,
            platform=0,
            function=MONOLITHIC,
            index=0,
            version=firmware.module,
            info_at=CORE_INFO,
        )
    if row.application:
        _put(board.internal, CORE_APP, app)
    # System flags: a version, no wipe, run the application, nothing pending (3.1).
    _put(board.internal, CORE_OTA_FLAG - 4, bytes.fromhex("ffff0000") + RUN.to_bytes(2, "little"))
    _put(board.internal, CORE_OTA_FLAG + 2, bytes.fromhex("0000ffff"))
    if factory_image:
        _put(board.spi, SPI_FACTORY, images.legacy_core_image("core factory", 78_848))


def _fill_f2(board: VirtualBoard, row: PracticeBoard, state: KeyState, factory_image: bool) -> None:
    kind, firmware, boot = board.personality.kind, board.personality.firmware, board.personality.boot
    number, release = kind.number, firmware.module
    rsa = _rsa(board, state)
    # A device makes its own keys usable; only one that was loaded from outside can be unusable.
    der = rsa.standard_der() if state is KeyState.UNUSABLE else rsa.device_der()
    _put(board.dct, DCT_RSA_KEY, _slot_contents(der, state))
    if state is not KeyState.BLANK:
        _put(board.dct, DCT_RSA_PUBLIC, rsa.public_der())
    if kind is ELECTRON:
        private, public = ec_key(board.device_id)
        _put(board.dct, DCT_EC_KEY, _slot_contents(private, state))
        if state is not KeyState.BLANK:
            _put(board.dct, DCT_EC_PUBLIC, public)

    def module(
        size: int,
        address: int,
        function: int,
        index: int,
        version: int,
        info_at: int = F2_INFO,
        needs: tuple[int, int, int] = (0, 0, 0),
    ) -> bytes:
        return images.build(
            seed=f"{kind.key} {function} {index} {version}",
            size=size,
            start=address,
            platform=number,
            function=function,
            index=index,
            version=version,
            info_at=info_at,
            dependency=needs,
        )

    _put(board.internal, 0, module(15_124, 0x0800_0000, BOOT_LOADER, 0, boot.version))
    if kind is ELECTRON:
        _put(board.internal, 0x20000, module(114_012, 0x0802_0000, SYSTEM_PART, 1, release, needs=(4, 3, release)))
        _put(board.internal, 0x40000, module(122_364, 0x0804_0000, SYSTEM_PART, 2, release, needs=(4, 1, release)))
        _put(board.internal, 0x60000, module(87_468, 0x0806_0000, SYSTEM_PART, 3, release, 0, needs=(4, 2, 110)))
    else:
        _put(board.internal, 0x20000, module(241_496, 0x0802_0000, SYSTEM_PART, 1, release))
        second = module(260_840, 0x0806_0000, SYSTEM_PART, 2, release, needs=(4, 1, release))
        _put(board.internal, 0x60000, second if row.part2 else second[: len(second) // 2])
    slots = slots_of(kind)
    assert board.f2_flash is not None
    board.f2_flash.protected |= slots.protected  # its firmware has run before (2.4.9)
    # The least that Tinker needs (7.3), or less where the board's firmware is older.
    needs = row.user_needs or min(6, release)
    user = module(5_324, 0x0800_0000 + slots.user, USER_PART, 1, 3, 0, needs=(4, 2, needs))
    if row.application:
        _put(board.internal, slots.user, user)
    if factory_image:
        _put(board.internal, slots.factory, user)
