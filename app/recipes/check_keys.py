"""What is wrong with a board's keys: read them, ask what the light did, name the one at fault and the one repair.

Nothing is written to the board. Whatever its key slots hold goes into the key safe before anybody repairs anything.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from app.faults import Fault
from app.keys.backup import Origin
from app.keys.clouds import CloudKind
from app.keys.device_key import KeyReport, KeyState, examine, public_der
from app.keys.letter import letter
from app.keys.safe import Backup
from app.keys.server_key import AddressKind, ServerBlock, ServerState
from app.platforms.lights import pattern
from app.platforms.model import KeySlot, Mode, Platform
from app.recipes.base import Group, Promise, Recipe
from app.recipes.read_identity import identity_from_dct
from app.recipes.shared import (
    LEFT_QUIET,
    LEFT_RUNNING,
    enter_dfu,
    leave_as_found,
    leave_dfu,
    look_before_reading,
)
from app.text import Text, text
from app.undo.board_name import BoardName, Match
from app.work.board import match
from app.work.events import Document, Fact, Outcome
from app.work.job import Job
from app.work.key_case import KeysFound, LightSeen, PublicHalf, ServerFound, server_found
from app.work.key_diagnosis import Diagnosis, diagnose
from app.work.key_rules import CULPRIT_WORDS, REPAIR_WORDS, SURENESS_WORDS, Culprit, Repair
from app.work.key_work import STATES, TCP_SLOT, device_slots, is_erased, keep, public_slot, read_slot
from app.work.letters import document
from app.work.made_keys import never_on_board
from app.work.questions import Card, ChooseCard
from app.work.reading import Tick, part_of_step, read_twice
from app.work.server_work import firmware_version, has_choice, read_server, server_slot_of
from app.work.step import Step
from app.work.way_to_cloud import Check, from_here

log = logging.getLogger(__name__)

QUESTION = "light"
PROVE = "prove-handshake"
REGISTER = "register-key"
LOCAL_CLOUD = "local-cloud"

_WATCH = text(
    "CheckKeys",
    "Watch the board's main light for half a minute while it tries to reach its cloud. Do not mind the colour if you "
    "cannot tell it: a very fast blink that ends in one short flash says enough.",
)
_REMEMBER = text(
    "CheckKeys",
    "The board is not trying to reach its cloud now. What did its main light do when it last tried? If nobody saw it, "
    "say so: the keys can be checked without it.",
)
_TITLE = text("CheckKeys", "What does the light do when the board tries to reach its cloud?")

_FLASH_BODY = text(
    "CheckKeys", "Very fast blinking, then one short flash of a quarter of a second; then it begins again."
)
_LIGHTS: tuple[tuple[LightSeen, str, Text], ...] = (
    (LightSeen.CONNECTED, "cloud-connected", text("CheckKeys", "It swells and fades slowly. The board is connected.")),
    (LightSeen.ORANGE, "handshake-orange", _FLASH_BODY),
    (LightSeen.MAGENTA, "handshake-magenta", _FLASH_BODY),
    (LightSeen.RED, "handshake-red", _FLASH_BODY),
    (LightSeen.CYAN, "cloud-connecting", text("CheckKeys", "It blinks and blinks, and nothing else happens.")),
)
"""Answers that are one pattern of the light, each with the end of that pattern's name."""
_BLINKS_TITLE = text("CheckKeys", "Two or three slow blinks")
_BLINKS_BODY = text("CheckKeys", "Red or orange, half a second each, then a pause.")
_RED_OR_ORANGE = Card(
    LightSeen.RED_OR_ORANGE.value,
    text("CheckKeys", "Red or orange? Hard to tell"),
    text("CheckKeys", "Fast cyan, then one short flash that may be either."),
)
_FLASH = Card(
    LightSeen.FLASH.value,
    text("CheckKeys", "A flash, but I cannot tell the colour"),
    text("CheckKeys", "Very fast blinking, then one short flash of whatever colour."),
)
_OTHER = Card(
    LightSeen.OTHER.value,
    text("CheckKeys", "Something else"),
    text("CheckKeys", "Green, blue or white, for example: it never gets as far as cyan."),
)
_UNSEEN = Card(
    LightSeen.UNSEEN.value,
    text("CheckKeys", "I did not see it"),
    text("CheckKeys", "Then what is on the board has to be enough."),
)
_ORDER = (
    LightSeen.CONNECTED,
    LightSeen.ORANGE,
    LightSeen.MAGENTA,
    LightSeen.RED,
    LightSeen.RED_OR_ORANGE,
    LightSeen.FLASH,
    LightSeen.CYAN,
    LightSeen.BLINKS,
    LightSeen.OTHER,
    LightSeen.UNSEEN,
)

