"""What can go wrong with an account on a cloud server. As in `app.faults`, each with a cause and a next step."""

from __future__ import annotations

from app.faults import Fault
from app.text import text

# The server's address


class CloudAddressBad(Fault):
    """What was typed is no address of a server."""

    code = "account.address-bad"
    cause = text("AccountFaults", "{address} is not the address of a cloud server.")
    next_step = text("AccountFaults", "Type it as in a browser, for example http://192.168.1.10:8080.")
    retryable = False


class CloudNotEncrypted(Fault):
    """A server outside of the own network is to be asked without encryption."""

    code = "account.not-encrypted"
    cause = text(
        "AccountFaults",
        "{host} would be asked without encryption (http) although it is not in your own network. Nothing was sent: "
        "others could read your password on the way.",
    )
    next_step = text("AccountFaults", "Use the server's address that begins with https://.")
    retryable = False


class CloudUnknown(Fault):
    """A profile that is not there any more."""

    code = "account.no-profile"
    cause = text("AccountFaults", "This cloud is not in the list any more.")
    next_step = text("AccountFaults", "Choose another cloud, or add this one again.")
    retryable = False


class AnotherCloudChosen(Fault):
    """An order was given for a server that is not the active one any more when its turn comes."""

    code = "account.another-cloud"
    cause = text("AccountFaults", "Another cloud was chosen meanwhile, so this was not done.")
    next_step = text("AccountFaults", "Look which cloud is chosen now, then try again.")


# The way to the server


class CloudNameNotFound(Fault):
    """The name of the server cannot be resolved: most often this computer is offline."""

    code = "account.offline"
    cause = text("AccountFaults", "{host} was not found. This computer is probably offline.")
    next_step = text("AccountFaults", "Check this computer's network, then try again. Boards on the cable work anyway.")


class CloudUnreachable(Fault):
    """Nothing answers at the address."""

    code = "account.unreachable"
    cause = text("AccountFaults", "{host} cannot be reached from this computer.")
    next_step = text(
        "AccountFaults", "Check the network. If it is your own server, check that it runs and that the port is right."
    )


class CloudSilent(Fault):
    """The server took too long, or the line was cut."""

    code = "account.time-out"
    cause = text("AccountFaults", "{host} did not answer in time.")
    next_step = text("AccountFaults", "Try again in a minute.")


class CloudSilentMaybeDone(CloudSilent):
    """The same, after a request that must not be sent twice: it may have been carried out."""

    code = "account.time-out-maybe-done"
    cause = text("AccountFaults", "{host} did not answer in time. It may have done what it was asked.")
    next_step = text("AccountFaults", "Look at the list of your boards first, then decide whether to try again.")


class CloudNotTrusted(Fault):
    """Whoever answers cannot prove to be the server."""

    code = "account.not-trusted"
    cause = text(
        "AccountFaults",
        "Something answers for {host}, but this computer does not trust its certificate. Nothing was sent to it.",
    )
    next_step = text(
        "AccountFaults",
        "Check the date and time of this computer. In a school or company network, ask its administrator to install "
        "the network's certificate.",
    )


class CloudProxyUnusable(Fault):
    """A proxy is set, and it cannot be used or lets nothing through."""

    code = "account.proxy"
    cause = text("AccountFaults", "This computer is set to use a proxy, and {host} cannot be reached through it.")
    next_step = text(
        "AccountFaults", "Check the proxy in the system's network settings and in HTTPS_PROXY and ALL_PROXY."
    )


class NotTheCloud(Fault):
    """Something answers, but not with what the interface of a cloud answers."""

    code = "account.wrong-answer"
    cause = text("AccountFaults", "What {host} answered is not from a cloud server.")
    next_step = text(
        "AccountFaults",
        "If this network has a sign-in page (hotel, school), open it in a browser first. Else check the address.",
    )


class CloudTrouble(Fault):
    """The server itself has trouble."""

    code = "account.server-trouble"
    cause = text("AccountFaults", "{host} has trouble of its own (answer {status}).")
    next_step = text("AccountFaults", "Nothing is wrong on your side. Try again later.")


