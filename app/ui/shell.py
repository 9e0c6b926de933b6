"""The window: the board on the left, the page of the state on the right, messages above it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, assert_never

from PySide6.QtCore import QProcess, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app import paths
from app.clicks import (
    AddToPack,
    Back,
    Click,
    CloseNotice,
    ConfirmClose,
    GiveAnswer,
    Go,
    NoBoardForLong,
    PickRecipe,
    PressClose,
    RunBegan,
    Screen,
)
from app.flow import AppState, reduce
from app.keys.backup import Backup
from app.orders import (
    AccountDeed,
    AddFiles,
    CloseWindow,
    CopyBackup,
    DelayUpdate,
    DropUpdate,
    EmptyMonitor,
    FetchPack,
    ForgetRescue,
    ListBackups,
    ListPack,
    ListRescues,
    LockSafe,
    LookForUpdate,
    OpenLink,
    OpenPractice,
    Order,
    PutOnClipboard,
    ReadPublicKey,
    RememberUpdates,
    SaveDocument,
    SaveReport,
    SendAnswer,
    SetPassphrase,
    StartMonitor,
    StartRun,
    StopFetch,
    StopMonitor,
    StopRun,
    UnlockSafe,
    UseUpdateAddress,
    WriteSerial,
)
from app.recipes.registry import recipe
from app.ui.account_orders import Accounts, carry_out
from app.ui.board_panel import BoardPanel
from app.ui.pages.account import AccountPage
from app.ui.pages.base import Page, TurningRow, box, breakable, button, label, set_kind
from app.ui.pages.decoder import DecoderPage
from app.ui.pages.driver import DriverPage
from app.ui.pages.help import HelpPage
from app.ui.pages.home import HomePage
from app.ui.pages.light_guide import LightGuidePage
from app.ui.pages.modes import ModesPage
from app.ui.pages.my_boards import MyBoardsPage
from app.ui.pages.pack import PackPage
from app.ui.pages.plan import PlanPage
from app.ui.pages.preferences import PreferencesPage
from app.ui.pages.result import ResultPage
from app.ui.pages.run import RunPage
from app.ui.pages.safe import SafePage
from app.ui.pages.serial_monitor import SerialMonitorPage
from app.ui.pages.transfer import TransferPage
from app.ui.parts.account_bar import AccountBar
from app.ui.parts.drop_overlay import DropOverlay
from app.ui.say import announce, say
from app.ui.settings import Settings
from app.ui.theme import SPACE, tokens
from app.ui.update_orders import Updates
from app.ui.update_orders import carry_out as carry_out_update
from app.work.events import BoardsChanged, Document, Event
from app.work.questions import PickFile

if TYPE_CHECKING:
    from app.ui.practice import PracticePanel

SMALLEST = QSize(900, 620)
USUAL = QSize(1120, 740)
PAGE_WIDTH = 340
"""What a page needs beside the practice board, in px at text scale 1.0."""
NO_BOARD_MS = 10_000
"""After this long without a board the cable is the first suspect."""


def practice_command() -> list[str]:
    """Return the command that starts this program once more, in practice mode."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--practice"]
    return [sys.executable, "-m", "app", "--practice"]


