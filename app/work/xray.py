"""Looks at what a board in update mode holds, slot by slot, and changes nothing.

Only as much is read as is needed to tell: the head of an image first, then as many bytes as it says it has. Of memory
that holds keys and settings only "blank" or "kept" is told, of the device key whether the board can use it, and
which server it is set to.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from app.faults import DfuRefused, Fault
from app.firmware.image import LEGACY_ROOM, Form, Function, Image, find
from app.firmware.pack import PackFile, recognise
from app.firmware.releases import describe
from app.firmware.verdict import judge
from app.keys.clouds import Cloud, which_cloud
from app.keys.device_key import KeyState, examine
from app.keys.server_key import ServerBlock, ServerState, parse_server
from app.platforms.model import KeySlot, Medium, Platform, Quirk, Region
from app.protocols.dfu import DfuSession
from app.protocols.flash import reachable
from app.text import Text, text
from app.work.job import Job
from app.work.key_work import STATES, TRANSPORT_FIELD, private_slots, used_slot
from app.work.plan import SlotState, SlotView, XRay
from app.work.server_work import cloud_words, server_slot_of, server_words
from app.work.verdicts import (
    CORE_FLAGS,
    FACTORY_RESET_WANTED,
    PENDING_UPDATE,
    CoreFlags,
    Facts,
    flag_words,
    verdict,
)

log = logging.getLogger(__name__)

HEAD = 4096
"""Enough of a slot to find every module information (7.1) and to see that it is blank; one or four transfers."""

_TICKS = 1000  # progress inside one slot

_BLANK = text("XRay", "nothing")
_BLANK_START = text("XRay", "nothing at its beginning; the rest was not looked at")
_NO_IMAGE = text("XRay", "no firmware that this program knows")
_KEYS = text("XRay", "keys and settings, not shown; device key: {state}; server: {server}")
_DEVICE_KEY = text("XRay", "a key, not shown: {state}")
_SERVER = text("XRay", "{server}, {cloud}")
_NO_SERVER = text("XRay", "none stored")
_BAD_SERVER = text("XRay", "damaged")
_USED = text("XRay", "in use")
_NOT_READ = text("XRay", "the boot loader does not give it now")
_LOADER = text("XRay", "Boot loader: {name}")
_LOADER_END = text("XRay", "the end of the boot loader")
_COVERED = text("XRay", "part of the firmware before it")
_MISSING_BYTES = text("XRay", "It says it has {said} bytes, more than there is room for.")
_BAD_SUM = text("XRay", "Its checksum is wrong.")
_NO_SUM = text("XRay", "It carries no checksum, so only its first words could be checked.")
_SAME_AS = text("XRay", "Byte for byte as in the rescue pack.")
_OTHER_MEMORY = text("XRay", "This boot loader takes its addresses for other memory, so it is not looked at.")
_ONLY_WITH_PART_2 = text("XRay", "This boot loader reads it with the help of system part 2.")
_NO_LOADER = text("XRay", "Where the boot loader belongs stands: {what}.")
_FACTORY_FLAG = text("XRay", "A factory reset waits for the next start.")
_UPDATE_FLAG = text("XRay", "An update waits to be installed at the next start.")

_KEY_STATES = {
    KeyState.GOOD: SlotState.GOOD,
    KeyState.BLANK: SlotState.BLANK,
    KeyState.CORRUPT: SlotState.DAMAGED,
    KeyState.UNUSABLE_BY_FIRMWARE: SlotState.MISFIT,
}

_SERVER_STATES = {
    ServerState.GOOD: SlotState.GOOD,
    ServerState.BLANK: SlotState.BLANK,
    ServerState.CORRUPT: SlotState.DAMAGED,
}

CORE_SERVER = "server-key"
"""The region of a Core's server."""
CORE_KEY = "device-key"
"""The region of a Core's own key."""

