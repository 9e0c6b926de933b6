"""Read the device ID, and whatever else the board tells about itself without being changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from app.faults import BoardGone, Fault, IdentityUnproven, NotListening, WrongBoardReturned
from app.platforms.model import Mode, Quirk
from app.protocols import requests
from app.protocols.listening import ConsoleIdentity, ListeningConsole
from app.protocols.modules import Module, ModuleFunction, ModuleReport, ModuleStore
from app.recipes.base import Group, Promise, Recipe
from app.recipes.shared import (
    BY_HAND,
    HOW_PROVEN,
    coach_into_listening,
    enter_listening,
    has_requests,
    leave_as_found,
    leave_dfu,
)
from app.text import Text, joined, text
from app.work.board import Identity, Proof
from app.work.events import Fact, Outcome
from app.work.guard import can_be_typed, typed_identity
from app.work.job import Job
from app.work.questions import Choose
from app.work.step import Step

log = logging.getLogger(__name__)

_FUNCTIONS = {
    ModuleFunction.RESOURCE: text("ReadIdentity", "resources {index}"),
    ModuleFunction.BOOT_LOADER: text("ReadIdentity", "boot loader"),
    ModuleFunction.MONOLITHIC: text("ReadIdentity", "firmware in one piece"),
    ModuleFunction.SYSTEM: text("ReadIdentity", "system part {index}"),
    ModuleFunction.USER: text("ReadIdentity", "user application"),
}

_MODULE = text("ReadIdentity", "{name}: {version}")
_DAMAGED = text("ReadIdentity", "{name}: {version} (damaged)")
_AND_MORE = text("ReadIdentity", "{before}, {after}")
_NO_MODULES = text("ReadIdentity", "The list of firmware modules could not be read: {reason}")
_LEFT_LISTENING = text("ReadIdentity", "The board is in listening mode. Tap RESET to let it run its firmware again.")
_LEFT_IN_DFU = text("ReadIdentity", "The board is in update mode. Tap RESET to let it run its firmware again.")
_WHY_NOT = text(
    "ReadIdentity",
    "In update mode (DFU) a Core shows only a checksum of its device ID, not the ID itself.",
)
_WHY_NOT_DCT = text(
    "ReadIdentity", "The board's configuration memory holds no device ID: firmware before 0.6 never stored it."
)
_CONTRADICTS = text(
    "ReadIdentity",
    "The board's configuration memory names another device ID, {device_id}, so it is not certain which board this is.",
)
_HOW = Choose(
    name="how",
    title=text("ReadIdentity", "The device ID cannot be read in update mode"),
    body=text(
        "ReadIdentity",
        "In update mode (DFU) this board shows only a checksum of its device ID. Bring it into listening mode, where "
        "it tells the ID; or type the ID if you know it, and the checksum proves whether it is right.",
    ),
    options=(
        ("press", text("ReadIdentity", "Bring it into listening mode")),
        ("type", text("ReadIdentity", "Type the ID")),
    ),
)

_BLANK_BYTES = (b"\xff", b"\x00")  # never written (1.4); what a boot loader that cannot reach the memory says (2.4.11)


def identity_from_dct(job: Job) -> Identity | None:
    """Read the device ID from the configuration memory of a board in update mode, where section 1.4 allows.

    Returns:
        None where it does not, where no firmware ever stored it, or where it contradicts what was proven before: then
        that is forgotten.

    Raises:
        Fault: The board could not be read.
    """
    if not job.has(Quirk.ID_IN_DCT):
        return None
    field = job.platform.field("device-id")
    with job.dfu(field.alt) as session:
        raw = session.read(field.address, field.size)
    if any(raw == blank * len(raw) for blank in _BLANK_BYTES):
        return None
    if job.identity is not None and job.identity.device_id != raw.hex():
        # Another board was plugged in unseen, or the memory was copied from another one: nothing is certain now.
        job.note(_CONTRADICTS.with_values(device_id=raw.hex()))
        job.doubt_identity()
        return None
    return job.prove(raw.hex(), Proof.DCT)


class ReadIdentity(Recipe):
    """Read the device ID: from the USB serial number, by request, from memory, on the console, or typed and checked."""

    key = "read-id"
    title = text("ReadIdentity", "Read the device ID")
    summary = text("ReadIdentity", "Which board is this? Reads its device ID and what it tells about its firmware.")
    group = Group.SET_UP
    promise = Promise(
        reads=text("ReadIdentity", "The device ID and, where the board tells them, MAC address and firmware versions."),
        writes=text("ReadIdentity", "Nothing. The board is only asked."),
        keeps=text("ReadIdentity", "Nothing is stored. The window remembers the ID while the board is plugged in."),
        takes=text("ReadIdentity", "A few seconds, and a little longer if you have to press a button."),
        risks=(
            text(
                "ReadIdentity",
                "If the cable is pulled meanwhile, nothing is lost: plug the board in and start again.",
            ),
        ),
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._identity: Identity | None = None
        self._console: ConsoleIdentity | None = None
        self._mac: str | None = None
        self._version: str | None = None
        self._claimed: bool | None = None
        self._modules: ModuleReport | None = None
        self._listening = False
        self._contradicted = False  # the board's memory speaks against what was proven before

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("ReadIdentity", "Look at what the board shows by itself"), self._look),
            Step(
                text("ReadIdentity", "Bring the board to where it tells its ID"),
                self._reach,
                weight=3,
                detail=text("ReadIdentity", "Without buttons where that is possible."),
            ),
            Step(text("ReadIdentity", "Read the ID and the rest"), self._read, weight=2),
        )

    def outcome(self) -> Outcome:
        """Say what was found."""
        identity = self._identity
        if identity is None:
            raise IdentityUnproven("no step found an ID")
        facts = [
            Fact("device-id", text("ReadIdentity", "Device ID"), identity.device_id, copy=True, qr=True),
            Fact("proof", text("ReadIdentity", "How it is known"), HOW_PROVEN[identity.proof]),
        ]
        if self._mac:
            facts.append(Fact("mac", text("ReadIdentity", "MAC address"), self._mac, copy=True))
        if self._version:
            facts.append(Fact("system-version", text("ReadIdentity", "Firmware version"), self._version, copy=True))
        if self._claimed is not None:
            claimed = text("ReadIdentity", "yes") if self._claimed else text("ReadIdentity", "no")
            facts.append(Fact("claimed", text("ReadIdentity", "Claimed by an account"), claimed))
        facts += self._console_facts()
        if self._modules is not None and (line := module_line(self._modules)) is not None:
            facts.append(Fact("modules", text("ReadIdentity", "Firmware modules"), line))
        return Outcome(
            text("ReadIdentity", "This board's device ID is {device_id}.").with_values(device_id=identity.device_id),
            tuple(facts),
            next_steps=self._next_steps(),
        )

    # --- steps ---

    def tidy(self, job: Job) -> None:
        """A board that was just being restarted, out of a dialogue that was broken off, runs its firmware again."""
        leave_as_found(job, self._found_mode)

    def _look(self, job: Job) -> None:
        board = job.refresh()
        self._found_mode = board.mode
        if board.mode is Mode.DFU:
            known = job.identity is not None
            identity_from_dct(job)
            self._contradicted = known and job.identity is None
        elif has_requests(board):
            self._ask_by_request(job)
        self._identity = job.identity
        if self._identity is not None:
            job.say(HOW_PROVEN[self._identity.proof])

    def _reach(self, job: Job) -> None:
        if job.board.mode is not Mode.DFU and self._identity is not None:
            # The rest is worth a question to a console that is open anyway, but no button and no restart.
            self._listening = self._answers_already(job)
            job.skip(text("ReadIdentity", "Not needed: the ID is known."))
        elif self._identity is not None:
            job.skip(text("ReadIdentity", "Not needed: the ID is known."))
        elif job.board.mode is not Mode.DFU:
            job.say(enter_listening(job))
            self._listening = True
        elif job.has(Quirk.HIDES_ID):
            job.note(_WHY_NOT)
            self._press_or_type(job)
        else:
            if not self._contradicted:
                job.note(_WHY_NOT_DCT)
            job.say(self._restart_and_listen(job))
            self._listening = True

    def _read(self, job: Job) -> None:
        if not self._listening:
            job.skip(text("ReadIdentity", "Not needed: everything was read already."))
            return
        with job.console() as console:
            self._ask_console(job, console)
        self._identity = job.identity

    # --- inside ---

    def _press_or_type(self, job: Job) -> None:
        if can_be_typed(job) and (job.answered_beforehand("device-id") or job.ask(_HOW) == "type"):
            self._identity = typed_identity(job)
            job.say(HOW_PROVEN[self._identity.proof])
            return
        coach_into_listening(job)
        self._listening = True
        job.say(BY_HAND)

    def _restart_and_listen(self, job: Job) -> Text:
        """From update mode without a known ID: the board's firmware can tell it, once it runs and listens."""
        leave_dfu(job)
        return enter_listening(job)

    def _answers_already(self, job: Job) -> bool:
        try:
            return job.is_listening()
        except (WrongBoardReturned, BoardGone):
            raise
        except Fault as fault:
            log.info("console: %s: %s", fault.code, fault.detail)
            return False

    def _ask_by_request(self, job: Job) -> None:
        """Ask firmware from 0.6 on over USB; whatever it does not answer is asked another way or left out."""
        try:
            with job.usb() as pipe:
                device_id = requests.device_id(pipe, job.clock, job.check)
                self._version = requests.system_version(pipe, job.clock, job.check)
                self._modules = requests.module_info(pipe, job.clock, job.check)
        except (WrongBoardReturned, BoardGone):
            raise
        except Fault as fault:
            job.note(text("ReadIdentity", "Not answered over USB: {reason}").with_values(reason=fault.cause))
            return
        if device_id is not None:
            job.prove(device_id, Proof.CONTROL)
        if self._version:
            job.told_version(self._version)

    def _ask_console(self, job: Job, console: ListeningConsole) -> None:
        questions: tuple[Callable[[], bool], ...] = (
            lambda: self._ask_id(job, console),
            lambda: self._ask_mac(console),
            lambda: self._ask_version(job, console),
            lambda: self._ask_claimed(console),
            lambda: self._ask_modules(job, console),
        )
        for number, question in enumerate(questions):
            job.tick(number, len(questions), of_bytes=False)
            if not question():
                break
        job.tick(len(questions), len(questions), of_bytes=False)

    def _ask_id(self, job: Job, console: ListeningConsole) -> bool:
        self._console = console.identity()
        if self._console is not None:
            job.prove(self._console.device_id, Proof.CONSOLE)
        elif job.identity is None:
            raise NotListening("it answered before, but not to `i`")
        return True

    def _ask_mac(self, console: ListeningConsole) -> bool:
        """Firmware before 0.4.0 has no `m`, and then none of the later commands either (5.2)."""
        self._mac = console.mac()
        return self._mac is not None

    def _ask_version(self, job: Job, console: ListeningConsole) -> bool:
        self._version = console.version() or self._version
        if self._version:
            job.told_version(self._version)
        return True

    def _ask_claimed(self, console: ListeningConsole) -> bool:
        self._claimed = console.claimed()
        return True

    def _ask_modules(self, job: Job, console: ListeningConsole) -> bool:
        try:
            self._modules = console.modules() or self._modules
        except BoardGone:
            raise
        except Fault as fault:
            job.note(_NO_MODULES.with_values(reason=fault.cause))
        return True

    def _console_facts(self) -> list[Fact]:
        told = self._console
        if told is None:
            return []
        rows = (
            ("serial-number", text("ReadIdentity", "Serial number"), told.serial_number),
            ("imei", text("ReadIdentity", "IMEI of the modem"), told.imei),
            ("iccid", text("ReadIdentity", "ICCID of the SIM card"), told.iccid),
            ("radio-version", text("ReadIdentity", "Firmware of the modem"), told.radio_version),
        )
        return [Fact(key, label, value, copy=True) for key, label, value in rows if value]

    def _next_steps(self) -> tuple[Text, ...]:
        if self._listening:
            return (_LEFT_LISTENING,)
        if self._found_mode is Mode.DFU:
            return (_LEFT_IN_DFU,)
        return ()


def module_line(report: ModuleReport) -> Text | None:
    """Put the modules a board runs into one line, for example `boot loader: 1005, system part 1: 2302`."""
    words = [
        _module_words(module)
        for module in report.modules
        if module.store is ModuleStore.MAIN and module.version is not None and module.function in _FUNCTIONS
    ]
    if not words:
        return None
    return joined(words, _AND_MORE)


def _module_words(module: Module) -> Text:
    name = _FUNCTIONS[module.function]
    if "{index}" in name.source:
        name = name.with_values(index=module.index)
    return (_MODULE if module.valid else _DAMAGED).with_values(name=name, version=module.version)
