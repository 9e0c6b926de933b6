"""Cards to choose from, a prefilled line, a folder, documents to hand on: from hand-made objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from support import device_keys as keys
from support.window import Desk

from app import paths
from app.clicks import Click, Go, PressSaveDocument, RunBegan, Screen
from app.keys.device_key import examine
from app.keys.safe import KeyEntry
from app.platforms.model import Algorithm, Mode
from app.platforms.table import platform
from app.recipes.base import Group
from app.recipes.read_identity import ReadIdentity
from app.text import text
from app.transports.base import Sighting
from app.ui import theme
from app.ui.pages import home
from app.ui.pages.base import CardButton, IconView, breakable, label
from app.ui.pages.result import ResultPage
from app.ui.parts.document_box import MOST_LINES, DocumentLines
from app.ui.parts.drop_overlay import DropOverlay
from app.ui.say import say
from app.ui.settings import Settings
from app.ui.shell import SMALLEST, Shell
from app.work.board import Board
from app.work.events import (
    Asked,
    BoardsChanged,
    Document,
    DocumentSaved,
    Event,
    Fact,
    FileWorkFailed,
    Outcome,
    PlanReady,
    PublicKeyRead,
    StepPlan,
    StepStarted,
    Succeeded,
)
from app.work.questions import Card, ChooseCard, Enter, PickFile, Question

WORDS = text("Test", "Words.")
PHOTON = platform("photon")
PEM = (
    "-----BEGIN PUBLIC KEY-----\n" + "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDAqFcK+ptSTAdfyrGJvB3hXl0R\n" * 3 + "AQAB\n"
)
DOCUMENT = Document("public-key", text("Test", "Send this to your cloud"), WORDS, f"{'53' * 12}.pub.pem", PEM)
CLOUDS = ChooseCard(
    "cloud",
    text("Test", "Which cloud?"),
    WORDS,
    (
        Card("particle", text("Test", "Particle"), WORDS, "cloud-particle", text("Test", "On the board now")),
        Card("workshop", "Wörkshop & Co", WORDS, "cloud-local"),
        Card("other", text("Test", "Another"), WORDS, "cloud-other"),
        Card("undo", text("Test", "Undo"), text("Test", "Nothing was kept yet."), "undo", fits=False),
    ),
)
MANY = ChooseCard(
    "key",
    WORDS,
    WORDS,
    tuple(Card(f"k{number}", f"Backup {number}", WORDS, "key-backup", fits=number != 4) for number in range(20)),
)
PICTURES = [
    "restore-key",
    "change-key",
    "check-keys",
    "switch-cloud",
    "prove-handshake",
    "local-cloud",
    "cloud-particle",
    "cloud-local",
    "cloud-other",
    "key-file",
    "key-backup",
    "key-board",
    "undo",
]


class Orders:
    """An engine that keeps what it was ordered, and does nothing."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., int]:
        def order(*given: object, **_more: object) -> int:
            self.given.append((name, *given))
            return 1

        return order


def board() -> Board:
    ids = PHOTON.ids[Mode.DFU]
    return Board(Sighting("1-2", 5, ids.vendor, ids.product, "5c" * 12, None, 0x0251, None), PHOTON, Mode.DFU)


@pytest.fixture(autouse=True)
def look(qapp: QApplication) -> Iterator[None]:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, reduced_motion=True)
    yield
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT)


@pytest.fixture
def orders() -> Orders:
    return Orders()


