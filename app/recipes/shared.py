"""Steps that more than one recipe needs: into update mode, into listening mode, back to normal.

Without buttons first, because buttons are where people fail; with the coach when that does not work.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from app.clock import Deadline
from app.faults import (
    AccessDenied,
    BoardDidNotReturn,
    BoardGone,
    BoardSilent,
    DfuRefused,
    DriverMissing,
    Fault,
    NotSeenStarting,
    PortBusy,
    WrongBoardReturned,
    WrongPassphrase,
)
from app.platforms.model import Mode, Quirk
from app.text import Text, text
from app.work.board import Board, Proof
from app.work.job import Job
from app.work.questions import DoThis, Enter, WatchLight
from app.work.verdicts import CORE_FLAGS, FORGET_WIFI, RUN_APPLICATION, stays_by_flag
from app.work.xray import Looked, look

log = logging.getLogger(__name__)

DFU_BAUD = 14400  # device-protocol.md 5.6
LISTENING_BAUD = 28800  # 5.6
HARMLESS_BAUD = 9600  # 5.1
RELEASE_WITH_REQUESTS = 0x0250  # bcdDevice of firmware from 0.6 on, the first with control requests (1.6, 6)

FIRE_S = 0.3
"""A magic rate acts as soon as it arrives (5.6); the port stays open this long so that it surely does."""
SWITCH_S = 8.0
"""A board is back in 1 to 3 s (5.6); more for a slow computer."""
LISTEN_S = 3.0
"""How long firmware may take from the 28800 baud to the first answer."""
ECHOES_ASKED = 2
"""How often what echoes is asked again: each time may leave a character in a line of the firmware of 2013."""
COACH_S = 300.0
PASSPHRASE_TRIES = 3
GONE_S = 5.0  # after leaving, a board is off the bus at once or within 1 s (2.2)
BACK_S = 8.0
RESTART_S = 60.0
"""A first start may install a boot loader and restart once more."""

_ENTER_DFU_TITLE = text("Shared", "Hold {button}, tap RESET, keep holding {button}")
_ENTER_DFU_BODY = text(
    "Shared",
    "Let go when the light blinks yellow, after about three seconds. Too early? Just try again. Do not hold on for "
    "{late} seconds: then the board resets itself to its factory firmware.",
)
_ENTER_LISTENING_TITLE = text("Shared", "Hold {button} for three seconds")
_ENTER_LISTENING_BODY = text(
    "Shared",
    "Let go when the light blinks blue. Held much longer, the board would forget its Wi-Fi networks. Does the light "
    "stand still, whatever you hold? Then tap RESET first.",
)
_ENTER_LISTENING_FROM_DFU_TITLE = text("Shared", "Tap RESET, then hold {button} for three seconds")
_ENTER_LISTENING_FROM_DFU_BODY = text(
    "Shared",
    "Tap RESET alone, without {button}, and wait until the light no longer blinks yellow. Then hold {button} until it "
    "blinks blue, and let go.",
)
_ENTER_LISTENING_STUCK_BODY = text(
    "Shared",
    "The board still waits for an answer from a dialogue that was broken off; RESET ends that. When it is back, hold "
    "{button} until the light blinks blue, and let go. If it blinks blue by itself, there is nothing to hold.",
)
_ENTER_LISTENING_HANGS_BODY = text(
    "Shared",
    "The board takes nothing that is sent to it, so it may hang; RESET ends that. When it is back, hold {button} until "
    "the light blinks blue, and let go. If it blinks blue by itself, there is nothing to hold.",
)
_STUCK = text(
    "Shared",
    "The board repeats what it is asked: it may still wait for a line of a dialogue that was broken off. Nothing is "
    "typed into it; it has to restart.",
)
_RESTARTED = text("Shared", "A restart ended the dialogue that was broken off; the board listens again.")
_NO_BAUD = text("Shared", "It could not be done over the serial port: {reason}")
_ALREADY_DFU = text("Shared", "It was in update mode already.")
ALREADY_LISTENING = text("Shared", "It was in listening mode already.")
_BY_BAUD = text("Shared", "Done over the serial port; no button was needed.")
_BY_REQUEST = text("Shared", "Done over USB; no button was needed.")
BY_HAND = text("Shared", "Done with the buttons.")

_PASSPHRASE = Enter(
    name="passphrase",
    title=text("Shared", "Type the passphrase of the key safe"),
    body=text("Shared", "The key safe is locked. Its passphrase is needed before a key can be put into it."),
    hint=text("Shared", "the passphrase you chose for the key safe"),
    secret=True,
)

LEFT_RUNNING = text("Shared", "The board runs its own firmware again.")
LEFT_QUIET = text(
    "Shared",
    "The board has restarted but does not show on USB. Firmware of 2013 and 2014 without a serial port looks like "
    "this. If the light stays dark, check the cable. If it blinks yellow, do this once more: that starts it.",
)
LEFT_IN_DFU = text(
    "Shared", "The board came back in update mode: it has no firmware that can start. Nothing was changed on it."
)
NOT_LEFT = text("Shared", "The board could not be restarted over USB: tap RESET on it.")

_WARN_RESET = text(
    "Shared",
    "A factory reset waits for the next start of the board. It may replace what is written now. Let the board start "
    "once before, or do this again afterwards.",
)
_WARN_FORGETS = text("Shared", "At its next start the firmware will forget the Wi-Fi networks.")


HOW_PROVEN = {
    Proof.SERIAL: text("Shared", "The board's USB serial number is its device ID."),
    Proof.CONTROL: text("Shared", "The board told it over USB."),
    Proof.CONSOLE: text("Shared", "The board told it in listening mode."),
    Proof.DCT: text("Shared", "It was read from the board's own configuration memory."),
    Proof.TYPED: text("Shared", "It was typed, and the serial number of this board proves that it is right."),
}


def warn_of_waiting(looked: Looked) -> list[Text]:
    """Say what the board does by itself at its next start and a person must not miss (3.1, 3.5, 8.6)."""
    found = [_WARN_RESET] if looked.reset_waits else []
    if looked.flags is not None and looked.flags.nvmem_reset == FORGET_WIFI:
        found.append(_WARN_FORGETS)
    return found


def unlock_safe(job: Job) -> None:
    """A locked safe takes no key; find that out before anything is asked of the board or of fingers.

    Raises:
        WrongPassphrase: The person does not know it.
    """
    for last in (False,) * (PASSPHRASE_TRIES - 1) + (True,):
        if not job.safe.locked:
            return
        beforehand = job.answered_beforehand(_PASSPHRASE.name)
        try:
            job.safe.unlock(str(job.ask(_PASSPHRASE)))
        except WrongPassphrase as fault:
            if last or beforehand:
                raise
            job.note(fault.cause)


def ask_console_for_id(job: Job) -> None:
    """If the board happens to listen it may as well tell its ID; no fault here is worth more than a line.

    A board in update mode has no console, and one whose ID is proven need not be asked.

    Raises:
        BoardGone: It went away; and so `WrongBoardReturned`.
        IdentityMismatch: What it tells contradicts what is known about it.
    """
    if job.board.mode is Mode.DFU or job.identity is not None:
        return
    try:
        if not job.is_listening():
            return
        with job.console() as console:
            told = console.identity()
    except (WrongBoardReturned, BoardGone):
        raise
    except Fault as fault:
        log.info("console: %s: %s", fault.code, fault.detail)
        return
    if told is not None:
        job.prove(told.device_id, Proof.CONSOLE)


def look_before_reading(job: Job) -> Mode:
    """First step of a job that reads keys and writes none: the safe is ready for them, and which board is it?

    Returns:
        The mode the board was found in, for `leave_as_found`.

    Raises:
        Fault: The safe takes no keys, or the board is gone.
    """
    job.safe.insist_writable()
    unlock_safe(job)
    found = job.refresh().mode
    ask_console_for_id(job)
    if job.identity is not None:
        job.say(HOW_PROVEN[job.identity.proof])
    return found


def enter_dfu(job: Job) -> None:
    """Bring the board into update mode: by baud rate or control request where it can, else by the person's hands."""
    board = job.refresh()
    if board.mode is Mode.DFU:
        job.skip(_ALREADY_DFU)
        return
    if Quirk.NO_DFU_BY_BAUD not in job.platform.boot_loader().quirks:
        if _dfu_by_baud(job):
            job.say(_BY_BAUD)
            return
        if _dfu_by_request(job):
            job.say(_BY_REQUEST)
            return
        job.refresh()  # the cable was pulled meanwhile: that is a fault, and no button helps
    coach_into_dfu(job)
    job.say(BY_HAND)


