"""What the findings of an X-ray mean, in plain words: nothing wrong, repairable over USB, or another tool's work.

Pure: facts in, verdict out. Every rule names the section of device-protocol.md it stands on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.firmware.image import Dependency, Function, Image
from app.firmware.releases import release_of
from app.keys.device_key import KeyState
from app.keys.server_key import ServerState
from app.platforms.model import BootLoader, Platform
from app.protocols.flash import reachable
from app.text import Text, text
from app.work.plan import Health, SlotState, SlotView, Verdict

FULL_UPGRADE = "full-firmware-upgrade"
RESTORE = "restore-system"
FLASH_FILE = "flash-file"
CHECK_KEYS = "check-keys"

CORE_FLAGS = "system-flags"
"""The region of a Core's flags."""

RUN_APPLICATION = 0x5000  # 3.1, FLASH_OTA_Update
NEW_IMAGE_WAITS = 0x0005
DOWNLOAD_UNFINISHED = 0x5555
FACTORY_RESET_WANTED = 0xAAAA  # 3.1, Factory_Reset
FORGET_WIFI = 0x0001  # 3.1, NVMEM_SPARK_Reset
PENDING_UPDATE = 0xA5  # 3.5, ota_update_flag

STARTS = frozenset({SlotState.GOOD, SlotState.UNPROVEN})
"""What a slot may hold for the board to start from it."""


