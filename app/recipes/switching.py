"""The part of a run that sets a board to another server: read, keep, plan, write, read back, start.

Shared by every recipe that does so; which server it shall be is the recipe's own affair. The board's own key stays: it
is kept first, and looked at again afterwards. Which server the board had before is kept, too, whatever becomes of the
run. Source of what is written where: device-protocol.md 3.2, 3.5, 4.1, 4.3 to 4.5.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from app.faults import Cancelled, Fault, FlashDiffers
from app.firmware.image import Function
from app.firmware.releases import release_of
from app.keys.clouds import CloudKind
from app.keys.device_key import KeyReport, KeyState, examine
from app.keys.letter import PublicKeyLetter, letter
from app.keys.safe import Backup
from app.platforms.model import Algorithm, KeySlot, Mode
from app.recipes.read_identity import identity_from_dct
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    NOT_LEFT,
    ask_console_for_id,
    insist_on_start,
    leave_as_found,
    leave_dfu,
    starts_alone,
    unlock_safe,
)
from app.recipes.switch_cloud_choice import Chosen, Now, chosen_server, now_of
from app.text import Text, text
from app.work.board import Identity
from app.work.events import Fact
from app.work.flashing import Rescue
from app.work.guard import DEVICE_ID_QUESTION, can_be_typed, require_proven
from app.work.job import Job
from app.work.key_work import (
    ALGORITHMS,
    device_slots,
    is_erased,
    keep,
    public_slot,
    read_slot,
)
from app.work.questions import Confirm
from app.work.reading import part_of_step, read_twice
from app.work.server_work import (
    cloud_words,
    firmware_version,
    honours_port,
    read_server,
    server_slot_of,
    server_targets,
    server_words,
)
from app.work.spans import Target
from app.work.xray import look

log = logging.getLogger(__name__)

PORT_ANYWAY = "port-anyway"
START_S = 10.0
NEED = 64 * 1024  # bytes; more than any memory that is kept before a server is written
DCT = "dct"

_SET_TO = text("SwitchCloud", "The board is set to: {cloud} ({server}).")
_CHOSEN = text("SwitchCloud", "{server}, {cloud}")
_SAME = text("SwitchCloud", "Not needed: the board is set to this cloud already.")
_RIGHT = text("SwitchCloud", "Read twice: it is what was chosen. The key of the board is untouched.")
_CAME_BACK_IN_DFU = text(
    "SwitchCloud", "The board came back in update mode: it has no firmware that starts. The server is in its place."
)

_OLD_PORT_TITLE = text("SwitchCloud", "This board will not use port {port}")
_OLD_PORT_BODY = text(
    "SwitchCloud",
    "The firmware on it is older than 0.4.9{release}. It always uses port 5683, whatever is written. Let the server "
    "listen on port 5683, or put newer firmware onto the board first.",
)
_PORT_UNKNOWN_TITLE = text("SwitchCloud", "This board may not use port {port}")
_PORT_UNKNOWN_BODY = text(
    "SwitchCloud",
    "Firmware older than 0.4.9 always uses port 5683, whatever is written, and it cannot be told how old the firmware "
    "on this board is. It is safer to let the server listen on port 5683.",
)
_PORT_YES = text("SwitchCloud", "Write it all the same")
_PORT_NO = text("SwitchCloud", "Leave the board as it is")
_WARN_OLD_PORT = text(
    "SwitchCloud", "Port {port} is not used by the firmware on the board now: it is older than 0.4.9 and takes 5683."
)
_WARN_PORT_UNKNOWN = text(
    "SwitchCloud", "Port {port} is used only by firmware from 0.4.9 on, and it is not known what the board has."
)
_WARN_MIXED = text("SwitchCloud", "Key and address of this server are of different clouds. The board may not connect.")
_WARN_OTHER_KEY = text(
    "SwitchCloud",
    "Over this kind of connection the board uses another key of its own ({kind}). Its cloud has to know the public "
    "half of that one.",
)
_WARN_KEY_MADE = text(
    "SwitchCloud",
    "For this kind of connection the board has no key yet. Its firmware makes one when it first connects, and its "
    "cloud has to learn the public half of it then.",
)
_WARN_KEY_BAD = text(
    "SwitchCloud",
    "The board's own key for this kind of connection cannot be used, so no cloud will take it: see what is wrong with "
    "its keys.",
)

_STAYS = text("SwitchCloud", "The key of the board, its firmware, its Wi-Fi networks and all other settings.")
_STAYS_OLD = text("SwitchCloud", "The server it is set to now, on this computer: you can go back to it.")
_NEEDS_POWER = text("SwitchCloud", "A cable that stays in until the end.")

_NOT_REMEMBERED = text("SwitchCloud", "The cloud could not be remembered: {reason}")
_NO_KEPT_KEY = text("SwitchCloud", "The board has no key of its own; there is nothing to keep.")


@dataclass(slots=True)
class DeviceKey:
    """What a private slot of the board holds. The bytes are secret."""

    slot: KeySlot
    in_use: bool
    report: KeyReport
    raw: bytes = field(repr=False)
    backup: Backup | None = None


class Switching:
    """Sets one board to another server, in the steps of one run.

    Attributes:
        rescue: What writes, and remembers how far it came.
        found_mode: The mode the board was found in.
        platform: Key of its platform.
        keys: What its private slots hold.
        chosen: What it shall be set to; None before that is decided.
        before: What it was set to; None before it was read.
        after: What it will be set to.
        firmware: Module version of its system firmware, None when that cannot be told.
        targets: What has to be written; nothing when it is set to this cloud already.
        identity: Its proven identity.
        warnings: What the person must not miss.
        left: What became of the board at the end.
    """

    def __init__(self, recipe_key: str, *, needs_id: bool = False) -> None:
        """Begin.

        Args:
            recipe_key: Key of the recipe whose run this is.
            needs_id: Whether the board's ID has to be proven, because its server will be told of it.
        """
        self._needs_id = needs_id
        self.rescue = Rescue(recipe_key)
        self.found_mode: Mode | None = None
        self.platform = ""
        self.keys: list[DeviceKey] = []
        self.chosen: Chosen | None = None
        self.before: Now | None = None
        self.after: Now | None = None
        self.firmware: int | None = None
        self.targets: tuple[Target, ...] = ()
        self.identity: Identity | None = None
        self.warnings: list[Text] = []
        self.left: Text = NOT_LEFT

    @property
    def was(self) -> Now:
        """What the board was set to before."""
        assert self.before is not None
        return self.before

    @property
    def choice(self) -> Chosen:
        """What it shall be set to."""
        assert self.chosen is not None
        return self.chosen

    @property
    def becomes(self) -> Now:
        """What it will be set to, as anybody reads it from the bytes that are written."""
        assert self.after is not None
        return self.after

    def kept(self) -> tuple[str, ...]:
        """Return the files with what was on the board before, each once."""
        kept = dict.fromkeys(str(path) for key in self.keys if key.backup is not None for path in key.backup.files)
        return tuple(kept | dict.fromkeys(self.rescue.files))

    def facts(self) -> list[Fact]:
        """Return what it was set to and what it is set to now, for the end of the run."""
        after = self.becomes
        facts = [
            Fact("before", text("SwitchCloud", "Before"), named(self.was)),
            Fact("cloud", text("SwitchCloud", "Cloud"), cloud_words(after.which)),
            Fact("server-host", text("SwitchCloud", "Server"), after.block.host, copy=True),
            Fact("server-port", text("SwitchCloud", "Port"), str(after.block.port)),
            Fact(
                "server-fingerprint",
                text("SwitchCloud", "Fingerprint of its key"),
                after.block.readable_fingerprint,
                copy=True,
            ),
        ]
        if self.identity is not None:
            label = text("SwitchCloud", "Device ID")
            facts.append(Fact("device-id", label, self.identity.device_id, copy=True, qr=True))
        return facts

    def server_key(self) -> DeviceKey | None:
        """Return the key that the board uses with a local cloud, if it has one (4.1)."""
        of_server = (each for each in self.keys if each.slot.algorithm is Algorithm.RSA_1024)
        return next((each for each in of_server if each.report.public_pem), None)

    def letter(self) -> PublicKeyLetter | None:
        """Return the public half of that key for the server; None without a key, or while the ID is unproven."""
        key = self.server_key()
        if self.identity is None or key is None:
            return None
        return letter(self.identity.device_id, self.platform, key.report)

    def prepare(self, job: Job) -> None:
        """Look at the board, and make sure that what is on it can be kept.

        Raises:
            Fault: It cannot, or what is to be finished is of another board.
        """
        job.safe.insist_writable()
        unlock_safe(job)
        self.rescue.prepare(job, NEED, secrets=True)
        board = job.refresh()
        self.found_mode, self.platform = board.mode, board.platform.key
        self.rescue.resumes(job)
        ask_console_for_id(job)
        if self._needs_id and job.identity is None and can_be_typed(job):
            # Before the buttons: a board that hides its ID hides it in update mode, too. Nobody types it twice.
            self.rescue.answers[DEVICE_ID_QUESTION.name] = require_proven(job).device_id

    def read(self, job: Job) -> None:
        """Read which server it is set to, and keep its own keys. Update mode is needed from here on.

        Raises:
            Fault: The board could not be read, or its keys not be kept.
        """
        identity_from_dct(job)
        if self._needs_id:
            require_proven(job)
        slots = device_slots(job)
        used = next(server_slot_of(job.platform, slot) for slot, in_use in slots if in_use)
        total = 2 * (sum(slot.size for slot, _ in slots) + used.size)
        done = 0
        for slot, in_use in slots:
            raw = read_slot(job, slot, part_of_step(job, done, total))
            self.keys.append(DeviceKey(slot, in_use, examine(raw, slot.algorithm), raw))
            done += 2 * slot.size
        block = read_server(job, used, part_of_step(job, done, total))
        self._keep_keys(job)
        self.firmware = firmware_version(job)
        self.before = now_of(job, block)
        job.say(_SET_TO.with_values(cloud=cloud_words(self.before.which), server=server_words(block)))

    def decide(self, job: Job, chosen: Chosen) -> None:
        """Take what the board shall be set to, and say what stands against it.

        Raises:
            Cancelled: The person would rather not.
        """
        self.chosen = chosen
        self.after = after = chosen_server(job, chosen)
        self.warnings += chosen.warnings
        self.rescue.answers.update(chosen.answers)
        if after.which.mixed:
            self.warnings.append(_WARN_MIXED)
        if not after.block.usual_port:
            self._insist_on_port(job, after.block.port)
        self._warn_of_key(job, chosen)
        job.say(named(after))

    def agree(self, job: Job) -> None:
        """Show the plan; once it is agreed to, keep the server of now and remember the cloud.

        Raises:
            Cancelled: The person would rather not.
            Fault: Something could not be kept.
        """
        self.targets = self._needed(job)
        if not self.targets:
            job.skip(_SAME)
            return
        looked = look(job, {target.region for target in self.targets})
        plan = self.rescue.plan(
            job,
            looked,
            self.targets,
            stays=(_STAYS, _STAYS_OLD),
            needs=(_NEEDS_POWER,),
            warnings=self.warnings,
            extra_seconds=START_S,
        )
        # An Electron's settings as a whole also tell which of its two servers it used.
        whole = (DCT,) if len(self.targets) > 1 else ()
        self.rescue.agree(job, plan, keep=whole, agreed=lambda: self._remember(job))

    # --- steps: writing ---

    def write(self, job: Job) -> None:
        """Write key and address of the server.

        Raises:
            Fault: The board could not be written, or does not hold what was written.
        """
        if not self.targets:
            job.skip(_SAME)
            return
        self.rescue.write_all(job, self.targets)

    def compare(self, job: Job) -> None:
        """Read everything as anybody would who knows nothing of what was written.

        Raises:
            FlashDiffers: It is not the server that was chosen, or a key of the board is another one than before.
        """
        if not self.targets:
            job.skip(_SAME)
            return
        chosen = self.choice
        slot = chosen.slot
        total = 2 * (slot.size + sum(each.slot.size for each in self.keys))
        raw = read_slot(job, slot, part_of_step(job, 0, total))
        if raw != chosen.block:
            raise FlashDiffers(f"{slot.key}: not what was written")
        used = next(server_slot_of(job.platform, each) for each, in_use in device_slots(job) if in_use)
        if used.key != slot.key:
            raise FlashDiffers(f"{used.key} is used, not {slot.key}")
        done = 2 * slot.size
        for each in self.keys:
            if read_slot(job, each.slot, part_of_step(job, done, total)) != each.raw:
                raise FlashDiffers(f"{each.slot.key}: another one than before")
            done += 2 * each.slot.size
        job.say(_RIGHT)

    def start(self, job: Job) -> None:
        """Start the board. It is finished once the board was told to: only that sets a Core's flag right (2.2, 3.1).

        Raises:
            NotSeenStarting: It may not have been told to.
        """
        alone = not self.targets or starts_alone(job)
        self.left = leave_dfu(job)
        if self.targets:
            insist_on_start(job, self.left, alone=alone)
        self.rescue.finish(job)
        self._remember(job)
        if self.identity is None and job.identity is not None:
            self._keep_keys(job)  # the running firmware has shown the ID: this is where they are now
        said = self.left if self.left is not LEFT_IN_DFU else _CAME_BACK_IN_DFU
        if self.left not in (LEFT_RUNNING, LEFT_QUIET):
            self.warnings.append(said)
        job.say(said)

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only if it was not written to."""
        self.rescue.close(job)
        if not self.rescue.touched:
            leave_as_found(job, self.found_mode)

    # --- inside ---

    def _keep_keys(self, job: Job) -> None:
        """Keep the board's own keys; empty slots are nothing to keep."""
        self.identity = job.identity
        for each in self.keys:
            if not is_erased(each.raw):
                each.backup = keep(job, each.slot, each.raw, each.report)
        if all(each.backup is None for each in self.keys):
            job.note(_NO_KEPT_KEY)

    def _insist_on_port(self, job: Job, port: int) -> None:
        """Older firmware takes no other port than 5683 (4.3): not without a word.

        Raises:
            Cancelled: The person would rather not.
        """
        honoured = honours_port(self.firmware)
        if honoured:
            return
        title, body, warning = _PORT_UNKNOWN_TITLE, _PORT_UNKNOWN_BODY, _WARN_PORT_UNKNOWN
        if honoured is False:
            release = release_of(self.firmware or 0, Function.SYSTEM)
            title, warning = _OLD_PORT_TITLE, _WARN_OLD_PORT
            body = _OLD_PORT_BODY.with_values(release=f" ({release})" if release else "")
        question = Confirm(PORT_ANYWAY, title.with_values(port=port), body, _PORT_YES, _PORT_NO, risky=True)
        if not job.ask(question):
            raise Cancelled
        self.rescue.answers[PORT_ANYWAY] = True
        self.warnings.append(warning.with_values(port=port))

    def _warn_of_key(self, job: Job, chosen: Chosen) -> None:
        """Say it where the board's own key for that kind of connection is another one, or none it can use (4.1).

        Firmware that keeps the public half of its key, too, makes a key where there is none; a Core never does (4.2).
        """
        for each in self.keys:
            if server_slot_of(job.platform, each.slot) != chosen.slot:
                continue
            if each.raw[:1] == b"\xff" and public_slot(job.platform, each.slot) is not None:
                self.warnings.append(_WARN_KEY_MADE)
            elif each.report.state is not KeyState.GOOD:
                self.warnings.append(_WARN_KEY_BAD)
            elif not each.in_use:
                self.warnings.append(_WARN_OTHER_KEY.with_values(kind=ALGORITHMS[each.slot.algorithm]))

    def _needed(self, job: Job) -> tuple[Target, ...]:
        """Return what has to be written; all of it where an interrupted run may have left something torn."""
        chosen = self.choice
        source = chosen.source if isinstance(chosen.source, str) else chosen.source.english()
        targets = server_targets(job.platform, chosen.slot, chosen.block, source)
        if self.rescue.takes_up(job, targets):
            return targets
        alt = chosen.slot.alt
        there = [read_twice(job, alt, each.address, len(each.content), each.region) for each in targets]
        same = all(target.content == content for target, content in zip(targets, there, strict=True))
        return () if same else targets

    def _remember(self, job: Job) -> None:
        """Remember a local cloud: before it is written, so that the run can be finished, and once the board has it."""
        cloud = self.choice.cloud
        if cloud is None:
            return
        try:
            job.clouds.remember(cloud)
        except Fault as fault:
            if not job.changed:
                raise
            job.note(_NOT_REMEMBERED.with_values(reason=fault.cause))


def short_name(now: Now) -> Text | str:
    """Name a cloud in a sentence about it: a stranger by its server."""
    return server_words(now.block) if now.which.kind is CloudKind.UNKNOWN else cloud_words(now.which)


def named(now: Now) -> Text:
    """Name a cloud with its server."""
    return _CHOSEN.with_values(cloud=cloud_words(now.which), server=server_words(now.block))