def coach_into_dfu(job: Job) -> Board:
    """Show the person the buttons for update mode and wait until USB shows it."""
    choreography = job.platform.choreography("dfu", job.board.boot_loader)
    late = choreography.until_ms
    assert late is not None, "update mode always ends where the factory reset begins (8.1)"
    return job.coach(
        DoThis(
            "enter-dfu",
            _ENTER_DFU_TITLE.with_values(button=job.platform.mode_button),
            _ENTER_DFU_BODY.with_values(late=f"{late / 1000:g}"),
            job.platform,
            choreography,
            Mode.DFU,
        ),
        COACH_S,
    )


def has_requests(board: Board) -> bool:
    """Whether the board's firmware may be asked by control request; never true of a Core (6)."""
    return board.mode is not Mode.DFU and board.sighting.release >= RELEASE_WITH_REQUESTS


def enter_listening(job: Job) -> Text:
    """Bring the board to where its console answers: as it is, by baud rate or request, else by the person's hands.

    Returns:
        How it was done, for the step's note.
    """
    board = job.refresh()
    if board.mode is not Mode.DFU:
        if _answers(job):
            return ALREADY_LISTENING
        if (how := _listening_without_hands(job)) is not None:
            return how
        if job.echoes:
            job.note(_STUCK)
            if _restarts_by_baud(job) and (how := _listening_after_restart(job)) is not None:
                return how
        job.refresh()  # as above
    coach_into_listening(job)
    return BY_HAND


