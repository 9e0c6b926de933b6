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

    def __init__(self, detail: str = "", *, program: str = "") -> None:
        super().__init__(detail)
        if program:  # only Linux tells who it is
            self.cause = text("Faults", "Another program is using the board: {program}.").with_values(program=program)
            self.next_step = text("Faults", "Close {program}, then try again.").with_values(program=program)


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


class FlashDiffers(Fault):
    """Memory was written and read back several times and is still not what it shall be."""

    code = "dfu.flash-differs"
    cause = text("Faults", "The board's memory did not take what was written to it; it reads back differently.")
    next_step = text(
        "Faults", "Use another cable and a port without a hub, then try again. If it stays so, the memory is worn out."
    )


class WrongAnswer(Fault):
    """An answer came, but its form is not one the specification knows."""

    code = "board.wrong-answer"
    cause = text("Faults", "The board gave an answer that makes no sense.")
    next_step = text("Faults", "Try another cable and port without a hub, then try again.")


class RequestRefused(Fault):
    """Running firmware refused a control request, or failed to carry it out."""

    code = "request.refused"
    cause = text("Faults", "The board could not do what it was asked over USB.")
    next_step = text("Faults", "Press RESET on the board, wait until it is back, then try again.")


class NotListening(Fault):
    """Nothing on the serial port answers as a listening console does."""

    code = "console.not-listening"
    cause = text("Faults", "The board is not in listening mode: it does not answer on its serial port.")
    next_step = text("Faults", "Hold {button} for three seconds until the light blinks blue, then try again.")


# --- which board it is ----------------------------------------------------------------------------------------------


class NoBoard(Fault):
    """There is no board to work on."""

    code = "board.none"
    cause = text("Faults", "No board was found on this computer.")
    next_step = text(
        "Faults",
        "Plug the board in with a cable that carries data: many cables only charge. Try a port without a hub. A Core "
        "with old firmware shows only after MODE was held for three seconds, until its light blinks blue.",
    )


class NoSuchBoard(Fault):
    """There are boards, but not the one that is meant."""

    code = "board.not-this-one"
    cause = text("Faults", "The board {wanted} was not found on this computer.")
    next_step = text("Faults", "Plug it in, or choose one of those that are here: {here}.")


class BoardBusy(Fault):
    """A job already runs on this board."""

    code = "board.busy"
    cause = text("Faults", "Something is already being done with this board.")
    next_step = text("Faults", "Wait until it is finished or stop it, then try again.")


class RecipeDoesNotFit(Fault):
    """The recipe cannot be done with this board as it is."""

    code = "recipe.does-not-fit"
    cause = text("Faults", "This cannot be done with this board: {reason}")
    next_step = text("Faults", "Choose something else, or another board.")
    retryable = False


class BoardDidNotReturn(Fault):
    """The board did not show up in the mode that was waited for."""

    code = "board.did-not-return"
    cause = text("Faults", "The board did not come back in the mode that was expected.")
    next_step = text("Faults", "Press RESET on the board, check the cable, then try again.")


class NotSeenStarting(Fault):
    """What was written is right, but the board was not seen leaving update mode and starting it."""

    code = "board.not-seen-starting"
    cause = text(
        "Faults", "Everything was written and read back, but the board was not seen starting its new firmware."
    )
    next_step = text(
        "Faults",
        "Plug the board in again, then finish the interrupted rescue: what is right is skipped, so it is quick.",
    )


class WrongBoardReturned(Fault):
    """The identity lock: what came back on the port is another board."""

    code = "board.another-one"
    cause = text("Faults", "Another board is plugged in now where the first one was.")
    next_step = text("Faults", "Plug the first board in again, or start over with this one.")


class IdentityUnproven(Fault):
    """Something needs a proven device ID, and nothing at hand can prove it."""

    code = "identity.unproven"
    cause = text("Faults", "It is not certain which board this is: its USB serial number says nothing about its ID.")
    next_step = text("Faults", "Use Read the device ID with this board in listening mode first, then try again.")


class IdentityMismatch(Fault):
    """A device ID does not belong to the board on the port."""

    code = "identity.mismatch"
    cause = text("Faults", "This device ID does not belong to the board that is plugged in.")
    next_step = text(
        "Faults", "Check each of the 24 characters and that the right board is plugged in, then try again."
    )


# --- what the person was asked --------------------------------------------------------------------------------------


class NoAnswer(Fault):
    """A question was not answered."""

    code = "question.no-answer"
    cause = text("Faults", "A question was not answered: {question}")
    next_step = text("Faults", "Start again and answer it; on the command line give --answer {name}=VALUE.")


