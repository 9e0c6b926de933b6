"""The rescue pack in the window: what is there, downloading, adding by button and by dropping, whose it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPlainTextEdit, QProgressBar, QWidget
from support.window import WAIT_MS, Desk

from app.clicks import Back, Go, RunBegan, Screen
from app.faults import PackFileMissing, PackOffline
from app.firmware.pack import PACK, Notice, PackItem, PackState
from app.flow import FLASH_FILE
from app.text import text
from app.ui.pages.base import Page
from app.ui.parts.drop_overlay import DropOverlay
from app.work.events import Failed, PackListed

MakeDesk = Callable[..., Desk]
FLAG = next(file for file in PACK if file.role == "ota-flag")
FLAG_BYTES = b"\xa5"
PHOTON_FILES = [file for file in PACK if file.platform == "photon"]


class Source:
    """A place to download from, as slow and as broken as the test wants."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.fault: Exception | None = None

    def fetch(self, names: Sequence[str], progress: Callable[[str, int, int], None], check: Callable[[], None]) -> None:
        progress(names[0], 0, 98_932)
        progress(names[0], 98_932, 98_932)
        while not self.go_on.wait(0.01):
            check()
        if self.fault is not None:
            raise self.fault


def words_on(desk: Desk) -> str:
    shown = "\n".join(each.text() for each in desk.window.findChildren(QLabel) if each.isVisible())
    return shown.replace("\u200b", "")


def wait_for_words(desk: Desk, words: str) -> None:
    desk.qtbot.waitUntil(lambda: words in words_on(desk), timeout=WAIT_MS)


def open_page(desk: Desk) -> None:
    """Open the page and wait until the window has the list that was asked for by that."""
    desk.qtbot.waitUntil(lambda: desk.window.state.pack is not None, timeout=WAIT_MS)
    listed: list[object] = []

    def hear(event: object) -> None:
        if isinstance(event, PackListed):
            listed.append(event)

    # In the order of connections: the window has heard it before.
    desk.bridge.arrived.connect(hear, Qt.ConnectionType.QueuedConnection)
    desk.click("open-pack")
    desk.wait_for_screen(Screen.PACK)
    desk.qtbot.waitUntil(lambda: bool(listed), timeout=WAIT_MS)


# --- what is there --------------------------------------------------------------------------------------------------


def test_the_page_says_what_is_here_missing_and_damaged_in_words(desk: MakeDesk) -> None:
    own = desk(plugged=False)
    open_page(own)
    wait_for_words(own, f"0 of {len(PACK)} files are here")
    states = {PHOTON_FILES[0]: PackState.PRESENT, PHOTON_FILES[1]: PackState.DAMAGED}
    items = tuple(PackItem(file, states.get(file, PackState.MISSING)) for file in PACK)
    own.window.dispatch(PackListed(items, ()))
    wait_for_words(own, f"1 of {len(PACK)} files are here")
    assert "Damaged, and never used: 1." in words_on(own)
    assert own.button("fold-photon").accessibleName() == "Particle Photon: 1 damaged"
    assert own.button("fold-core").accessibleName() == "Spark Core: 0 of 8 here"
    named = [each.accessibleName() for each in own.window.findChildren(QLabel) if each.isVisible()]
    rows = [name for name in named if name.startswith("Particle Photon: ")]
    assert len(rows) == len(PHOTON_FILES)
    assert [row.rsplit(": ", 1)[1] for row in rows] == ["present", "damaged", *["missing"] * (len(PHOTON_FILES) - 2)]
    assert {"present", "damaged", "missing"} <= set(words_on(own).split("\n"))


def test_what_the_person_opened_stays_open_when_the_list_changes(desk: MakeDesk) -> None:
    own = desk(plugged=False)
    open_page(own)
    own.click("fold-core")
    assert own.button("fold-core").isChecked()
    items = tuple(PackItem(file, PackState.PRESENT) for file in PACK)
    own.window.dispatch(PackListed(items, ()))
    wait_for_words(own, f"All {len(PACK)} files are here")
    assert own.button("fold-core").isChecked()
    assert not own.button("fold-photon").isChecked()


def test_whose_the_files_are_can_be_read_with_the_licence(desk: MakeDesk) -> None:
    own = desk(plugged=False)
    open_page(own)
    whose = Notice(text("Test", "Firmware files"), (text("Test", "Somebody made them."),), "The licence in full.")
    own.window.dispatch(PackListed(own.window.state.pack or (), (whose,)))
    own.click("fold-licences")
    wait_for_words(own, "Somebody made them.")
    (licence,) = (each for each in own.window.findChildren(QPlainTextEdit) if each.isVisible())
    assert licence.toPlainText() == "The licence in full."
    assert licence.accessibleName() == "Licence: Firmware files"