@pytest.fixture
def shell(qtbot: QtBot, tmp_path: Path, orders: Orders) -> Shell:
    engine: Any = orders
    made = Shell(engine, Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(made)
    made.resize(SMALLEST)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    made.dispatch(BoardsChanged((board(),)))
    return made


def ask(shell: Shell, question: Question) -> list[object]:
    """Bring a run to a question; what is answered comes into the list."""
    given: list[object] = []
    begin: tuple[Event | Click, ...] = (
        RunBegan(1, "read-id", board(), True),
        PlanReady(1, "read-id", WORDS, (StepPlan(WORDS, None, 1.0, True),)),
        StepStarted(1, 0),
        Asked(1, question, given.append),
    )
    for event in begin:
        shell.dispatch(event)
    QTest.qWait(20)
    return given


def end(shell: Shell, outcome: Outcome) -> QWidget:
    shell.dispatch(RunBegan(1, "read-id", board()))
    shell.dispatch(Succeeded(1, outcome))
    QTest.qWait(20)
    return shell.page(Screen.RESULT)


def the(part: QWidget, name: str) -> QPushButton:
    (found,) = [each for each in part.findChildren(QPushButton, name) if each.isVisible()]
    return found


def words_of(part: QWidget) -> str:
    return "\n".join(each.text() for each in part.findChildren(QLabel) if each.isVisible())


def focused() -> str:
    place = QApplication.focusWidget()
    assert place is not None
    return place.objectName()


def press(key: Qt.Key) -> None:
    place = QApplication.focusWidget()
    assert place is not None
    QTest.keyClick(place, key)


# --- cards ----------------------------------------------------------------------------------------------------------


def test_a_card_says_what_it_is_where_it_stands_and_why_it_cannot_be_chosen(shell: Shell) -> None:
    ask(shell, CLOUDS)
    assert words_of(the(shell, "choose-particle")).split("\n") == ["On the board now", "Particle", "Words."]
    assert the(shell, "choose-particle").accessibleDescription() == "On the board now. Words."
    assert "Wörkshop & Co" in words_of(the(shell, "choose-workshop"))
    undo = the(shell, "choose-undo")
    assert not undo.isEnabled()
    assert "Nothing was kept yet." in words_of(undo)


def test_one_click_on_a_card_is_the_answer(shell: Shell) -> None:
    given = ask(shell, CLOUDS)
    QTest.mouseClick(the(shell, "choose-undo"), Qt.MouseButton.LeftButton)
    assert given == []
    QTest.mouseClick(the(shell, "choose-workshop"), Qt.MouseButton.LeftButton)
    assert given == ["workshop"]


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Space])
def test_arrows_go_over_the_cards_as_they_lie_and_a_key_chooses(shell: Shell, key: Qt.Key) -> None:
    given = ask(shell, CLOUDS)
    way = [focused()]
    up, down, left, right = Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right
    for arrow in (up, right, right, left, down, right):
        press(arrow)
        way.append(focused().removeprefix("choose-"))
    assert way == ["choose-particle", "particle", "workshop", "workshop", "particle", "other", "other"]
    press(key)
    assert given == ["other"]


@pytest.mark.parametrize("text_scale", [1.0, 2.0])
def test_twenty_cards_scroll_and_the_one_with_the_focus_is_in_sight(
    qapp: QApplication, qtbot: QtBot, shell: Shell, text_scale: float
) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, text_scale=text_scale, reduced_motion=True)
    shell.fit_text()
    ask(shell, MANY)
    page: Any = shell.page(Screen.RUN)
    qtbot.waitUntil(lambda: page.scroller.widget().width() <= page.scroller.viewport().width(), timeout=2000)
    cards = [each for each in page.findChildren(CardButton) if each.isVisible()]
    assert len(cards) == 20
    parts = [part for each in cards for part in each.findChildren(QLabel) if part.isVisible()]
    qtbot.waitUntil(lambda: all(part.height() >= part.heightForWidth(part.width()) for part in parts), timeout=2000)
    for _ in range(20):
        press(Qt.Key.Key_Down)
    assert focused() in {"choose-k18", "choose-k19"}  # one or two columns
    card = QApplication.focusWidget()
    assert card is not None
    top = card.mapTo(page.scroller.viewport(), QPoint(0, 0)).y()
    assert top >= 0
    assert top + card.height() <= page.scroller.viewport().height()


@pytest.mark.parametrize("name", PICTURES)
def test_every_new_card_has_a_picture_in_the_style_of_the_others(qtbot: QtBot, name: str) -> None:
    drawn = paths.resource(f"icons/cards/{name}.svg").read_text(encoding="utf-8")
    first = paths.resource("icons/cards/back-up-key.svg").read_text(encoding="utf-8")
    assert drawn.split(">")[0] == first.split(">")[0]  # the frame: its size, its stroke
    icon = IconView(name, "accent")
    qtbot.addWidget(icon)
    icon.resize(48, 48)
    image = icon.grab().toImage()
    inked = sum(image.pixelColor(x, y).name() == theme.tokens().accent for x in range(48) for y in range(48))
    assert inked > 40


# --- keys and clouds on the first page ------------------------------------------------------------------------------