_SERVER_STATES = {
    ServerState.GOOD: text("CheckKeys", "good"),
    ServerState.BLANK: text("CheckKeys", "there is no key"),
    ServerState.CORRUPT: text("CheckKeys", "damaged"),
}
_HALVES = {
    PublicHalf.BLANK: text("CheckKeys", "not stored on the board"),
    PublicHalf.MATCHES: text("CheckKeys", "belongs to the device key"),
    PublicHalf.DIFFERS: text("CheckKeys", "is of another key"),
    PublicHalf.ALONE: text("CheckKeys", "is stored, but there is no device key to compare it with"),
}
_PARTICLE = text("CheckKeys", "Particle cloud")
_NO_CLOUD = text("CheckKeys", "none")
_UNKNOWN_CLOUD = text("CheckKeys", "a server this program does not know")
_MIXED = text("CheckKeys", "key: {key}; address: {address}")
_BUILT_IN = text("CheckKeys", "{host} (built into the firmware; none is stored)")
_SUMMARY = text("CheckKeys", "{finding} {sure}")
_THEN_AGAIN = text("CheckKeys", "There is more than one thing to repair: check the keys once more afterwards.")
_PROVE_IT = text("CheckKeys", "Prove it with a handshake, if you want to know that the board can use its keys.")
_ID_LATER = text(
    "CheckKeys",
    "The device ID is not proven yet, so the board's public key cannot be named after it. Use Read the device ID, "
    "then check once more.",
)
_READY = text(
    "CheckKeys", "The board is still in update mode (blinking yellow), ready for the next step. RESET leaves it."
)
_STAYS = text("CheckKeys", "It stays in update mode, as it was found.")
_STAYS_FOR_REPAIR = text("CheckKeys", "It stays in update mode, ready for the next step.")
_IN_UPDATE_MODE = text("CheckKeys", "The board is still in update mode (blinking yellow). Press RESET to start it.")
_NOT_SEEN = text("CheckKeys", "Nobody saw the light; what is on the board has to be enough.")
_NOTHING_TO_KEEP = text("CheckKeys", "The key slot is empty: there is nothing to keep.")
_KEPT = text("CheckKeys", "Stored, read back and compared.")

NEEDS_UPDATE_MODE = (Repair.RESTORE_KEY, Repair.CHANGE_KEY, Repair.SWITCH_CLOUD, Repair.PROVE)
"""Repairs for which a board that is in update mode had better stay there."""
_MAY_NOT_KNOW = (LightSeen.ORANGE, LightSeen.RED, LightSeen.RED_OR_ORANGE, LightSeen.FLASH)
"""Lights after which the server may not know the board's key."""


@dataclass(frozen=True, slots=True)
class _Device:
    """The device key in use. Nothing secret is kept of it but what its report hides itself."""

    slot: KeySlot
    report: KeyReport
    half: PublicHalf


