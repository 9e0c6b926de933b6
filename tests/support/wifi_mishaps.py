"""Mishaps amid telling a board its Wi-Fi network: what is told, to which firmware, what goes wrong, what is left."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from app.protocols.wifi import Cipher, Eap, Enterprise, Security, WifiLogin
from app.recipes.join_wifi import JoinWifi
from app.transports.trace import TracingBus
from app.virtual import air
from app.virtual.air import Network, Profile
from app.virtual.board import VirtualBoard
from app.virtual.mishaps import Mishap
from app.work.events import Event, Failed, Stopped, Succeeded
from app.work.wifi_form import WifiAnswer
from support import secret_bytes
from support.desk import LISTENING, Desk, desk
from support.wifi_side import REQUEST, SAVING, STORED, BoardSide, board_side, every

QUIET_S = 0.06
"""Longer than the dialogue waits for the next byte of a packet."""
START_S = 8


def filled(words: str, size: int) -> str:
    """Return these words, filled up to exactly so many bytes of UTF-8."""
    rest = "%qXv7!Kz/2&Jw)4Gy=9(Hu$5Lx3Bn8RtQ6pMf0Zc1WsDj"
    return words + rest[: size - len(words.encode())]


NAME = " Zuhause 家 éü😀 im 1. OG  "  # 32 bytes, with blanks at both ends
PASSWORD = filled("Schlüssel žum 家 € 𝄞 ", 64)
PASSWORD_2013 = filled("ž家€ ", 32)
USER = filled("änn@schule.example ", 64)
KEY = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


def pem(form: str, seed: int, size: int) -> str:
    """Return bytes that no other text has, in a frame of PEM."""
    content = bytes((seed * place * place + 7 * place + seed) % 251 for place in range(size))
    body = base64.b64encode(content).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return form.format("\n".join(lines))


@dataclass(frozen=True)
class Row:
    """One board with one firmware, and one network.

    Attributes:
        words: For tables.
        name: Practice board.
        firmware: What it runs.
        password: Of the network, or the person's; as long as this firmware takes.
        hidden: No scan finds the network, so that all is asked.
        eap: How people sign in to the network; None for one password.
    """

    words: str
    name: str
    firmware: str
    password: str = PASSWORD
    hidden: bool = False
    eap: Eap | None = None

    @property
    def by_request(self) -> bool:
        """Whether it is told in one message instead of a dialogue."""
        return self.firmware in ("0.8", "1.0", "1.2", "1.5")

    @property
    def login(self) -> WifiLogin:
        """What it is told."""
        if self.eap is None:
            cipher = Cipher.AES if self.hidden else Cipher.UNKNOWN
            return WifiLogin(NAME.encode(), Security.WPA2, self.password, cipher, hidden=self.hidden)
        files = {"certificate": pem(CERTIFICATE, 3, 600), "private_key": pem(KEY, 11, 900)}
        sign_in = Enterprise(self.eap, USER, "", root=pem(CERTIFICATE, 5, 500))
        if self.eap is Eap.TLS:
            sign_in = Enterprise(self.eap, "", "outer", root="", **files)
        password = self.password if self.eap is Eap.PEAP else ""
        return WifiLogin(NAME.encode(), Security.WPA2_ENTERPRISE, password, Cipher.AES, enterprise=sign_in)

    @property
    def network(self) -> Network:
        """What is in the air around it."""
        if self.eap is None:
            return Network(NAME.encode(), password=self.password.encode(), hidden=self.hidden)
        corp = Network(NAME.encode(), air.Security.WPA2_ENTERPRISE, eap=air.Eap.TLS)
        if self.eap is Eap.TLS:
            return corp
        return replace(corp, eap=air.Eap.PEAP, identity=USER.encode(), password=self.password.encode())

    @property
    def secret(self) -> bytes:
        """What must be nowhere but on the board."""
        sign_in = self.login.enterprise
        return sign_in.private_key.encode() if sign_in is not None and sign_in.private_key else self.password.encode()

    @property
    def asks_secret(self) -> str:
        """The question whose answer it is."""
        return "private-key" if self.eap is Eap.TLS else "password"

    def whole(self, profile: Profile) -> bool:
        """Whether the board holds all it was told, byte for byte."""
        login, sign_in = self.login, self.login.enterprise
        same = (profile.ssid, int(profile.security)) == (login.ssid, int(login.security or 0))
        same = same and profile.password == (login.password or "").encode()
        if sign_in is None:
            return same
        kept = (profile.identity, profile.outer_identity, profile.client_certificate, profile.private_key)
        texts = (sign_in.username, sign_in.outer, sign_in.certificate, sign_in.private_key, sign_in.root)
        lines = [text.encode().strip().replace(b"\n", b"\r\n") for text in texts]
        return same and [each.strip() for each in (*kept, profile.root_ca)] == lines

    def answers(self) -> set[bytes]:
        """Every line of it that a board may be given."""
        login, sign_in = self.login, self.login.enterprise
        found = {login.ssid, (login.password or "").encode(), b"0", b"1", b"3", b"5", b""}
        if sign_in is None:
            return found - {b""}
        texts = (sign_in.certificate, sign_in.private_key, sign_in.root)
        pems = {text.encode().strip().replace(b"\n", b"\r\n") for text in texts}
        return found | pems | {sign_in.username.encode(), sign_in.outer.encode()}


ROWS = (
    Row("A: Core, spark_1", "core", "spark_1", PASSWORD_2013),
    Row("B: Core, spark_11", "core", "spark_11"),
    Row("B: Photon 0.4.0", "photon-0.5", "0.4.0"),
    Row("C: Core 0.5", "core-0.5", "0.5"),
    Row("C: Photon 0.6, hidden", "photon-0.6", "0.6", hidden=True),
    Row("D: Core 0.7", "core-0.7", "0.7"),
    Row("D: Photon 0.7, hidden", "photon-0.7", "0.7", hidden=True),
    Row("E: Photon 2.x", "photon", "2.x"),
    Row("E: P1 2.x, PEAP", "p1", "2.x", eap=Eap.PEAP),
    Row("E: Photon 2.x, EAP-TLS", "photon", "2.x", eap=Eap.TLS),
    Row("Request: Photon 1.2", "photon", "1.2"),
)


@dataclass
class Scene:
    """A board before it is told."""

    board: VirtualBoard
    side: BoardSide
    row: Row

    def half(self) -> int:
        """How many characters are half of what is secret."""
        return 30 if self.row.eap is Eap.TLS else len(self.row.password.encode()) // 2


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong.

    Attributes:
        key: Short name.
        words: For tables.
        play: Arranges it.
        for_whom: Which rows it can happen to.
        ends: How the run may end: codes of faults, or `saved`.
        holds: What may be on the board then: `nothing`, `all`.
    """

    key: str
    words: str
    play: Callable[[Scene], None]
    ends: frozenset[str]
    holds: frozenset[str] = frozenset({"nothing"})
    for_whom: Callable[[Row], bool] = lambda row: not row.by_request


