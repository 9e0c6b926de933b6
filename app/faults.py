"""What can go wrong in the world, each with a cause and a next step for the person.

A `Fault` is something wrong outside the program; `Cancelled` is the person's wish; every other exception is a bug.
Only classes with a sentence of their own belong here; facts about one occurrence are arguments.
"""

from __future__ import annotations

import sys
from typing import ClassVar

from app.text import Text, text


def per_os(*, linux: Text, windows: Text, mac: Text) -> Text:
    """Choose the sentence for the operating system the program runs on."""
    if sys.platform.startswith("win"):
        return windows
    if sys.platform == "darwin":
        return mac
    return linux


class Cancelled(Exception):
    """The person stopped the job."""


class Fault(Exception):
    """Something wrong in the world.

    Attributes:
        code: Stable and searchable, for example `usb.board-gone`.
        cause: What happened, in one sentence.
        next_step: What to do now.
        retryable: Whether *Try again* makes sense without doing anything else.
        detail: Technical words in English, never translated, never a secret.
    """

    code: ClassVar[str]
    cause: Text
    next_step: Text
    retryable: ClassVar[bool] = True

    def __init__(self, detail: str = "", **values: object) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        if values:
            self.cause = self.cause.with_values(**values)
            self.next_step = self.next_step.with_values(**values)


# How bytes move


class BoardGone(Fault):
    """The board left the bus while it was being used."""

    code = "usb.board-gone"
    cause = text("Faults", "The board went away: it was unplugged, reset, or lost power.")
    next_step = text("Faults", "Check the cable, plug the board in again, then try again.")


class AccessDenied(Fault):
    """The operating system refuses to open the board."""

    code = "usb.access-denied"
    cause = text("Faults", "This computer does not let the program open the board.")
    next_step = per_os(
        linux=text("Faults", "Install the access rule (see Help), then plug the board in again."),
        windows=text("Faults", "Close other programs that use the board, then plug it in again."),
        mac=text("Faults", "Close other programs that use the board, then plug it in again."),
    )


class DriverMissing(Fault):
    """Windows has no usable driver for the board in this mode."""

    code = "usb.driver-missing"
    cause = text("Faults", "Windows has no driver that lets the program talk to the board in this mode.")
    next_step = text("Faults", "Install the WinUSB driver for this board, then plug it in again.")


class PortBusy(Fault):
    """Another program holds the board or its serial port."""

    code = "usb.port-busy"
    cause = text("Faults", "Another program is using the board.")
    next_step = text("Faults", "Close serial monitors and other tools that use the board, then try again.")


class BoardSilent(Fault):
    """A transfer ran into its time limit."""

    code = "usb.time-out"
    cause = text("Faults", "The board did not answer in time.")
    next_step = text("Faults", "Press RESET on the board, wait until it is back, then try again.")


class TransferStalled(Fault):
    """The board refused a control transfer (STALL)."""

    code = "usb.stall"
    cause = text("Faults", "The board refused a request.")
    next_step = text("Faults", "Press RESET on the board, bring it into the same mode again, then try again.")


class BusFailed(Fault):
    """Any other trouble on the bus that the operating system reports by number."""

    code = "usb.failed"
    cause = text("Faults", "The USB connection failed.")
    next_step = text("Faults", "Try another cable and another port without a hub, then try again.")


class UsbLibraryMissing(Fault):
    """libusb could not be loaded."""

    code = "usb.library-missing"
    cause = text("Faults", "The USB library of this program could not be loaded.")
    next_step = text("Faults", "Install the program again.")
    retryable = False


# What bytes mean


class DfuStuck(Fault):
    """The DFU interface did not come to idle."""

    code = "dfu.stuck"
    cause = text("Faults", "The board's update mode (DFU) is stuck in an unusual state.")
    next_step = text("Faults", "Press RESET, enter update mode (DFU) again, then try again.")


class DfuRefused(Fault):
    """The boot loader refused a command or reported an error status."""

    code = "dfu.refused"
    cause = text("Faults", "The board refused a command in update mode (DFU).")
    next_step = text("Faults", "Press RESET, enter update mode (DFU) again, then try again.")


class WrongAnswer(Fault):
    """An answer came, but its form is not one the specification knows."""

    code = "board.wrong-answer"
    cause = text("Faults", "The board gave an answer that makes no sense.")
    next_step = text("Faults", "Try another cable and port without a hub, then try again.")


class NotListening(Fault):
    """Nothing on the serial port answers as a listening console does."""

    code = "console.not-listening"
    cause = text("Faults", "The board is not in listening mode: it does not answer on its serial port.")
    next_step = text("Faults", "Hold {button} for three seconds until the light blinks blue, then try again.")