_LOADERS = ("bootloader", "bootloader-end")
_KEPT = frozenset({"reserved", "server-key", "device-key", "dct", "free", "eeprom", "serial-flash"})
_PLAIN_DATA = frozenset({"free", "eeprom", "serial-flash"})
_RAW_COPIES = frozenset({"dct-copy-1", "dct-copy-2"})  # the boot loader's own view of them is `dct` (3.5)
_COPIES = frozenset({"factory", "factory-0.4.9", "backup", "ota"})  # hold images built for another address (3.2, 3.3)
_NO_MISFIT = frozenset({"unproven", "changed-inside", "odd-length", "downgrade", "factory-moved"})
"""Reasons against writing an image that are none against one that is there."""
_NAMED_ROLES = frozenset({"tinker", "doctor", "voodoospark", "tinker-usb-debugging"})


@dataclass(frozen=True, slots=True)
class Looked:
    """An X-ray with what was read for it.

    Attributes:
        xray: What is where, and what that means.
        memory: The bytes that were read of each region that holds firmware or flags, from its start, by the region's
            key; often fewer than the region has.
        installed: Version of every sound image that runs or would run, by function and index.
        roles: Which file of the rescue pack a region holds byte for byte, as that file's role, by region key.
        flags: A Core's flags; None on other boards, or when not looked at.
        update_pending: Whether a Photon, P1 or Electron will install what is in its download area; None when unknown.
        reset_waits: Whether a factory reset waits for the next start, as far as that could be read.
    """

    xray: XRay
    memory: Mapping[str, bytes] = field(repr=False)
    installed: Mapping[tuple[Function, int], int]
    roles: Mapping[str, str] = field(default_factory=dict)
    flags: CoreFlags | None = None
    update_pending: bool | None = None
    reset_waits: bool = False


def look(
    job: Job,
    regions: Collection[str] | None = None,
    *,
    coming: Mapping[tuple[Function, int], int] | None = None,
) -> Looked:
    """Read what a board in update mode holds.

    Args:
        job: The run; progress goes to its step.
        regions: Keys of the regions to look at; None for all. A verdict of less than all is of these only.
        coming: Versions, by function and index, of what the board installs by itself at its next start: dependencies
            are judged as if it stood there already.

    Raises:
        Fault: The board could not be read.
        Cancelled: The person stopped the job.
    """
    platform = job.platform
    chosen = [each for each in platform.regions if each.key not in _RAW_COPIES]
    if regions is not None:
        chosen = [each for each in chosen if each.key in regions]
    reading = _Reading(job, len(chosen))
    for alt in sorted({each.alt for each in chosen}):
        with job.dfu(alt) as session:
            for region in (each for each in chosen if each.alt == alt):
                reading.read(session, region)
    return _Judging(job, chosen, reading, coming or {}).looked()


