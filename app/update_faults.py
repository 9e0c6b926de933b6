"""What can go wrong with looking for a newer Rekindle. As in `app.faults`, each with a cause and a next step."""

from __future__ import annotations

from app.faults import DiskFailed, Fault, NoRoom, per_os
from app.text import text

_AGAIN = text("UpdateFaults", "Try again later. Rekindle works as before.")


class UpdatesWithoutKey(Fault):
    """No release key came with this copy, so nothing it were told could be believed."""

    code = "updates.no-key"
    cause = text("UpdateFaults", "This copy of Rekindle has no release key, so it does not look for newer versions.")
    next_step = text("UpdateFaults", "Look where you got Rekindle from.")
    retryable = False


class UpdatesWithoutAddress(Fault):
    """Neither did an address come with this copy nor did the person give one."""

    code = "updates.no-address"
    cause = text("UpdateFaults", "This copy of Rekindle does not know where to look for newer versions.")
    next_step = text("UpdateFaults", "Give it an address in the settings, or with rekindle updates address URL.")
    retryable = False


class UpdateAddressBad(Fault):
    """What was typed is no address that may be asked."""

    code = "updates.address-bad"
    cause = text("UpdateFaults", "This is no address that can be asked for newer versions.")
    next_step = text(
        "UpdateFaults",
        "Give one that begins with https:// and has no user name, no question mark and no # in it.",
    )
    retryable = False


class UpdatesOffline(Fault):
    """Nothing came from the address."""

    code = "updates.offline"
    cause = text("UpdateFaults", "{host} cannot be reached.")
    next_step = text("UpdateFaults", "Check the internet connection, then try again. Rekindle works as before.")


class UpdatesSlow(Fault):
    """The answer took too long."""

    code = "updates.slow"
    cause = text("UpdateFaults", "{host} began to answer and did not come to an end.")
    next_step = _AGAIN


class UpdatesNotTrusted(Fault):
    """Whoever answers has no certificate this computer trusts."""

    code = "updates.not-trusted"
    cause = text("UpdateFaults", "What answers for {host} cannot prove that it is {host}.")
    next_step = text(
        "UpdateFaults",
        "Check the date of this computer. In a network with a sign-in page of its own, sign in there first.",
    )


class UpdatesProxyUnusable(Fault):
    """The proxy's setting is wrong, or it lets nothing through."""

    code = "updates.proxy"
    cause = text("UpdateFaults", "The proxy that this computer is set up for cannot be used.")
    next_step = per_os(
        linux=text("UpdateFaults", "Check the variables HTTPS_PROXY and ALL_PROXY, then try again."),
        windows=text("UpdateFaults", "Check the proxy in the Windows settings, then try again."),
        mac=text("UpdateFaults", "Check the proxy in the network settings, then try again."),
    )


class UpdatesRefused(Fault):
    """The address answers, but not with a notice."""

    code = "updates.refused"
    cause = text("UpdateFaults", "{host} answered, but not with a notice about Rekindle ({status}).")
    next_step = _AGAIN


class UpdatesLedAstray(Fault):
    """The address leads to one that is not encrypted, or from one to the next without end."""

    code = "updates.led-astray"
    cause = text("UpdateFaults", "{host} leads elsewhere, and not to an encrypted address. It was not followed.")
    next_step = _AGAIN


class UpdateNotGenuine(Fault):
    """What came was not signed with the release key, or is no notice at all."""

    code = "updates.not-genuine"
    cause = text("UpdateFaults", "What came is no notice signed by the makers of Rekindle. It was thrown away.")
    next_step = text("UpdateFaults", "Try again later. If it stays so, look where you got Rekindle from.")


class UpdateNoticeWrong(Fault):
    """It is signed and yet cannot be used: a mistake of whoever released."""

    code = "updates.notice-wrong"
    cause = text("UpdateFaults", "The notice that came is genuine, but this version of Rekindle cannot read it.")
    next_step = text("UpdateFaults", "Look where you got Rekindle from: there may be a newer version.")


class UpdateNoticeOver(Fault):
    """It is genuine, and too old to tell what is new."""

    code = "updates.notice-over"
    cause = text("UpdateFaults", "The notice that came was good until {day} only, so it tells nothing about today.")
    next_step = text("UpdateFaults", "Check the date of this computer. If it is right, try again later.")


class UpdateNoticeOlder(Fault):
    """A newer one was seen before: somebody may want to hide it."""

    code = "updates.notice-older"
    cause = text("UpdateFaults", "The notice that came is older than one that came before. It was thrown away.")
    next_step = _AGAIN


class UpdatesNoRoom(NoRoom):
    """The disk is full, and what was said cannot be remembered."""

    code = "updates.no-room"
    cause = text("UpdateFaults", "There is no room left on the disk for {folder}, so this cannot be remembered.")
    next_step = text("UpdateFaults", "Free some space, then try again.")


class UpdatesNotKept(DiskFailed):
    """Any other trouble with that file."""

    code = "updates.not-kept"
    cause = text("UpdateFaults", "The disk did not do what it was asked in the folder {folder}.")
    next_step = text("UpdateFaults", "Check the file updates.json there, then try again.")
