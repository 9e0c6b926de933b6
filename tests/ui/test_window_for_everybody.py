"""Names for screen readers, words that fit, contrast, keyboard: checked over every page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import Qt, QTranslator
from PySide6.QtGui import QAccessible, QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot
from support.clock import FastClock
from support.rescue_samples import REVIEW, SHORT, SHORT_REVIEW, WATCH

from app.account_faults import CloudTrouble
from app.clicks import (
    AccountForm,
    AddToPack,
    AskCommand,
    AskForget,
    BoardForm,
    Click,
    GivePassphrase,
    GiveSignIn,
    Go,
    OpenAccountForm,
    OpenBoardForm,
    OpenPassphraseForm,
    PickCloudBoard,
    PickRecipe,
    PressDownload,
    RunBegan,
    Screen,
    SetAside,
)
from app.cloud.client import CloudBoard
from app.cloud.profiles import PARTICLE, profile
from app.firmware.pack import PACK, Notice, PackItem, PackState
from app.keys.backup import Backup
from app.keys.device_key import KeyState
from app.platforms.model import Mode
from app.platforms.table import platform
from app.protocols.wifi import Security
from app.text import text
from app.transports.base import Sighting
from app.ui import theme
from app.ui.pages.base import Page
from app.ui.practice import PracticePanel
from app.ui.say import say
from app.ui.settings import TEXT_SCALES, Settings
from app.ui.shell import SMALLEST, Shell
from app.undo.board_name import BoardName
from app.undo.journal import Planned
from app.undo.rescue import InterruptedRescue
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.work.board import Board, Identity, Proof
from app.work.events import (
    AccountChanged,
    AccountFailed,
    AccountOrder,
    Asked,
    BackupsListed,
    BoardsChanged,
    DevicesListed,
    Document,
    Event,
    Fact,
    Failed,
    MonitorChanged,
    MonitorStatus,
    OneTimeCodeAsked,
    Outcome,
    PackAdded,
    PackFetchFailed,
    PackFetchStopped,
    PackListed,
    PackProgress,
    PassphraseRefused,
    PlanReady,
    ProfilesListed,
    Protection,
    ReportSaved,
    RescuesInterrupted,
    SafeProtection,
    SignInState,
    StepPlan,
    StepStarted,
    Stopped,
    Succeeded,
)
from app.work.questions import (
    Card,
    Choose,
    ChooseCard,
    Confirm,
    DoThis,
    Enter,
    PickFile,
    Question,
    TellLight,
    WifiForm,
)
from app.work.serial_lines import Transcript
from app.work.wifi_form import SeenNetwork

LONG = text("Test", "Some words of usual length that stand for a sentence.")
CORE = platform("core")
DEVICE_ID = "53ff6f065067544840551187"


class NoEngine:
    """Takes orders and does nothing."""

    accounts = None
    updates = None

    def run(self, recipe_key: str, port_path: str, answers: Mapping[str, object] | None = None) -> int:
        return 1

    def stop(self, run: int) -> None:
        return

    def list_backups(self) -> None:
        return

    def copy_backup(self, backup: Backup, folder: Path) -> None:
        return

    def set_passphrase(self, words: str) -> None:
        return

    def unlock(self, words: str) -> None:
        return

    def lock(self) -> None:
        return

    def save_report(self, target: Path, trace: Path | None = None) -> None:
        return

    def save_document(self, document: Document, target: Path) -> None:
        return

    def read_public_key(self, backup: Backup) -> None:
        return

    def list_pack(self) -> None:
        return

    def fetch_pack(self, names: Sequence[str]) -> None:
        return

    def stop_fetch(self) -> None:
        return

    def add_to_pack(self, paths: Sequence[Path]) -> None:
        return

    def list_interrupted(self) -> None:
        return

    def forget_interrupted(self, rescue_id: str) -> None:
        return

    def open_monitor(self, port_path: str) -> None:
        return

    def close_monitor(self) -> None:
        return

    def clear_monitor(self) -> None:
        return

    def send_serial(self, data: bytes) -> None:
        return


class Stretched(QTranslator):
    """A language whose words are half as long again."""

    def isEmpty(self) -> bool:
        return False

    def translate(
        self, context: str, source: str | bytes, disambiguation: str | bytes | None = None, n: int = -1
    ) -> str:
        words = source.decode() if isinstance(source, bytes) else source
        return f"[{words}{' ~x' * max(1, len(words) // 6)}]"


def board() -> Board:
    ids = CORE.ids[Mode.DFU]
    seen = Sighting("1-2.3", 5, ids.vendor, ids.product, "8D8154934854", None, 0x0200, "/dev/ttyACM0")
    return Board(seen, CORE, Mode.DFU, identity=Identity(DEVICE_ID, Proof.CONSOLE))


def backup(*, damaged: bool = False) -> Backup:
    return Backup(
        folder=Path("/home/somebody/.local/share/rekindle/keys/53ff6f065067544840551187"),
        name="one",
        device_id=DEVICE_ID,
        proof="console",
        serial="8D8154934854",
        platform="core",
        slot="device-private",
        made=datetime(2026, 11, 23, tzinfo=UTC),
        sha256="",
        fingerprint="6" * 64,
        state=KeyState.GOOD,
        encrypted=True,
        damaged=LONG if damaged else None,
        files=(Path("one.pub.pem"), Path("one.json")),
    )


OUTCOME = Outcome(
    LONG,
    facts=(Fact("id", LONG, DEVICE_ID, copy=True, qr=True), Fact("print", LONG, "6" * 64, copy=True)),
    kept=("/home/somebody/.local/share/rekindle/keys/53ff6f065067544840551187/2026-11-23T04-13-05Z-device.bin",),
    warnings=(LONG,),
    next_steps=(LONG,),
    xray=SHORT,
    next_recipes=("back-up-key", "read-id"),
    documents=(Document("public-key", LONG, LONG, f"{DEVICE_ID}.pub.pem", f"{'MIGf' * 16}\n" * 4),),
)
SHORT_MARK = text("Test", "On the board now")
HOST = "a-local-cloud.in-a-house.with-long-names.example.org:65535"
CARDS = (
    Card("a", LONG, LONG, "cloud-particle", SHORT_MARK),
    Card("b", HOST, LONG, "cloud-local", LONG),
    Card("c", LONG, text("Test", HOST), "undo", fits=False),
)
STEPS = tuple(StepPlan(LONG, LONG, 1.0, True) for _ in range(5))
CHOREOGRAPHY = CORE.choreographies[0]
NETWORKS = (
    SeenNetwork(b"Somewhere upstairs with a long", Security.WPA2, channel=44, rssi=-40, note=LONG, fits=False),
    SeenNetwork(b"Corp", Security.WPA2_ENTERPRISE, channel=1, rssi=-85),
    *(SeenNetwork(f"Network {number}".encode(), Security.WPA2, channel=6, rssi=-60) for number in range(6)),
)
QUESTIONS: dict[str, Question] = {
    "confirm": Confirm("q", LONG, LONG, text("Test", "Keep this key"), text("Test", "Go back")),
    "choose": Choose("q", LONG, LONG, (("a", LONG), ("b", LONG))),
    "enter": Enter("q", LONG, LONG, LONG, secret=True),
    "file": PickFile("q", LONG, LONG, (".bin",)),
    "folder": PickFile("q", LONG, LONG, folder=True),
    "line": Enter("q", LONG, LONG, LONG, start=HOST),
    "cards": ChooseCard("q", LONG, LONG, CARDS),
    "plain-cards": ChooseCard("q", LONG, LONG, tuple(replace(card, mark=None, icon="") for card in CARDS)),
    "coach": DoThis("q", LONG, LONG, CORE, CHOREOGRAPHY, Mode.DFU),
    "review": REVIEW,
    "review-open": SHORT_REVIEW,
    "watch": WATCH,
    "light": TellLight("q", LONG, LONG, CORE),
    "wifi": WifiForm("q", LONG, LONG, NETWORKS, joined=b"Corp", trouble=LONG, platform=platform("p1"), enterprise=True),
    "wifi-typed": WifiForm("q", LONG, LONG, platform=CORE),
}
RUN: tuple[Event | Click, ...] = (
    RunBegan(1, "back-up-key", board()),
    PlanReady(1, "back-up-key", LONG, STEPS),
    StepStarted(1, 0),
)
PACK_ITEMS = tuple(PackItem(file, tuple(PackState)[number % 3]) for number, file in enumerate(PACK))
NOTICES = (Notice(LONG, (LONG, LONG), "A licence\n" * 100),)
RESCUE = InterruptedRescue(
    "2026-11-23T05-10-00Z-00000000",
    BoardName("core", DEVICE_ID, "8D8154934854"),
    "back-up-key",
    {},
    "rekindle",
    datetime(2026, 11, 23, 5, 10, tzinfo=UTC),
    planned=(Planned("user-firmware", 0, 0x0800_5000, 4, "0" * 64),),
)
OTHER_RESCUE = replace(RESCUE, id="2026-11-22T05-10-00Z-00000001", recipe="unheard-of")
LINES = Transcript()
LINES.came(b"Your core id is 53ff6f065067544840551187\r\n" + b"x" * 500 + b"\r\nPassword: ")
LINES.note(LONG)
SCHOOL = profile("https://a-cloud-server.in-a-school.with-long-names.example.org:65535", name="Workshop upstairs")
USER = "somebody-with-a-long-name@a-school.example.org"
SERVERS = ProfilesListed((PARTICLE, SCHOOL), PARTICLE)
OUT = (SERVERS, AccountChanged(PARTICLE, SignInState.OUT))
IN = (SERVERS, AccountChanged(PARTICLE, SignInState.IN, USER, LONG))
NOW = datetime(2026, 11, 23, tzinfo=UTC)
CLOUD_BOARDS = (
    CloudBoard(DEVICE_ID, "a-board-with-quite-a-long-name-in-the-greenhouse", True, NOW, 0, "2.3.1", USER),
    CloudBoard("b" * 24, "", False, NOW, 6, "", "somebody-else@a-school.example.org", needs_deep_update=True),
    CloudBoard("c" * 24, "kitchen"),
)
LISTED = DevicesListed(PARTICLE, CLOUD_BOARDS, NOW)
REFUSED = CloudTrouble(host=HOST, status=503)


def refused(order: AccountOrder, device_id: str = "") -> AccountFailed:
    return AccountFailed(order, REFUSED.code, REFUSED.cause, REFUSED.next_step, True, "", device_id)


SCENES: dict[str, tuple[Event | Click, ...]] = {
    "nothing": (),
    "home": (BoardsChanged((board(),)), BackupsListed((backup(),))),
    "unread": (BoardsChanged((replace(board(), identity=None),)), BackupsListed(())),
    "denied": (BoardsChanged((), ("1-1",)),),
    "plan": (BoardsChanged((board(),)), PickRecipe("back-up-key")),
    "run": (BoardsChanged((board(),)), *RUN),
    "success": (BoardsChanged((board(),)), *RUN, Succeeded(1, OUTCOME)),
    "failure": (BoardsChanged((board(),)), *RUN, Failed(1, "x", LONG, LONG, True, "detail")),
    "safe": (BackupsListed((backup(), backup(damaged=True))), Go(Screen.SAFE), ReportSaved("/tmp/report.zip")),
    "safe-form": (Go(Screen.SAFE), SafeProtection(Protection.UNPROTECTED), OpenPassphraseForm()),
    "safe-unlocked": (Go(Screen.SAFE), SafeProtection(Protection.UNLOCKED)),
    "safe-refused": (
        Go(Screen.SAFE),
        SafeProtection(Protection.LOCKED),
        OpenPassphraseForm(),
        GivePassphrase("x"),
        PassphraseRefused("x", LONG, LONG, ""),
    ),
    "pack": (PackListed(PACK_ITEMS, ()), Go(Screen.PACK)),
    "pack-whole": (PackListed(tuple(PackItem(file, PackState.PRESENT) for file in PACK), NOTICES), Go(Screen.PACK)),
    "pack-download": (
        PackListed(PACK_ITEMS, NOTICES),
        Go(Screen.PACK),
        PressDownload(),
        PackProgress(PACK[0].name, 123_456, 1_234_567, 345_678.0, 83.0),
    ),
    "pack-offline": (Go(Screen.PACK), PressDownload(), PackFetchFailed("x", LONG, LONG, "")),
    "pack-added": (
        AddToPack((Path("a"),)),
        PackAdded((PACK[0].name,), (PACK[0].name,), ("/home/somebody/a-program-of-my-own-with-a-name.bin",), (LONG,)),
    ),
    "rescue": (BoardsChanged((board(),)), RescuesInterrupted((RESCUE,))),
    "rescue-elsewhere": (RescuesInterrupted((RESCUE, OTHER_RESCUE)), SetAside(OTHER_RESCUE.id)),
    "rescue-forget": (RescuesInterrupted((RESCUE,)), AskForget(RESCUE.id)),
    "settings": (Go(Screen.SETTINGS),),
    "help": (Go(Screen.HELP),),
    "account-out": (*OUT, Go(Screen.ACCOUNT)),
    "account-refused": (*OUT, Go(Screen.ACCOUNT), refused(AccountOrder.SIGN_IN)),
    "account-waits": (*OUT, Go(Screen.ACCOUNT), GiveSignIn(USER, "x")),
    "account-code": (*OUT, Go(Screen.ACCOUNT), OneTimeCodeAsked(PARTICLE, USER)),
    "account-token": (*OUT, Go(Screen.ACCOUNT), OpenAccountForm(AccountForm.TOKEN)),
    "account-server": (*OUT, Go(Screen.ACCOUNT), OpenAccountForm(AccountForm.SERVER), refused(AccountOrder.PROFILES)),
    "account-in": (*IN, Go(Screen.ACCOUNT)),
    "account-local": (
        ProfilesListed((PARTICLE, SCHOOL), SCHOOL),
        AccountChanged(SCHOOL, SignInState.IN),
        Go(Screen.ACCOUNT),
        OpenAccountForm(AccountForm.SIGN_OUT),
    ),
    "account-over": (SERVERS, AccountChanged(PARTICLE, SignInState.OVER, USER), Go(Screen.ACCOUNT)),
    "boards-out": (BoardsChanged((board(),)), *OUT, Go(Screen.BOARDS)),
    "boards-listing": (*IN, Go(Screen.BOARDS)),
    "boards-none": (*IN, Go(Screen.BOARDS), DevicesListed(PARTICLE, (), NOW)),
    "boards": (BoardsChanged((board(),)), *IN, Go(Screen.BOARDS), LISTED),
    "boards-chosen": (BoardsChanged((board(),)), *IN, Go(Screen.BOARDS), LISTED, PickCloudBoard(DEVICE_ID)),
    "boards-offline": (*IN, Go(Screen.BOARDS), LISTED, PickCloudBoard("b" * 24), refused(AccountOrder.LIST)),
    "boards-name": (*IN, Go(Screen.BOARDS), LISTED, PickCloudBoard("c" * 24), OpenBoardForm(BoardForm.NAME)),
    "boards-release": (
        BoardsChanged((board(),)),
        *IN,
        Go(Screen.BOARDS),
        LISTED,
        PickCloudBoard(DEVICE_ID),
        OpenBoardForm(BoardForm.RELEASE),
        refused(AccountOrder.BOARD, DEVICE_ID),
    ),
    "home-in": (BoardsChanged((board(),)), *IN),
    "transfer": (BoardsChanged((board(),)), *OUT, Go(Screen.TRANSFER)),
    "guide": (Go(Screen.GUIDE),),
    "modes": (BoardsChanged((board(),)), Go(Screen.MODES)),
    "driver": (BoardsChanged((board(),)), Go(Screen.DRIVER)),
    "monitor": (BoardsChanged((board(),)), Go(Screen.MONITOR)),
    "monitor-open": (
        BoardsChanged((board(),)),
        Go(Screen.MONITOR),
        MonitorChanged("1-2.3", MonitorStatus.OPEN, LINES),
        AskCommand("w"),
    ),
    "monitor-refused": (
        BoardsChanged((board(),)),
        Go(Screen.MONITOR),
        MonitorChanged("1-2.3", MonitorStatus.REFUSED, LINES, LONG, LONG),
    ),
    "decoder": (BoardsChanged((board(),)), Go(Screen.DECODER)),
    **{
        f"ask-{name}": (BoardsChanged((board(),)), *RUN, Asked(1, question, lambda _answer: None))
        for name, question in QUESTIONS.items()
    },
}

SETTLED_TURNS = 50
BETWEEN: tuple[Event | Click, ...] = (
    Stopped(1, False),
    PackFetchStopped(),
    RescuesInterrupted(()),
    Go(Screen.HOME),
    BoardsChanged(()),
    BackupsListed(()),
)


@pytest.fixture
def look(qapp: QApplication) -> Iterator[None]:
    """The light look, without motion."""
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, reduced_motion=True)
    yield
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT)


def window(qtbot: QtBot, folder: Path, practice: PracticePanel | None = None) -> Shell:
    """Make a window of the smallest size."""
    shell = Shell(NoEngine(), Settings(folder / "settings.ini"), practice=practice)
    qtbot.addWidget(shell)
    shell.fit_text()
    shell.resize(SMALLEST)
    shell.show()
    return shell


def check_every_scene(shell: Shell, check: Callable[[Shell], list[str]]) -> None:
    """Show one scene after the other and collect what the check finds."""
    found: dict[str, list[str]] = {}
    for scene, events in SCENES.items():
        for event in events:
            shell.dispatch(event)
        # Layouts settle over a few turns of the event loop.
        for _ in range(SETTLED_TURNS):
            if not (trouble := check(shell)):
                break
            QTest.qWait(10)
        else:
            found[scene] = trouble
        for event in BETWEEN:
            shell.dispatch(event)
    assert not found


def visible(shell: Shell) -> list[QWidget]:
    return [part for part in shell.findChildren(QWidget) if part.isVisible()]


def clipped(shell: Shell) -> list[str]:
    """Say which labels and buttons have less room than their words need."""
    found = []
    for part in visible(shell):
        if isinstance(part, QLabel) and part.text():
            wanted = part.heightForWidth(part.width()) if part.wordWrap() else part.sizeHint().height()
            narrow = part.width() < part.minimumSizeHint().width()
            if part.height() < wanted or narrow:
                found.append(f"{part.text()!r}: {part.size().toTuple()}, needs {wanted}")
        elif isinstance(part, QAbstractButton) and part.text():
            hint = part.minimumSizeHint()
            if part.width() < hint.width() or part.height() < hint.height():
                found.append(f"{part.text()!r}: {part.size().toTuple()}, needs {hint.toTuple()}")
    for page in shell.findChildren(Page):
        inner = page.scroller.widget()
        if inner is not None and page.isVisible() and inner.width() > page.scroller.viewport().width():
            found.append(f"{page.title.text()!r} is wider than the window")
    return found


def controls(shell: Shell) -> list[QWidget]:
    return [part for part in visible(shell) if part.focusPolicy() & Qt.FocusPolicy.TabFocus and part.isEnabled()]


def nameless(shell: Shell) -> list[str]:
    found = []
    for part in controls(shell):
        face = QAccessible.queryAccessibleInterface(part)
        if not face.text(QAccessible.Text.Name).strip():
            found.append(f"{type(part).__name__} {part.objectName()}")
    return found


def out_of_reach(shell: Shell) -> list[str]:
    """Say which controls the tab key does not come by, and whether nothing has the focus."""
    place = cast("QWidget | None", shell.focusWidget())
    if place is None or not place.isVisible():
        return ["nothing has the focus"]
    wanted = {part for part in controls(shell) if part.focusProxy() is None}
    seen: set[QWidget] = set()
    while place not in seen:
        seen.add(place)
        place = next_in_chain(place, wanted)
    return [f"{type(part).__name__} {part.accessibleName()}" for part in wanted - seen]


def ambiguous(shell: Shell) -> list[str]:
    """Say which underlined letters two things share: Alt with such a letter only moves between them."""
    letters: dict[str, list[str]] = {}
    for part in visible(shell):
        words = part.text() if isinstance(part, QAbstractButton | QLabel) and part.isEnabled() else ""
        if isinstance(part, QLabel) and part.buddy() is None:
            continue
        if found := re.search(r"&(\w)", words):
            letters.setdefault(found[1].lower(), []).append(words)
    return [f"{letter}: {words}" for letter, words in letters.items() if len(words) > 1]


def test_every_control_has_a_name_and_the_keyboard_reaches_it(qtbot: QtBot, tmp_path: Path, look: None) -> None:
    shell = window(qtbot, tmp_path)
    check_every_scene(shell, lambda shown: nameless(shown) + out_of_reach(shown) + ambiguous(shown))


def test_no_words_are_cut_at_the_smallest_size(qtbot: QtBot, tmp_path: Path, look: None) -> None:
    shell = window(qtbot, tmp_path)
    assert shell.minimumSize() == SMALLEST
    check_every_scene(shell, clipped)


def test_no_words_are_cut_at_twice_the_size(qtbot: QtBot, qapp: QApplication, tmp_path: Path, look: None) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, text_scale=2.0, reduced_motion=True)
    shell = window(qtbot, tmp_path)
    assert shell.minimumSize() == SMALLEST
    check_every_scene(shell, clipped)


@pytest.mark.parametrize("text_scale", TEXT_SCALES)
def test_beside_a_practice_board_words_fit_and_every_control_has_a_name_and_is_reached(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, look: None, text_scale: float
) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, text_scale=text_scale, reduced_motion=True)
    clock = FastClock()
    shell = window(qtbot, tmp_path, PracticePanel(VirtualBus(clock), clock, make("photon", clock), "photon"))
    assert shell.minimumSize() == SMALLEST
    check_every_scene(shell, lambda shown: clipped(shown) + nameless(shown) + out_of_reach(shown) + ambiguous(shown))


def test_no_words_are_cut_in_a_language_with_longer_words(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, look: None
) -> None:
    language = Stretched()
    qapp.installTranslator(language)
    try:
        assert say(LONG).startswith("[Some words")
        check_every_scene(window(qtbot, tmp_path), clipped)
    finally:
        qapp.removeTranslator(language)


def next_in_chain(place: QWidget, wanted: set[QWidget]) -> QWidget:
    following = place.nextInFocusChain()
    while following is not None and following is not place and following not in wanted:
        following = following.nextInFocusChain()
    return following or place


def luminance(colour: str) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4

    shade = QColor(colour)
    return 0.2126 * linear(shade.redF()) + 0.7152 * linear(shade.greenF()) + 0.0722 * linear(shade.blueF())


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("strong", [False, True])
def test_words_and_edges_stand_out_in_every_look(dark: bool, strong: bool) -> None:
    look = theme.choose_tokens(dark=dark, strong=strong, scale=1.0, motion=True)
    grounds = (look.window, look.panel, look.card, look.card_hover, look.accent_soft)
    for words in (look.text, look.muted, look.disabled, look.accent, look.good, look.warning, look.danger):
        for ground in grounds:
            assert contrast(words, ground) >= 4.5, (words, ground)
    assert contrast(look.on_accent, look.accent) >= 4.5
    assert contrast(look.on_accent, look.accent_hover) >= 4.5
    for ground in (look.window, look.panel, look.card):
        assert contrast(look.control_border, ground) >= 3.0, ground


def test_the_look_follows_the_wish_and_the_words_grow(qapp: QApplication) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.DARK, text_scale=2.0)
    assert theme.tokens().dark
    assert theme.tokens().body >= 30
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT)
    assert not theme.tokens().dark


def test_settings_are_remembered(tmp_path: Path) -> None:
    kept = Settings(tmp_path / "other.ini")
    kept.scheme, kept.text_scale, kept.reduced_motion, kept.last_folder = theme.Scheme.DARK, 1.5, True, tmp_path
    again = Settings(tmp_path / "other.ini")
    assert (again.scheme, again.text_scale, again.reduced_motion) == (theme.Scheme.DARK, 1.5, True)
    assert again.last_folder == tmp_path