class Engine(Protocol):
    """What the window needs of the engine: orders that return at once."""

    @property
    def accounts(self) -> Accounts | None:
        """Who is signed in where; None: nobody ever is."""

    @property
    def updates(self) -> Updates | None:
        """Looks for newer versions of the program; None: nobody ever does."""

    def run(self, recipe_key: str, port_path: str, answers: Mapping[str, object] | None = None) -> int:
        """Start a recipe with answers given beforehand; return the number of the run."""

    def stop(self, run: int) -> None:
        """Ask a run to stop."""

    def list_backups(self) -> None:
        """Ask for the list of backups."""

    def copy_backup(self, backup: Backup, folder: Path) -> None:
        """Ask for a copy of a backup."""

    def set_passphrase(self, words: str) -> None:
        """Protect the key safe."""

    def unlock(self, words: str) -> None:
        """Unlock the key safe."""

    def lock(self) -> None:
        """Lock the key safe."""

    def save_report(self, target: Path, trace: Path | None = None) -> None:
        """Ask for the support report."""

    def save_document(self, document: Document, target: Path) -> None:
        """Ask for a document to be written."""

    def read_public_key(self, backup: Backup) -> None:
        """Ask for the public key of a backup."""

    def list_pack(self) -> None:
        """Ask for what the rescue pack holds."""

    def fetch_pack(self, names: Sequence[str]) -> None:
        """Download files of the rescue pack."""

    def stop_fetch(self) -> None:
        """Stop that."""

    def add_to_pack(self, paths: Sequence[Path]) -> None:
        """Look for images of the rescue pack in these files."""

    def list_interrupted(self) -> None:
        """Ask for the interrupted rescues."""

    def forget_interrupted(self, rescue_id: str) -> None:
        """Forget one."""

    def open_monitor(self, port_path: str) -> None:
        """Open the serial port of the board on that port."""

    def close_monitor(self) -> None:
        """Close it."""

    def clear_monitor(self) -> None:
        """Drop its lines."""

    def send_serial(self, data: bytes) -> None:
        """Send bytes over it."""