def test_keys_have_a_heading_of_their_own_and_low_cards_that_say_their_sentence_to_a_screen_reader(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    class Made(ReadIdentity):
        key = "made"
        title = text("Test", "Restore a key")
        summary = text("Test", "From the safe.")
        group = Group.KEYS

    monkeypatch.setattr(home, "RECIPES", (ReadIdentity, Made))
    page = home.HomePage()
    qtbot.addWidget(page)
    page.resize(700, 900)
    page.show_state(shell.state)
    page.show()
    QTest.qWait(20)
    assert "Keys and clouds" in words_of(page).split("\n")
    card = the(page, "card-made")
    assert words_of(card) == "Restore a key"
    assert card.accessibleDescription() == card.toolTip() == "From the safe."
    assert card.heightForWidth(250) < the(page, "card-read-id").heightForWidth(250)


# --- a line and a folder --------------------------------------------------------------------------------------------


def test_a_prefilled_line_is_marked_so_that_typing_replaces_it(shell: Shell) -> None:
    given = ask(shell, Enter("host", WORDS, WORDS, WORDS, start="192.168.1.20"))
    (line,) = [each for each in shell.findChildren(QLineEdit) if each.isVisible()]
    assert line.hasFocus()
    assert line.selectedText() == line.text() == "192.168.1.20"
    QTest.keyClicks(line, "10.0.0.7")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert given == ["10.0.0.7"]


def test_a_prefilled_line_can_be_taken_as_it_is(shell: Shell) -> None:
    given = ask(shell, Enter("host", WORDS, WORDS, WORDS, start="192.168.1.20"))
    press(Qt.Key.Key_Return)
    assert given == ["192.168.1.20"]


@pytest.mark.parametrize("folder", [True, False])
def test_a_folder_is_picked_where_a_folder_is_asked_for(shell: Shell, tmp_path: Path, folder: bool) -> None:
    given = ask(shell, PickFile("place", WORDS, WORDS, folder=folder))
    QTest.mouseClick(the(shell, "pick"), Qt.MouseButton.LeftButton)
    (dialog,) = shell.findChildren(QFileDialog)
    wanted = QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFile
    assert dialog.fileMode() is wanted
    dialog.fileSelected.emit(str(tmp_path))
    dialog.close()
    assert given == [str(tmp_path)]


def drop(shell: Shell, *files: Path) -> str:
    """Drag files into the window and let go; return what the window said meanwhile."""
    dragged = QMimeData()
    dragged.setUrls([QUrl.fromLocalFile(str(path)) for path in files])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    shell.dragEnterEvent(QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, dragged, buttons, keys))
    (overlay,) = shell.findChildren(DropOverlay)
    said = words_of(overlay)
    overlay.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, dragged, buttons, keys))
    return said.replace("\u200b", "")


def test_what_is_dropped_on_the_window_answers_the_question_for_it(shell: Shell, tmp_path: Path) -> None:
    given = ask(shell, PickFile("keys", text("Test", "Where are the keys?"), WORDS, folder=True))
    said = drop(shell, tmp_path / "core_keys")
    assert said == "Let go to choose core_keys\nWhere are the keys?"
    assert given == [str(tmp_path / "core_keys")]


@pytest.mark.parametrize(
    ("question", "count"), [(PickFile("keys", WORDS, WORDS), 2), (Enter("host", WORDS, WORDS, WORDS), 1)]
)
def test_several_files_or_another_question_leave_a_drop_to_the_rescue_pack(
    shell: Shell, orders: Orders, tmp_path: Path, question: Question, count: int
) -> None:
    given = ask(shell, question)
    files = tuple(tmp_path / f"{number}.bin" for number in range(count))
    assert "Let go to add" in drop(shell, *files)
    assert given == []
    assert ("add_to_pack", files) in orders.given


# --- documents ------------------------------------------------------------------------------------------------------


