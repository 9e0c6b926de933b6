"""Tell a board one or more Wi-Fi networks over USB, and follow its light into the cloud (device-protocol.md 5.4, 8.2).

Everything is asked of the person before the first character goes to the board, because there is no way out of the
board's dialogue but its end or a reset. Firmware 0.8 to 1.5 of a Photon or P1 is told by control request instead: it
goes in one message.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.clock import Deadline
from app.faults import BoardDidNotReturn, Fault, NoAnswer, RequestRefused, WrongBoardReturned
from app.log import keep_secret
from app.platforms.model import Mode
from app.protocols import requests
from app.protocols.wifi import SECURITY_NAMES, Cipher, Eap, Enterprise, Security, WifiLogin, cipher_of
from app.protocols.wifi_dialogue import Told, WifiDialogue, naming
from app.recipes import join_wifi_words as words
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.clear_wifi import DONE_KEY, hold_to_forget
from app.recipes.join_wifi_words import Light
from app.recipes.shared import ALREADY_LISTENING, enter_listening, has_requests, leave_as_found
from app.text import Text, joined, text
from app.transports.wifi_scan import Scan
from app.wifi_faults import Derp, PasswordOnCommandLine, StillKnown
from app.work.board import Board
from app.work.events import Fact, Outcome
from app.work.job import CONSOLE_BAUD, Job
from app.work.preflight import Severity, merge
from app.work.questions import Choose, Confirm, Enter, WifiForm
from app.work.step import Step
from app.work.way_to_cloud import is_signed_in_first
from app.work.wifi_findings import findings, stops
from app.work.wifi_form import SECURITY_KEYS, LookAgain, SeenNetwork, WifiAnswer, check, password_from, seen_by_board

log = logging.getLogger(__name__)

KEY = "join-wifi"
NETWORK, SECURITY, PASSWORD, PASSWORD_FILE, LIGHT = "network", "security", "password", "password-file", "join-light"
USERNAME = "username"
ANYWAY = "tell-anyway"
TRIES = 3
SCAN_WITHIN_S = 20.0
LEAVES_S = 1.5  # a board leaves listening mode by itself once it has saved a network (5.4)
WATCH_S = 600.0
X_TIMEOUT_MS = 2_000

FIRST_WITH_ENTERPRISE = (0, 7)  # 5.5
FIRST_BY_REQUEST, FIRST_WITHOUT_REQUEST = (0, 8), (2, 0)  # 6.3
_RELEASE = re.compile(r"(\d+)\.(\d+)")

_TITLE = text("JoinWifi", "Which network shall the board join?")
_BODY = text(
    "JoinWifi",
    "These boards know 2.4 GHz only and get their address from the router (DHCP). The password goes to the board and "
    "is kept nowhere else. Names and passwords are taken exactly as they are, spaces too.",
)
_ANYWAY_TITLE = text("JoinWifi", "Tell the board the network {name} all the same?")
_ANYWAY_BODY = text("JoinWifi", "It will most likely not get in. {reasons}")
_ANYWAY_YES = text("JoinWifi", "Tell it anyway")
_ANYWAY_NO = text("JoinWifi", "Choose another network")
_LOOKING_AGAIN = text("JoinWifi", "Looking for networks once more.")
_AFTER = text("JoinWifi", "{before} {after}")
_CAN_MATTER = text("JoinWifi", "{name}: {words} {change}")
_NO_SIGN_IN_HERE = text("JoinWifi", "This board cannot sign in to a company's network (WPA Enterprise).")
_SECURITY_TITLE = text("JoinWifi", "How is the network {name} protected?")
_SECURITY_BODY = text("JoinWifi", "It stands in the router's settings. Nearly all networks today have WPA2.")
_USER_TITLE = text("JoinWifi", "Type your user name for the network {name}")
_USER_BODY = text(
    "JoinWifi",
    "It is a company's network (PEAP). One with certificates is chosen in the window, or given as JSON.",
)
_USER_HINT = text("JoinWifi", "for example ann@example.com")
_PASSWORD_TITLE = text("JoinWifi", "Type the password of the network {name}")
_PASSWORD_BODY = text("JoinWifi", "It goes to the board and is kept nowhere else.")
_PASSWORD_HINT = text("JoinWifi", "exactly as at the router")

_FOUND = text("JoinWifi", "Its firmware is {version}; {count} networks are seen from here.")
_FOUND_OLD = text(
    "JoinWifi",
    "Its firmware does not tell its version, so it is of before 2015; {count} networks are seen from here.",
)
_NO_SCAN = text("JoinWifi", "The board could not look for networks itself: {reason}")
_CHOSEN = text("JoinWifi", "To be told: {names}.")
_STOP_WAITS = text(
    "JoinWifi",
    "It stops as soon as the board has ended its dialogue: within a minute or two as a rule, and the network it is "
    "being told is saved. Leave it plugged in.",
)
_KEEPS = text("JoinWifi", "It keeps the networks it knows.")
_FORGOTTEN = text("JoinWifi", "It has forgotten the networks it knew.")
_SAVED = text("JoinWifi", "The board has saved the network {name}.")
_SAVED_OPEN = text("JoinWifi", "The board found the network {name} open, so the password was not sent.")
_STILL_LISTENS = text("JoinWifi", "If it goes on blinking blue, tap RESET: it could not be told to connect. {reason}")
_SAVED_ALL = text("JoinWifi", "Saved: {names}.")
_NAMES = text("JoinWifi", "Networks it was told")
_VERSION = text("JoinWifi", "Firmware")
_NO_WIFI = text("JoinWifi", "This board has no Wi-Fi: it reaches its cloud over the mobile network.")


class JoinWifi(Recipe):
    """Listening mode, the form, the dialogue or the request, then the light."""

    key = KEY
    title = text("JoinWifi", "Join a Wi-Fi network")
    summary = text(
        "JoinWifi", "Tells the board the name and the password of your network over USB, and follows it into the cloud."
    )
    group = Group.SET_UP
    promise = Promise(
        reads=text("JoinWifi", "Its firmware version, and with some firmware the networks it sees."),
        writes=text("JoinWifi", "The network's name and password, into the board's list of networks."),
        keeps=text("JoinWifi", "Nothing. The password is not stored on this computer and is in no log."),
        takes=text("JoinWifi", "One to two minutes; the board looks for the network itself."),
        risks=(
            text(
                "JoinWifi",
                "If the cable is pulled while the board is told, nothing is saved: press RESET and start again.",
            ),
            text(
                "JoinWifi",
                "If this computer is in the network you choose, it asks for a test page of Google's: some networks "
                "show a page to sign in first.",
            ),
        ),
        changes_board=True,
    )

    @classmethod
    def fit(cls, board: Board) -> Fit:
        """Only a board with Wi-Fi."""
        return Fit.no(_NO_WIFI) if board.platform.has_modem else Fit.yes()

    def __init__(self) -> None:
        self._found: Mode | None = None
        self._brought_to_listen = False
        self._telling = False
        self._version = ""
        self._answer = WifiAnswer(())
        self._seen: tuple[SeenNetwork, ...] = ()
        self._around = Scan()
        self._portal: bool | None = None
        self._warnings: list[Text] = []
        self._light = Light.UNSEEN

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(
                text("JoinWifi", "Bring the board into listening mode"),
                self._listen,
                weight=2,
                detail=text("JoinWifi", "Without buttons where that is possible."),
            ),
            Step(
                text("JoinWifi", "Ask the board what it is, and look for networks"),
                self._look,
                detail=text("JoinWifi", "With this computer's Wi-Fi, and the board's own where that can be asked."),
            ),
            Step(text("JoinWifi", "Choose the network"), self._ask),
            Step(text("JoinWifi", "Forget the networks it knows"), self._forget),
            Step(
                text("JoinWifi", "Tell the board the network"),
                self._tell,
                weight=5,
                detail=text("JoinWifi", "Up to a minute: the board looks for the network itself."),
                stop_waits=_STOP_WAITS,
            ),
            Step(text("JoinWifi", "Watch its light"), self._watch, weight=4),
        )

    def outcome(self) -> Outcome:
        """Say how far the board got, as its light said, and what helps where it stopped."""
        names = ", ".join(each.name for each in self._answer.networks)
        story = words.STORIES[self._light]
        facts = [Fact("networks", _NAMES, names)]
        if self._version:
            facts.append(Fact("version", _VERSION, self._version))
        return Outcome(
            story.summary.with_values(names=names),
            tuple(facts),
            warnings=tuple(self._warnings),
            next_steps=story.next_steps,
            next_recipes=tuple(each for each in story.recipes),
            unfinished=self._light is not Light.CONNECTED,
        )

    def tidy(self, job: Job) -> None:
        """A board that was brought into listening mode and told nothing goes back to what it did."""
        leave_as_found(job, self._found)
        if not self._brought_to_listen or self._telling:
            return
        with job.serial(CONSOLE_BAUD) as pipe:
            pipe.write(b"x", X_TIMEOUT_MS)  # firmware of before 0.4 takes no notice; RESET helps there (5.2)
        job.heard(listening=False)

    # --- steps ---

    def _listen(self, job: Job) -> None:
        self._found = job.board.mode
        how = enter_listening(job)
        self._brought_to_listen = how is not ALREADY_LISTENING
        job.say(how)

    def _look(self, job: Job) -> None:
        with job.console() as console:
            self._version = console.version() or ""
        if self._version:
            job.told_version(self._version)
        self._look_around(job)
        found = _FOUND.with_values(version=self._version) if self._version else _FOUND_OLD
        job.say(found.with_values(count=len(self._seen)))

    def _look_around(self, job: Job) -> None:
        """Look with this computer's radio, and with the board's where that can be asked."""
        by_board = self._scan(job) if self._by_request(job.board) else ()
        self._portal = None
        self._around = job.scanner.scan(SCAN_WITHIN_S, job.clock, job.check)
        if self._around.trouble is not None:
            job.note(self._around.trouble)
        seen = merge(by_board, self._around, job.platform, version=self._version)
        self._seen = seen if self._enterprise(job.board) else tuple(_without_sign_in(row) for row in seen)

    def _scan(self, job: Job) -> tuple[SeenNetwork, ...]:
        try:
            with job.usb() as pipe:
                return seen_by_board(requests.wifi_scan(pipe, job.clock, job.check) or ())
        except WrongBoardReturned:
            raise
        except Fault as fault:
            log.info("scan: %s: %s", fault.code, fault.detail)
            job.note(_NO_SCAN.with_values(reason=fault.cause))
            return ()

    def _ask(self, job: Job) -> None:
        tries = TRIES
        while not self._answer.networks:
            beforehand = job.answered_beforehand(NETWORK)
            answer = job.ask(self._form(job))
            if isinstance(answer, LookAgain):
                job.note(_LOOKING_AGAIN)
                self._look_around(job)
                continue
            assert isinstance(answer, WifiAnswer)
            said: set[tuple[bytes, str]] = set()
            try:
                if not self._agreed(job, answer, said):
                    continue
                networks = tuple(self._completed(job, each) for each in answer.networks)
                for each in networks:
                    check(each, enterprise=self._enterprise(job.board))
                if not self._agreed(job, replace(answer, networks=networks), said):
                    continue
            except Fault as fault:
                tries -= 1
                if not tries or beforehand or not fault.code.startswith("wifi."):
                    raise
                job.note(fault.cause)
                continue
            self._answer = replace(answer, networks=networks)
        job.say(_CHOSEN.with_values(names=", ".join(each.name for each in self._answer.networks)))

    def _form(self, job: Job) -> WifiForm:
        return WifiForm(
            NETWORK,
            _TITLE,
            _BODY,
            self._seen,
            enterprise=self._enterprise(job.board),
            joined=self._around.joined or b"",
            trouble=self._around.trouble,
            platform=job.platform,
            version=self._version,
        )

    def _agreed(self, job: Job, answer: WifiAnswer, said: set[tuple[bytes, str]]) -> bool:
        """Say what speaks against the networks; whether the person wants those that stop a board told all the same.

        Args:
            job: The run.
            answer: The networks; of some the rest may still have to be asked.
            said: Name and rule of what was said and agreed to already; what is said now is added.
        """
        for login in answer.networks:
            portal = True if self._has_portal(job, login) else None
            found = tuple(
                each
                for each in findings(login, self._seen, job.platform, self._version, portal=portal)
                if (login.ssid, each.rule) not in said
            )
            said |= {(login.ssid, each.rule) for each in found}
            for each in found:
                job.note(_CAN_MATTER.with_values(name=login.name, words=each.words, change=each.change))
            # Whoever agreed in a form did not know of such a page.
            if not stops(found) or (answer.anyway and not any(each.rule == "captive-portal" for each in found)):
                continue
            reasons = joined((each.words for each in found if each.severity is Severity.STOPS), _AFTER)
            title = _ANYWAY_TITLE.with_values(name=login.name)
            body = _ANYWAY_BODY.with_values(reasons=reasons)
            if not job.ask(Confirm(ANYWAY, title, body, _ANYWAY_YES, _ANYWAY_NO, risky=True)):
                return False
        return True

    def _has_portal(self, job: Job, login: WifiLogin) -> bool:
        """Whether a page to sign in is in the way; only known of the network this computer is in itself."""
        if login.ssid != self._around.joined:
            return False
        if self._portal is None:
            self._portal = is_signed_in_first(job.network, job.clock, job.check)
        return self._portal

    def _forget(self, job: Job) -> None:
        if not self._answer.forget:
            job.skip(_KEEPS)
            return
        job.refresh()
        if self._by_request(job.board):
            job.changed = True
            with job.usb() as pipe:
                if requests.wifi_clear(pipe, job.clock, job.check):
                    job.say(_FORGOTTEN)
                    return
        if hold_to_forget(job) != DONE_KEY:
            raise StillKnown
        enter_listening(job)
        job.say(_FORGOTTEN)

    def _tell(self, job: Job) -> None:
        job.refresh()
        by_request = self._by_request(job.board)
        for number, login in enumerate(self._answer.networks):
            job.check()
            by_request = by_request and self._request(job, login)
            if by_request:
                told = Told(security_asked=False, password_asked=True)
            else:
                if number and not by_request:
                    job.pause(LEAVES_S)
                    enter_listening(job)
                told = self._talk(job, login)
            job.note(_SAVED.with_values(name=login.name))
            if login.password and not told.password_asked:
                self._warnings.append(_SAVED_OPEN.with_values(name=login.name))
        if by_request:
            self._let_connect(job)
        job.heard(listening=False)
        job.say(_SAVED_ALL.with_values(names=", ".join(each.name for each in self._answer.networks)))

    def _talk(self, job: Job, login: WifiLogin) -> Told:
        """Hold the dialogue; a wish to stop waits for its end, because the board knows no other way out of it."""
        job.changed = self._telling = True
        with job.serial(CONSOLE_BAUD) as pipe:
            return WifiDialogue(pipe, job.clock, knows_version=bool(self._version)).tell(login)

    def _let_connect(self, job: Job) -> None:
        """Let a board that was told by request stop listening (6.3); what it was told is saved, whatever happens."""
        try:
            with job.usb() as pipe:
                requests.stop_listening(pipe, job.clock, job.check)
        except WrongBoardReturned:
            raise
        except Fault as fault:
            log.info("stop listening: %s: %s", fault.code, fault.detail)
            self._warnings.append(_STILL_LISTENS.with_values(reason=fault.cause))

    def _request(self, job: Job, login: WifiLogin) -> bool:
        """Tell it by control request; False when the firmware does not know that one.

        A board that does not see the network, and was not told how it encrypts, saves nothing (6.3): then it is told
        what the dialogue would answer to that question.

        Raises:
            Derp: The board could not save it.
            DialogueStopped: It does not answer.
            DialogueLost: It went away.
        """
        job.changed = self._telling = True
        with job.usb() as pipe, naming(login):
            if login.cipher is Cipher.UNKNOWN and login.security in (Security.WPA, Security.WPA2):
                try:
                    return requests.wifi_set(pipe, job.clock, login)
                except RequestRefused as fault:
                    log.info("it may not see the network: %s", fault.detail)
                    login = replace(login, cipher=cipher_of(login))
            try:
                return requests.wifi_set(pipe, job.clock, login)
            except RequestRefused as fault:
                raise Derp(fault.detail, name=login.name) from fault

    def _watch(self, job: Job) -> None:
        deadline = Deadline(job.clock, WATCH_S)
        question = words.watch_question(LIGHT, job.platform, self._version)
        try:
            self._light = Light(str(job.watch(question, deadline.left)))
        except (BoardDidNotReturn, NoAnswer) as fault:
            log.info("nobody said what the light did: %s", fault.code)
        job.say(words.STORIES[self._light].note)

    # --- inside ---

    def _completed(self, job: Job, login: WifiLogin) -> WifiLogin:
        """Ask for what was left out; of a company's network by name and password, which is the usual way."""
        if login.security is not None and login.security.enterprise and login.enterprise is None:
            if not self._enterprise(job.board):
                return replace(login, password="")  # which is refused, and no password need be typed for that
            title = _USER_TITLE.with_values(name=login.name)
            user = str(job.ask(Enter(USERNAME, title, _USER_BODY, _USER_HINT)))
            login = replace(login, enterprise=Enterprise(Eap.PEAP, user))
        return _with_password(job, login)

    @property
    def _release(self) -> tuple[int, int]:
        """Major and minor number of the firmware, (0, 0) where it does not tell."""
        found = _RELEASE.match(self._version)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def _enterprise(self, board: Board) -> bool:
        """Whether the firmware knows networks with a sign-in (5.5)."""
        return has_requests(board) and self._release >= FIRST_WITH_ENTERPRISE

    def _by_request(self, board: Board) -> bool:
        """Whether the firmware takes Wi-Fi by control request (6.3): Photon and P1, 0.8 to 1.5."""
        return has_requests(board) and FIRST_BY_REQUEST <= self._release < FIRST_WITHOUT_REQUEST


