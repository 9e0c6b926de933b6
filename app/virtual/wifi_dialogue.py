"""The Wi-Fi dialogue of the console, `w`, in every generation (device-protocol.md 5.4 and 5.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum, unique

from app.virtual.air import Cipher, Eap, Profile, Security, good_pem
from app.virtual.line_reader import LineReader
from app.virtual.personality import Family, Firmware, Personality
from app.virtual.timing import Timing
from app.virtual.wifi_radio import WifiRadio

LONGEST_NAME = 32
LONGEST_PASSWORD = 64
LONGEST_PASSWORD_2013 = 32

ASK_NAME = "SSID: "
ASK_SECURITY = "Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2: "
ASK_SECURITY_ENTERPRISE = "Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2, 4=WPA Enterprise, 5=WPA2 Enterprise: "
ASK_CIPHER = "Security Cipher 1=AES, 2=TKIP, 3=AES+TKIP: "
ASK_PASSWORD = "Password: "
ASK_EAP = "EAP Type 0=PEAP/MSCHAPv2, 1=EAP-TLS: "
ASK_CERTIFICATE = "Client certificate in PEM format:\r\n"
ASK_KEY = "Private key in PEM format:\r\n"
ASK_USER = "Username: "
ASK_OUTER = "Outer identity (optional): "
ASK_ROOT = "Root CA in PEM format (optional):\r\n"
WEP_WARNING = (
    "\r\n ** Even though the CC3000 supposedly supports WEP,"
    "\r\n ** we at Spark have never seen it work."
    "\r\n ** If you control the network, we recommend changing it to WPA2.\r\n"
)
THANKS = "Thanks! Wait {about}while I save those credentials...\r\n\r\n"
DERP = "Derp. Sorry, we couldn't save the credentials.\r\n\r\n"
NO_MEMORY = "Error while preparing to store enterprise credentials.\r\n\r\n"
AWESOME = (
    "Awesome. Now we'll connect!\r\n\r\n"
    "If you see a pulsing cyan light, your {board}\r\n"
    "has connected to the Cloud and is ready to go!\r\n\r\n"
    "If your LED flashes red or you encounter any other problems,\r\n"
    "visit https://www.{site}.io/support to debug.\r\n\r\n"
    "    {maker} <3 you!\r\n\r\n"
)


@unique
class Generation(IntEnum):
    """The dialogue's generations, by the letters of 5.4."""

    A = 0
    B = 1
    C = 2
    D = 3
    E = 4


def generation_of(firmware: Firmware) -> Generation:
    """Return which generation a firmware speaks."""
    since = ((0, 0, 2), (0, 4, 6), (0, 7, 0), (2, 0, 0))
    return Generation(sum(firmware.at_least(*first) for first in since))