def test_a_document_is_shown_whole_and_copied_whole(shell: Shell) -> None:
    page = end(shell, Outcome(WORDS, documents=(DOCUMENT,)))
    (lines,) = page.findChildren(DocumentLines)
    assert lines.toPlainText() + "\n" == PEM
    QTest.mouseClick(the(page, "copy-public-key"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == PEM


@pytest.mark.parametrize("text_scale", [1.0, 2.0])
def test_a_short_document_needs_no_scroll_bar_and_a_long_one_stays_low(
    qapp: QApplication, qtbot: QtBot, shell: Shell, text_scale: float
) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, text_scale=text_scale, reduced_motion=True)
    shell.fit_text()
    long = Document("log", WORDS, WORDS, "log.txt", "a line\n" * 100)
    page: Any = end(shell, Outcome(WORDS, documents=(DOCUMENT, long)))
    short_lines, long_lines = page.findChildren(DocumentLines)
    qtbot.waitUntil(lambda: not short_lines.verticalScrollBar().isVisible(), timeout=2000)
    qtbot.waitUntil(lambda: short_lines.verticalScrollBar().maximum() == 0, timeout=2000)
    assert long_lines.verticalScrollBar().isVisible()
    assert long_lines.height() < (MOST_LINES + 4) * long_lines.fontMetrics().lineSpacing()
    assert page.scroller.widget().width() <= page.scroller.viewport().width()


def test_a_document_is_saved_under_the_name_the_person_chose_and_the_window_says_where(
    shell: Shell, orders: Orders, tmp_path: Path
) -> None:
    page = end(shell, Outcome(WORDS, documents=(DOCUMENT,)))
    QTest.mouseClick(the(page, "save-public-key"), Qt.MouseButton.LeftButton)
    (dialog,) = page.findChildren(QFileDialog)
    assert dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    assert not dialog.testOption(QFileDialog.Option.DontConfirmOverwrite)
    assert [Path(path).name for path in dialog.selectedFiles()] == [DOCUMENT.file_name]
    target = tmp_path / "my.pem"
    dialog.fileSelected.emit(str(target))
    dialog.close()
    assert orders.given[-1] == ("save_document", DOCUMENT, target)
    shell.dispatch(DocumentSaved(str(target)))
    QTest.qWait(20)
    assert f"Saved as my.pem in {tmp_path}" in words_of(shell).replace("\u200b", "")


def test_a_document_that_cannot_be_saved_says_why_above_the_page(shell: Shell) -> None:
    end(shell, Outcome(WORDS, documents=(DOCUMENT,)))
    shell.dispatch(FileWorkFailed("files.no-room", text("Test", "No room."), text("Test", "Make some."), ""))
    QTest.qWait(20)
    assert "No room. Make some." in words_of(shell)


def test_the_public_key_of_a_backup_goes_to_the_clipboard(shell: Shell) -> None:
    shell.dispatch(PublicKeyRead(PEM))
    assert QGuiApplication.clipboard().text() == PEM
    QTest.qWait(20)
    assert "The public key was copied." in words_of(shell)


def test_the_clerk_writes_a_document_and_reads_a_backup_s_public_key_for_the_window(
    desk: Callable[..., Desk], tmp_path: Path, qtbot: QtBot
) -> None:
    on = desk("photon", plugged=False)
    raw = keys.slot(keys.as_device())
    report = examine(raw, Algorithm.RSA_1024)
    on.safe.store(KeyEntry("core", "device-private", 1, 0x2000, raw, report, "5" * 24, "console", None))
    on.window.dispatch(Go(Screen.SAFE))
    on.click("copy-public-key")
    qtbot.waitUntil(lambda: on.window.state.notice is not None, timeout=5000)
    assert QGuiApplication.clipboard().text().encode() == report.public_pem
    target = tmp_path / "a.pem"
    target.write_text("older", encoding="ascii")
    on.window.dispatch(PressSaveDocument(DOCUMENT, target))
    qtbot.waitUntil(lambda: target.read_text(encoding="ascii") == PEM, timeout=5000)
    on.window.dispatch(PressSaveDocument(DOCUMENT, tmp_path / "gone" / "a.pem"))
    qtbot.waitUntil(lambda: on.window.state.notice is not None and on.window.state.notice.bad, timeout=5000)


# --- words ----------------------------------------------------------------------------------------------------------


def test_no_line_ends_inside_wi_fi(qtbot: QtBot) -> None:
    shown = label("Forget the Wi-Fi networks")
    qtbot.addWidget(shown)
    assert shown.text() == "Forget the Wi-Fi networks"  # as it was given, for whoever copies it
    assert "Wi\u2011Fi" in QLabel.text(shown)
    # With that width a hyphen would be where the line ends; the held word needs all of its own.
    assert shown.heightForWidth(shown.fontMetrics().horizontalAdvance("Wi-")) >= 4 * shown.fontMetrics().lineSpacing()


def test_only_long_words_are_broken_up() -> None:
    broken = breakable(f"Saved in /home/somebody/keys and {'a' * 24}")
    assert broken.replace("\u200b", "") == f"Saved in /home/somebody/keys and {'a' * 24}"
    assert broken.startswith("Saved in /home/so\u200b")
    assert " and " in broken


def test_a_text_that_is_read_only_takes_no_drops(shell: Shell) -> None:
    page = end(shell, Outcome(WORDS, documents=(DOCUMENT,)))
    assert not any(each.acceptDrops() for each in page.findChildren(QPlainTextEdit))


@pytest.mark.parametrize("text_scale", [1.0, 2.0])
def test_long_names_and_values_of_what_was_found_need_no_scrolling_sideways(
    qapp: QApplication, qtbot: QtBot, shell: Shell, text_scale: float
) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, text_scale=text_scale, reduced_motion=True)
    shell.fit_text()
    shell.resize(900, 620)
    name = text("Test", "Sends the public half of the key that lies in its slot")
    facts = (
        Fact("step", name, text("Test", "not reached")),
        Fact("kept", text("Test", "The old key is kept as"), "2026-11-23T10-54-20Z-device-private-35ee2532"),
        Fact("folder", text("Test", "Folder"), "/home/somebody/.local/share/rekindle/keys/53ff6f06", copy=True),
    )
    page = end(shell, Outcome(text("Test", "Done."), facts))
    assert isinstance(page, ResultPage)
    qtbot.waitUntil(page.isVisible)
    QTest.qWait(50)
    assert page.scroller.horizontalScrollBar().maximum() == 0
    (heading,) = [each for each in page.findChildren(QLabel) if each.text() == say(name)]
    (value,) = [each for each in page.findChildren(QLabel) if each.text() == "not reached"]
    beside = heading.geometry().right() < value.geometry().left()
    assert beside is (text_scale == 1.0)