def _listening_without_hands(job: Job) -> Text | None:
    """Try the baud rate and then the request; return how it was done, None where it was not."""
    if _listening_by_baud(job):
        return _BY_BAUD
    return _BY_REQUEST if _listening_by_request(job) else None


def _listening_after_restart(job: Job) -> Text | None:
    """As above for a board that comes back from a restart; without a network it listens by itself (8.2)."""
    return _RESTARTED if _soon_answers(job) else _listening_without_hands(job)


def coach_into_listening(job: Job) -> Board:
    """Show the person the buttons for listening mode and wait until the console answers."""
    title, body = _ENTER_LISTENING_TITLE, _ENTER_LISTENING_BODY
    stuck = job.board.mode is not Mode.DFU and job.echoes
    if job.board.mode is Mode.DFU:
        title, body = _ENTER_LISTENING_FROM_DFU_TITLE, _ENTER_LISTENING_FROM_DFU_BODY
    elif stuck:
        title, body = _ENTER_LISTENING_FROM_DFU_TITLE, _ENTER_LISTENING_STUCK_BODY
    elif job.mute:
        title, body = _ENTER_LISTENING_FROM_DFU_TITLE, _ENTER_LISTENING_HANGS_BODY
    return job.coach(
        DoThis(
            "enter-listening",
            title.with_values(button=job.platform.mode_button),
            body.with_values(button=job.platform.mode_button),
            job.platform,
            job.platform.choreography("listening"),
            Mode.LISTENING,
        ),
        COACH_S,
        anew=stuck,
    )


def insist_on_leaving(job: Job, why: str) -> None:
    """Let the board start its own firmware, for the sake of what that does.

    Args:
        job: The run.
        why: What for, in English, for the fault's detail.

    Raises:
        DfuRefused: The board does not leave update mode.
    """
    with job.dfu(0) as session:
        session.leave()
    if not job.wait_until_gone(GONE_S):
        raise DfuRefused(f"the board did not leave update mode {why}")


def restart_in_dfu(job: Job) -> None:
    """Let the board start its own firmware once and bring it back into update mode, with the buttons if need be.

    Raises:
        DfuRefused: The board does not leave update mode.
    """
    insist_on_leaving(job, "for the restart in between")
    try:
        job.wait_for(Mode.NORMAL, RESTART_S)
    except BoardDidNotReturn as fault:
        log.info("restart in between: %s", fault.detail)
        if what_became(job) is not LEFT_IN_DFU:
            coach_into_dfu(job)
    else:
        enter_dfu(job)