class _Reading:
    """Reads the board, slot by slot."""

    def __init__(self, job: Job, slots: int) -> None:
        self._job = job
        self._platform = job.platform
        self._total = slots * _TICKS
        self._slot = 0
        self.memory: dict[str, bytes] = {}
        self.images: dict[str, Image] = {}
        self.kept: dict[str, bool] = {}  # True: something is there
        self.refused: set[str] = set()
        self.hidden: set[str] = set()
        self.pending: bool | None = None
        self.reset_waits = False  # of a board that has its flags among its settings
        self.key: KeyState | None = None  # what was judged is let go of at once
        self.server: ServerBlock | None = None

    def read(self, session: DfuSession, region: Region) -> None:
        """Read as much of a region as is needed to tell what it holds."""
        if not reachable(self._platform, self._job.boot_loader, region):
            self.hidden.add(region.key)  # what would come is other memory, perhaps one with keys in it
        else:
            self._look_at(session, region)
        self._slot += 1
        self._job.tick(self._slot * _TICKS, self._total, of_bytes=False)

    def _look_at(self, session: DfuSession, region: Region) -> None:
        try:
            if region.medium is Medium.DCT:
                self._settings(session, region)
            elif region.key == CORE_KEY:
                raw = self._bytes(session, region, 0, region.size)
                self.kept[region.key] = not _is_blank(raw)
                self.key = self._judged(raw, region, private_slots(self._platform)[0])
            elif region.key == CORE_SERVER:
                raw = self._bytes(session, region, 0, region.size)
                self.kept[region.key] = not _is_blank(raw)
                self.server = self._server(raw, region, private_slots(self._platform)[0])
            elif region.key in _KEPT or region.secret:
                self.kept[region.key] = not _is_blank(self._bytes(session, region, 0, min(HEAD, region.size)))
            elif region.key == CORE_FLAGS:
                self.memory[region.key] = self._bytes(session, region, 0, region.size)
            else:
                self._firmware(session, region)
        except DfuRefused as fault:
            log.info("region %s: %s", region.key, fault.detail)
            session.settle()
            self.refused.add(region.key)

    def _bytes(self, session: DfuSession, region: Region, offset: int, size: int) -> bytes:
        def progress(done: int, total: int) -> None:
            here = self._slot * _TICKS + _TICKS * done // (total + 1)
            self._job.tick(here, self._total, of_bytes=False)

        return session.read(region.start + offset, size, progress)

    def _settings(self, session: DfuSession, region: Region) -> None:
        raw = self._bytes(session, region, 0, HEAD)
        if self._job.has(Quirk.DCT_NEEDS_PART2) and raw == bytes(len(raw)):
            self.refused.add(region.key)
            return
        self.kept[region.key] = not _is_blank(raw)
        self.pending = raw[self._platform.field("ota-update-flag").address] == PENDING_UPDATE
        word = self._platform.field("flag-factory-reset")
        there = int.from_bytes(raw[word.address : word.address + word.size], "little")
        self.reset_waits = there == FACTORY_RESET_WANTED
        transport = raw[self._platform.field(TRANSPORT_FIELD).address]
        used = used_slot(self._platform, transport)
        self.key = self._judged(raw, region, used)
        self.server = self._server(raw, region, used)

    def _server(self, raw: bytes, region: Region, private: KeySlot) -> ServerBlock:
        slot = server_slot_of(self._platform, private)
        at = slot.address - region.start
        return parse_server(raw[at : at + slot.size], slot)

    @staticmethod
    def _judged(raw: bytes, region: Region, slot: KeySlot) -> KeyState:
        at = slot.address - region.start
        return examine(raw[at : at + slot.size], slot.algorithm).state

    def _firmware(self, session: DfuSession, region: Region) -> None:
        """Read the head, then what the image found there says it has; a legacy image does not say, so all there is."""
        room = min(region.size, LEGACY_ROOM) if self._holds_legacy else region.size
        memory = self._bytes(session, region, 0, min(HEAD, room))
        image = find(memory, region.start, self._platform)
        wanted = len(memory)
        if region.key not in _LOADERS or not self._holds_legacy:
            if image is not None and image.missing:
                wanted = min(image.size + image.missing, self._room(region, image))
            elif self._holds_legacy and not _is_blank(memory) and (image is None or image.form is Form.LEGACY):
                wanted = room
        if wanted > len(memory):
            memory += self._bytes(session, region, len(memory), wanted - len(memory))
            image = find(memory, region.start, self._platform)
        self.memory[region.key] = memory
        if image is not None:
            self.images[region.key] = image

    def _room(self, region: Region, image: Image) -> int:
        """Complete firmware of a board with parts reaches over several slots (3.3)."""
        if image.function is Function.MONOLITHIC:
            for whole in self._platform.monolithic_regions:
                if whole.start == region.start:
                    return whole.size
        return region.size

    @property
    def _holds_legacy(self) -> bool:
        """Only the Core has firmware that does not say its size (7.1)."""
        return any(each.medium is Medium.INTERNAL_F1 for each in self._platform.regions)


