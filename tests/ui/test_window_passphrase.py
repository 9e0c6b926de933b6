"""The key safe's passphrase in the window: set, used by a backup, locked, and unlocked after the next start."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit
from pytestqt.qtbot import QtBot
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.keys.safe import KeySafe
from app.work.events import Protection, Succeeded

MakeDesk = Callable[..., Desk]
SECRET = "correct horse"


def line(desk: Desk, name: str) -> QLineEdit:
    (found,) = desk.window.findChildren(QLineEdit, name)
    return found


def type_into(desk: Desk, name: str, words: str) -> None:
    desk.qtbot.waitUntil(line(desk, name).isVisible, timeout=WAIT_MS)
    QTest.keyClicks(line(desk, name), words)


def words_on(desk: Desk) -> str:
    return "\n".join(each.text() for each in desk.window.findChildren(QLabel) if each.isVisible())


def wait_for(desk: Desk, protection: Protection) -> None:
    desk.qtbot.waitUntil(lambda: desk.window.state.protection is protection, timeout=WAIT_MS)


def open_safe(desk: Desk, protection: Protection) -> None:
    desk.click("open-safe")
    wait_for(desk, protection)


def test_a_passphrase_set_in_the_window_encrypts_backups_and_opens_them_after_the_next_start(desk: MakeDesk) -> None:
    photon = desk("photon")
    photon.wait_for_board()
    open_safe(photon, Protection.UNPROTECTED)
    photon.click("open-passphrase")
    type_into(photon, "passphrase", SECRET)
    assert not photon.button("give-passphrase").isEnabled()
    assert "Nobody can recover a forgotten passphrase" in words_on(photon)
    type_into(photon, "passphrase-again", SECRET)
    photon.click("give-passphrase")
    wait_for(photon, Protection.UNLOCKED)
    assert line(photon, "passphrase").text() == ""
    QTest.keyClick(photon.window, Qt.Key.Key_Escape)

    photon.click("back-up-now")
    photon.click("start")
    photon.wait_for_screen(Screen.RESULT)
    run = photon.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    (kept,) = photon.safe.backups()
    assert kept.encrypted
    own = bytes(photon.board.dct[34:646])
    files = [path.read_bytes() for path in photon.safe.root.rglob("*") if path.is_file()]
    assert all(own[:64] not in content for content in files)

    again = KeySafe(photon.safe.root, practice=True)
    assert again.locked
    again.unlock(SECRET)
    assert again.key_bytes(kept) == own

    later = desk("photon")
    later.wait_for_board()
    open_safe(later, Protection.LOCKED)
    assert "Protected by a passphrase, locked" in words_on(later)
    later.click("open-passphrase")
    type_into(later, "passphrase", "wrong")
    later.click("give-passphrase")
    later.qtbot.waitUntil(lambda: "This passphrase does not fit." in words_on(later), timeout=WAIT_MS)
    type_into(later, "passphrase", SECRET)
    later.click("give-passphrase")
    wait_for(later, Protection.UNLOCKED)
    assert later.safe.key_bytes(kept) == own
    later.click("lock")
    wait_for(later, Protection.LOCKED)
    assert later.safe.locked


def test_a_backup_into_a_locked_safe_asks_for_the_passphrase_in_the_window(desk: MakeDesk, qtbot: QtBot) -> None:
    photon = desk("photon")
    photon.safe.set_passphrase(SECRET)
    photon.safe.lock()
    photon.wait_for_board()
    photon.click("back-up-now")
    photon.click("start")

    def asked() -> bool:
        run = photon.window.state.run
        return run is not None and run.asked is not None

    qtbot.waitUntil(asked, timeout=WAIT_MS)
    (field,) = (
        each
        for each in photon.window.findChildren(QLineEdit)
        if each.echoMode() is QLineEdit.EchoMode.Password and each.accessibleName().startswith("Type the passphrase")
    )
    QTest.keyClicks(field, SECRET)
    QTest.keyClick(field, Qt.Key.Key_Return)
    photon.wait_for_screen(Screen.RESULT)
    (kept,) = photon.safe.backups()
    assert kept.encrypted
    assert SECRET not in repr(photon.window.state)


def test_two_different_passphrases_cannot_be_given(desk: MakeDesk) -> None:
    photon = desk("photon", plugged=False)
    open_safe(photon, Protection.UNPROTECTED)
    photon.click("open-passphrase")
    type_into(photon, "passphrase", SECRET)
    type_into(photon, "passphrase-again", "correct house")
    assert "The two are not the same." in words_on(photon)
    assert not photon.button("give-passphrase").isEnabled()
    photon.click("cancel-passphrase")
    assert line(photon, "passphrase").text() == ""
    assert not photon.safe.has_passphrase
