"""Switch a board to another cloud, and back: write the key and the address of that cloud's server.

The board's own key stays: it is kept first, and looked at again afterwards. Which server the board had before is kept,
too, whatever becomes of the run. Source of what is written where: device-protocol.md 3.2, 3.5, 4.1, 4.3 to 4.5.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.faults import Cancelled, Fault, FlashDiffers
from app.firmware.image import Function
from app.firmware.releases import release_of
from app.keys.clouds import CloudKind
from app.keys.device_key import KeyReport, KeyState, examine
from app.keys.letter import letter
from app.keys.safe import Backup
from app.keys.server_key import ServerState
from app.platforms.model import Algorithm, KeySlot, Mode
from app.recipes.base import Group, Promise, Recipe
from app.recipes.read_identity import identity_from_dct
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    NOT_LEFT,
    ask_console_for_id,
    enter_dfu,
    insist_on_start,
    leave_as_found,
    leave_dfu,
    starts_alone,
    unlock_safe,
)
from app.recipes.switch_cloud_choice import Chosen, Now, choose, chosen_server, now_of, particle_file
from app.text import Text, text
from app.work.board import Board, Identity
from app.work.events import Document, Fact, Outcome
from app.work.flashing import Rescue
from app.work.job import Job
from app.work.key_work import (
    ALGORITHMS,
    device_slots,
    is_erased,
    keep,
    public_slot,
    read_slot,
)
from app.work.letters import document
from app.work.questions import Confirm
from app.work.reading import part_of_step, read_once
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
from app.work.step import Step
from app.work.xray import look

log = logging.getLogger(__name__)

PORT_ANYWAY = "port-anyway"
START_S = 10.0
NEED = 64 * 1024  # bytes; more than any memory that is kept before a server is written
DCT = "dct"

_SET_TO = text("SwitchCloud", "The board is set to: {cloud} ({server}).")
_CHOSEN = text("SwitchCloud", "{cloud}: {server}")
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

_DONE = text("SwitchCloud", "The board is set to another cloud: {cloud}.")
_DONE_SAME = text("SwitchCloud", "The board was set to this cloud already: {cloud}. Nothing was written.")
_NEXT_LOCAL = text(
    "SwitchCloud",
    "The server has to know this board, too: save its public key where the server looks for it, and reset the board.",
)
_NEXT_WATCH = text("SwitchCloud", "Watch the light: breathing cyan says that the board is connected.")
_NEXT_TROUBLE = text(
    "SwitchCloud",
    "If it does not connect, see what is wrong with its keys, or prove the handshake: that tells the step that fails.",
)
_NEXT_BACK = text("SwitchCloud", "To go back, switch once more: the server it had before is offered there.")
_NOT_REMEMBERED = text("SwitchCloud", "The cloud could not be remembered: {reason}")
_NO_KEPT_KEY = text("SwitchCloud", "The board has no key of its own; there is nothing to keep.")


@dataclass(slots=True)
class _DeviceKey:
    """What a private slot of the board holds. The bytes are secret."""

    slot: KeySlot
    in_use: bool
    report: KeyReport
    raw: bytes = field(repr=False)
    backup: Backup | None = None


class SwitchCloud(Recipe):
    """Set a board to the Particle cloud, to a local cloud, or back to what it had before."""

    key = "switch-cloud"
    title = text("SwitchCloud", "Switch to another cloud")
    summary = text(
        "SwitchCloud",
        "Shows which server the board is set to, and sets it to the Particle cloud, to a local cloud, or back to the "
        "one before.",
    )
    group = Group.KEYS
    promise = Promise(
        reads=text("SwitchCloud", "Key and address of the server, the board's own key, and how old its firmware is."),
        writes=text(
            "SwitchCloud",
            "Key and address of the server you choose; on an Electron also how it connects. Never the board's own key.",
        ),
        keeps=text(
            "SwitchCloud",
            "The server that is set now, so that you can go back to it at any time; and the board's own key, in your "
            "key safe.",
        ),
        takes=text("SwitchCloud", "About twenty seconds, and a little longer if you have to press the buttons."),
        risks=(
            text(
                "SwitchCloud",
                "If the cable is pulled meanwhile, the board may not find any cloud until this is finished: plug it in "
                "again and choose to finish it, or to put back what was there.",
            ),
            text("SwitchCloud", "The board restarts, so a program running on it is interrupted."),
        ),
        changes_board=True,
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._rescue = Rescue(self.key)
        self._keys: list[_DeviceKey] = []
        self._before: Now | None = None
        self._after: Now | None = None
        self._chosen: Chosen | None = None
        self._firmware: int | None = None
        self._targets: tuple[Target, ...] = ()
        self._identity: Identity | None = None
        self._platform = ""
        self._warnings: list[Text] = []
        self._left: Text = NOT_LEFT

    @classmethod
    def needs_files(cls, board: Board) -> tuple[str, ...]:
        """The way to the Particle cloud, and so the way back, needs its key."""
        return (particle_file(board.platform),)

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("SwitchCloud", "Look at the board"), self._prepare),
            Step(
                text("SwitchCloud", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=3,
                detail=text("SwitchCloud", "Without buttons where that is possible."),
            ),
            Step(
                text("SwitchCloud", "Read which server it is set to, and keep its own key"),
                self._read,
                weight=4,
                detail=text("SwitchCloud", "Nothing is written to the board."),
            ),
            Step(text("SwitchCloud", "Choose the cloud"), self._choose),
            Step(
                text("SwitchCloud", "Agree on the plan and keep the server of now"),
                self._agree,
                weight=2,
                detail=text("SwitchCloud", "Nothing is written before you have seen the plan."),
            ),
            Step(text("SwitchCloud", "Write key and address of the server"), self._write, weight=3, can_stop=False),
            Step(
                text("SwitchCloud", "Read them back, and the board's own key"), self._compare, weight=4, can_stop=False
            ),
            Step(text("SwitchCloud", "Start the board"), self._start, weight=2, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what the board was set to and is set to now, where the old server is kept, and how to go on."""
        before, after = self._before, self._after
        assert before is not None
        assert after is not None
        local = after.which.kind is CloudKind.LOCAL
        facts = [
            Fact("before", text("SwitchCloud", "Before"), _named(before)),
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
        if self._identity is not None:
            label = text("SwitchCloud", "Device ID")
            facts.append(Fact("device-id", label, self._identity.device_id, copy=True, qr=True))
        kept = dict.fromkeys(str(path) for key in self._keys if key.backup is not None for path in key.backup.files)
        kept |= dict.fromkeys(self._rescue.files)
        return Outcome(
            (_DONE if self._targets else _DONE_SAME).with_values(cloud=cloud_words(after.which)),
            (*facts, *self._rescue.where_kept()),
            kept=tuple(kept),
            warnings=tuple(self._warnings),
            next_steps=(
                *((_NEXT_LOCAL,) if local else ()),
                _NEXT_WATCH,
                _NEXT_TROUBLE,
                *((_NEXT_BACK,) if self._targets and before.block.state is ServerState.GOOD else ()),
                *((LEFT_QUIET,) if self._left is LEFT_QUIET else ()),
            ),
            next_recipes=("switch-cloud", "check-keys", "prove-handshake"),
            documents=self._letters() if local else (),
        )

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only if it was not written to."""
        self._rescue.close()
        if not self._rescue.touched:
            leave_as_found(job, self._found_mode)

    # --- steps: before anything is written ---

    def _prepare(self, job: Job) -> None:
        job.safe.insist_writable()
        unlock_safe(job)
        self._rescue.prepare(job, NEED, secrets=True)
        board = job.refresh()
        self._found_mode, self._platform = board.mode, board.platform.key
        self._rescue.resumes(job)
        if board.mode is not Mode.DFU and job.identity is None:
            ask_console_for_id(job)

    def _read(self, job: Job) -> None:
        identity_from_dct(job)
        slots = device_slots(job)
        used = next(server_slot_of(job.platform, slot) for slot, in_use in slots if in_use)
        total = 2 * (sum(slot.size for slot, _ in slots) + used.size)
        done = 0
        for slot, in_use in slots:
            raw = read_slot(job, slot, part_of_step(job, done, total))
            self._keys.append(_DeviceKey(slot, in_use, examine(raw, slot.algorithm), raw))
            done += 2 * slot.size
        block = read_server(job, used, part_of_step(job, done, total))
        self._keep_keys(job)
        self._firmware = firmware_version(job)
        self._before = now_of(job, block)
        job.say(_SET_TO.with_values(cloud=cloud_words(self._before.which), server=server_words(block)))

    def _choose(self, job: Job) -> None:
        self._chosen = chosen = choose(job, self._was)
        self._after = after = chosen_server(job, chosen)
        self._warnings += chosen.warnings
        self._rescue.answers.update(chosen.answers)
        if after.which.mixed:
            self._warnings.append(_WARN_MIXED)
        if not after.block.usual_port:
            self._insist_on_port(job, after.block.port)
        self._warn_of_key(job, chosen)
        job.say(_CHOSEN.with_values(cloud=cloud_words(after.which), server=server_words(after.block)))

    def _agree(self, job: Job) -> None:
        self._targets = self._needed(job)
        if not self._targets:
            job.skip(_SAME)
            return
        looked = look(job, {target.region for target in self._targets})
        plan = self._rescue.plan(
            job,
            looked,
            self._targets,
            stays=(_STAYS, _STAYS_OLD),
            needs=(_NEEDS_POWER,),
            warnings=self._warnings,
            extra_seconds=START_S,
        )
        # An Electron's settings as a whole also tell which of its two servers it used.
        whole = (DCT,) if len(self._targets) > 1 else ()
        self._rescue.agree(job, plan, keep=whole, agreed=lambda: self._remember(job))

    # --- steps: writing ---

    def _write(self, job: Job) -> None:
        if not self._targets:
            job.skip(_SAME)
            return
        self._rescue.write_all(job, self._targets)

    def _compare(self, job: Job) -> None:
        """Read everything as anybody would who knows nothing of what was written.

        Raises:
            FlashDiffers: It is not the server that was chosen, or a key of the board is another one than before.
        """
        if not self._targets:
            job.skip(_SAME)
            return
        chosen = self._choice
        slot = chosen.slot
        total = 2 * (slot.size + sum(each.slot.size for each in self._keys))
        raw = read_slot(job, slot, part_of_step(job, 0, total))
        if raw != chosen.block:
            raise FlashDiffers(f"{slot.key}: not what was written")
        used = next(server_slot_of(job.platform, each) for each, in_use in device_slots(job) if in_use)
        if used.key != slot.key:
            raise FlashDiffers(f"{used.key} is used, not {slot.key}")
        done = 2 * slot.size
        for each in self._keys:
            if read_slot(job, each.slot, part_of_step(job, done, total)) != each.raw:
                raise FlashDiffers(f"{each.slot.key}: another one than before")
            done += 2 * each.slot.size
        job.say(_RIGHT)

    def _start(self, job: Job) -> None:
        """Start the board. It is finished once the board was told to: only that sets a Core's flag right (2.2, 3.1).

        Raises:
            NotSeenStarting: It may not have been told to.
        """
        alone = not self._targets or starts_alone(job)
        self._left = leave_dfu(job)
        if self._targets:
            insist_on_start(job, self._left, alone=alone)
        self._rescue.finish(job)
        self._remember(job)
        if self._identity is None and job.identity is not None:
            self._keep_keys(job)  # the running firmware has shown the ID: this is where they are now
        said = self._left if self._left is not LEFT_IN_DFU else _CAME_BACK_IN_DFU
        if self._left not in (LEFT_RUNNING, LEFT_QUIET):
            self._warnings.append(said)
        job.say(said)

    # --- inside ---

    @property
    def _was(self) -> Now:
        """What the board was set to before."""
        assert self._before is not None
        return self._before

    @property
    def _choice(self) -> Chosen:
        """What it shall be set to."""
        assert self._chosen is not None
        return self._chosen

    def _keep_keys(self, job: Job) -> None:
        """Keep the board's own keys; empty slots are nothing to keep."""
        self._identity = job.identity
        for each in self._keys:
            if not is_erased(each.raw):
                each.backup = keep(job, each.slot, each.raw, each.report)
        if all(each.backup is None for each in self._keys):
            job.note(_NO_KEPT_KEY)

    def _insist_on_port(self, job: Job, port: int) -> None:
        """Older firmware takes no other port than 5683 (4.3): not without a word.

        Raises:
            Cancelled: The person would rather not.
        """
        honoured = honours_port(self._firmware)
        if honoured:
            return
        title, body, warning = _PORT_UNKNOWN_TITLE, _PORT_UNKNOWN_BODY, _WARN_PORT_UNKNOWN
        if honoured is False:
            release = release_of(self._firmware or 0, Function.SYSTEM)
            title, warning = _OLD_PORT_TITLE, _WARN_OLD_PORT
            body = _OLD_PORT_BODY.with_values(release=f" ({release})" if release else "")
        question = Confirm(PORT_ANYWAY, title.with_values(port=port), body, _PORT_YES, _PORT_NO)
        if not job.ask(question):
            raise Cancelled
        self._rescue.answers[PORT_ANYWAY] = True
        self._warnings.append(warning.with_values(port=port))

    def _warn_of_key(self, job: Job, chosen: Chosen) -> None:
        """Say it where the board's own key for that kind of connection is another one, or none it can use (4.1).

        Firmware that keeps the public half of its key, too, makes a key where there is none; a Core never does (4.2).
        """
        for each in self._keys:
            if server_slot_of(job.platform, each.slot) != chosen.slot:
                continue
            if each.raw[:1] == b"\xff" and public_slot(job.platform, each.slot) is not None:
                self._warnings.append(_WARN_KEY_MADE)
            elif each.report.state is not KeyState.GOOD:
                self._warnings.append(_WARN_KEY_BAD)
            elif not each.in_use:
                self._warnings.append(_WARN_OTHER_KEY.with_values(kind=ALGORITHMS[each.slot.algorithm]))

    def _needed(self, job: Job) -> tuple[Target, ...]:
        """Return what has to be written; all of it where an interrupted run may have left something torn."""
        chosen = self._choice
        source = chosen.source if isinstance(chosen.source, str) else chosen.source.english()
        targets = server_targets(job.platform, chosen.slot, chosen.block, source)
        if self._rescue.resumes(job):
            return targets
        there = [read_once(job, chosen.slot.alt, target.address, len(target.content)) for target in targets]
        same = all(target.content == content for target, content in zip(targets, there, strict=True))
        return () if same else targets

    def _remember(self, job: Job) -> None:
        """Remember a local cloud: before it is written, so that the run can be finished, and once the board has it."""
        cloud = self._choice.cloud
        if cloud is None:
            return
        try:
            job.clouds.remember(cloud)
        except Fault as fault:
            if not job.changed:
                raise
            job.note(_NOT_REMEMBERED.with_values(reason=fault.cause))

    def _letters(self) -> tuple[Document, ...]:
        """Return the board's public key for the server, if there is a key that it uses there, and its ID is proven."""
        if self._identity is None:
            return ()
        for each in self._keys:
            if each.slot.algorithm is Algorithm.RSA_1024 and each.report.public_pem:
                return (document(letter(self._identity.device_id, self._platform, each.report)),)
        return ()


def _named(now: Now) -> Text:
    return _CHOSEN.with_values(cloud=cloud_words(now.which), server=server_words(now.block))