@dataclass(frozen=True, slots=True)
class CoreFlags:
    """The words of a Core's flags page that decide what happens at the next start (3.1)."""

    ota_update: int
    factory_reset: int
    nvmem_reset: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What an X-ray found.

    Attributes:
        platform: What kind of board it is.
        boot_loader: The boot loader that answered.
        slots: What was looked at, by region key.
        images: The whole and sound images among it, by region key.
        installed: Version of every sound image that runs or would run, by function and index.
        roles: Which file of the rescue pack a slot holds byte for byte, as that file's role, by region key.
        flags: A Core's flags; None on other boards, or when not looked at.
        update_pending: Whether a Photon, P1 or Electron will install what is in its download area; None when unknown.
        reset_waits: Whether its settings order a factory reset at the next start; a Core has that in its flags.
        key: What the slot of the device key in use holds; None when not looked at.
        server: What the slot of the server in use holds; None when not looked at.
    """

    platform: Platform
    boot_loader: BootLoader
    slots: Mapping[str, SlotView]
    images: Mapping[str, Image] = field(default_factory=dict)
    installed: Mapping[tuple[Function, int], int] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    flags: CoreFlags | None = None
    update_pending: bool | None = None
    reset_waits: bool = False
    key: KeyState | None = None
    server: ServerState | None = None


_ORDER = (Health.OTHER_TOOL, Health.OVER_USB, Health.UNDECIDED, Health.NOTHING_WRONG)  # the first found decides


@dataclass(slots=True)
class _Findings:
    """What was found so far, worst first when it is put together."""

    found: list[tuple[Health, Text, tuple[str, ...]]] = field(default_factory=list)
    well: list[Text] = field(default_factory=list)

    def fine(self, words: Text) -> None:
        """Add something good, which is worth a word only when nothing is wrong."""
        self.well.append(words)

    def add(self, health: Health, words: Text, *recipes: str) -> None:
        self.found.append((health, words, recipes))

    def verdict(self) -> Verdict:
        ranked = sorted(self.found, key=lambda each: _ORDER.index(each[0]))  # stable: equals stay in order
        health = ranked[0][0] if ranked else Health.NOTHING_WRONG
        recipes: dict[str, None] = {}
        if health is not Health.OTHER_TOOL:
            for _, _, keys in ranked:
                recipes.update(dict.fromkeys(keys))
        well = tuple(self.well) if health is Health.NOTHING_WRONG else ()
        return Verdict(health, well + tuple(words for _, words, _ in ranked), tuple(recipes))


# --- words ----------------------------------------------------------------------------------------------------------

_RUNS = text("Verdicts", "The board can start from what it holds: {what}.")
_ONE_PIECE = text("Verdicts", "The firmware is in one piece, and it is whole.")
_PARTS_FIT = text("Verdicts", "The system parts are whole and fit each other.")
_UNPROVEN = text(
    "Verdicts",
    "Its firmware is of 2013 or 2014 and carries no checksum, so only its first words could be checked.",
)
_NO_FIRMWARE = text("Verdicts", "There is no firmware in the board, so it can only stay in update mode.")
_BAD_FIRMWARE = text("Verdicts", "The firmware in the board is damaged.")
_STRANGE_FIRMWARE = text("Verdicts", "What stands where the firmware belongs is no firmware for this board.")
_NO_KEY = text(
    "Verdicts",
    "The place of the device key is empty, and a Core never makes a key by itself: it cannot connect to its cloud.",
)
_NO_KEY_YET = text(
    "Verdicts",
    "The place of the device key is empty. The board makes a new key when it next connects, but no cloud knows that "
    "one.",
)
_BAD_KEY = text("Verdicts", "The device key is damaged: the board cannot connect to its cloud.")
_BAD_SERVER = text(
    "Verdicts", "Key or address of the server are damaged: the board cannot connect to its cloud as it is set."
)
_UNUSABLE_KEY = text(
    "Verdicts",
    "The device key is sound, but the board's firmware cannot use it: the board cannot connect to its cloud.",
)
_REPAIR_PROGRAM = text(
    "Verdicts",
    "The board still holds the program that repairs its radio, not firmware of its own: a full firmware upgrade was "
    "not finished.",
)
_UPDATE_PROGRAM = text(
    "Verdicts",
    "The board still holds the deep update. It replaces itself once it has reached the cloud of its maker; if it "
    "never does, put other firmware on the board.",
)
_FACTORY_BLANK = text(
    "Verdicts",
    "There is no factory firmware. A factory reset (holding {button} for ten seconds) would leave the board without "
    "any.",
)
_FACTORY_BAD = text(
    "Verdicts",
    "The factory firmware is damaged. The board does not check it: a factory reset would put it in place of the "
    "firmware.",
)
_FLAG_STOPS = text(
    "Verdicts",
    "Its system flag does not say that the firmware may run. A copy of the flag in its processor, which update mode "
    "cannot read, may still let it start while it keeps its power; else this boot loader stays in update mode. "
    "Starting the firmware over USB sets the flag right.",
)
_FLAG_NEW_BAD = text(
    "Verdicts",
    "A downloaded update waits to be installed at the next start, but what is in the download area is not whole.",
)
_FLAG_NEW = text("Verdicts", "A downloaded update waits to be installed at the next start.")
_FLAG_UNFINISHED = text(
    "Verdicts", "A download was not finished. At the next start the board restores its backup firmware."
)
_FLAG_UNFINISHED_BAD = text(
    "Verdicts", "A download was not finished, and the backup firmware the board would restore is not whole."
)
_FLAG_FACTORY = text("Verdicts", "A factory reset is waiting for the next start.")
_FLAG_WIFI = text("Verdicts", "At its next start the firmware will forget the Wi-Fi networks.")
_LOADER_BAD = text(
    "Verdicts",
    "The boot loader is damaged although it still answers. Do not unplug or reset the board: it may not start again. "
    "Only a programmer on its SWD pins (ST-Link, JTAG) can surely replace it.",
)
_LOADER_STRANGE = text(
    "Verdicts",
    "Where the boot loader belongs stands something this program does not know, so it says nothing about it.",
)
_PART_MISSING = text("Verdicts", "{part} is missing. Without it the board stays in update mode or in safe mode.")
_PART_BAD = text("Verdicts", "{part} is damaged. The board does not start from it.")
_PART_STRANGE = text("Verdicts", "Where {part} belongs stands something else.")
_PART_MISFIT = text("Verdicts", "Where {part} belongs stands {what}.")
_NEEDS = text("Verdicts", "{part} needs {other} of version {wanted} or later, and the board has {found}.")
_NEEDS_MISSING = text(
    "Verdicts", "{part} needs {other} of version {wanted} or later, and the board has none that is whole."
)
_LOADER_TOO_OLD = text(
    "Verdicts", "{part} needs boot loader {wanted} or later, and the board has {found}: it must be replaced first."
)
_USER_MISSING = text(
    "Verdicts",
    "There is no user program. The board breathes magenta (safe mode) until there is one; nothing is broken.",
)
_USER_BAD = text("Verdicts", "The user program is damaged, so the board starts in safe mode (breathing magenta).")
_USER_NEEDS = text(
    "Verdicts", "The user program needs newer system parts, so the board starts in safe mode (breathing magenta)."
)
_SETTINGS_UNREADABLE = text(
    "Verdicts",
    "Settings and keys cannot be read now: this boot loader reads them with the help of system part 2, and that is not "
    "whole, or the board needs a reset first.",
)
_UNREADABLE = text("Verdicts", "{name} could not be read.")
PENDING = text("Verdicts", "An update waits in the download area and is installed at the next start.")
_PENDING_BAD = text(
    "Verdicts", "An update is to be installed at the next start, but what is in the download area is not whole."
)
_VERSION = text("Verdicts", "{version} ({release})")


def verdict(facts: Facts) -> Verdict:
    """Say how the board is, why, and which recipes would help."""
    findings = _Findings()
    rules = _CORE_RULES if "application" in facts.slots or facts.flags is not None else _MODULAR_RULES
    for rule in rules:
        rule(facts, findings)
    return findings.verdict()


def flag_words(flags: CoreFlags) -> Text:
    """Say what a Core's flags page makes of its next start (3.1)."""
    return _FLAG_MEANINGS.get(flags.ota_update, _FLAG_OTHER).with_values(value=f"0x{flags.ota_update:04X}")