class Shell(QMainWindow):
    """Holds the state: every event goes through `dispatch`, and everything shown follows from the state.

    Signals:
        look_changed: A setting about looks was changed.
        drawn: A new state is on the screen (for tests and tools that wait for one).
    """

    look_changed = Signal()
    drawn = Signal(object)

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        practice: PracticePanel | None = None,
        trace: Path | None = None,
        no_board_ms: int = NO_BOARD_MS,
    ) -> None:
        super().__init__()
        self._engine = engine
        self._settings = settings
        self._practice = practice
        self._trace = trace
        self._may_close = False
        self._state = AppState(practice=practice is not None)
        self.setWindowTitle(self.tr("Rekindle - practice") if practice is not None else self.tr("Rekindle"))

        self._panel = BoardPanel()
        self._panel.chose.connect(self.dispatch)
        self._pages: dict[Screen, QWidget] = {}
        self._stack = QStackedWidget()
        whole = self._arrange(practice)
        self.setCentralWidget(whole)
        self._overlay = DropOverlay(whole)
        self._overlay.dropped.connect(self._take_files)
        self.setAcceptDrops(True)
        self._make_shortcuts()
        self.page(Screen.HOME)
        self.resize(USUAL if practice is None else USUAL + QSize(160, 20))
        if not settings.geometry.isEmpty():
            self.restoreGeometry(settings.geometry)

        self._no_board = QTimer(self)
        self._no_board.setSingleShot(True)
        self._no_board.setInterval(no_board_ms)
        self._no_board.timeout.connect(lambda: self.dispatch(NoBoardForLong()))
        self._no_board.start()
        self._draw(None)

    @property
    def state(self) -> AppState:
        """What is shown."""
        return self._state

    def page(self, screen: Screen) -> QWidget:
        """Return the page of a screen; it is made when it is asked for first, so a start waits for one page only."""
        if screen not in self._pages:
            self._pages[screen] = self._make_page(screen)
            self._stack.addWidget(self._pages[screen])
            self.fit_text()
        return self._pages[screen]

    def dispatch(self, event: Event | Click) -> None:
        """Take one event, draw the state that follows, and do what it orders."""
        before = self._state
        self._state = reduce(before, event)
        if isinstance(event, BoardsChanged):
            self._watch_for_no_board()
        if self._state != before:
            self._draw(before)
        for order in self._state.orders:
            self._carry_out(order)

    def fit_text(self) -> None:
        """Take the size of words into account."""
        self._panel.fit_text()
        if self._practice is not None:
            self._practice.fit_text()
            self._place_practice(self._practice)
        self.setMinimumSize(SMALLEST.expandedTo(self.minimumSizeHint()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the page its room."""
        super().resizeEvent(event)
        if self._practice is not None:
            self._place_practice(self._practice)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be let go of anywhere: what lies over everything takes them from here on."""
        asked = self._asked_file()
        if self._overlay.offer(event.mimeData(), say(asked.title) if asked is not None else ""):
            event.acceptProposedAction()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """They went on to what lies over everything, which shows itself again, or out of the window."""
        self._overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """They were let go of where they came in."""
        self._overlay.take(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask first while a run is under way."""
        if not self._may_close:
            self.dispatch(PressClose())  # which allows it at once when there is nothing to ask
        if not self._may_close:
            event.ignore()
            return
        self._settings.geometry = self.saveGeometry()
        super().closeEvent(event)

    # --- making ---

    def _make_page(self, screen: Screen) -> QWidget:
        page: Page
        match screen:
            case Screen.HOME:
                page = HomePage()
            case Screen.PLAN:
                page = PlanPage()
            case Screen.RUN:
                page = RunPage()
            case Screen.RESULT:
                page = ResultPage(self._settings)
            case Screen.SAFE:
                page = SafePage(self._settings)
            case Screen.PACK:
                page = PackPage(self._settings)
            case Screen.SETTINGS:
                page = PreferencesPage(self._settings)
                page.look_changed.connect(self.look_changed)
            case Screen.HELP:
                page = HelpPage()
            case Screen.MODES:
                page = ModesPage()
            case Screen.MONITOR:
                page = SerialMonitorPage(self._settings)
            case Screen.DRIVER:
                page = DriverPage(paths.driver_helper())
            case Screen.GUIDE:
                return self._make_guide()
            case Screen.DECODER:
                page = DecoderPage()
            case Screen.ACCOUNT:
                page = AccountPage()
            case Screen.BOARDS:
                page = MyBoardsPage()
            case Screen.TRANSFER:
                page = TransferPage()
            case _ as missing:
                assert_never(missing)
        if isinstance(page, ResultPage | SafePage | HelpPage):
            page.show_file.connect(self._show_file)
        page.chose.connect(self.dispatch)
        return page

    def _make_guide(self) -> QWidget:
        guide = LightGuidePage()
        guide.chosen.connect(lambda key: self.dispatch(PickRecipe(key)))
        guide.decode.connect(lambda: self.dispatch(Go(Screen.DECODER)))
        guide.modes.connect(lambda: self.dispatch(Go(Screen.MODES)))
        guide.closed.connect(lambda: self.dispatch(Back()))
        return guide

    def _arrange(self, practice: PracticePanel | None) -> QWidget:
        right = QVBoxLayout()
        right.setSpacing(0)
        self._account_bar = AccountBar()
        self._account_bar.chose.connect(self.dispatch)
        right.addWidget(self._account_bar)
        right.addWidget(self._make_notice())
        right.addWidget(self._make_close_question())
        right.addWidget(self._stack, 1)
        self._left = QVBoxLayout()
        self._left.setSpacing(0)
        self._left.addWidget(self._panel, 1)
        row = self._row = QHBoxLayout()
        row.setSpacing(0)
        row.addLayout(self._left)
        row.addLayout(right, 1)
        if practice is not None:
            row.addWidget(practice)
        whole = QVBoxLayout()
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        if practice is not None:
            banner, column = box("banner", margin=1)
            words = label(self.tr("Practice: this is not a real board. Its keys are kept apart."), "accent")
            words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(words)
            whole.addWidget(banner)
        whole.addLayout(row, 1)
        centre = QWidget()
        centre.setProperty("kind", "page")
        centre.setLayout(whole)
        return centre

    def _place_practice(self, practice: PracticePanel) -> None:
        """The practice board has a column of its own; where that leaves the page too little, it is below the board."""
        self._panel.fit_text()
        practice.set_low(False)
        both = self._panel.minimumWidth() + practice.minimumWidth()
        below = self.width() - both < tokens().px(PAGE_WIDTH)
        if below:
            practice.set_low(True)
            wide = max(self._panel.minimumWidth(), practice.minimumWidth())
            self._panel.setFixedWidth(wide)
            practice.setFixedWidth(wide)
        if below is (self._left.indexOf(practice) >= 0):
            return
        if below:
            self._row.removeWidget(practice)
            self._left.addWidget(practice, 1)
        else:
            self._left.removeWidget(practice)
            self._row.addWidget(practice)

    def _make_notice(self) -> QWidget:
        self._notice, column = box("banner", margin=1)
        row = TurningRow(narrow=480)
        row.setContentsMargins(SPACE * 3, 0, SPACE * 3, 0)
        self._notice_words = label("")
        self._notice_show = button(self.tr("Show in folder"), "small", self._show_notice_file)
        row.add(self._notice_words, 1)
        row.add(self._notice_show)
        row.add(button(self.tr("Close message"), "small", lambda: self.dispatch(CloseNotice())))
        column.addWidget(row)
        self._notice.hide()
        return self._notice

    def _make_close_question(self) -> QWidget:
        self._closing, column = box("banner", margin=1)
        row = TurningRow(narrow=520)
        row.setContentsMargins(SPACE * 3, 0, SPACE * 3, 0)
        row.add(label(self.tr("A run is under way. Stop it and close Rekindle?"), "strong"), 1)
        self._stay = button(self.tr("&Go on"), "", lambda: self.dispatch(ConfirmClose(False)))
        self._stay.setObjectName("stay")
        leave = button(self.tr("Stop and &close"), "primary", lambda: self.dispatch(ConfirmClose(True)))
        leave.setObjectName("stop-and-close")
        row.add(self._stay)
        row.add(leave)
        column.addWidget(row)
        self._closing.hide()
        return self._closing

    def _make_shortcuts(self) -> None:
        for keys, click in (
            ("Esc", Back()),
            ("F1", Go(Screen.HELP)),
            ("Ctrl+H", Go(Screen.HOME)),
            ("Ctrl+L", Go(Screen.GUIDE)),
            ("Ctrl+M", Go(Screen.MONITOR)),
            ("Ctrl+D", Go(Screen.DECODER)),
            ("Ctrl+K", Go(Screen.SAFE)),
            ("Ctrl+R", Go(Screen.PACK)),
            ("Ctrl+B", Go(Screen.BOARDS)),
            ("Ctrl+U", Go(Screen.ACCOUNT)),
            ("Ctrl+,", Go(Screen.SETTINGS)),
        ):
            QShortcut(QKeySequence(keys), self, lambda chosen=click: self.dispatch(chosen))
        QShortcut(QKeySequence(QKeySequence.StandardKey.Quit), self, self.close)

    # --- drawing ---

    def _draw(self, before: AppState | None) -> None:
        state = self._state
        self._panel.show_state(state)
        self._account_bar.show_state(state)
        page = self.page(state.screen)
        if isinstance(page, Page):
            page.show_state(state)
        elif isinstance(page, LightGuidePage) and before is not None and before.screen is not Screen.GUIDE:
            page.show_platform(state.shown_board.platform if state.shown_board is not None else None)
        if before is None or before.screen is not state.screen:
            self._stack.setCurrentWidget(page)
            if isinstance(page, Page):
                page.scroller.verticalScrollBar().setValue(0)
            self._focus(page)
        self._draw_messages(before)
        self.drawn.emit(state)

    def _draw_messages(self, before: AppState | None) -> None:
        state = self._state
        self._notice.setVisible(state.notice is not None)
        if state.notice is not None and (before is None or before.notice is not state.notice):
            words = say(state.notice.words)
            self._notice_words.setText(breakable(words))
            set_kind(self._notice_words, "danger" if state.notice.bad else "")
            self._notice_show.setVisible(bool(state.notice.path))
            announce(self, words)
        self._closing.setVisible(state.confirm_close)
        if state.confirm_close and (before is None or not before.confirm_close):
            self._stay.setFocus()

    def _focus(self, page: QWidget) -> None:
        wanted = page.first_focus() if isinstance(page, Page | LightGuidePage) else None
        if wanted is not None:
            wanted.setFocus(Qt.FocusReason.OtherFocusReason)

    def _watch_for_no_board(self) -> None:
        if self._state.boards:
            self._no_board.stop()
        elif not self._no_board.isActive() and not self._state.no_board_for_long:
            self._no_board.start()

    # --- doing ---

    def _carry_out(self, order: Order) -> None:
        match order:
            case StartRun(key, board, answers):
                run = self._engine.run(key, board.port_path, dict(answers))
                self.dispatch(RunBegan(run, key, board, recipe(key).promise.changes_board, answers))
            case ListRescues():
                self._engine.list_interrupted()
            case ForgetRescue(rescue_id):
                self._engine.forget_interrupted(rescue_id)
            case ListPack():
                self._engine.list_pack()
            case FetchPack(names):
                self._engine.fetch_pack(names)
            case StopFetch():
                self._engine.stop_fetch()
            case AddFiles(paths):
                self._engine.add_to_pack(paths)
            case StopRun(run):
                self._engine.stop(run)
            case SendAnswer(asked, answer):
                asked.reply(answer)
            case ListBackups():
                self._engine.list_backups()
            case CopyBackup(backup, folder):
                self._engine.copy_backup(backup, folder)
            case SetPassphrase(words):
                self._engine.set_passphrase(words)
            case UnlockSafe(words):
                self._engine.unlock(words)
            case LockSafe():
                self._engine.lock()
            case SaveReport(target):
                self._engine.save_report(target, self._trace)
            case SaveDocument(document, target):
                self._engine.save_document(document, target)
            case ReadPublicKey(backup):
                self._engine.read_public_key(backup)
            case PutOnClipboard(words):
                QGuiApplication.clipboard().setText(words)
            case StartMonitor(port_path):
                self._engine.open_monitor(port_path)
            case StopMonitor():
                self._engine.close_monitor()
            case EmptyMonitor():
                self._engine.clear_monitor()
            case WriteSerial(data):
                self._engine.send_serial(data)
            case OpenPractice():
                program, *arguments = practice_command()
                QProcess.startDetached(program, arguments)
            case OpenLink(link):
                QDesktopServices.openUrl(QUrl(link))
            case RememberUpdates() | LookForUpdate() | UseUpdateAddress() | DropUpdate() | DelayUpdate():
                if self._engine.updates is not None:
                    carry_out_update(self._engine.updates, order)
            case CloseWindow():
                self._may_close = True
                self.close()
            case _:
                self._carry_out_account(order)

    def _carry_out_account(self, order: AccountDeed) -> None:
        if self._engine.accounts is not None:
            carry_out(self._engine.accounts, order)

    def _asked_file(self) -> PickFile | None:
        """The question on the screen that a file answers."""
        run = self._state.live_run
        if self._state.screen is not Screen.RUN or run is None or run.asked is None:
            return None
        return run.asked.question if isinstance(run.asked.question, PickFile) else None

    def _take_files(self, files: tuple[Path, ...]) -> None:
        """One file or folder answers an open question for it; else they may be images of the rescue pack."""
        answers = self._asked_file() is not None and len(files) == 1
        self.dispatch(GiveAnswer(str(files[0])) if answers else AddToPack(files))

    def _show_notice_file(self) -> None:
        if self._state.notice is not None:
            self._show_file(QUrl.fromLocalFile(str(Path(self._state.notice.path).parent)))

    def _show_file(self, place: QUrl) -> None:
        QDesktopServices.openUrl(place)
