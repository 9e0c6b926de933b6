"""The rescue pack: which firmware files are here, and the three ways to get those that are not."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from app.clicks import AddToPack, Back, PickRecipe, PressDownload, PressStopDownload
from app.firmware.pack import Notice, PackItem, PackState, pack_file
from app.flow import FLASH_FILE, AppState, Download, StepStatus
from app.platforms.table import PLATFORMS
from app.text import Text
from app.ui.pages.base import Page, StepMark, TurningRow, box, breakable, button, clear, label, mono_lines, set_kind
from app.ui.parts.fold import Fold, FoldButton
from app.ui.say import announce, data_size, duration, say, size_per_second
from app.ui.settings import Settings
from app.ui.theme import SPACE, tokens
from app.work.events import PackAdded

PROGRESS_STEPS = 1000
LONGEST_NAME = 20  # characters; a longer one may wrap
NAMED = 3
"""So many of the files added are named one by one."""
PACKED = (".tgz", ".gz", ".tar", ".zip", ".bin", ".der")
"""Endings of what can be added."""


class PackPage(Page):
    """What is here and what is not, board by board; downloading, adding; whose the files are."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("")
        self.title.setText(self.tr("Rescue pack"))
        self._settings = settings
        self._items: tuple[PackItem, ...] | None = None
        self._notices: tuple[Notice, ...] | None = None
        self._added: PackAdded | None = None
        self._spoken = ""
        self._cards: dict[str, PackCard] = {}
        self._notices_open = False
        self.content.addWidget(
            label(
                self.tr(
                    "The firmware files that rescues write. Each one is compared with its known fingerprint before "
                    "it is used. Once they are here, every rescue works without the internet."
                ),
                "lead",
            )
        )
        self.content.addWidget(self._make_summary())
        self.content.addWidget(self._make_trouble())
        self.content.addWidget(self._make_result())
        self.content.addWidget(self._make_drop_zone())
        self._boards = QVBoxLayout()
        self._boards.setSpacing(SPACE + SPACE // 2)
        self.content.addLayout(self._boards)
        self._ownership = QVBoxLayout()
        self.content.addLayout(self._ownership)
        self.content.addStretch(1)
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)

    def show_state(self, state: AppState) -> None:
        """Draw the pack, the download under way, and what came of adding files."""
        focus = self.window().focusWidget()
        self._show_summary(state)
        self._show_download(state.download)
        if focus is self._get and self._get.isHidden() and not self._stop.isHidden():
            self._stop.setFocus()
        elif focus in (self._get, self._stop) and focus.isHidden():
            self.first_focus().setFocus()
        self._show_trouble(state)
        self._show_added(state)
        if state.pack != self._items:
            self._items = state.pack
            self._show_boards(state.pack or ())
        if state.pack_notices != self._notices:
            self._notices = state.pack_notices
            self._show_notices(state.pack_notices)

    def first_focus(self) -> QWidget:
        """Download while something is missing, else Add."""
        return self._get if self._get.isVisibleTo(self) and self._get.isEnabled() else self._add

    # --- the parts ---

    def _make_summary(self) -> QWidget:
        self._summary, column = box("hero")
        self._count = label("", "strong")
        self._lacks = label("", "muted")
        column.addWidget(self._count)
        column.addWidget(self._lacks)
        self._loading = QWidget()
        loading = QVBoxLayout(self._loading)
        loading.setContentsMargins(0, 0, 0, 0)
        loading.setSpacing(SPACE // 2)
        self._bar = QProgressBar()
        self._bar.setRange(0, PROGRESS_STEPS)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the download"))
        self._file = label("", "muted")
        self._figures = label("", "muted")
        for part in (self._bar, self._figures, self._file):
            loading.addWidget(part)
        column.addWidget(self._loading)
        column.addSpacing(SPACE // 2)
        row = TurningRow()
        self._get = button(self.tr("&Download what is missing"), "primary", lambda: self.chose.emit(PressDownload()))
        self._get.setObjectName("download-pack")
        self._stop = button(self.tr("&Stop"), "", lambda: self.chose.emit(PressStopDownload()))
        self._stop.setObjectName("stop-download")
        self._add = button(self.tr("&Add a file..."), "", self._ask_files)
        self._add.setObjectName("add-to-pack")
        self._add.setAccessibleDescription(self.tr("A package (.tgz, .zip) or single files (.bin)"))
        for control in (self._get, self._stop, self._add):
            row.add(control)
        row.add_stretch()
        column.addWidget(row)
        return self._summary

    def _make_trouble(self) -> QWidget:
        self._trouble, column = box("danger-box")
        self._cause = label("", "danger")
        self._next_step = label("")
        column.addWidget(self._cause)
        column.addWidget(self._next_step)
        return self._trouble

    def _make_result(self) -> QWidget:
        self._result, self._result_lines = box()
        self._result.setObjectName("added")
        return self._result

    def _make_drop_zone(self) -> QWidget:
        zone, column = box("drop-zone")
        words = label(
            self.tr(
                "Or drop files anywhere on this window: the package particle-cli (.tgz), a .zip, or single .bin files. "
                "They are recognised by their content, whatever they are called."
            ),
            "muted",
        )
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(words)
        return zone

    # --- what they say ---

    def _show_summary(self, state: AppState) -> None:
        items = state.pack
        if items is None:
            self._count.setText(self.tr("Looking through the pack..."))
            self._lacks.hide()
            self._get.hide()
            return
        lacking = state.lacking
        here = len(items) - len(lacking)
        whole = data_size(sum(item.file.size for item in items))
        if lacking:
            present = data_size(sum(item.file.size for item in items if item.state is PackState.PRESENT))
            self._count.setText(
                self.tr("{here} of {all} files are here: {present} of {whole}.").format(
                    here=here, all=len(items), present=present, whole=whole
                )
            )
        else:
            self._count.setText(
                self.tr("All {all} files are here, whole and checked: {whole}.").format(all=len(items), whole=whole)
            )
        damaged = sum(item.state is PackState.DAMAGED for item in lacking)
        missing = len(lacking) - damaged
        parts = []
        if missing:
            parts.append(self.tr("Missing: {number}.").format(number=missing))
        if damaged:
            parts.append(self.tr("Damaged, and never used: {number}.").format(number=damaged))
        if lacking:
            size = data_size(sum(item.file.size for item in lacking))
            parts.append(self.tr("To download: {size}.").format(size=size))
        self._lacks.setText(" ".join(parts))
        set_kind(self._lacks, "danger-word" if damaged else "muted")
        self._lacks.setVisible(bool(parts))
        set_kind(self._summary, "hero" if lacking else "card")
        self._get.setVisible(bool(lacking) and state.download is None)

    def _show_download(self, download: Download | None) -> None:
        self._loading.setVisible(download is not None)
        self._stop.setVisible(download is not None)
        if download is None:
            self._spoken = ""
            return
        self._stop.setText(self.tr("Stopping...") if download.stopping else self.tr("&Stop"))
        progress = download.progress
        if progress is None:
            self._bar.setValue(0)
            self._file.setText(self.tr("Connecting..."))
            self._figures.setText("")
            return
        self._bar.setValue(round(PROGRESS_STEPS * progress.done / max(1, progress.total)))
        self._file.setText(say(pack_file(progress.name).title))
        if self._file.text() != self._spoken:
            self._spoken = self._file.text()
            announce(self, self._spoken)
        words = [self.tr("{done} of {total}").format(done=data_size(progress.done), total=data_size(progress.total))]
        if progress.rate > 0:
            words.append(size_per_second(progress.rate))
        if progress.seconds_left is not None and progress.seconds_left >= 1:
            words.append(self.tr("about {time} left").format(time=duration(progress.seconds_left)))
        self._figures.setText(" · ".join(words))

    def _show_trouble(self, state: AppState) -> None:
        trouble = state.pack_trouble
        if trouble is not None:
            cause, next_step = say(trouble.cause), say(trouble.next_step)
            if self._trouble.isHidden():
                announce(self, cause)
            self._cause.setText(wrapping(cause))
            self._next_step.setText(next_step)
        self._trouble.setVisible(trouble is not None)

    def _show_added(self, state: AppState) -> None:
        if state.adding:
            if self._added is not None or self._result.isHidden():
                self._added = None
                clear(self._result_lines)
                self._result_lines.addWidget(label(self.tr("Looking through the files..."), "muted"))
                set_kind(self._result, "card")
                self._result.show()
            return
        if state.added is self._added and self._added is not None:
            return
        self._added = state.added
        clear(self._result_lines)
        self._result.setVisible(state.added is not None)
        if state.added is not None:
            self._fill_result(state.added)

    def _fill_result(self, added: PackAdded) -> None:
        fresh = tuple(name for name in added.names if name not in added.repaired)
        spoken = []
        for words, kind in (
            (self._named(self.tr("Added: {files}."), self.tr("Added: {number} files."), fresh), "good-word"),
            (
                self._named(
                    self.tr("Repaired: {files}. The damaged file was replaced."),
                    self.tr("Repaired: {number} files. The damaged ones were replaced."),
                    added.repaired,
                ),
                "good-word",
            ),
            *((self._unknown_words(path), "") for path in added.unknown[:NAMED]),
            *((say(trouble), "danger") for trouble in added.troubles[:NAMED]),
        ):
            if words:
                self._result_lines.addWidget(label(wrapping(words), kind))
                spoken.append(words)
        more = max(0, len(added.unknown) - NAMED)
        if more:
            self._result_lines.addWidget(
                label(self.tr("None of {number} other files is in the pack either.").format(number=more), "muted")
            )
        self._offer_program(added)
        bad = bool(added.troubles) and not added.names
        set_kind(self._result, "danger-box" if bad else "good-box" if added.names else "card")
        announce(self, " ".join(spoken))

    def _named(self, few: str, many: str, names: tuple[str, ...]) -> str:
        if not names:
            return ""
        if len(names) > NAMED:
            return many.format(number=len(names))
        return few.format(files="; ".join(say(pack_file(name).title) for name in names))

    def _unknown_words(self, path: str) -> str:
        return self.tr("{file} is no file of the rescue pack, and holds none.").format(file=PurePath(path).name)

    def _offer_program(self, added: PackAdded) -> None:
        """A .bin that is not of the pack is most likely the person's own program."""
        programs = [path for path in added.unknown if path.lower().endswith(".bin")]
        if len(programs) != 1:
            return
        path = programs[0]
        row = TurningRow()
        row.add(label(self.tr("Is it a program of your own? Rekindle can put it on a board, after checking it.")), 1)
        flash = button(self.tr("&Flash it..."), "", lambda: self.chose.emit(PickRecipe(FLASH_FILE, (("file", path),))))
        flash.setObjectName("flash-dropped")
        flash.setAccessibleName(self.tr("Flash {file}").format(file=PurePath(path).name))
        row.add(flash)
        self._result_lines.addWidget(row)

    # --- the table ---

    def _show_boards(self, items: tuple[PackItem, ...]) -> None:
        """Bring the cards up to date; they stay, with what is open, focused and scrolled to."""
        for key, name in (*((known.key, known.name) for known in PLATFORMS), (None, self.tr("For every board"))):
            own = tuple(item for item in items if item.file.platform == key)
            if own and (key or "") not in self._cards:
                self._cards[key or ""] = PackCard(key or "every", name, own)
                self._boards.addWidget(self._cards[key or ""])
            elif own:
                self._cards[key or ""].show_items(own)

    def _show_notices(self, notices: tuple[Notice, ...]) -> None:
        clear(self._ownership)
        if not notices:
            return
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(SPACE, 0, SPACE, SPACE)
        column.setSpacing(SPACE)
        for notice in notices:
            column.addWidget(label(say(notice.title), "strong"))
            for words in notice.words:
                column.addWidget(label(say(words)))
            if notice.licence:
                lines = mono_lines(self.tr("Licence: {title}").format(title=say(notice.title)), notice.licence)
                lines.setFixedHeight(tokens().px(220))
                column.addWidget(lines)
        fold = Fold(self.tr("Licences and notices"), inside, opened=self._notices_open)
        fold.button.setObjectName("fold-licences")
        fold.button.toggled.connect(self._keep_notices_open)
        frame, outer = box("card", margin=1)
        outer.addWidget(fold)
        self._ownership.addWidget(frame)

    def _keep_notices_open(self, opened: bool) -> None:
        self._notices_open = opened

    # --- files ---

    def _ask_files(self) -> None:
        kinds = " ".join(f"*{ending}" for ending in PACKED)
        dialog = QFileDialog(self, self.tr("Add to the rescue pack"), str(self._settings.last_folder))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(
            [self.tr("Packages and firmware ({kinds})").format(kinds=kinds), self.tr("All files (*)")]
        )
        dialog.filesSelected.connect(lambda names: self._picked(tuple(Path(name) for name in names)))
        dialog.finished.connect(lambda _result: dialog.deleteLater())
        dialog.open()

    def _picked(self, paths: tuple[Path, ...]) -> None:
        if paths:
            self._settings.last_folder = paths[0].parent
            self.chose.emit(AddToPack(paths))


class PackCard(QFrame):
    """The files of one board below a heading that opens and closes, with how many of them are here."""

    def __init__(self, key: str, name: str, items: tuple[PackItem, ...]) -> None:
        """Make the card; the table's files stay the same, `show_items` changes their states."""
        super().__init__()
        self.setProperty("kind", "card")
        self._name = name
        self._items = items
        self._table = PackTable(items)
        self._head = FoldButton(name)
        self._head.setObjectName(f"fold-{key}")
        self._head.toggled.connect(self._table.setVisible)
        self._mark = StepMark(StepStatus.WAITING)
        self._count = label("", "muted")
        self._count.setWordWrap(False)
        line = TurningRow()
        line.add(self._head, 1)
        line.add(self._count)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addSpacing(SPACE // 2)
        row.addWidget(self._mark)
        row.addWidget(line, 1)
        row.addSpacing(SPACE)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        column.setSpacing(SPACE)
        column.addLayout(row)
        column.addWidget(self._table)
        here = _number(items, PackState.PRESENT)
        self._head.setChecked(0 < here < len(items) or _number(items, PackState.DAMAGED) > 0)
        self._table.setVisible(self._head.isChecked())
        self._say()

    def show_items(self, items: tuple[PackItem, ...]) -> None:
        """Show these states. What is open stays open; only new damage opens it."""
        if items == self._items:
            return
        if _number(items, PackState.DAMAGED) > _number(self._items, PackState.DAMAGED):
            self._head.setChecked(True)
        self._items = items
        self._table.show_items(items)
        self._say()

    def _say(self) -> None:
        here, damaged = _number(self._items, PackState.PRESENT), _number(self._items, PackState.DAMAGED)
        words = self.tr("{here} of {all} here").format(here=here, all=len(self._items))
        if damaged:
            words = self.tr("{number} damaged").format(number=damaged)
        whole = here == len(self._items)
        self._mark.set_status(StepStatus.BROKEN if damaged else StepStatus.DONE if whole else StepStatus.WAITING)
        self._count.setText(words)
        set_kind(self._count, "danger-word" if damaged else "muted")
        set_kind(self, "danger-box" if damaged else "card")
        self._head.setAccessibleName(f"{self._name}: {words}")


class PackTable(QWidget):
    """The files of one board: what, release, size, state. Where it is narrow the last three go below the first."""

    def __init__(self, items: tuple[PackItem, ...]) -> None:
        super().__init__()
        self._turned: bool | None = None
        grid = QGridLayout(self)
        grid.setContentsMargins(SPACE * 5, 0, SPACE, SPACE)
        grid.setHorizontalSpacing(SPACE * 2)
        grid.setVerticalSpacing(SPACE // 2)
        grid.setColumnStretch(1, 1)
        self._rows = [PackRow(grid, row * 2, item) for row, item in enumerate(items)]
        self._turn(narrow=True)

    def show_items(self, items: tuple[PackItem, ...]) -> None:
        """Show the states of these, the same files in the same order."""
        for row, item in zip(self._rows, items, strict=True):
            row.show_item(item)

    def minimumSizeHint(self) -> QSize:
        """As narrow as the narrow form can be."""
        return QSize(tokens().px(140), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the form."""
        super().resizeEvent(event)
        self._turn(narrow=self.width() < tokens().px(460))

    def _turn(self, *, narrow: bool) -> None:
        if narrow is self._turned:
            return
        self._turned = narrow
        for row in self._rows:
            row.turn(narrow=narrow)


class PackRow(QObject):
    """The cells of one file."""

    def __init__(self, grid: QGridLayout, row: int, item: PackItem) -> None:
        super().__init__(grid)
        self._shown: PackItem | None = None
        file = item.file
        size = data_size(file.size)
        # Old files that say no release are told apart by the package they came in.
        release = file.release or self.tr("package {version}").format(version=file.package_version)
        self._details = (release, size)
        self._mark = StepMark(StepStatus.WAITING)
        self._title = label(what(file.title))
        self._title.setToolTip(file.name)
        self._title.setAccessibleDescription(file.name)
        grid.addWidget(self._mark, row, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(self._title, row, 1)
        figure = label(size, "muted")
        self._state = label()
        self._wide = (label(release, "muted"), figure, self._state)
        for column, cell in enumerate(self._wide, start=2):
            cell.setWordWrap(False)
            side = Qt.AlignmentFlag.AlignRight if cell is figure else Qt.AlignmentFlag.AlignLeft
            grid.addWidget(cell, row, column, side | Qt.AlignmentFlag.AlignVCenter)
        self._below = label()
        grid.addWidget(self._below, row + 1, 1)
        self.show_item(item)

    def show_item(self, item: PackItem) -> None:
        """Show the file's state."""
        if item == self._shown:
            return
        self._shown = item
        status, state, kind = {
            PackState.PRESENT: (StepStatus.DONE, self.tr("present"), "good-word"),
            PackState.MISSING: (StepStatus.WAITING, self.tr("missing"), "muted-word"),
            PackState.DAMAGED: (StepStatus.BROKEN, self.tr("damaged"), "danger-word"),
        }[item.state]
        release, size = self._details
        self._mark.set_status(status)
        self._title.setAccessibleName(
            self.tr("{title}, {size}: {state}").format(title=say(item.file.title), size=size, state=state)
        )
        self._state.setText(state)
        self._below.setText(" · ".join((state, release, size)))
        for cell in (self._state, self._below):
            set_kind(cell, kind)

    def turn(self, *, narrow: bool) -> None:
        """Choose the form."""
        for cell in self._wide:
            cell.setVisible(not narrow)
        self._below.setVisible(narrow)


def _number(items: tuple[PackItem, ...], state: PackState) -> int:
    return sum(item.state is state for item in items)


def wrapping(words: str) -> str:
    """Let names of files and hosts in a sentence wrap; the words around them stay whole."""
    return re.sub(rf"\S{{{LONGEST_NAME},}}", lambda name: breakable(name.group()), words)


def what(title: Text) -> str:
    """Return a file's title without the board and the release, which stand beside it."""
    inner = dict(title.values).get("what")
    return say(inner) if isinstance(inner, Text) else say(title)