LOST, STOPPED, NOISE = "wifi.dialogue-lost", "wifi.dialogue-stopped", "wifi.noise"
NO_DIALOGUE, AGAIN = "wifi.no-dialogue", "wifi.asked-again"
ALL, NOTHING = "all", "nothing"


def one(*keys: str) -> frozenset[str]:
    """One of these."""
    return frozenset(keys)


def _at_half(act: Callable[[Scene], None]) -> Callable[[Scene], None]:
    return lambda scene: scene.side.at(scene.row.asks_secret, scene.half(), lambda: act(scene))


def _at(question: str, act: Callable[[Scene], None], count: int = 0) -> Callable[[Scene], None]:
    return lambda scene: scene.side.at(question, count, lambda: act(scene))


def _at_line_end(act: Callable[[Scene], None]) -> Callable[[Scene], None]:
    def play(scene: Scene) -> None:
        scene.side.at("password", len(scene.row.password.encode()), lambda: act(scene))

    return play


def _reset(scene: Scene) -> None:
    scene.side.reset(scene.board)


def _unplug(scene: Scene) -> None:
    scene.side.unplug(scene.board)


def _hang(scene: Scene) -> None:
    scene.side.mute()


def _take_no_more(scene: Scene) -> None:
    scene.board.mishap = Mishap(silent_from=scene.board.transfers + 1)


def _noise(scene: Scene) -> None:
    scene.board.mishap = Mishap(garbage=True)


def _thief(scene: Scene) -> None:
    scene.side.keep = every(3)


def _slowly(scene: Scene) -> None:
    scene.side.gap = QUIET_S