class BadAnswer(Fault):
    """An answer given beforehand has the wrong form."""

    code = "question.bad-answer"
    cause = text("Faults", "The answer given beforehand for {name} cannot be used: {reason}")
    next_step = text("Faults", "Start again with another answer.")


# --- firmware -------------------------------------------------------------------------------------------------------


class ImageUnreadable(Fault):
    """A file is no firmware image."""

    code = "image.unreadable"
    cause = text("Faults", "This file is no firmware that can be used. {reason}")
    next_step = text("Faults", "Choose the firmware's .bin file.")
    retryable = False


class ImageDamaged(ImageUnreadable):
    """A file was a firmware image once, but is cut off, too long, or says things about itself that cannot be."""

    code = "image.damaged"
    cause = text("Faults", "This firmware file is damaged. {reason}")
    next_step = text("Faults", "Get the file again from where it came from.")


class FileUnreadable(Fault):
    """The operating system does not give the file a person chose."""

    code = "file.unreadable"
    cause = text("Faults", "The file {file} cannot be read.")
    next_step = text(
        "Faults", "Check that it is still there and that you are allowed to read it, then choose it again."
    )


class ImageDoesNotFit(Fault):
    """A firmware image is whole, but not for this board or not for this place; nothing can override that."""

    code = "image.does-not-fit"
    cause = text("Faults", "This firmware is not written to this board. {reason}")
    next_step = text("Faults", "{step}")
    retryable = False


class BootLoaderAlone(Fault):
    """A boot loader was chosen as a program of one's own."""

    code = "image.boot-loader"
    cause = text(
        "Faults", "This file is a boot loader. The board installs one only together with the system it is for."
    )
    next_step = text("Faults", "Use “Restore the system”: it brings the boot loader that belongs to the system.")
    retryable = False


class DowngradeRefused(Fault):
    """The board holds newer system firmware than the one that was chosen, and going back was not asked for."""

    code = "system.newer-on-board"
    cause = text("Faults", "The board has newer system firmware ({here}) than the one to be written ({wanted}).")
    next_step = text("Faults", "Keep the newer one, or start again and say that you want the older one.")
    retryable = False


class SystemDoesNotFit(Fault):
    """Parts of a system would not fit together on this board, so none of them is written."""

    code = "system.does-not-fit"
    cause = text("Faults", "{part} cannot be put on this board: {reason}")
    next_step = text("Faults", "Choose another release. Nothing was written.")
    retryable = False


class SettingsOutOfReach(Fault):
    """The boot loader still cannot reach the settings although the system parts are there."""

    code = "system.settings-out-of-reach"
    cause = text("Faults", "The system is on the board, but its boot loader cannot reach the settings yet.")
    next_step = text(
        "Faults", "Press RESET, then restore the system again: what is there already is not written twice."
    )


# --- keys -----------------------------------------------------------------------------------------------------------


class KeyReadsDiffer(Fault):
    """Two reads of the same key slot gave different bytes, again and again."""

    code = "key.reads-differ"
    cause = text("Faults", "The key was read several times and did not come out the same twice.")
    next_step = text("Faults", "Use another cable and a port without a hub, then try again.")


class KeyMemoryUnreadable(Fault):
    """The boot loader answers with zeros because it cannot reach the memory that holds the keys (2.4.11)."""

    code = "key.memory-unreadable"
    cause = text("Faults", "Update mode (DFU) cannot reach the keys, because system part 2 is missing or damaged.")
    next_step = text("Faults", "Restore the system firmware first, then back up the key. The key itself is not lost.")


# --- files the person takes along -----------------------------------------------------------------------------------


class FileNameTaken(Fault):
    """Where a file is to be written is another one of that name, and nobody agreed to lose it."""

    code = "files.name-taken"
    cause = text("Faults", "There is another file named {file} in the folder {folder} already. It was not replaced.")
    next_step = text("Faults", "Move that file away, or give another folder.")


class FileNoRoom(Fault):
    """The disk a file is to be written to is full."""

    code = "files.no-room"
    cause = text("Faults", "There is no room left on the disk for {folder}, so the file was not written.")
    next_step = text("Faults", "Free some space or choose another folder, then save it again.")


class FileNotWritten(Fault):
    """Any other trouble with such a file that the operating system reports by number."""

    code = "files.not-written"
    cause = text("Faults", "The file could not be written to the folder {folder}.")
    next_step = text("Faults", "Choose another name or another folder, then save it again.")


# --- the key safe ---------------------------------------------------------------------------------------------------


class NoRoom(Fault):
    """The disk is full, or the person's share of it is."""

    code = "safe.no-room"
    cause = text("Faults", "There is no room left on the disk for {folder}, so the backup was not kept.")
    next_step = text("Faults", "Free some space, then try again. Leave the board as it is: it still holds the key.")