_FLAG_MEANINGS = {
    RUN_APPLICATION: text("Verdicts", "{value}: the firmware may run"),
    NEW_IMAGE_WAITS: text("Verdicts", "{value}: a downloaded firmware waits to be installed"),
    DOWNLOAD_UNFINISHED: text("Verdicts", "{value}: a download was not finished, the backup will be restored"),
}
_FLAG_OTHER = text(
    "Verdicts",
    "{value}: nothing is said about the firmware; unless the processor's copy of the flag lets it start, the original "
    "boot loader stays in update mode",
)


# --- Core (3.1, 3.2, 8.6) -------------------------------------------------------------------------------------------


def _core_application(facts: Facts, findings: _Findings) -> None:
    slot = facts.slots.get("application")
    if slot is None:
        return
    role = facts.roles.get("application", "")
    if role.startswith("radio-patch"):
        findings.add(Health.OVER_USB, _REPAIR_PROGRAM, FULL_UPGRADE)
    elif role == "deep-update":
        findings.add(Health.NOTHING_WRONG, _UPDATE_PROGRAM, FULL_UPGRADE)
    elif slot.state is SlotState.BLANK:
        findings.add(Health.OVER_USB, _NO_FIRMWARE, FULL_UPGRADE, FLASH_FILE)
    elif slot.state is SlotState.DAMAGED:
        findings.add(Health.OVER_USB, _BAD_FIRMWARE, FULL_UPGRADE, FLASH_FILE)
    elif slot.state in (SlotState.UNKNOWN, SlotState.MISFIT):
        findings.add(Health.OVER_USB, _STRANGE_FIRMWARE, FULL_UPGRADE, FLASH_FILE)
    elif slot.state in STARTS:
        findings.fine(_RUNS.with_values(what=slot.what))
        if slot.state is SlotState.UNPROVEN:
            findings.add(Health.NOTHING_WRONG, _UNPROVEN)


def _core_factory(facts: Facts, findings: _Findings) -> None:
    slot = facts.slots.get("factory")
    if slot is None or slot.state in STARTS:
        return
    words = _FACTORY_BLANK if slot.state is SlotState.BLANK else _FACTORY_BAD
    values = {"button": facts.platform.mode_button} if slot.state is SlotState.BLANK else {}
    findings.add(Health.OVER_USB, words.with_values(**values), FULL_UPGRADE)


