"""What can go wrong while a board is told a Wi-Fi network. As in `app.faults`, each with a cause and a next step."""

from __future__ import annotations

from app.faults import Fault
from app.text import text

# What the person typed


class NameMissing(Fault):
    """A network without a name."""

    code = "wifi.name-missing"
    cause = text("WifiFaults", "The network has no name.")
    next_step = text(
        "WifiFaults", "Choose the network from the list, or type its name exactly as the router has it, hidden or not."
    )
    retryable = False


class NameTooLong(Fault):
    """More bytes than any network's name may have."""

    code = "wifi.name-long"
    cause = text("WifiFaults", "The name of the network takes {length} bytes; a network's name has at most {most}.")
    next_step = text(
        "WifiFaults", "Check the name. Letters with accents and other alphabets take two to four bytes a character."
    )
    retryable = False


class CannotBeTyped(Fault):
    """A control character: the console takes it for an end of the line or a correction."""

    code = "wifi.control-character"
    cause = text("WifiFaults", "{what} holds a character that no board can be told: a line end, tab or the like.")
    next_step = text("WifiFaults", "Type it anew instead of pasting it; or change it at the router.")
    retryable = False


class PasswordMissing(Fault):
    """A protected network without a password."""

    code = "wifi.password-missing"
    cause = text("WifiFaults", "The network {name} is protected, and there is no password for it.")
    next_step = text("WifiFaults", "Give its password. It stands on the router, if nobody changed it.")
    retryable = False


class PasswordLength(Fault):
    """A password that the board would not store (5.4)."""

    code = "wifi.password-length"
    cause = text("WifiFaults", "This password takes {length} bytes. With {security} a board takes {least} to {most}.")
    next_step = text(
        "WifiFaults", "Check the password. If it is right, the network has another kind of security than was said."
    )
    retryable = False


class PasswordTooLongForFirmware(Fault):
    """The first firmware of 2013 would silently keep the beginning of it (5.4)."""

    code = "wifi.password-old-firmware"
    cause = text(
        "WifiFaults",
        "This board's firmware of 2013 takes passwords of {most} bytes at most. Nothing of the password was sent.",
    )
    next_step = text(
        "WifiFaults", "Press RESET, then give the board newer firmware, or the network a shorter password."
    )
    retryable = False


class OnlyWpa2(Fault):
    """The first firmware of 2013 takes every network for one with WPA2 (5.4)."""

    code = "wifi.only-wpa2"
    cause = text(
        "WifiFaults",
        "This board's firmware of 2013 takes every network for one with WPA2, and {name} is another kind. No password "
        "was sent, and nothing was saved.",
    )
    next_step = text(
        "WifiFaults",
        "Try again with a network that has WPA2, or give the board newer firmware. You are asked to press RESET first.",
    )


class SecurityNotPossible(Fault):
    """A kind of security that this board or its firmware does not know."""

    code = "wifi.security-not-possible"
    cause = text("WifiFaults", "This board cannot join a network with {security}: {reason}")
    next_step = text("WifiFaults", "Choose a network with WPA2 and a password, or set the router to that.")
    retryable = False


class SignInMissing(Fault):
    """An enterprise network without all that signing in takes."""

    code = "wifi.sign-in-missing"
    cause = text("WifiFaults", "The network {name} wants a user name with a password, or a certificate with its key.")
    next_step = text("WifiFaults", "Ask whoever runs the network which of the two it is, and for what is missing.")
    retryable = False


class SignInTooLong(Fault):
    """A user name, password or outer identity longer than the console's line."""

    code = "wifi.sign-in-long"
    cause = text("WifiFaults", "A part of the sign-in takes {length} bytes; a board takes {most} at most.")
    next_step = text("WifiFaults", "Ask whoever runs the network for a shorter user name or password.")
    retryable = False


class CertificateUnreadable(Fault):
    """Certificate or key file that is none; the board would say nothing and never connect (5.5)."""

    code = "wifi.certificate"
    cause = text("WifiFaults", "The file {file} cannot be used as {what}: {reason}")
    next_step = text("WifiFaults", "Ask whoever runs the network for the file in PEM form, without a passphrase.")
    retryable = False


class PasswordOnCommandLine(Fault):
    """A password where every program of the computer can read it."""

    code = "wifi.password-on-command-line"
    cause = text("WifiFaults", "A password must not stand on the command line: other programs can read it there.")
    next_step = text(
        "WifiFaults",
        "Leave it out and type it when asked; or give --answer password-file=FILE with it in the first line.",
    )
    retryable = False


class PasswordFileUnreadable(Fault):
    """The file that should hold the password."""

    code = "wifi.password-file"
    cause = text("WifiFaults", "The password could not be read from the file {file}.")
    next_step = text("WifiFaults", "Check that the file is there, is UTF-8, and has the password in its first line.")
    retryable = False