class FolderRefused(Fault):
    """The operating system does not let the program read or write a folder."""

    code = "safe.no-access"
    cause = text("Faults", "The program is not allowed to use the folder {folder}.")
    next_step = text("Faults", "Give yourself permission to write to this folder, then try again.")


class FolderGone(Fault):
    """A folder or file that was there is no longer there."""

    code = "safe.folder-gone"
    cause = text("Faults", "The folder {folder}, or a file in it, is not there any more.")
    next_step = text("Faults", "If it is on a disk that was removed, connect the disk, then try again.")


class DiskFailed(Fault):
    """Any other trouble with files that the operating system reports by number."""

    code = "safe.disk-failed"
    cause = text("Faults", "The disk did not do what it was asked in the folder {folder}.")
    next_step = text("Faults", "Check the disk, then try again. Leave the board as it is: it still holds the key.")


class BackupDiffers(Fault):
    """Files read back from the disk are not what was written."""

    code = "safe.not-verified"
    cause = text("Faults", "The backup was written to {folder}, but reads back differently.")
    next_step = text("Faults", "Check the disk, then make the backup again. The board still holds the key.")


class BackupDamaged(Fault):
    """A backup that was whole once cannot be used any more."""

    code = "safe.damaged"
    cause = text("Faults", "This backup is damaged: {reason}")
    next_step = text("Faults", "Choose another backup of this board, or back up the key again.")
    retryable = False


class SafeLocked(Fault):
    """The key safe has a passphrase, and it has not been given yet."""

    code = "safe.locked"
    cause = text("Faults", "The key safe is locked with a passphrase.")
    next_step = text("Faults", "Unlock the key safe, then try again.")


class PassphraseExists(Fault):
    """The key safe has a passphrase already, set by another running program."""

    code = "safe.has-passphrase"
    cause = text("Faults", "The key safe has a passphrase already.")
    next_step = text("Faults", "Unlock it with that passphrase.")
    retryable = False


class WrongPassphrase(Fault):
    """The passphrase does not open the key safe, or not this backup."""

    code = "safe.wrong-passphrase"
    cause = text("Faults", "This passphrase does not fit.")
    next_step = text("Faults", "Type the passphrase again; watch Caps Lock and the keyboard's language.")


# --- the rescue pack -----------------------------------------------------------------------------------------------


class PackFileMissing(Fault):
    """A file of the rescue pack is not on this computer."""

    code = "pack.missing"
    cause = text("Faults", "This firmware file is not on this computer: {file}.")
    next_step = text("Faults", "Open the page Rescue pack and download it, or drop the package file on the window.")


class PackFileDamaged(Fault):
    """A file of the rescue pack is not what it was; it is never used."""

    code = "pack.damaged"
    cause = text("Faults", "This firmware file is damaged and was not used: {file}.")
    next_step = text("Faults", "Open the page Rescue pack and repair it, or drop the package file on the window.")


class PackArchiveUnreadable(Fault):
    """An archive somebody wants to add cannot be unpacked."""

    code = "pack.unreadable"
    cause = text("Faults", "The file {file} cannot be unpacked: it is incomplete or damaged.")
    next_step = text("Faults", "Get the file again, then add it again.")


class PackNothingFound(Fault):
    """Nothing of the rescue pack is in what somebody wants to add."""

    code = "pack.nothing-found"
    cause = text("Faults", "Nothing in {file} belongs to the rescue pack.")
    next_step = text("Faults", "Get the package particle-cli, version 2.16.0 or 1.16.0, and add that file.")


class PackNoRoom(Fault):
    """No room for a file of the rescue pack."""

    code = "pack.no-room"
    cause = text("Faults", "There is no room left on the disk for {folder}.")
    next_step = text("Faults", "Free about 4 MB, then try again.")


class PackDiskFailed(Fault):
    """Any other trouble with the rescue pack's files that the operating system reports by number."""

    code = "pack.disk-failed"
    cause = text("Faults", "The disk did not do what it was asked in the folder {folder}.")
    next_step = text("Faults", "Check the disk, then try again.")


class PackOffline(Fault):
    """The place to download from cannot be reached."""

    code = "pack.offline"
    cause = text("Faults", "The files cannot be downloaded: {host} cannot be reached from this computer.")
    next_step = text(
        "Faults", "Check the connection and try again; or get the package file elsewhere and drop it on the window."
    )


class PackNotTrusted(Fault):
    """Whoever answers for the place to download from cannot prove to be it."""

    code = "pack.not-trusted"
    cause = text(
        "Faults",
        "Something answers for {host}, but this computer does not trust its certificate. Nothing was downloaded.",
    )
    next_step = text(
        "Faults",
        "Check the date and time of this computer. In a school or company network, ask its administrator to install "
        "the network's certificate; or get the package file elsewhere and drop it on the window.",
    )