def _core_flags(facts: Facts, findings: _Findings) -> None:
    flags = facts.flags
    if flags is None:
        return
    if flags.ota_update == NEW_IMAGE_WAITS:
        if _holds_firmware(facts, "ota"):
            findings.add(Health.NOTHING_WRONG, _FLAG_NEW)
        else:
            findings.add(Health.OVER_USB, _FLAG_NEW_BAD, FULL_UPGRADE)
    elif flags.ota_update == DOWNLOAD_UNFINISHED:
        if _holds_firmware(facts, "backup"):
            findings.add(Health.NOTHING_WRONG, _FLAG_UNFINISHED)
        else:
            findings.add(Health.OVER_USB, _FLAG_UNFINISHED_BAD, FULL_UPGRADE)
    elif (
        flags.ota_update != RUN_APPLICATION
        and stays_by_flag(facts.platform, facts.boot_loader)
        and _holds_firmware(facts, "application")
    ):
        findings.add(Health.OVER_USB, _FLAG_STOPS, FULL_UPGRADE)
    if flags.factory_reset == FACTORY_RESET_WANTED:
        findings.add(Health.NOTHING_WRONG, _FLAG_FACTORY)
    if flags.nvmem_reset == FORGET_WIFI:
        findings.add(Health.NOTHING_WRONG, _FLAG_WIFI)


def stays_by_flag(platform: Platform, boot_loader: BootLoader) -> bool:
    """Whether a Core's boot loader stays in DFU because of its flag, or may: only the original one does (3.1)."""
    return boot_loader.key not in [later.key for later in platform.boot_loaders[1:]]


def _holds_firmware(facts: Facts, region: str) -> bool:
    slot = facts.slots.get(region)
    return slot is None or slot.state in STARTS  # what was not looked at is not held against the board


# --- all (4.2) ------------------------------------------------------------------------------------------------------


def _device_key(facts: Facts, findings: _Findings) -> None:
    """Which key is wrong, and what would repair it, is found by the recipe for that."""
    words = {KeyState.CORRUPT: _BAD_KEY, KeyState.UNUSABLE_BY_FIRMWARE: _UNUSABLE_KEY}
    if facts.key is KeyState.BLANK:
        # Only boards with a place for its public half make a missing key by themselves (3.5).
        makes_own = any(slot.key.startswith("device-public") for slot in facts.platform.key_slots)
        findings.add(Health.OVER_USB, _NO_KEY_YET if makes_own else _NO_KEY, CHECK_KEYS)
    elif facts.key in words:
        findings.add(Health.OVER_USB, words[facts.key], CHECK_KEYS)


def _server(facts: Facts, findings: _Findings) -> None:
    """Only damage is wrong for sure: without a stored server newer firmware uses its own (4.2)."""
    if facts.server is ServerState.CORRUPT:
        findings.add(Health.OVER_USB, _BAD_SERVER, CHECK_KEYS)


# --- Photon, P1, Electron (2.4.11, 3.3, 3.4, 7.2, 8.5) --------------------------------------------------------------


def _loader(facts: Facts, findings: _Findings) -> None:
    slot = facts.slots.get("bootloader")
    if slot is None:
        return
    if slot.state is SlotState.DAMAGED:
        findings.add(Health.OTHER_TOOL, _LOADER_BAD)
    elif slot.state not in STARTS:
        findings.add(Health.UNDECIDED, _LOADER_STRANGE)


def _system_parts(facts: Facts, findings: _Findings) -> None:
    if _in_one_piece(facts):
        findings.fine(_ONE_PIECE)
    elif _system_regions(facts):
        findings.fine(_PARTS_FIT)
    for region in _system_regions(facts):
        slot = facts.slots[region]
        if slot.state is SlotState.BLANK and _needed(facts, region):
            findings.add(Health.OVER_USB, _PART_MISSING.with_values(part=slot.name), RESTORE)
        elif slot.state is SlotState.DAMAGED:
            findings.add(Health.OVER_USB, _PART_BAD.with_values(part=slot.name), RESTORE)
        elif slot.state is SlotState.MISFIT and not _unmet(facts, region):
            findings.add(Health.OVER_USB, _PART_MISFIT.with_values(part=slot.name, what=slot.what), RESTORE)
        elif slot.state is SlotState.UNKNOWN:
            findings.add(Health.OVER_USB, _PART_STRANGE.with_values(part=slot.name), RESTORE)


def _system_regions(facts: Facts) -> list[str]:
    return [key for key in facts.slots if key.startswith("system-") and key != CORE_FLAGS]


def _needed(facts: Facts, region: str) -> bool:
    """Whether an empty slot means something: parts 1 and 2 always; the Electron's third only from 0.6 on (3.4)."""
    number = int(region.removeprefix("system-"))
    if number <= 2:
        return True
    return any(
        need.function is Function.SYSTEM and need.index == number
        for key, image in facts.images.items()
        if key.startswith("system-")
        for need in image.dependencies
    )