def _held(scene: Scene) -> None:
    scene.board.mishap = Mishap(busy=True)


def _full(scene: Scene) -> None:
    scene.board.mishap = Mishap(wifi_refuses=9)


def _off_at_once(scene: Scene) -> None:
    scene.board.mishap = Mishap(gone_at=scene.board.transfers + 1)


def _not_tls(row: Row) -> bool:
    return not row.by_request and row.eap is not Eap.TLS


def _of_request(row: Row) -> bool:
    return row.by_request


def _says_no(row: Row) -> bool:
    return not row.words.startswith(("A", "B"))


TROUBLES = (
    Trouble("reset-name", "RESET amid the name", _at("name", _reset, 9), one(LOST)),
    Trouble("reset-password", "RESET amid the password", _at_half(_reset), one(LOST)),
    Trouble(
        "reset-line-end", "RESET before the password's line end", _at_line_end(_reset), one(LOST), for_whom=_not_tls
    ),
    Trouble("reset-saving", "RESET while it saves", _at(SAVING, _reset), one(LOST)),
    Trouble("unplugged-password", "cable off amid the password", _at_half(_unplug), one(LOST)),
    Trouble("unplugged-saving", "cable off while it saves", _at(SAVING, _unplug), one(LOST)),
    Trouble("mute-first", "no answer to `w`", _at("name", _hang), one(NO_DIALOGUE)),
    Trouble("mute-name", "no answer to the name", _at("name", _hang, len(NAME.encode())), one(STOPPED)),
    Trouble("mute-password", "no answer amid the password", _at_half(_hang), one(STOPPED)),
    Trouble("mute-saving", "no answer while it saves", _at(SAVING, _hang), one(STOPPED)),
    Trouble(
        "half-line",
        "takes half of the password's line",
        _at_half(_take_no_more),
        one(STOPPED),
        one(NOTHING, ALL),  # a line that fits one packet was taken whole
    ),
    Trouble(
        "noise",
        "noise before all it says",
        _at("name", _noise),
        one("saved", NOISE, STOPPED, AGAIN, NO_DIALOGUE),
        one(NOTHING, ALL),
    ),
    Trouble(
        "noise-password",
        "noise from the password on",
        _at_half(_noise),
        one("saved", NOISE, STOPPED),
        one(NOTHING, ALL),
    ),
    Trouble("one-by-one", "every byte alone, 60 ms apart", _at("name", _slowly), one("saved"), one(ALL)),
    Trouble("thief", "another program reads every third byte", _at("name", _thief), one(STOPPED, NO_DIALOGUE)),
    Trouble(
        "thief-password", "likewise, from amid the password", _at_half(_thief), one(STOPPED, "saved"), one(NOTHING, ALL)
    ),
    Trouble("held", "another program holds the port", _held, one("usb.port-busy"), for_whom=lambda row: True),
    Trouble("derp", "Derp", _full, one("wifi.not-saved"), for_whom=_says_no),
    Trouble(
        "request-reset",
        "RESET before it saves",
        _at(REQUEST, _reset),
        one(LOST),
        for_whom=_of_request,
    ),
    Trouble(
        "request-stored",
        "cable off when it has saved",
        _at(STORED, _unplug),
        one(LOST, "saved"),
        one(ALL),
        for_whom=_of_request,
    ),
    Trouble(
        "request-mute",
        "no answer to the request",
        _at(REQUEST, _take_no_more),
        one(STOPPED, "saved"),
        one(ALL, NOTHING),
        for_whom=_of_request,
    ),
    Trouble(
        "request-off",
        "cable off amid the answer",
        _at(STORED, _off_at_once),
        one(LOST, "saved"),
        one(ALL),
        for_whom=_of_request,
    ),
)


@dataclass(frozen=True)
class Ran:
    """What came of one run, and of the next ones.

    Attributes:
        code: `saved`, or the code of the fault.
        said: The fault's cause and next step.
        holds: What the board had stored: `nothing`, `all`, or anything else, which must never be.
        left: How many characters of a line without an end the board had.
        strange: Lines the board took that are none of the answers.
        leaks: What of the secret was told where it must not be.
        tries: How many more runs it took to be saved: 0 where it was, 2 where the first ended in a fault, whose advice
            was followed; 3 if it still was not.
        next_code: How the first of these ended.
    """

    code: str
    said: str
    holds: str
    left: int
    strange: tuple[bytes, ...]
    leaks: tuple[str, ...]
    tries: int
    next_code: str