def leave_dfu(job: Job, watch: WatchLight | None = None) -> Text:
    """Let the board start its own firmware, and see what becomes of it.

    Args:
        job: The run.
        watch: What the person is shown meanwhile, where the start takes longer than usual; the person may end it.

    Returns:
        What became of it; `NOT_LEFT` when the boot loader would not.

    Raises:
        WrongBoardReturned: Another board is on the port now.
        Cancelled: The person stopped the job.
    """
    try:
        with job.dfu(0) as session:
            session.leave()
    except WrongBoardReturned:
        raise
    except Fault as fault:
        log.info("leave: %s: %s", fault.code, fault.detail)
        return NOT_LEFT
    if not job.wait_until_gone(GONE_S):
        return NOT_LEFT
    try:
        if watch is None:
            job.wait_for(Mode.NORMAL, BACK_S)
        elif not isinstance(job.watch(watch, RESTART_S), Board):
            return what_became(job)
    except BoardDidNotReturn:
        return what_became(job)
    return LEFT_RUNNING


def starts_alone(job: Job) -> bool:
    """Whether a board in update mode would start what it holds even if the word to do so got lost on the way.

    The original boot loader of a Core starts nothing while its flag does not allow it, and only leaving update mode
    sets that (2.2, 3.1). The copy of the flag in the processor counts for nothing here: it may be gone at any time.

    Raises:
        Fault: The board could not be read.
    """
    if not any(region.key == CORE_FLAGS for region in job.platform.regions):
        return True
    flags = look(job, (CORE_FLAGS,)).flags
    allowed = flags is not None and flags.ota_update == RUN_APPLICATION
    return allowed or not stays_by_flag(job.platform, job.boot_loader)


def insist_on_start(job: Job, left: Text, *, alone: bool, shows: bool = False) -> None:
    """After something was written: it is over only once the board is sure to start, now or by itself later.

    Args:
        job: The run.
        left: What became of the board, from `leave_dfu`.
        alone: From `starts_alone`, before. Where it does not, a board that is not seen may not have been told to start:
            the cable may have been pulled in that moment.
        shows: Whether what was written always shows on USB, so that a board that does not show has not started it.

    Raises:
        NotSeenStarting: It may stay in update mode: the journal has to stay open.
        Fault: It came back in update mode and could not be read.
    """
    unsure = left is LEFT_QUIET and (shows or not alone)
    stays = left is LEFT_IN_DFU and not alone and not starts_alone(job)
    if left is NOT_LEFT or unsure or stays:
        raise NotSeenStarting(left.english())


def what_became(job: Job) -> Text:
    """Say what is on the port after the board was restarted and did not come back as usual."""
    try:
        board = job.refresh()
    except WrongBoardReturned:
        raise
    except Fault:
        return LEFT_QUIET
    return LEFT_IN_DFU if board.mode is Mode.DFU else LEFT_RUNNING


def leave_as_found(job: Job, found: Mode | None) -> None:
    """After a fault or a stop: if the board was not in update mode when it was found, and is now, let it restart."""
    if found is None or found is Mode.DFU:
        return
    if job.restarting and job.board.mode is not Mode.DFU:
        with suppress(BoardDidNotReturn):  # the original boot loader of a Core starts its firmware instead (5.6)
            job.wait_for(Mode.DFU, SWITCH_S)
    if job.refresh().mode is Mode.DFU:
        with job.dfu(0) as session:
            session.leave()
        job.wait_until_gone(GONE_S)


def is_seen_listening(job: Job) -> bool:
    """Whether a board that was started waits in listening mode; one that cannot be asked does not.

    Raises:
        WrongBoardReturned: Another board is on the port now.
    """
    try:
        if job.refresh().mode is Mode.DFU or job.board.sighting.serial_port is None:
            return False
        return job.is_listening()
    except WrongBoardReturned:
        raise
    except Fault as fault:
        log.info("is it listening: %s: %s", fault.code, fault.detail)
        return False