class CloudTroubleMaybeDone(CloudTrouble):
    """The same, after a request that must not be sent twice: it may have been carried out."""

    code = "account.server-trouble-maybe-done"
    cause = text(
        "AccountFaults", "{host} has trouble of its own (answer {status}). It may have done what it was asked."
    )
    next_step = text("AccountFaults", "Look at the list of your boards first, then decide whether to try again.")


class CloudTooOften(Fault):
    """The server wants to be asked less often."""

    code = "account.too-often"
    cause = text("AccountFaults", "{host} was asked too often and wants a pause.")
    next_step = text("AccountFaults", "Try again in a few minutes.")

    def __init__(self, detail: str = "", *, wait: int | None = None, **values: object) -> None:
        super().__init__(detail, **values)
        if wait is not None:
            self.next_step = text("AccountFaults", "Try again in {wait} seconds.").with_values(wait=wait)


class CloudRefused(Fault):
    """The server refused for a reason the program has no better words for."""

    code = "account.refused"
    cause = text("AccountFaults", "{host} refused the request (answer {status}).")
    next_step = text("AccountFaults", "Try again. If it stays so, save the report and send it to us.")


class CloudDoesNotOffer(Fault):
    """Local clouds know fewer requests than the Particle cloud."""

    code = "account.not-offered"
    cause = text("AccountFaults", "{host} does not offer this. Local clouds know fewer requests than Particle does.")
    next_step = text("AccountFaults", "Do it in the server's own folder or program, or use a newer server.")
    retryable = False


# Signing in


class NotSignedIn(Fault):
    """Nobody is signed in at the cloud."""

    code = "account.not-signed-in"
    cause = text("AccountFaults", "You are not signed in at {cloud}.")
    next_step = text("AccountFaults", "Sign in, then try again.")


class SignInRefused(Fault):
    """User name and password do not fit."""

    code = "account.sign-in-refused"
    cause = text("AccountFaults", "{host} does not know this user name with this password.")
    next_step = text("AccountFaults", "Check both, mind upper and lower case, then try again.")


class OneTimeCodeNeeded(Fault):
    """The account is protected by a second step. Carries what the second step needs; never shown, never logged."""

    code = "account.code-needed"
    cause = text("AccountFaults", "This account asks for a one-time code, too.")
    next_step = text("AccountFaults", "Type the code that your authenticator app shows for this account.")

    def __init__(self, mfa_token: str) -> None:
        super().__init__()
        self.mfa_token = mfa_token


class OneTimeCodeRefused(Fault):
    """The code was wrong or too old."""

    code = "account.code-refused"
    cause = text("AccountFaults", "{host} does not accept this code: it was mistyped, or it is too old.")
    next_step = text(
        "AccountFaults", "Wait for the next code in your authenticator app and type that one; or sign in anew."
    )


class TokenRefused(Fault):
    """The token is not valid, or not any more."""

    code = "account.signed-out"
    cause = text("AccountFaults", "Your sign-in at {host} is over: it is too old, was ended elsewhere, or is mistyped.")
    next_step = text("AccountFaults", "Sign in again. Nothing on your boards has changed.")


class TokenMalformed(Fault):
    """What was pasted cannot be an access token."""

    code = "account.token-malformed"
    cause = text("AccountFaults", "What was pasted is not an access token.")
    next_step = text("AccountFaults", "Copy the whole token, without quotation marks, and paste it again.")


# Boards


class RequestForbidden(Fault):
    """The account must not do this."""

    code = "account.forbidden"
    cause = text("AccountFaults", "{host} does not let this account do that.")
    next_step = text("AccountFaults", "Sign in with the account that may, or with a token that is not restricted.")
    retryable = False


class BoardOfSomeoneElse(Fault):
    """The board that is to be claimed has an owner."""

    code = "account.someone-elses"
    cause = text("AccountFaults", "This board belongs to another account.")
    next_step = text(
        "AccountFaults",
        "Ask its owner to release it, or request a transfer: the owner decides. If the other account is yours, sign in "
        "there and release the board.",
    )
    retryable = False