def test_home_tells_how_much_is_there_and_opens_the_page(desk: MakeDesk) -> None:
    own = desk(plugged=False)
    own.qtbot.waitUntil(lambda: own.window.state.pack is not None, timeout=WAIT_MS)
    wait_for_words(own, f"0 of {len(PACK)} firmware files are here.")
    own.click("card-pack")
    own.wait_for_screen(Screen.PACK)
    QTest.keyClick(own.window, Qt.Key.Key_Escape)
    own.wait_for_screen(Screen.HOME)
    QTest.keyClick(own.window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    own.wait_for_screen(Screen.PACK)


def test_a_run_that_lacks_a_file_leads_to_the_page_and_back(desk: MakeDesk) -> None:
    own = desk()
    own.wait_for_board()
    board = own.window.state.board
    assert board is not None
    own.window.dispatch(RunBegan(99, "x-ray", board))
    own.window.dispatch(Failed(99, PackFileMissing.code, PackFileMissing.cause, PackFileMissing.next_step, True, ""))
    own.click("open-pack-from-fault")
    own.wait_for_screen(Screen.PACK)
    own.window.dispatch(Back())
    assert own.screen is Screen.RESULT
    assert own.button("retry").isEnabled()


# --- downloading ----------------------------------------------------------------------------------------------------


def test_a_download_shows_its_progress_and_can_be_stopped_from_the_keyboard(desk: MakeDesk) -> None:
    own = desk(plugged=False, fetcher=Source)
    open_page(own)
    own.click("download-pack")
    (bar,) = own.window.page(Screen.PACK).findChildren(QProgressBar)
    own.qtbot.waitUntil(lambda: bar.isVisible() and bar.value() > 0, timeout=WAIT_MS)
    assert bar.accessibleName()
    assert " of 2.9 MB" in words_on(own)
    assert own.window.focusWidget() is own.button("stop-download")
    QTest.keyClick(own.button("stop-download"), Qt.Key.Key_Space)
    own.qtbot.waitUntil(lambda: own.window.state.download is None, timeout=WAIT_MS)
    assert own.button("download-pack").isEnabled()
    assert own.window.focusWidget() is own.button("download-pack")
    assert not bar.isVisible()


class Stepwise(Source):
    """A place where each file has to be let go."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = threading.Semaphore(0)

    def fetch(self, names: Sequence[str], progress: Callable[[str, int, int], None], check: Callable[[], None]) -> None:
        for name in names:
            while not self.turns.acquire(timeout=0.01):
                check()
            progress(name, 100, 100)


def test_rows_change_file_by_file_and_the_page_stays_as_it_was_laid(desk: MakeDesk) -> None:
    source = Stepwise()
    own = desk(plugged=False, fetcher=lambda: source)
    open_page(own)
    own.click("download-pack")
    own.click("fold-electron")
    fold = own.button("fold-electron")
    fold.setFocus()
    page = own.window.page(Screen.PACK)
    assert isinstance(page, Page)
    bar = page.scroller.verticalScrollBar()
    own.qtbot.waitUntil(lambda: bar.maximum() > 200, timeout=WAIT_MS)
    bar.setValue(200)
    core = [file for file in PACK if file.platform == "core"]
    first = [file for file in PACK[: PACK.index(PHOTON_FILES[0])] if file in core]  # in the order of the download
    for number, _file in enumerate(first, start=1):
        source.turns.release()
        wait_for_words(own, f"{number} of {len(core)} here")
        assert own.button("fold-electron") is fold
        assert fold.isChecked()
        assert own.window.focusWidget() is fold
        assert not own.button("fold-core").isChecked()
        assert bar.value() == 200
    assert own.button("fold-core").accessibleName() == f"Spark Core: {len(first)} of {len(core)} here"
    assert f"{len(first)} of {len(PACK)} files are here" in words_on(own)
    own.click("stop-download")
    own.qtbot.waitUntil(lambda: own.window.state.download is None, timeout=WAIT_MS)
    wait_for_words(own, f"0 of {len(PACK)} files are here")  # looked at again: this source stores nothing


def test_new_damage_opens_the_card_that_has_it(desk: MakeDesk) -> None:
    own = desk(plugged=False)
    open_page(own)
    assert not own.button("fold-photon").isChecked()
    states = {PHOTON_FILES[1]: PackState.DAMAGED}
    items = tuple(PackItem(file, states.get(file, PackState.MISSING)) for file in PACK)
    own.window.dispatch(PackListed(items, ()))
    own.qtbot.waitUntil(lambda: own.button("fold-photon").isChecked(), timeout=WAIT_MS)
    own.click("fold-photon")
    states[FLAG] = PackState.PRESENT
    own.window.dispatch(PackListed(tuple(PackItem(file, states.get(file, PackState.MISSING)) for file in PACK), ()))
    wait_for_words(own, f"1 of {len(PACK)} files are here")
    assert not own.button("fold-photon").isChecked()  # closed by the person, who has seen it


def test_without_the_internet_the_page_says_what_else_helps(desk: MakeDesk) -> None:
    source = Source()
    source.fault = PackOffline("no route", host="example.org")
    source.go_on.set()
    own = desk(plugged=False, fetcher=lambda: source)
    open_page(own)
    own.click("download-pack")
    wait_for_words(own, "example.org cannot be reached")
    assert "drop it on the window" in words_on(own)
    assert own.button("download-pack").isEnabled()


def test_closing_the_window_ends_a_download(desk: MakeDesk) -> None:
    own = desk(plugged=False, fetcher=Source)
    open_page(own)
    own.click("download-pack")
    own.qtbot.waitUntil(lambda: "download" in {each.name for each in threading.enumerate()}, timeout=WAIT_MS)
    assert own.window.close()
    own.close()
    assert "download" not in {each.name for each in threading.enumerate()}


# --- adding ---------------------------------------------------------------------------------------------------------


def test_files_picked_in_the_dialog_are_added_and_named(desk: MakeDesk, tmp_path: Path) -> None:
    own = desk(plugged=False)
    own.pack.root.mkdir()
    (own.pack.root / FLAG.name).write_bytes(b"x")
    open_page(own)
    (tmp_path / "anything").write_bytes(FLAG_BYTES)
    (tmp_path / "letter.txt").write_text("Dear Sir")
    own.click("add-to-pack")
    (dialog,) = own.window.findChildren(QFileDialog)
    dialog.filesSelected.emit([str(tmp_path / "anything"), str(tmp_path / "letter.txt")])
    dialog.reject()
    wait_for_words(own, "Repaired: ")
    assert "letter.txt is no file of the rescue pack" in words_on(own)
    assert (own.pack.root / FLAG.name).read_bytes() == FLAG_BYTES
    wait_for_words(own, f"1 of {len(PACK)} files are here")


def dragged(*paths: Path) -> QMimeData:
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return files


def drag(target: QWidget, files: QMimeData) -> bool:
    """Carry files over a widget, which then gets what follows; return whether they would be taken."""
    enter = QDragEnterEvent(
        QPoint(5, 5),
        Qt.DropAction.CopyAction,
        files,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter.ignore()
    QApplication.sendEvent(target, enter)
    return enter.isAccepted()


def let_go(target: QWidget, files: QMimeData) -> None:
    drop = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        files,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(target, drop)


def overlay(desk: Desk) -> DropOverlay:
    (found,) = desk.window.findChildren(DropOverlay)
    return found


@pytest.mark.parametrize(("screen", "moved"), [(Screen.HOME, True), (Screen.SAFE, False), (Screen.GUIDE, True)])
def test_files_dropped_on_any_page_are_added(desk: MakeDesk, tmp_path: Path, screen: Screen, moved: bool) -> None:
    own = desk(plugged=False)
    own.window.dispatch(Go(screen))
    (tmp_path / "flag.bin").write_bytes(FLAG_BYTES)
    files = dragged(tmp_path / "flag.bin")
    assert drag(own.window, files)
    assert overlay(own).isVisible()
    assert overlay(own).width() == own.window.width()
    assert "Let go to add flag.bin" in words_on(own)
    if moved:  # as the system does once the pointer has moved
        assert drag(overlay(own), files)
    let_go(overlay(own), files)
    assert not overlay(own).isVisible()
    own.wait_for_screen(Screen.PACK)
    wait_for_words(own, "Added: ")
    assert own.pack.read(FLAG.name) == FLAG_BYTES
    own.window.dispatch(Back())
    assert own.screen is Screen.HOME


@pytest.mark.parametrize("moved", [False, True])
def test_what_is_carried_off_again_leaves_no_trace(desk: MakeDesk, tmp_path: Path, moved: bool) -> None:
    own = desk(plugged=False)
    files = dragged(tmp_path / "one", tmp_path / "two")
    assert drag(own.window, files)
    if moved:
        assert drag(overlay(own), files)
    assert "Let go to add 2 files" in words_on(own)
    QApplication.sendEvent(overlay(own), QDragLeaveEvent())
    assert not overlay(own).isVisible()
    assert not own.window.state.adding


def test_no_field_of_the_window_keeps_dropped_files_for_itself(desk: MakeDesk) -> None:
    own = desk(plugged=False)
    for screen in (Screen.HELP, Screen.PACK, Screen.SETTINGS, Screen.SAFE):
        own.window.dispatch(Go(screen))
    own.click("open-passphrase")
    takers = [each for each in own.window.findChildren(QWidget) if each.acceptDrops()]
    assert takers == [overlay(own)]


def test_words_and_addresses_are_not_taken(desk: MakeDesk) -> None:
    own = desk(plugged=False)
    words, address = QMimeData(), QMimeData()
    words.setText("a word")
    address.setUrls([QUrl("https://example.org/particle-cli.tgz")])
    assert not drag(own.window, words)
    assert not drag(own.window, address)
    assert not overlay(own).isVisible()


def test_a_program_of_ones_own_is_offered_to_the_recipe_that_flashes_it(desk: MakeDesk, tmp_path: Path) -> None:
    own = desk(plugged=False)
    program = tmp_path / "blink.bin"
    program.write_bytes(b"a program")
    files = dragged(program)
    drag(own.window, files)
    let_go(overlay(own), files)
    own.click("flash-dropped")
    assert own.screen is Screen.PLAN
    assert (own.window.state.recipe, own.window.state.answers) == (FLASH_FILE, (("file", str(program)),))