def _dfu_by_baud(job: Job) -> bool:
    """Try 14400 baud; return whether the board is in update mode now."""
    job.check()
    job.restarting = True
    try:
        if not _send_baud(job, DFU_BAUD):
            job.restarting = False
            return False
        job.wait_for(Mode.DFU, SWITCH_S)
    except BoardDidNotReturn:
        job.restarting = False
        return False
    job.restarting = False
    return True


def _dfu_by_request(job: Job) -> bool:
    """Try the control request; return whether the board is in update mode now."""
    from app.protocols import requests

    try:
        if not has_requests(job.refresh()):
            return False
        with job.usb() as pipe:
            job.restarting = True
            requests.enter_dfu(pipe, job.clock, job.check)
        job.wait_for(Mode.DFU, SWITCH_S)
    except WrongBoardReturned:
        raise
    except Fault as fault:
        log.info("enter update mode by request: %s: %s", fault.code, fault.detail)
        job.restarting = False
        return False
    job.restarting = False
    return True


def _listening_by_baud(job: Job) -> bool:
    """Try 28800 baud; return whether the console answers now. Firmware of 2013-14 takes no notice (5.6)."""
    return _send_baud(job, LISTENING_BAUD) and _soon_answers(job)


def _restarts_by_baud(job: Job) -> bool:
    """Restart the board by 14400 baud, out of whatever it waits for; return whether it runs its firmware anew.

    Firmware from 0.4 restarts at once, also amid a dialogue, into update mode where its boot loader can (5.6), which it
    then leaves. Older firmware takes no notice.
    """
    job.check()
    job.restarting = True  # whoever stops it now must not leave the board in update mode
    runs = _is_restarted_by_baud(job)
    job.restarting = False
    return runs


def _is_restarted_by_baud(job: Job) -> bool:
    if not _send_baud(job, DFU_BAUD) or not job.wait_until_gone(GONE_S):
        return False
    deadline = Deadline(job.clock, SWITCH_S)
    while not deadline.passed():
        try:
            in_dfu = job.refresh().mode is Mode.DFU
        except BoardGone:
            job.pause(FIRE_S)
        else:
            return not in_dfu or leave_dfu(job) is LEFT_RUNNING
    return False


def _listening_by_request(job: Job) -> bool:
    """Try the control request; return whether the console answers now. A program may have moved the baud (5.6)."""
    from app.protocols import requests

    try:
        if not has_requests(job.refresh()):
            return False
        with job.usb() as pipe:
            if not requests.start_listening(pipe, job.clock, job.check):
                return False
        if job.wait_until_gone(FIRE_S):
            job.wait_for(Mode.NORMAL, SWITCH_S)  # 0.6 restarts for it (6.1)
    except WrongBoardReturned:
        raise
    except Fault as fault:
        log.info("listen by request: %s: %s", fault.code, fault.detail)
        job.mute = isinstance(fault, BoardSilent)
        return False
    return _soon_answers(job)


def _soon_answers(job: Job) -> bool:
    end = job.clock.now() + LISTEN_S
    echoes = 0
    while job.clock.now() < end and echoes < ECHOES_ASKED:
        if _answers(job):
            return True
        echoes += job.echoes
        job.pause(FIRE_S)
    return False


def _answers(job: Job) -> bool:
    """Whether the console answers; a board that cannot be asked now does not.

    Raises:
        AccessDenied: Asking is forbidden, or impossible for a reason that buttons do not change; so are the others.
    """
    try:
        job.refresh()
        return job.is_listening()
    except (AccessDenied, DriverMissing, PortBusy, WrongBoardReturned):
        raise
    except Fault as fault:
        log.info("is it listening: %s: %s", fault.code, fault.detail)
        return False


def _send_baud(job: Job, baud: int) -> bool:
    """Open the serial port at a rate that is a command; return whether it could be sent."""
    try:
        with job.serial(baud) as pipe:
            job.pause(FIRE_S)
            pipe.set_baud(HARMLESS_BAUD)  # so that no later program sends the command by opening the port
    except WrongBoardReturned:
        raise
    except Fault as fault:
        log.info("%d baud: %s: %s", baud, fault.code, fault.detail)
        # It may have worked all the same: the board leaves the bus while the port is still being set up (5.6).
        if job.wait_until_gone(FIRE_S):
            return True
        job.note(_NO_BAUD.with_values(reason=fault.cause))
        return False
    return True