class BoardNotYours(Fault):
    """The board is not in the account."""

    code = "account.not-yours"
    cause = text("AccountFaults", "This board is not in your account.")
    next_step = text("AccountFaults", "Claim it first, or sign in with the account it belongs to.")
    retryable = False


class BoardNotOnline(Fault):
    """The board is not connected to the cloud, and this needs it."""

    code = "account.board-offline"
    cause = text("AccountFaults", "This board is not connected to {host}.")
    next_step = text(
        "AccountFaults", "Wait until its light breathes cyan, then try again. If it never does, check its Wi-Fi."
    )


class BoardUnknownToCloud(Fault):
    """The server has never heard of the board."""

    code = "account.board-unknown"
    cause = text("AccountFaults", "{host} does not know this board.")
    next_step = text("AccountFaults", "Connect the board to this cloud once, then try again.")


class BoardNameRefused(Fault):
    """The server does not take the name."""

    code = "account.name-refused"
    cause = text("AccountFaults", "{host} does not accept this name: it is taken, or has characters it does not allow.")
    next_step = text("AccountFaults", "Choose another name: letters, digits, hyphens and underscores always work.")


class KeyRefusedByCloud(Fault):
    """The server does not take the public key."""

    code = "account.key-refused"
    cause = text("AccountFaults", "{host} did not accept the board's public key.")
    next_step = text(
        "AccountFaults",
        "Particle's cloud takes a key only from the account that the board belongs to: sign in with that one. Else "
        "save the key and hand it over yourself.",
    )


class KeyRefusedByLocalCloud(KeyRefusedByCloud):
    """A local cloud does not take it."""

    code = "account.key-refused-here"
    next_step = text(
        "AccountFaults",
        "Save the board's public key and put the file into the server's folder for keys yourself: core_keys, or in a "
        "newer fork data/deviceKeys.",
    )


class KeyKindNotTaken(Fault):
    """Local clouds know RSA keys only."""

    code = "account.key-kind"
    cause = text("AccountFaults", "A local cloud takes RSA keys only; this board has a key of another kind.")
    next_step = text("AccountFaults", "Use a board that connects over TCP with an RSA key, or another cloud.")
    retryable = False


class CloudConflict(Fault):
    """The server says that this contradicts what is there."""

    code = "account.conflict"
    cause = text("AccountFaults", "{host} says that this contradicts what it has: somebody may have been faster.")
    next_step = text("AccountFaults", "Look at the list of your boards again.")


# Jobs on a board


class NoKeyToRegister(Fault):
    """There is no key a cloud could be told of."""

    code = "account.no-key"
    cause = text("AccountFaults", "There is no sound key on this board that the cloud could be told of: {state}")
    next_step = text("AccountFaults", "Check its keys first: that tells what is wrong with this one, and repairs it.")
    retryable = False


class NotConfirmed(Fault):
    """What was typed is neither the board's name nor its ID."""

    code = "account.not-confirmed"
    cause = text("AccountFaults", "What was typed is neither this board's name nor its device ID. Nothing was done.")
    next_step = text("AccountFaults", "Try again and type one of them exactly.")


class ClaimCodeNotKept(Fault):
    """The firmware does not store claim codes, or would not."""

    code = "account.claim-code-not-kept"
    cause = text("AccountFaults", "This board's firmware did not take a claim code. It is older than 0.6.")
    next_step = text("AccountFaults", "Tell the board your Wi-Fi network, then claim it once it is online.")
    retryable = False


class ClaimCodeRefused(Fault):
    """The board said that it did not keep the claim code."""

    code = "account.claim-code-refused"
    cause = text("AccountFaults", "The board did not keep the claim code.")
    next_step = text("AccountFaults", "Press RESET on the board, then try again.")


class NotYetYours(Fault):
    """The board was told a claim code and has not shown it to the cloud in time."""

    code = "account.not-yet-yours"
    cause = text("AccountFaults", "The board keeps the claim code, but {host} does not have it as one of yours yet.")
    next_step = text(
        "AccountFaults",
        "When its light breathes cyan, look at the list of your boards. If it never does, check its Wi-Fi. If it "
        "breathes cyan and does not come up, it belongs to another account.",
    )