class PackProxyUnusable(Fault):
    """A proxy is set for downloads, and it cannot be used or lets nothing through."""

    code = "pack.proxy"
    cause = text("Faults", "This computer is set to download through a proxy, and that does not work.")
    next_step = text(
        "Faults",
        "Check the proxy in the system's network settings and in HTTPS_PROXY and ALL_PROXY; or get the package file "
        "elsewhere and drop it on the window.",
    )


class PackSourceRefused(Fault):
    """The place to download from answers, but does not give the file."""

    code = "pack.refused"
    cause = text("Faults", "{host} did not give the file {file} (answer {status}).")
    next_step = text("Faults", "Try again later; or get the package file elsewhere and drop it on the window.")


class PackContentWrong(Fault):
    """What came is not the file of the table; it was thrown away."""

    code = "pack.wrong-content"
    cause = text("Faults", "What {host} sent is not the file {file}; it was thrown away.")
    next_step = text(
        "Faults", "Try again in another network; or get the package file elsewhere and drop it on the window."
    )


# --- what was on boards ---------------------------------------------------------------------------------------------


class UndoNoRoom(Fault):
    """The disk is full, so what is on a board cannot be kept before it is changed."""

    code = "undo.no-room"
    cause = text("Faults", "There is no room left on the disk for {folder}, so what is on the board cannot be kept.")
    next_step = text("Faults", "Free some space, then try again. Nothing is changed that was not kept before.")


class UndoDiskFailed(Fault):
    """Any other trouble with the files that keep what was on boards."""

    code = "undo.disk-failed"
    cause = text("Faults", "The disk did not do what it was asked in the folder {folder}.")
    next_step = text(
        "Faults", "Check the disk, then try again. Nothing is changed on a board that was not kept before."
    )


class SnapshotDiffers(Fault):
    """What was kept reads back differently from the disk."""

    code = "undo.not-verified"
    cause = text("Faults", "What is on the board was written to {folder}, but reads back differently.")
    next_step = text(
        "Faults", "Check the disk, then try again. Nothing is changed on a board that was not kept before."
    )


class SnapshotDamaged(Fault):
    """What was kept is not on the disk any more as it was."""

    code = "undo.damaged"
    cause = text("Faults", "The file {name}, which keeps what was on the board, is missing or was changed.")
    next_step = text("Faults", "Choose something else to put back, or restore the board's system instead.")
    retryable = False


class RescueUnknown(Fault):
    """An interrupted rescue is interrupted no more, or its journal is gone."""

    code = "undo.unknown-rescue"
    cause = text("Faults", "This interrupted rescue is not there any more: it was finished or forgotten.")
    next_step = text("Faults", "Look at the board again, and choose what to do with it.")
    retryable = False


class RescueOfOtherBoard(RescueUnknown):
    """Nothing tells this board from others of its kind, and its memory is not what the interrupted rescue left."""

    code = "undo.rescue-of-other-board"
    cause = text(
        "Faults",
        "This board does not hold what the interrupted rescue left behind. It may be another board of the same kind: "
        "in update mode it does not tell which one it is.",
    )
    next_step = text(
        "Faults",
        "Plug in the board the rescue was begun on. If this is the one, forget that rescue and choose anew what to do.",
    )


class NothingKept(Fault):
    """There is nothing to put back."""

    code = "undo.nothing-kept"
    cause = text("Faults", "Nothing that was on this board is kept on this computer.")
    next_step = text("Faults", "Use “Save what is on the board” before you change something on it.")
    retryable = False


class KeptUnknown(Fault):
    """What was chosen to be put back is not there."""

    code = "undo.unknown"
    cause = text("Faults", "What was chosen to be put back is not on this computer: {name}.")
    next_step = text("Faults", "Choose something else to put back.")
    retryable = False


class KeptOfOtherBoard(Fault):
    """What was kept is from another board and must not come onto this one."""

    code = "undo.other-board"
    cause = text("Faults", "What was kept is from another board ({kept}) than the one that is plugged in.")
    next_step = text("Faults", "Plug in the board it is from, or choose something that was kept of this board.")


class KeysNotProven(Fault):
    """Keys are put back only onto the very board they were read from, and that is not proven."""

    code = "undo.keys-not-proven"
    cause = text("Faults", "It is not proven that the kept keys and settings are from this very board.")
    next_step = text(
        "Faults", "Put back the firmware without keys and settings; or restore a backup of the key instead."
    )
    retryable = False


class RescueElsewhere(Fault):
    """Another running program is at work on a rescue."""

    code = "undo.elsewhere"
    cause = text("Faults", "Another window or program is at work on this rescue right now.")
    next_step = text("Faults", "Wait until it is finished or close it, then try again.")