class WifiDialogue:
    """One run of the dialogue: it asks, stores what it was told, and ends.

    Args:
        reader: The console it takes place on.
        board: Which board and firmware.
        radio: The board's Wi-Fi.
        timing: How long storing takes.
        stored: Called at the end when the network counts as stored.
    """

    def __init__(
        self, reader: LineReader, board: Personality, radio: WifiRadio, timing: Timing, stored: Callable[[], None]
    ) -> None:
        self._reader = reader
        self._radio = radio
        self._stored = stored
        self._core = board.kind.family is Family.F1
        self._generation = generation_of(board.firmware)
        self._saving = timing.wifi_save_core if self._core else timing.wifi_save
        self._name = b""
        self._security = Security.WPA2  # the only kind that A knows
        self._cipher = Cipher.UNSET
        self._eap = Eap.NONE
        self._answers: dict[str, bytes] = {}

    def start(self) -> None:
        """Ask the first question."""
        self._reader.ask(ASK_NAME, LONGEST_NAME, self._take_name)

    # --- name, security, cipher -------------------------------------------------------------------------------------

    def _take_name(self, line: bytes) -> None:
        self._name = line
        if self._generation is Generation.A:
            self._ask_password()
        elif self._generation < Generation.D:
            self._ask_security()
        elif not line:
            self.start()
        else:
            self._reader.wait(self._radio.scan_seconds, self._scanned)

    def _scanned(self) -> None:
        found = self._radio.found(self._name)
        if found is None:
            self._ask_security()
        else:
            self._security, self._cipher = found
            self._warn()
            self._settle_cipher()

    def _ask_security(self) -> None:
        more = self._generation >= Generation.D and not self._core
        kinds = [kind for kind in Security if more or not kind.enterprise]
        self._choose(ASK_SECURITY_ENTERPRISE if more else ASK_SECURITY, kinds, self._take_security)

    def _take_security(self, chosen: int) -> None:
        self._security = Security(chosen)
        self._warn()
        # The Core's dry run never asks (C); that it does not scan a second time either (D) is our reading.
        dry_run = self._generation >= Generation.C and not self._core
        if dry_run and self._security in (Security.WPA, Security.WPA2):
            self._reader.wait(self._radio.search_seconds(self._name), self._searched)
        elif self._generation >= Generation.D:
            self._settle_cipher()
        else:
            self._ask_secret()

    def _warn(self) -> None:
        if self._core and self._security is Security.WEP:
            self._reader.print(WEP_WARNING)

    def _searched(self) -> None:
        found = self._radio.found(self._name)
        if found is not None:
            self._cipher = found[1]
        if self._generation >= Generation.D:
            self._settle_cipher()
        elif found is None:
            self._ask_cipher()
        else:
            self._ask_secret()

    def _settle_cipher(self) -> None:
        """Ask for the cipher wherever it is 0: on a Core always, and for open networks and WEP too (D)."""
        if self._cipher is Cipher.UNSET:
            self._ask_cipher()
        else:
            self._ask_secret()

    def _ask_cipher(self) -> None:
        self._choose(ASK_CIPHER, (Cipher.AES, Cipher.TKIP, Cipher.AES_TKIP), self._take_cipher)

    def _take_cipher(self, chosen: int) -> None:
        self._cipher = Cipher(chosen)
        self._ask_secret()

    # --- what opens the network -------------------------------------------------------------------------------------

    def _ask_secret(self) -> None:
        if self._security is Security.OPEN:
            self._save()
        elif self._security.enterprise:
            self._choose(ASK_EAP, (0, 1), self._take_eap)
        else:
            self._ask_password()

    def _ask_password(self) -> None:
        longest = LONGEST_PASSWORD_2013 if self._generation is Generation.A else LONGEST_PASSWORD
        self._ask(ASK_PASSWORD, longest, "password", self._save)

    def _take_eap(self, chosen: int) -> None:
        self._eap = Eap.TLS if chosen else Eap.PEAP
        if self._eap is Eap.TLS:
            self._ask_pem(ASK_CERTIFICATE, "client_certificate", self._ask_key)
        else:
            self._ask(ASK_USER, LONGEST_PASSWORD, "identity", self._ask_user_password)

    def _ask_key(self) -> None:
        self._ask_pem(ASK_KEY, "private_key", self._ask_outer)

    def _ask_user_password(self) -> None:
        self._ask(ASK_PASSWORD, LONGEST_PASSWORD, "password", self._ask_outer)

    def _ask_outer(self) -> None:
        self._ask(ASK_OUTER, LONGEST_PASSWORD, "outer_identity", self._ask_root)

    def _ask_root(self) -> None:
        self._ask_pem(ASK_ROOT, "root_ca", self._prepare)

    def _prepare(self) -> None:
        """Get memory for what an enterprise network needs; where in the dialogue that fails has no source."""
        if self._radio.out_of_memory:
            self._reader.print(NO_MEMORY)
        else:
            self._save()

    # --- the end ----------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        self._reader.print(THANKS.format(about="about 7 seconds " if self._core else ""))
        self._reader.wait(self._saving, self._saved)

    def _saved(self) -> None:
        profile = Profile(self._name, self._security, cipher=self._cipher, eap=self._eap, **self._answers)
        done = self._radio.store(profile)
        if not done and self._generation >= Generation.C:
            self._reader.print(DERP)
            return
        spark = self._generation < Generation.C  # there is no text of failure either: it counts as stored
        board = "Spark Core" if self._core else "device " if self._generation is Generation.E else "device"
        names = {"site": "spark", "maker": "Spark"} if spark else {"site": "particle", "maker": "Particle"}
        self._reader.print(AWESOME.format(board=board, **names))
        self._reader.wait(0.0, self._stored)

    # --- one question -----------------------------------------------------------------------------------------------

    def _ask(self, prompt: str, longest: int, field: str, then: Callable[[], None]) -> None:
        def take(line: bytes) -> None:
            self._answers[field] = line
            then()

        self._reader.ask(prompt, longest, take)

    def _ask_pem(self, prompt: str, field: str, then: Callable[[], None]) -> None:
        def take(found: bytes) -> None:
            self._answers[field] = good_pem(found)
            then()

        self._reader.ask_text(prompt, take)

    def _choose(self, prompt: str, allowed: Iterable[int], then: Callable[[int], None]) -> None:
        """Ask for one digit, again and again until it is one of those allowed."""
        digits = {str(int(value)).encode(): int(value) for value in allowed}

        def take(line: bytes) -> None:
            if line in digits:
                then(digits[line])
            else:
                self._choose(prompt, allowed, then)

        self._reader.ask(prompt, 1, take)