class _Judging:
    """Turns what was read into slots and a verdict."""

    def __init__(
        self, job: Job, regions: list[Region], reading: _Reading, coming: Mapping[tuple[Function, int], int]
    ) -> None:
        self._job = job
        self._platform: Platform = job.platform
        self._loader = job.boot_loader
        self._regions = regions
        self._read = reading
        self._packed: dict[str, PackFile] = {}
        for key, image in reading.images.items():
            packed = recognise(image.content)
            if packed is not None:
                self._packed[key] = packed
        self._installed = {
            (image.function, image.index): image.version or 0
            for key, image in reading.images.items()
            if key not in _COPIES and image.crc_ok and self._at_home(key, image)
        } | dict(coming)
        self._covered = self._covered_regions()

    def looked(self) -> Looked:
        """Put it together."""
        slots = {region.key: self._slot(region) for region in self._regions}
        flags = self._flags()
        facts = Facts(
            platform=self._platform,
            boot_loader=self._loader,
            slots=slots,
            images={key: image for key, image in self._read.images.items() if image.crc_ok is not False},
            installed=self._installed,
            roles={key: packed.role for key, packed in self._packed.items()},
            flags=flags,
            update_pending=self._read.pending,
            reset_waits=self._read.reset_waits,
            key=self._read.key,
            server=None if self._read.server is None else self._read.server.state,
        )
        return Looked(
            XRay(self._platform.key, tuple(slots.values()), verdict(facts)),
            dict(self._read.memory),
            dict(self._installed),
            dict(facts.roles),
            flags,
            self._read.pending,
            self._read.reset_waits if flags is None else flags.factory_reset == FACTORY_RESET_WANTED,
        )

    def _slot(self, region: Region) -> SlotView:
        view = SlotView(region.key, region.name, region.alt, region.start, region.size, 0, SlotState.KEPT, _USED)
        if region.key in self._read.hidden:
            return replace(view, state=SlotState.UNREADABLE, what=_NOT_READ, detail=_OTHER_MEMORY)
        if region.key in self._read.refused:
            detail = _ONLY_WITH_PART_2 if region.medium is Medium.DCT else None
            return replace(view, state=SlotState.UNREADABLE, what=_NOT_READ, detail=detail)
        if region.key in self._read.kept:
            return self._kept(region, view)
        if region.key == CORE_FLAGS:
            return self._flags_slot(view)
        memory = self._read.memory[region.key]
        if region.key in _LOADERS and region.medium is Medium.INTERNAL_F1:
            return self._core_loader(region, view, memory)
        if region.key in self._covered:
            return replace(view, state=SlotState.GOOD, used=region.size, what=_COVERED)
        image = self._read.images.get(region.key)
        if image is None:
            if _is_blank(memory):
                return replace(view, state=SlotState.BLANK, what=_BLANK)
            return replace(view, state=SlotState.UNKNOWN, what=_NO_IMAGE)
        return self._with_image(region, view, image)

    def _kept(self, region: Region, view: SlotView) -> SlotView:
        if not self._read.kept[region.key]:
            if region.key in _PLAIN_DATA and region.size > HEAD:
                return replace(view, what=_BLANK_START)
            return replace(view, state=SlotState.BLANK, what=_BLANK)
        if region.key in _PLAIN_DATA:
            return view
        if region.medium is Medium.DCT:
            assert self._read.key is not None
            what = _KEYS.with_values(state=STATES[self._read.key], server=self._server_words())
            if self._read.reset_waits:
                return replace(view, what=what, detail=_FACTORY_FLAG)
            return replace(view, what=what, detail=_UPDATE_FLAG if self._read.pending else None)
        if region.key == CORE_KEY:
            assert self._read.key is not None
            what = _DEVICE_KEY.with_values(state=STATES[self._read.key])
            return replace(view, state=_KEY_STATES[self._read.key], what=what)
        if region.key == CORE_SERVER:
            assert self._read.server is not None
            return replace(view, state=_SERVER_STATES[self._read.server.state], what=self._server_words())
        return replace(view, what=_USED)

    def _server_words(self) -> Text:
        """Say which server the board is set to."""
        block = self._read.server
        assert block is not None
        if block.state is ServerState.CORRUPT:
            return _BAD_SERVER
        if block.public_der is None:
            return _NO_SERVER
        cloud = cloud_words(which_cloud(block, self._clouds()))
        return _SERVER.with_values(server=server_words(block), cloud=cloud)

    def _clouds(self) -> tuple[Cloud, ...]:
        try:
            return self._job.clouds.clouds()
        except Fault as fault:  # then its name is not known; the board is what matters here
            log.info("clouds: %s: %s", fault.code, fault.detail)
            return ()

    def _core_loader(self, region: Region, view: SlotView, memory: bytes) -> SlotView:
        """A Core's boot loader carries nothing that could prove it (3.1, 7.1); it answered, so its start is right."""
        if region.key == _LOADERS[1]:
            if _is_blank(memory):
                return replace(view, state=SlotState.BLANK, what=_BLANK)
            return replace(view, state=SlotState.UNPROVEN, what=_LOADER_END)
        return replace(view, state=SlotState.UNPROVEN, what=_LOADER.with_values(name=self._loader.name), detail=_NO_SUM)

    def _flags_slot(self, view: SlotView) -> SlotView:
        memory = self._read.memory[view.region]
        flags = self._flags()
        assert flags is not None
        detail = _FACTORY_FLAG if flags.factory_reset == FACTORY_RESET_WANTED else None
        state = SlotState.BLANK if _is_blank(memory) else SlotState.KEPT
        return replace(view, state=state, what=flag_words(flags), detail=detail)

    def _with_image(self, region: Region, view: SlotView, image: Image) -> SlotView:
        packed = self._packed.get(region.key)
        what = packed.title if packed is not None and packed.role in _NAMED_ROLES else describe(image)
        view = replace(
            view, used=image.size, what=what, version=image.version, sha256=hashlib.sha256(image.content).hexdigest()
        )
        if image.missing:
            said = _MISSING_BYTES.with_values(said=image.size + image.missing)
            return replace(view, state=SlotState.DAMAGED, detail=said)
        if image.crc_ok is False:
            return replace(view, state=SlotState.DAMAGED, detail=_BAD_SUM)
        problem = self._problem(region, image)
        if problem is not None:
            return replace(view, state=SlotState.MISFIT, detail=problem)
        if packed is not None:
            return replace(view, state=SlotState.GOOD, detail=_SAME_AS)
        if image.crc_ok is None and image.known is None:
            return replace(view, state=SlotState.UNPROVEN, detail=_NO_SUM)
        return replace(view, state=SlotState.GOOD)

    def _problem(self, region: Region, image: Image) -> Text | None:
        """Say why an image does not belong where it is; None when it does."""
        if region.key == _LOADERS[0] and image.function is not Function.BOOT_LOADER:
            return _NO_LOADER.with_values(what=describe(image))
        anywhere = region.key in _COPIES or region.key in _LOADERS or image.function is Function.MONOLITHIC
        judged = judge(
            image,
            self._platform,
            region=None if anywhere and region.key != "application" else region.key,
            installed=None if region.key in _COPIES or region.key in _LOADERS else self._installed,
        )
        return next((each.words for each in judged.problems if each.code not in _NO_MISFIT), None)

    def _at_home(self, key: str, image: Image) -> bool:
        """Whether an image is for this board and built to run where it stands."""
        return image.built_for == self._platform.number and image.start == self._platform.region(key).start

    def _covered_regions(self) -> set[str]:
        """Slots that are only the continuation of complete firmware that begins before them."""
        found = set()
        for key, image in self._read.images.items():
            if key in _COPIES or image.crc_ok is False:
                continue
            start = self._platform.region(key).start
            for region in self._regions:
                if region.alt == 0 and start < region.start < start + image.size and region.key != key:
                    found.add(region.key)
        return found

    def _flags(self) -> CoreFlags | None:
        page = self._read.memory.get(CORE_FLAGS)
        return None if page is None else read_flags(self._platform, page)


def read_flags(platform: Platform, page: bytes) -> CoreFlags:
    """Read a Core's flags page (3.1)."""
    start = platform.region(CORE_FLAGS).start

    def word(key: str) -> int:
        place = platform.field(key)
        at = place.address - start
        return int.from_bytes(page[at : at + place.size], "little")

    return CoreFlags(word("flag-ota-update"), word("flag-factory-reset"), word("flag-nvmem-reset"))


def _is_blank(memory: bytes) -> bool:
    return not memory.strip(b"\xff")
