"""Rescues in the window on the real kernel's USB stack: from the first click to the bytes that `dfu-util` reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.clicks import Screen
from app.firmware.pack import pick
from app.ui.parts.watch_view import WatchView
from app.work.events import Failed
from app.work.questions import PickFile, WatchLight
from lab.station import MakeStation, Station, at_write
from lab.window import RUN_MS, Window, window_on

pytestmark = pytest.mark.lab


def test_full_upgrade_from_the_first_click_to_what_dfu_util_reads(
    station: MakeStation, qtbot: QtBot, record_property: Callable[[str, object], None]
) -> None:
    place = station("core-old-radio")
    keys, before = place.secrets(), place.board.transfers
    with window_on(place, qtbot) as window:
        window.click("card-full-firmware-upgrade")
        window.click("start")
        window.choose("radio-patch", "1.13.7")
        window.agree()
        window.wait_for(WatchLight, "radio-patching")
        window.wait(lambda: any(each.isVisible() for each in window.shell.findChildren(WatchView)))
        window.result()
    record_property("measured", f"full upgrade of a Core: {place.board.transfers - before} transfers")
    place.await_running()
    place.into_dfu()
    assert place.secrets() == keys
    assert place.undo.interrupted() == ()
    for region in ("factory", "application"):
        place.check(region, pick("core", "tinker").name)


def restore_up_to_the_writing(window: Window) -> None:
    window.click("card-restore-system")
    window.click("start")
    window.choose("release", "2.2.0")
    window.choose("application", "tinker")
    window.agree()


def check_system(place: Station) -> None:
    place.await_running()
    place.into_dfu()
    for region, role in (("system-1", "system-1"), ("system-2", "system-2"), ("user", "tinker")):
        place.check(region, pick("photon", role).name)


def test_restoring_a_photon_is_cut_by_the_cable_and_finished_with_the_button_on_the_first_page(
    station: MakeStation, qtbot: QtBot
) -> None:
    place = station("photon-0.7")
    keys = place.secrets()
    with window_on(place, qtbot) as window:
        with at_write(40, place.pull_soon):
            restore_up_to_the_writing(window)
            window.wait(lambda: window.shell.state.screen is Screen.RESULT, RUN_MS)
        run = window.shell.state.run
        assert run is not None
        assert isinstance(run.end, Failed), run.end
        window.wait(lambda: window.shell.state.rescues)
        place.plug_in_again()
        window.wait(lambda: window.shell.state.boards)
        window.click("done")
        window.click("finish-rescue")
        window.agree()
        window.result()
        window.wait(lambda: not window.shell.state.rescues)
    check_system(place)
    assert place.secrets() == keys


def test_an_own_file_from_the_first_click_to_what_dfu_util_reads(
    station: MakeStation, qtbot: QtBot, tmp_path: Path
) -> None:
    place = station("photon")
    name = pick("photon", "tinker").name
    own = tmp_path / "blink.bin"
    own.write_bytes(place.pack.read(name))
    with window_on(place, qtbot) as window:
        window.click("card-flash-file")
        window.click("start")
        window.wait_for(PickFile, "file")
        window.click_words("Choose a file")
        window.wait(lambda: window.shell.findChildren(QFileDialog))
        (dialog,) = window.shell.findChildren(QFileDialog)
        dialog.fileSelected.emit(str(own))
        dialog.reject()
        window.choose("slot", "user")
        window.agree()
        window.result()
    place.into_dfu()
    place.check("user", name)