# What the board says


class NoDialogue(Fault):
    """`w` was not answered."""

    code = "wifi.no-dialogue"
    cause = text("WifiFaults", "The board did not ask for a network although it seemed to listen.")
    next_step = text(
        "WifiFaults", "Press RESET, hold the button for three seconds until the light blinks blue, then try again."
    )


class DialogueStopped(Fault):
    """A prompt or an answer did not come, or what was typed did not come back."""

    code = "wifi.dialogue-stopped"
    cause = text(
        "WifiFaults",
        "The board stopped talking while it was told the network {name}. It may have been saved all the same, "
        "or nothing of it.",
    )
    next_step = text(
        "WifiFaults",
        "Watch its light: if it blinks green and then cyan, it knows the network. If not, try again: the board is "
        "restarted first, or you are asked to press RESET. That clears what was typed half.",
    )


class DialogueLost(Fault):
    """The board went away amid the dialogue."""

    code = "wifi.dialogue-lost"
    cause = text(
        "WifiFaults",
        "The board went away while it was told the network {name}: unplugged, reset, or the port was taken. "
        "It knows the network whole or not at all.",
    )
    next_step = text("WifiFaults", "Close other serial programs, check the cable, then tell it the network again.")


class DialogueNoise(Fault):
    """Something prints on the port without end."""

    code = "wifi.noise"
    cause = text("WifiFaults", "The board prints so much on its serial port that its questions cannot be made out.")
    next_step = text(
        "WifiFaults",
        "Press RESET, hold the button until the light blinks blue, then try again. A program on the board "
        "that prints while it listens has to be replaced first.",
    )


class AskedAgain(Fault):
    """The same prompt again and again: it does not take the answer."""

    code = "wifi.asked-again"
    cause = text("WifiFaults", "The board asked for the same thing again and again and did not take the answer: {what}")
    next_step = text("WifiFaults", "Try again: the board is restarted first, or you are asked to press RESET.")


class NotOffered(Fault):
    """The board's own list of kinds of security lacks the one that was chosen."""

    code = "wifi.not-offered"
    cause = text("WifiFaults", "This board's firmware does not offer {security}. Nothing was saved.")
    next_step = text(
        "WifiFaults",
        "Try again with a network that has WPA2 and a password, or give the board newer firmware. The board is "
        "restarted first, or you are asked to press RESET.",
    )


class WantsPassword(Fault):
    """The board found the network protected where the person said it is open."""

    code = "wifi.wants-password"
    cause = text("WifiFaults", "The board found that the network {name} is protected, and no password was given.")
    next_step = text(
        "WifiFaults",
        "Try again with the password. The board is restarted first, or you are asked to press RESET.",
    )


class WantsEnterprise(Fault):
    """The board found an enterprise network where the person gave a plain password, or the other way round."""

    code = "wifi.wants-enterprise"
    cause = text("WifiFaults", "The board found that the network {name} wants a company's sign-in (WPA Enterprise).")
    next_step = text(
        "WifiFaults",
        "Try again and choose WPA2 Enterprise with your user name. The board is restarted first, or you are asked to "
        "press RESET.",
    )


class WantsPlainPassword(Fault):
    """The board found a network with one password for all where the person gave a company's sign-in."""

    code = "wifi.wants-plain-password"
    cause = text(
        "WifiFaults", "The board found that the network {name} has one password for everybody. Nothing was sent."
    )
    next_step = text(
        "WifiFaults",
        "Try again and choose WPA2 with that password. The board is restarted first, or you are asked to press RESET.",
    )


class Derp(Fault):
    """`Derp. Sorry, we couldn't save the credentials.`."""

    code = "wifi.not-saved"
    cause = text("WifiFaults", "The board could not save the network {name}; it does not say why. It keeps listening.")
    next_step = text(
        "WifiFaults",
        "Check the kind of security and the password: 8 to 64 characters with WPA, 5 to 58 with WEP. If the "
        "board is full of old networks, let it forget them first. Then try again.",
    )


class EnterpriseNotStored(Fault):
    """`Error while preparing to store enterprise credentials.`."""

    code = "wifi.enterprise-not-saved"
    cause = text("WifiFaults", "The board had no room for the certificates of the network {name}; nothing was saved.")
    next_step = text(
        "WifiFaults",
        "Press RESET and try again at once, so that its memory is free; leave out the root certificate if you can.",
    )


class StillKnown(Fault):
    """The networks were to be forgotten first, and were not seen to be."""

    code = "wifi.not-forgotten"
    cause = text("WifiFaults", "The board was not seen forgetting its old networks, so it was not told a new one.")
    next_step = text(
        "WifiFaults", "Try again, or start without letting it forget: new networks are added to the old ones."
    )