def told_bytes(trace: str) -> str:
    """Return what a trace shows of each way joined, as old firmware says it a character at a time."""
    ways: dict[str, str] = {}
    for line in trace.splitlines():
        row = json.loads(line)
        data = row.get("data")
        if isinstance(data, str):
            ways[str(row.get("do"))] = ways.get(str(row.get("do")), "") + data
    return "\n".join(ways.values())


def needles(secret: bytes) -> Iterator[str]:
    """Every way a piece of a password could be written down."""
    yield from secret_bytes.spellings(secret)
    words = secret.decode("utf-8", "replace")
    for start, end in pairwise(range(0, len(words) + 1, 6)):
        piece = words[start:end]
        yield piece
        yield json.dumps(piece)[1:-1]


def holds(board: VirtualBoard, row: Row) -> str:
    """Say what is stored on the board."""
    if not board.profiles_stored:
        return NOTHING
    return (
        ALL if [row.whole(each) for each in board.profiles_stored] == [True] else f"{len(board.profiles_stored)} other"
    )


def code_of(event: Event) -> str:
    """How a run ended."""
    assert isinstance(event, Succeeded | Failed | Stopped), event
    return event.code if isinstance(event, Failed) else "saved" if isinstance(event, Succeeded) else "stopped"


@contextmanager
def listened() -> Iterator[list[str]]:
    """Collect all that is logged."""
    listener, root = secret_bytes.Listener(), logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield listener.lines
    finally:
        root.removeHandler(listener)
        root.setLevel(level)


def laid(row: Row, folder: Path) -> Desk:
    """Lay a desk with that board, listening."""
    answers = {"network": WifiAnswer((row.login,)), "join-light": "connected"}
    options = {"firmware": row.firmware, "networks": (row.network,), "profiles": False}
    return desk(row.name, folder, LISTENING, answers=answers, **options)  # type: ignore[arg-type]


def play(row: Row, trouble: Trouble, folder: Path, *, more: bool = True) -> Ran:
    """Run `join-wifi` with that trouble; then, if wished, again without, and once more as the fault advises."""
    place = laid(row, folder)
    folder.mkdir(parents=True, exist_ok=True)
    trace = folder / "trace.jsonl"
    with listened() as lines, board_side() as side:
        trouble.play(Scene(place.board, side, row))
        bus = TracingBus(place.bus, trace)
        last = place.play(JoinWifi, bus=bus)
        bus.close()
        code, found, left = code_of(last), holds(place.board, row), len(side.left)
        strange = tuple(line for line in side.lines if line not in row.answers())
        said = f"{last.cause.english()} {last.next_step.english()}" if isinstance(last, Failed) else ""
        written = trace.read_text(encoding="utf-8")
        told = [*lines, written, told_bytes(written), repr(place.person.events), said, repr(last)]
        leaks = tuple(sorted({each for each in needles(row.secret) for text in told if each in text}))
        side.keep, side.gap = None, 0.0
        tries, next_code = (0, "") if (code == "saved" and found == ALL) or not more else _again(place, row)
    return Ran(code, said, found, left, strange, leaks, tries, next_code)


def _again(place: Desk, row: Row) -> tuple[int, str]:
    """Run it again, first as the board stands (plugged in), then after a RESET, as the advice is."""
    board = place.board
    board.mishap = Mishap.NONE
    if board.face() is None and "reset" not in board.pressed:
        place.bus.unplug(board)
        place.bus.plug(board)
    _start(place)
    next_code = ""
    for tries in (1, 2):
        code = code_of(place.play(JoinWifi))
        next_code = next_code or code
        if code == "saved" and holds(board, row) == ALL:
            return tries, next_code
        place.person.hand.reset()
        _start(place)
    return 3, next_code


def _start(place: Desk) -> None:
    for _ in range(START_S):  # a finger's tap takes effect when the board is looked at
        place.clock.pause(1.0)
        place.board.tick()


def pairs(rows: Iterable[Row] = ROWS) -> Iterator[tuple[Row, Trouble]]:
    """Every row with each trouble it can have."""
    for row in rows:
        yield from ((row, trouble) for trouble in TROUBLES if trouble.for_whom(row))