class CheckKeys(Recipe):
    """Read device key, server key and address, ask for the light, and say what is wrong."""

    key = "check-keys"
    title = text("CheckKeys", "What is wrong with my keys?")
    summary = text(
        "CheckKeys",
        "The board does not reach its cloud, or flashes orange, red or magenta? Tells which key is at fault, and what "
        "repairs it.",
    )
    group = Group.KEYS
    promise = Promise(
        reads=text("CheckKeys", "The board's own key, the server key and the server address, each twice."),
        writes=text("CheckKeys", "Nothing. The board is only read."),
        keeps=text("CheckKeys", "The board's own key, in your key safe. An older backup is never overwritten."),
        takes=text("CheckKeys", "About fifteen seconds, and half a minute to watch the light."),
        risks=(
            text("CheckKeys", "If the cable is pulled meanwhile, nothing is lost: plug the board in and start again."),
            text("CheckKeys", "The board restarts, so a program running on it is interrupted."),
            text(
                "CheckKeys",
                "For a board without Wi-Fi, this computer asks for a test page of Google's and tries the board's "
                "server.",
            ),
        ),
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._light = LightSeen.UNSEEN
        self._light_words: Text | None = None
        self._device: _Device | None = None
        self._server: ServerFound | None = None
        self._other_server: ServerBlock | None = None
        self._firmware: int | None = None
        self._raw: list[tuple[KeySlot, bytes, KeyReport]] = []
        self._kept: list[Backup] = []
        self._diagnosis: Diagnosis | None = None
        self._checks: tuple[Check, ...] = ()
        self._documents: tuple[Document, ...] = ()
        self._facts: list[Fact] = []
        self._next: tuple[str, ...] = ()
        self._left: Text | None = None

    def __repr__(self) -> str:
        return f"CheckKeys({self._light.value})"

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("CheckKeys", "Look at the board"), self._look),
            Step(
                text("CheckKeys", "Say what the light did"),
                self._ask,
                detail=text("CheckKeys", "You may skip this."),
            ),
            Step(
                text("CheckKeys", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=3,
                detail=text("CheckKeys", "Without buttons where that is possible."),
            ),
            Step(
                text("CheckKeys", "Read keys and address twice and compare"),
                self._read,
                weight=4,
                detail=text("CheckKeys", "Nothing is written to the board."),
            ),
            Step(text("CheckKeys", "Keep the board's own key in the key safe"), self._keep, can_stop=False),
            Step(text("CheckKeys", "Find what is wrong"), self._judge),
            Step(text("CheckKeys", "Return the board to normal"), self._leave, weight=2, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what is wrong and what to do."""
        assert self._diagnosis is not None
        main, *others = self._diagnosis.findings
        summary = _SUMMARY.with_values(finding=main.words, sure=SURENESS_WORDS[main.sureness])
        steps = [REPAIR_WORDS[main.repair]]
        if self._diagnosis.good:
            steps += [_PROVE_IT] if PROVE in self._next else []
        elif len(self._diagnosis.repairs) > 1:
            steps.append(_THEN_AGAIN)
        if self._wants_letter and not self._documents:
            steps.append(_ID_LATER)
        if self._left is None:
            steps.append(_IN_UPDATE_MODE if self._diagnosis.repair not in NEEDS_UPDATE_MODE else _READY)
        elif self._left is LEFT_QUIET:
            steps.append(self._left)
        warnings = [finding.words for finding in others]
        if self._left not in (None, LEFT_RUNNING, LEFT_QUIET):
            assert self._left is not None
            warnings.append(self._left)
        return Outcome(
            summary,
            tuple(self._facts),
            kept=self.kept,
            warnings=tuple(warnings),
            next_steps=tuple(steps),
            next_recipes=self._next,
            unfinished=not self._diagnosis.good,
            documents=self._documents,
        )

    def tidy(self, job: Job) -> None:
        """Let a board that was brought into update mode run its firmware again."""
        leave_as_found(job, self._found_mode)

    # --- for another recipe that needs to know ---

    def judge(self, job: Job, light: LightSeen) -> Diagnosis:
        """Read, keep and judge the keys of a board that is in update mode already.

        Args:
            job: The run; its key safe is ready to take a key.
            light: What the light did.

        Raises:
            Fault: The keys could not be read or kept.
        """
        self._light = light
        self._read(job)
        self._keep(job)
        self._judge(job)
        self._raw = []
        assert self._diagnosis is not None
        return self._diagnosis

    @property
    def kept(self) -> tuple[str, ...]:
        """The files in the key safe that hold what was read."""
        return tuple(str(path) for backup in self._kept for path in backup.files)

    @property
    def server(self) -> ServerBlock:
        """The server key and address that were read."""
        assert self._server is not None
        return self._server.block

    # --- steps ---

    def _look(self, job: Job) -> None:
        self._found_mode = look_before_reading(job)

    def _ask(self, job: Job) -> None:
        # Now, while a running board still tries: in update mode its light says nothing any more.
        cards = light_cards(job.platform)
        body = _WATCH if job.board.mode is Mode.NORMAL else _REMEMBER
        self._light = LightSeen(str(job.ask(ChooseCard(QUESTION, _TITLE, body, cards))))
        if self._light is LightSeen.UNSEEN:
            job.skip(_NOT_SEEN)
            return
        title = next(card.title for card in cards if card.key == self._light.value)
        assert isinstance(title, Text)
        self._light_words = title
        job.say(title)

    def _read(self, job: Job) -> None:
        # Asked even if the ID is known: a serial number that is the same on every board cannot tell two of them apart.
        identity_from_dct(job)
        slots = device_slots(job)
        used = next(slot for slot, in_use in slots if in_use)
        if not has_choice(job.platform):
            slots = ((used, True),)
        servers = [(slot, server_slot_of(job.platform, slot)) for slot, _ in slots]
        half = public_slot(job.platform, used)
        everything = [*(slot for slot, _ in slots), *(server for _, server in servers), *([half] if half else [])]
        total = 2 * sum(slot.size for slot in everything)
        done = 0
        for slot, _ in slots:
            raw = read_slot(job, slot, part_of_step(job, done, total))
            self._raw.append((slot, raw, examine(raw, slot.algorithm)))
            done += 2 * slot.size
        report = next(report for slot, _, report in self._raw if slot is used)
        self._device = _Device(used, report, _public_half(job, half, report, part_of_step(job, done, total)))
        done += 2 * half.size if half else 0
        for slot, server in servers:
            block = read_server(job, server, part_of_step(job, done, total))
            done += 2 * server.size
            if slot is used:
                self._server = server_found(block, job.clouds)
            else:
                self._other_server = block
        self._firmware = firmware_version(job)
        job.say(STATES[report.state])

    def _keep(self, job: Job) -> None:
        for slot, raw, report in self._raw:
            if not is_erased(raw):
                self._kept.append(keep(job, slot, raw, report))
        job.say(_KEPT if self._kept else _NOTHING_TO_KEEP)

    def _judge(self, job: Job) -> None:
        device, server = self._device, self._server
        assert device is not None
        assert server is not None
        mine = [
            each
            for each in job.safe.backups()
            if _good_key_of(job, each, device.slot) and not never_on_board(job, each)  # no cloud knows such a key
        ]
        found = KeysFound(
            job.platform,
            device.report,
            server,
            device.half,
            self._firmware,
            good_in_safe=bool(mine),
            other_in_safe=any(each.fingerprint != device.report.fingerprint for each in mine),
            over=_over(device.slot),
            other_server_good=self._other_server is not None and self._other_server.state is ServerState.GOOD,
        )
        self._diagnosis = diagnose(found, self._light)
        if job.platform.has_modem:  # for boards with Wi-Fi the interview does it, with the network they are to join
            self._try_server(job, server.block, over=found.over)
        job.say(CULPRIT_WORDS[self._diagnosis.culprit])

    def _try_server(self, job: Job, block: ServerBlock, *, over: str) -> None:
        """Try the server from here: what answers this computer is running, whatever the mobile network does."""
        host = block.host
        if job.identity is not None:
            host = host.replace("$id", job.identity.device_id)
        if "$id" not in host:
            self._checks = from_here(job.network, job.clock, job.check, host, block.port, udp=over == "UDP")

    def _leave(self, job: Job) -> None:
        assert self._diagnosis is not None
        if self._diagnosis.repair in NEEDS_UPDATE_MODE:
            job.skip(_STAYS_FOR_REPAIR)  # fingers that brought it there need not do so again
        elif self._found_mode is Mode.DFU:
            job.skip(_STAYS)
        else:
            try:
                self._left = leave_dfu(job)
            except Fault as fault:  # what was found stays true, whatever becomes of the board now
                log.info("return to normal: %s: %s", fault.code, fault.detail)
                self._left = fault.cause
            job.say(self._left)
        self._tell(job)

    # --- what was found, in words ---

    def _tell(self, job: Job) -> None:
        """Gather what the outcome says, while the board is known."""
        device, server, diagnosis = self._device, self._server, self._diagnosis
        assert device is not None
        assert server is not None
        assert diagnosis is not None
        if job.identity is not None and any(backup.device_id is None for backup in self._kept):
            # The running firmware has shown the ID: the backups were joined to it, and that is where they are now.
            self._kept = [keep(job, slot, raw, report) for slot, raw, report in self._raw if not is_erased(raw)]
        self._facts = [
            Fact("culprit", text("CheckKeys", "At fault"), CULPRIT_WORDS[diagnosis.culprit]),
            *_device_facts(device),
            *_server_facts(server),
        ]
        if has_choice(job.platform):
            self._facts.append(Fact("transport", text("CheckKeys", "Reaches its cloud over"), _over(device.slot)))
        for each in self._checks:
            self._facts.append(Fact(f"check-{each.key}", text("CheckKeys", "From this computer"), each.words))
        if self._light_words is not None:
            self._facts.append(Fact("light", text("CheckKeys", "The light"), self._light_words))
        if job.identity is not None:
            device_id = job.identity.device_id
            self._facts.append(Fact("device-id", text("CheckKeys", "Device ID"), device_id, copy=True, qr=True))
            if self._wants_letter:
                self._documents = (document(letter(device_id, job.platform.key, device.report), _kind(server)),)
        if self._kept:
            self._facts.append(Fact("folder", text("CheckKeys", "Folder"), str(self._kept[0].folder), copy=True))
        self._next = _next_recipes(job, diagnosis, server)
        self._raw = []

    @property
    def _wants_letter(self) -> bool:
        """Whether the server may not know the board's public key, so that it is worth handing on."""
        assert self._device is not None
        assert self._diagnosis is not None
        told = self._light in _MAY_NOT_KNOW or self._diagnosis.culprit in (Culprit.SERVER_KNOWS, Culprit.PUBLIC_HALF)
        return self._device.report.state is KeyState.GOOD and told


def light_cards(platform: Platform) -> tuple[Card, ...]:
    """Return what the light of this board may do, in the order it is asked for; colours by name, rhythms in words."""
    era = platform.light_eras[0]
    cards = {card.key: card for card in (_RED_OR_ORANGE, _FLASH, _OTHER, _UNSEEN)}
    for seen, end, body in _LIGHTS:
        shown = pattern(f"{era}.{end}")
        cards[seen.value] = Card(seen.value, shown.name, body, light=shown.key)
    blinks = LightSeen.BLINKS.value
    cards[blinks] = Card(blinks, _BLINKS_TITLE, _BLINKS_BODY, light=f"{era}.no-cloud")
    return tuple(cards[seen.value] for seen in _ORDER)


def _public_half(job: Job, slot: KeySlot | None, report: KeyReport, tick: Tick) -> PublicHalf:
    if slot is None:
        return PublicHalf.NO_PLACE
    raw = read_twice(job, slot.alt, slot.address, slot.size, slot.key, tick)
    if is_erased(raw):
        return PublicHalf.BLANK
    if not report.public_pem:
        return PublicHalf.ALONE
    return PublicHalf.MATCHES if raw.startswith(public_der(report)) else PublicHalf.DIFFERS


def _over(slot: KeySlot) -> str:
    return "TCP" if slot.key == TCP_SLOT else "UDP"


def _good_key_of(job: Job, backup: Backup, slot: KeySlot) -> bool:
    """Whether a backup holds a key of this board that its firmware can use."""
    sound = backup.damaged is None and backup.state is KeyState.GOOD and backup.slot == slot.key
    if not sound or backup.practice != job.safe.practice or (backup.device_id is None and backup.origin is Origin.FILE):
        return False
    return match(BoardName(backup.platform, backup.device_id, backup.serial or ""), job.board) is Match.YES


def _device_facts(device: _Device) -> list[Fact]:
    report = device.report
    facts = [Fact("key", text("CheckKeys", "Device key"), STATES[report.state])]
    if report.fingerprint:
        fingerprint = report.readable_fingerprint
        facts.append(Fact("fingerprint", text("CheckKeys", "Its fingerprint"), fingerprint, copy=True))
    if device.half is not PublicHalf.NO_PLACE:
        facts.append(Fact("public-half", text("CheckKeys", "Its public half"), _HALVES[device.half]))
    return facts


def _server_facts(server: ServerFound) -> list[Fact]:
    block = server.block
    stored = block.address.kind is not AddressKind.NONE
    facts = [
        Fact("server-key", text("CheckKeys", "Server key"), _SERVER_STATES[block.state]),
        Fact("cloud", text("CheckKeys", "Which cloud"), _which(server)),
        Fact(
            "server-host",
            text("CheckKeys", "Server"),
            block.host if stored else _BUILT_IN.with_values(host=block.host),
            copy=stored,
        ),
        Fact("server-port", text("CheckKeys", "Port"), str(block.port)),
    ]
    if block.fingerprint:
        label = text("CheckKeys", "Fingerprint of the server key")
        facts.insert(1, Fact("server-fingerprint", label, block.readable_fingerprint, copy=True))
    return facts


def _kind(server: ServerFound) -> CloudKind:
    """Whose cloud it is that gets the board's public key; a mix of two is nobody's."""
    return server.key_of if server.belongs else CloudKind.UNKNOWN


def _which(server: ServerFound) -> Text | str:
    """Say which cloud it is: one, or the key's and the address's."""
    key, address = _named(server.key_of, server.cloud), _named(server.address_of, server.address_cloud)
    if server.belongs or (server.key_of, server.address_of) == (CloudKind.UNKNOWN, CloudKind.UNKNOWN) or key == address:
        return key
    return _MIXED.with_values(key=key, address=address)


def _named(whose: CloudKind, name: str) -> Text | str:
    named: dict[CloudKind, Text | str] = {
        CloudKind.NONE: _NO_CLOUD,
        CloudKind.PARTICLE: _PARTICLE,
        CloudKind.LOCAL: name,
        CloudKind.UNKNOWN: _UNKNOWN_CLOUD,
    }
    return named[whose]


def _next_recipes(job: Job, diagnosis: Diagnosis, server: ServerFound) -> tuple[str, ...]:
    """Return the one repair first, then the others; a board whose keys are sound may prove it."""
    from app.recipes.registry import known  # the registry lists this recipe, too

    keys = [repair.recipe for repair in diagnosis.repairs if repair.recipe]
    if diagnosis.repair is Repair.HAND_ON:
        keys.insert(0, REGISTER)
        if server.key_of is CloudKind.LOCAL:
            keys.insert(0, LOCAL_CLOUD)
    if diagnosis.good or diagnosis.repair is Repair.HAND_ON:
        keys.append(PROVE)
    found = [(key, known(key)) for key in dict.fromkeys(keys)]
    return tuple(key for key, recipe in found if recipe is not None and recipe.fit(job.board).ok)