def _without_sign_in(row: SeenNetwork) -> SeenNetwork:
    """Mark a company's network for a board that cannot sign in to it."""
    if row.security is None or not row.security.enterprise or not row.fits:
        return row
    return replace(row, fits=False, note=_NO_SIGN_IN_HERE)


def _with_password(job: Job, login: WifiLogin) -> WifiLogin:
    """Ask for what was left out: the kind of security, and the password, which is never typed where others see it."""
    if login.security is None and login.password is None:
        options = tuple((key, SECURITY_NAMES[kind]) for key, kind in SECURITY_KEYS.items() if not kind.enterprise)
        question = Choose(SECURITY, _SECURITY_TITLE.with_values(name=login.name), _SECURITY_BODY, options)
        login = replace(login, security=SECURITY_KEYS[str(job.ask(question))])
    by_certificate = login.enterprise is not None and login.enterprise.eap is Eap.TLS
    if login.security is Security.OPEN or by_certificate:
        return replace(login, password="")
    if login.password is not None:
        return login
    if job.answered_beforehand(PASSWORD):
        raise PasswordOnCommandLine
    if job.given(PASSWORD_FILE):
        password = password_from(Path(job.given(PASSWORD_FILE)))
        keep_secret(password)
        return replace(login, password=password)
    asked = Enter(PASSWORD, _PASSWORD_TITLE.with_values(name=login.name), _PASSWORD_BODY, _PASSWORD_HINT, secret=True)
    return replace(login, password=str(job.ask(asked)))