def _dependencies(facts: Facts, findings: _Findings) -> None:
    """System firmware checks what each part needs and stays in safe mode when it is not there (7.2)."""
    for key in _system_regions(facts):
        for need in _unmet(facts, key):
            found = facts.installed.get((need.function, need.index))
            part = facts.slots[key].what
            wanted = _version(need.version, need.function)
            if need.function is Function.BOOT_LOADER:
                if found is not None:
                    words = _LOADER_TOO_OLD.with_values(part=part, wanted=wanted, found=_version(found, need.function))
                    findings.add(Health.OVER_USB, words, RESTORE)
                continue  # one that could not be read is spoken of elsewhere
            other = _part_name(facts, need.index)
            if found is None:
                words = _NEEDS_MISSING.with_values(part=part, other=other, wanted=wanted)
            else:
                words = _NEEDS.with_values(part=part, other=other, wanted=wanted, found=_version(found, need.function))
            findings.add(Health.OVER_USB, words, RESTORE)


def _unmet(facts: Facts, region: str) -> list[Dependency]:
    """Return what the image in a slot needs and the board does not have."""
    image = facts.images.get(region)
    return [
        need
        for need in (image.dependencies if image is not None else ())
        if facts.installed.get((need.function, need.index), -1) < need.version
    ]


def _part_name(facts: Facts, index: int) -> Text:
    try:
        return facts.platform.region(f"system-{index}").name
    except KeyError:
        return text("Verdicts", "system part {index}").with_values(index=index)


def _version(version: int, function: Function) -> Text | int:
    release = release_of(version, function)
    return _VERSION.with_values(version=version, release=release) if release else version


def _user_part(facts: Facts, findings: _Findings) -> None:
    slot = facts.slots.get("user")
    if slot is None or _in_one_piece(facts):
        return
    if slot.state is SlotState.BLANK:
        findings.add(Health.OVER_USB, _USER_MISSING, RESTORE, FLASH_FILE)
    elif slot.state in (SlotState.DAMAGED, SlotState.UNKNOWN):
        findings.add(Health.OVER_USB, _USER_BAD, RESTORE, FLASH_FILE)
    elif slot.state is SlotState.MISFIT:
        unmet = _unmet(facts, "user")
        if any((need.function, need.index) not in facts.installed for need in unmet):
            return  # a part that is missing or damaged is spoken of already
        findings.add(Health.OVER_USB, _USER_NEEDS if unmet else _USER_BAD, RESTORE, FLASH_FILE)


def _in_one_piece(facts: Facts) -> bool:
    """Whether system and user firmware are one image, which is built and flashed as such (3.3)."""
    return any(function is Function.MONOLITHIC for function, _ in facts.installed)


def _settings(facts: Facts, findings: _Findings) -> None:
    slot = facts.slots.get("dct")
    if slot is not None and slot.state is SlotState.UNREADABLE:
        findings.add(Health.UNDECIDED, _SETTINGS_UNREADABLE, RESTORE)
    if facts.reset_waits:
        findings.add(Health.NOTHING_WRONG, _FLAG_FACTORY)
    if facts.update_pending:
        if _holds_firmware(facts, "ota"):
            findings.add(Health.NOTHING_WRONG, PENDING)
        else:
            findings.add(Health.OVER_USB, _PENDING_BAD, RESTORE)


def _unreadable(facts: Facts, findings: _Findings) -> None:
    for slot in facts.slots.values():
        region = facts.platform.region(slot.region)
        # What this boot loader cannot reach on any board of its kind says nothing about this one.
        hidden = not reachable(facts.platform, facts.boot_loader, region)
        if slot.state is SlotState.UNREADABLE and slot.region != "dct" and not hidden:
            findings.add(Health.UNDECIDED, _UNREADABLE.with_values(name=slot.name))


_Rule = Callable[[Facts, _Findings], None]
_CORE_RULES: tuple[_Rule, ...] = (_core_application, _core_factory, _core_flags, _device_key, _server, _unreadable)
_MODULAR_RULES: tuple[_Rule, ...] = (
    _loader,
    _system_parts,
    _dependencies,
    _user_part,
    _settings,
    _device_key,
    _server,
    _unreadable,
)
