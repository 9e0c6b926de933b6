"""The Wi-Fi dialogue of the listening console (`w`): the board asks, one line answers, whatever the generation.

Source: device-protocol.md 5.1, 5.4 and 5.5. Nothing here follows a script. The board's questions differ by platform,
firmware and by what its own scan found, so each is answered when it stands at the end of what the board has said, and
an answer is sent only when the board waits for it:

* What was typed comes back as an echo. Until the echo and its line end have come, nothing is a question: a network may
  be called `Password: `.
* A question counts once the board is quiet after it, however it was cut into packets.
* A line goes out in one piece with exactly one LF. When that fails nothing more is sent, so half a password never gets
  the line end that would make the board store it.

There is no way out of the dialogue but its end or a reset, so a wish to stop has to wait for that; every wait has a
limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, unique

from app.clock import Clock, Deadline
from app.faults import BoardSilent, Fault
from app.protocols.wifi import (
    OLDEST_PASSWORD_BYTES,
    SECURITY_NAMES,
    Eap,
    Enterprise,
    Security,
    WifiLogin,
    cipher_of,
    pem_lines,
    security_of,
)
from app.text import Text, text
from app.transports.base import SerialPipe
from app.wifi_faults import (
    AskedAgain,
    Derp,
    DialogueLost,
    DialogueNoise,
    DialogueStopped,
    EnterpriseNotStored,
    NoDialogue,
    NotOffered,
    OnlyWpa2,
    PasswordTooLongForFirmware,
    WantsEnterprise,
    WantsPassword,
    WantsPlainPassword,
)

SLICE_MS = 50
"""One read, and the quiet after which what the board has said is complete; firmware makes 1 ms between characters."""
WRITE_TIMEOUT_MS = 5_000
FIRST_S = 5.0  # as long as the maker's own tool waits (5.4)
SCAN_S = 45.0  # a scan takes up to 30 s, before the kind of security and again before the cipher (5.4 C, D)
ANSWER_S = 20.0  # everything else; the maker's tool waits 15 s after a password
SAVING_S = 60.0  # after "Thanks!": several seconds on a Core
WHOLE_S = 400.0
TRIES = 3
"""How often the same question is answered: firmware from 0.7 repeats some until it likes the answer."""

KEEP_BYTES = 4 * 1024  # more than the longest text between two answers
FLOOD_BYTES = 64 * 1024
NOISE_BYTES = 2 * 1024
"""So much without a question that it can be made out was no dialogue, but a program that prints."""
DRAIN_READS = 64


@unique
class Prompt(Enum):
    """What the board asks for."""

    SSID = "ssid"
    SECURITY = "security"
    CIPHER = "cipher"
    PASSWORD = "password"
    EAP = "eap"
    CERTIFICATE = "certificate"
    PRIVATE_KEY = "private-key"
    USERNAME = "username"
    OUTER = "outer"
    ROOT = "root"


@unique
class Ending(Enum):
    """How the board ends the dialogue."""

    SAVED = "saved"
    DERP = "derp"
    NO_ROOM = "no-room"


_WORDS: dict[Prompt, Text] = {
    Prompt.SSID: text("WifiDialogue", "the network's name"),
    Prompt.SECURITY: text("WifiDialogue", "the kind of security"),
    Prompt.CIPHER: text("WifiDialogue", "the cipher"),
    Prompt.PASSWORD: text("WifiDialogue", "the password"),
    Prompt.EAP: text("WifiDialogue", "the way to sign in"),
    Prompt.CERTIFICATE: text("WifiDialogue", "the client's certificate"),
    Prompt.PRIVATE_KEY: text("WifiDialogue", "the private key"),
    Prompt.USERNAME: text("WifiDialogue", "the user name"),
    Prompt.OUTER: text("WifiDialogue", "the outer identity"),
    Prompt.ROOT: text("WifiDialogue", "the root certificate"),
}

_PROMPTS: tuple[tuple[Prompt, re.Pattern[bytes]], ...] = (
    # "Security Cipher 1=AES, 2=TKIP, 3=AES+TKIP: "
    (Prompt.CIPHER, re.compile(rb"Security Cipher 1=[^\r\n:]*: \Z")),
    # "Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2: ", "...3=WPA2, 4=WPA Enterprise, 5=WPA2 Enterprise: "
    (Prompt.SECURITY, re.compile(rb"Security 0=[^\r\n:]*: \Z")),
    (Prompt.SSID, re.compile(rb"SSID: \Z")),
    (Prompt.PASSWORD, re.compile(rb"Password: \Z")),
    (Prompt.EAP, re.compile(rb"EAP Type 0=[^\r\n:]*: \Z")),
    (Prompt.USERNAME, re.compile(rb"Username: \Z")),
    (Prompt.OUTER, re.compile(rb"Outer identity \(optional\): \Z")),
    (Prompt.CERTIFICATE, re.compile(rb"Client certificate in PEM format:\r\n\Z")),
    (Prompt.PRIVATE_KEY, re.compile(rb"Private key in PEM format:\r\n\Z")),
    (Prompt.ROOT, re.compile(rb"Root CA in PEM format \(optional\):\r\n\Z")),
)
_OFFERED = re.compile(rb"(\d)=")
_ENDINGS: tuple[tuple[Ending, re.Pattern[bytes]], ...] = (
    (Ending.SAVED, re.compile(rb"(?:Spark|Particle) <3 you!")),
    (Ending.DERP, re.compile(rb"Derp\.")),
    (Ending.NO_ROOM, re.compile(rb"Error while preparing to store enterprise")),
)
_THANKS = re.compile(rb"Thanks! Wait")


@contextmanager
def naming(login: WifiLogin) -> Iterator[None]:
    """Trouble with cable or port while a board is told a network is trouble with that network, and names it.

    Raises:
        DialogueStopped: The board answers no more.
        DialogueLost: The port or the board went away.
    """
    try:
        yield
    except BoardSilent as fault:
        raise DialogueStopped(fault.code, name=login.name) from fault
    except Fault as fault:
        if fault.code.startswith("usb."):
            raise DialogueLost(fault.code, name=login.name) from fault
        raise


class PromptReader:
    """Makes sense of what the board says, byte by byte; knows what was typed, so that its echo is not taken for words.

    Other bytes amid the echo are passed over.
    """

    def __init__(self) -> None:
        self._said = bytearray()
        self._echo = b""
        self._came = 0
        self._echoing = False
        self._carriage = False

    @property
    def echoing(self) -> bool:
        """Whether the echo of the last line, or the line end after it, has still to come."""
        return self._echoing

    @property
    def saving(self) -> bool:
        """Whether the board has everything and is storing it."""
        return _THANKS.search(self._said) is not None

    def typed(self, line: bytes) -> None:
        """Say what is about to be sent, without its line end; what was said before is done with."""
        self._said.clear()
        self._echo, self._came = line, 0
        self._echoing, self._carriage = True, False

    def feed(self, data: bytes) -> None:
        """Take what came from the board."""
        for place, byte in enumerate(data):
            if not self._echoing:
                self._said += data[place:]
                del self._said[:-KEEP_BYTES]
                return
            self._one_of_echo(byte)

    def seen(self) -> Prompt | Ending | None:
        """Return what stands at the end of what was said, or how the dialogue has ended."""
        if self._echoing:
            return None
        for ending, pattern in _ENDINGS:
            if pattern.search(self._said):
                return ending
        return next((prompt for prompt, pattern in _PROMPTS if pattern.search(self._said)), None)

    def offered(self) -> frozenset[int]:
        """Return the numbers the last line offers, for example 0 to 3 of the kinds of security."""
        line = bytes(self._said).rpartition(b"Security 0=")
        return frozenset(int(each) for each in _OFFERED.findall(b"0=" + line[2]))

    def _one_of_echo(self, byte: int) -> None:
        if self._came < len(self._echo):
            self._came += byte == self._echo[self._came]
        elif byte == ord("\n") and self._carriage:
            self._echoing = False
            self._echo = b""
        else:
            self._carriage = byte == ord("\r")


@dataclass(frozen=True, slots=True)
class Told:
    """A network that a board has saved.

    Attributes:
        security_asked: Whether the board asked for the kind of security, so did not find the network itself or does
            not look.
        password_asked: Whether it asked for a password. One that was given and not asked for was not sent: the board
            found the network open.
    """

    security_asked: bool
    password_asked: bool


class WifiDialogue:
    """One network told to a listening console; the port stays open, whatever happens.

    Args:
        pipe: An open serial port with a console in listening mode at its other end.
        clock: What every wait goes through.
        knows_version: Whether the console tells its version, so that it cannot be the firmware of 2013 that takes
            shorter passwords and does not ask for the kind of security.
    """

    def __init__(self, pipe: SerialPipe, clock: Clock, *, knows_version: bool) -> None:
        self._pipe = pipe
        self._clock = clock
        self._knows_version = knows_version
        self._reader = PromptReader()
        self._asked: dict[Prompt, int] = {}

    def tell(self, login: WifiLogin) -> Told:
        """Hold the dialogue from `w` to the board's last word.

        Raises:
            NoDialogue: The board does not begin.
            DialogueStopped: It stops in the middle.
            DialogueLost: The port or the board went away.
            DialogueNoise: Nothing can be made out.
            AskedAgain: It does not take an answer.
            NotOffered: It does not know this kind of security; likewise `OnlyWpa2`, `WantsPassword`,
                `WantsEnterprise`, `WantsPlainPassword` and `PasswordTooLongForFirmware` where it asks for what there
                is no answer to.
            Derp: It could not save the network; likewise `EnterpriseNotStored`.
        """
        with naming(login):
            return self._tell(login)

    def _tell(self, login: WifiLogin) -> Told:
        whole = Deadline(self._clock, WHOLE_S)
        self._asked.clear()
        self._reader = PromptReader()
        self._drain()
        self._pipe.write(b"w", WRITE_TIMEOUT_MS)
        found = self._next(FIRST_S)
        if found is None:
            raise NoDialogue("no question after w")
        while isinstance(found, Prompt):
            if whole.passed():
                raise DialogueStopped(f"still asking after {WHOLE_S:.0f} s", name=login.name)
            self._asked[found] = self._asked.get(found, 0) + 1
            if self._asked[found] > TRIES:
                raise AskedAgain(found.value, what=_WORDS[found])
            self._answer(found, login)
            last, found = found, self._next(SCAN_S if found in (Prompt.SSID, Prompt.SECURITY) else ANSWER_S)
            if found is None:
                raise DialogueStopped(f"nothing after {last.value}", name=login.name)
        match found:
            case Ending.DERP:
                raise Derp(name=login.name)
            case Ending.NO_ROOM:
                raise EnterpriseNotStored(name=login.name)
            case Ending.SAVED:
                return Told(Prompt.SECURITY in self._asked, Prompt.PASSWORD in self._asked)

    # --- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, prompt: Prompt, login: WifiLogin) -> None:
        sign_in = login.enterprise
        match prompt:
            case Prompt.SSID:
                self._type(login.ssid)
            case Prompt.SECURITY:
                self._type(self._security(login))
            case Prompt.CIPHER:
                self._type(b"%d" % cipher_of(login))
            case Prompt.PASSWORD:
                self._type(self._password(login))
            case _ if sign_in is None:
                raise WantsEnterprise(prompt.value, name=login.name)
            case Prompt.EAP:
                self._type(b"1" if sign_in.eap is Eap.TLS else b"0")
            case Prompt.USERNAME:
                self._type(sign_in.username.encode())
            case Prompt.OUTER:
                self._type(sign_in.outer.encode())
            case _:
                self._type_lines(_pem(prompt, sign_in), login.name)

    def _security(self, login: WifiLogin) -> bytes:
        wanted = security_of(login)
        if wanted not in self._reader.offered():
            raise NotOffered(f"security {wanted:d}", security=SECURITY_NAMES[wanted])
        return b"%d" % wanted

    def _password(self, login: WifiLogin) -> bytes:
        if login.enterprise is not None and Prompt.USERNAME not in self._asked:
            raise WantsPlainPassword(name=login.name)
        # Only firmware of October and November 2013 goes straight to the password without a scan of its own (5.4 A).
        oldest = not self._knows_version and Prompt.SECURITY not in self._asked
        if oldest and security_of(login) is not Security.WPA2:
            raise OnlyWpa2(name=login.name)
        if not login.password:
            raise WantsPassword(name=login.name)
        password = login.password.encode()
        if oldest and len(password) > OLDEST_PASSWORD_BYTES:
            raise PasswordTooLongForFirmware(most=OLDEST_PASSWORD_BYTES)
        return password

    def _type(self, line: bytes) -> None:
        """Send a line in one piece; the board waits for it and for nothing else."""
        self._reader.typed(line)
        self._pipe.write(line + b"\n", WRITE_TIMEOUT_MS)

    def _type_lines(self, pem: str, name: str) -> None:
        """Send the lines of a PEM text, each after the echo of the one before, and the empty one that ends it (5.5)."""
        for line in pem_lines(pem):
            self._type(line.encode())
            deadline = Deadline(self._clock, ANSWER_S)
            while self._reader.echoing:
                if deadline.passed():
                    raise DialogueStopped("a PEM line did not come back", name=name)
                self._reader.feed(self._read(deadline.left))
        self._type(b"")

    # --- bytes --------------------------------------------------------------------------------------------------------

    def _next(self, within: float) -> Prompt | Ending | None:
        """Wait for the next question or the end; None when neither came in time."""
        deadline = Deadline(self._clock, within)
        received, saving = 0, False
        while True:
            found = self._reader.seen()
            arrived = self._read(deadline.left)
            if not arrived and found is not None:
                return found
            if received > (NOISE_BYTES if deadline.passed() else FLOOD_BYTES):
                raise DialogueNoise(f"{received} bytes without a question")
            if deadline.passed():
                return None
            received += len(arrived)
            self._reader.feed(arrived)
            if not saving and self._reader.saving:
                saving, deadline = True, Deadline(self._clock, SAVING_S)

    def _read(self, within: float) -> bytes:
        timeout_ms = min(SLICE_MS, max(1, int(within * 1000)))
        began = self._clock.now()
        arrived = self._pipe.read(timeout_ms)
        if not arrived:
            # A pipe that returns early (a replayed trace) must not turn waiting into spinning.
            self._clock.pause(timeout_ms / 1000 - (self._clock.now() - began))
        return arrived

    def _drain(self) -> None:
        """Forget what came until now: late answers, what the program on the board printed."""
        for _ in range(DRAIN_READS):
            if not self._pipe.read(1):
                return


def _pem(prompt: Prompt, sign_in: Enterprise) -> str:
    return {
        Prompt.CERTIFICATE: sign_in.certificate,
        Prompt.PRIVATE_KEY: sign_in.private_key,
        Prompt.ROOT: sign_in.root,
    }[prompt]
