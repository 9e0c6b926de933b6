"""The Wi-Fi form: by hand-made questions, and once through the whole window onto a board."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QListWidget, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.protocols.wifi import Eap, Security, WifiLogin
from app.text import text
from app.ui.parts.wifi_panel import WifiPanel
from app.ui.questions import WifiFormView, view_for
from app.virtual.air import HOME
from app.work.events import Succeeded
from app.work.questions import WifiForm
from app.work.wifi_form import SeenNetwork, WifiAnswer

MakeDesk = Callable[..., Desk]
W = TypeVar("W", bound=QWidget)
WORDS = text("Test", "Words.")
SEEN = (
    SeenNetwork("Zuhause 家".encode(), Security.WPA2, channel=6, rssi=-58),
    SeenNetwork(b"Guests", Security.OPEN, channel=1, rssi=-70),
    SeenNetwork(b"Far", Security.WPA2, channel=44, rssi=-50, note=text("Test", "Only 5 GHz."), fits=False),
    SeenNetwork(b"Corp", Security.WPA2_ENTERPRISE),
    SeenNetwork(b"Who knows"),
)


class Form:
    """A form on the screen, and what it answered."""

    def __init__(self, qtbot: QtBot, *, seen: tuple[SeenNetwork, ...] = SEEN, enterprise: bool = True) -> None:
        view = view_for(WifiForm("network", WORDS, WORDS, seen, enterprise=enterprise))
        assert isinstance(view, WifiFormView)
        qtbot.addWidget(view)
        self.view = view
        self.answers: list[WifiAnswer] = []
        view.answered.connect(self.answers.append)
        view.show()

    def find(self, kind: type[W], name: str) -> W:
        found = self.view.findChild(kind, name)
        assert found is not None, name
        return found

    def choose(self, row: int) -> None:
        self.find(QListWidget, "wifi-networks").setCurrentRow(row)

    def type(self, name: str, words: str) -> None:
        self.find(QLineEdit, name).setText(words)

    def go(self) -> QPushButton:
        return self.find(QPushButton, "wifi-go")

    def press(self, name: str) -> None:
        QTest.mouseClick(self.find(QPushButton, name), Qt.MouseButton.LeftButton)

    def words(self) -> str:
        return "\n".join(each.text() for each in self.view.findChildren(QLabel) if each.isVisible())


def test_a_network_of_the_list_takes_a_password_as_it_is(qtbot: QtBot) -> None:
    form = Form(qtbot)
    assert not form.go().isEnabled()
    assert not form.find(QLineEdit, "wifi-name").isVisible()
    form.type("wifi-password", " pässwörd ")
    assert "12 of 64 bytes" in form.words()
    form.press("wifi-go")
    (answer,) = form.answers
    assert answer == WifiAnswer((WifiLogin(SEEN[0].ssid, Security.WPA2, " pässwörd "),))
    assert "pässwörd" not in repr(answer)
    assert form.find(QLineEdit, "wifi-password").text() == ""


def test_the_password_is_dots_until_it_is_to_be_seen(qtbot: QtBot) -> None:
    form = Form(qtbot)
    line = form.find(QLineEdit, "wifi-password")
    assert line.echoMode() is QLineEdit.EchoMode.Password
    form.find(QCheckBox, "wifi-show").setChecked(True)
    assert line.echoMode() is QLineEdit.EchoMode.Normal
    form.find(QCheckBox, "wifi-show").setChecked(False)
    assert line.echoMode() is QLineEdit.EchoMode.Password


def test_another_network_leaves_the_password_of_the_first_behind(qtbot: QtBot) -> None:
    form = Form(qtbot)
    form.type("wifi-password", "for the first one")
    form.choose(4)
    assert form.find(QLineEdit, "wifi-password").text() == ""


def test_an_open_network_wants_nothing(qtbot: QtBot) -> None:
    form = Form(qtbot)
    form.choose(1)
    assert not form.find(QLineEdit, "wifi-password").isVisible()
    form.press("wifi-go")
    assert form.answers[0].networks == (WifiLogin(b"Guests", Security.OPEN, ""),)


def test_a_network_no_board_can_join_cannot_be_chosen_and_says_why(qtbot: QtBot) -> None:
    item = Form(qtbot).find(QListWidget, "wifi-networks").item(2)
    assert not item.flags() & Qt.ItemFlag.ItemIsEnabled
    assert "Only 5 GHz." in item.text()


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [
        ("x" * 33, "long enough", "33 bytes"),
        ("é" * 17, "long enough", "34 bytes"),
        ("Home", "short", "5 bytes"),
        ("Home", "tab\tinside", "cannot be told|no board can be told"),
    ],
)
def test_what_cannot_be_told_is_said_and_not_handed_on(qtbot: QtBot, name: str, password: str, why: str) -> None:
    form = Form(qtbot)
    form.choose(5)
    form.type("wifi-name", name)
    form.type("wifi-password", password)
    assert any(each in form.words() for each in why.split("|")), form.words()
    assert not form.go().isEnabled()


def test_several_networks_and_the_old_ones_forgotten(qtbot: QtBot) -> None:
    form = Form(qtbot)
    form.type("wifi-password", "first password")
    form.press("wifi-more")
    assert "Zuhause 家" in form.words()
    form.type("wifi-name", " Office ")
    form.type("wifi-password", "second password")
    form.press("wifi-more")
    assert form.go().isEnabled()  # nothing more is needed
    form.find(QCheckBox, "wifi-forget").setChecked(True)
    form.press("wifi-go")
    (answer,) = form.answers
    assert answer.forget
    assert [(each.ssid, each.password) for each in answer.networks] == [
        (SEEN[0].ssid, "first password"),
        (b" Office ", "second password"),
    ]
    assert answer.networks[1].hidden


def test_a_board_that_knows_no_company_networks_is_offered_none(qtbot: QtBot) -> None:
    form = Form(qtbot, enterprise=False)
    kinds = form.find(QComboBox, "wifi-security")
    assert kinds.findData(Security.WPA2_ENTERPRISE) == -1
    form.choose(3)
    form.type("wifi-username", "ann")
    form.type("wifi-password", "secret")
    assert not form.go().isEnabled()


def test_a_company_network_by_name_and_password(qtbot: QtBot) -> None:
    form = Form(qtbot)
    form.choose(3)
    form.type("wifi-username", "ann@corp")
    form.type("wifi-password", "x")
    form.press("wifi-go")
    sign_in = form.answers[0].networks[0].enterprise
    assert sign_in is not None
    assert (sign_in.eap, sign_in.username) == (Eap.PEAP, "ann@corp")


def certificate_and_key(folder: Path, how: KeySerializationEncryption) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ann")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    (folder / "ann.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (folder / "ann.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))
    return folder / "ann.pem", folder / "ann.key"


def test_a_company_network_by_certificate(qtbot: QtBot, tmp_path: Path) -> None:
    certificate, key = certificate_and_key(tmp_path, NoEncryption())
    form = Form(qtbot)
    panel = form.view.findChild(WifiPanel)
    assert panel is not None
    form.choose(3)
    form.find(QComboBox, "wifi-eap").setCurrentIndex(1)
    panel.take_file("certificate", key)  # the wrong one
    assert "ann.key" in form.words()
    assert not form.go().isEnabled()
    panel.take_file("certificate", certificate)
    panel.take_file("private-key", key)
    form.press("wifi-go")
    sign_in = form.answers[0].networks[0].enterprise
    assert sign_in is not None
    assert sign_in.private_key == key.read_text()
    assert sign_in.private_key not in repr(form.answers)


def test_a_key_with_a_passphrase_is_said_to_be_locked(qtbot: QtBot, tmp_path: Path) -> None:
    _, key = certificate_and_key(tmp_path, BestAvailableEncryption(b"secret"))
    form = Form(qtbot)
    panel = form.view.findChild(WifiPanel)
    assert panel is not None
    form.choose(3)
    form.find(QComboBox, "wifi-eap").setCurrentIndex(1)
    panel.take_file("private-key", key)
    assert "passphrase" in form.words()


def test_through_the_window_onto_the_board(desk: MakeDesk) -> None:
    photon = desk("photon", factor=60.0, profiles=False)
    photon.wait_for_board()
    photon.click("card-join-wifi")
    photon.click("start")
    photon.qtbot.waitUntil(
        lambda: any(each.isVisible() for each in photon.window.findChildren(WifiFormView)), timeout=4 * WAIT_MS
    )
    (view,) = [each for each in photon.window.findChildren(WifiFormView) if each.isVisible()]
    for name, words in (("wifi-name", HOME.ssid.decode()), ("wifi-password", HOME.password.decode())):
        line = view.findChild(QLineEdit, name)
        assert line is not None
        QTest.keyClicks(line, words)
    photon.click("wifi-go")
    stop = photon.button("stop")  # not beside the page, where the next key would lead away from the run
    photon.qtbot.waitUntil(lambda: photon.window.focusWidget() is stop, timeout=WAIT_MS)
    photon.click("light-connected")
    photon.qtbot.waitUntil(lambda: photon.screen is Screen.RESULT, timeout=4 * WAIT_MS)
    run = photon.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    (stored,) = photon.board.profiles_stored
    assert (stored.ssid, stored.password) == (HOME.ssid, HOME.password)
    assert "practice board" not in repr(photon.window.state)
