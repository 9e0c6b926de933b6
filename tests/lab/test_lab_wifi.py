"""A board joins a network: from the first click in the window to what it stored, on a real tty of every generation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QListWidget
from pytestqt.qtbot import QtBot
from support.wifi_mishaps import NAME, ROWS, USER, Row

from app.protocols.wifi import Eap, Security
from app.ui.parts.wifi_panel import WifiPanel
from app.ui.questions import WifiFormView
from app.work.questions import WifiForm
from lab.desk import Desk
from lab.wifi_desk import SHOWN, WifiDesk, wifi_desk
from lab.window import Window, window_on

pytestmark = pytest.mark.lab

BUTTONS_ONLY = ("spark_1", "spark_11")  # firmware of 2013 and 2014 listens by itself, or by its button (5.6, 8.2)
AS_SPARK_11 = ("B: Photon 0.4.0", "C: Core 0.5")  # talk as that does, in other words
SHARED = [row for row in ROWS if row.eap is None and row.words not in AS_SPARK_11]


def form(window: Window) -> WifiFormView:
    """Wait for the Wi-Fi form."""
    window.wait_for(WifiForm, "network")
    window.wait(lambda: any(each.isVisible() for each in window.shell.findChildren(WifiFormView)))
    return next(each for each in window.shell.findChildren(WifiFormView) if each.isVisible())


def choose(view: WifiFormView, row: Row) -> None:
    """Choose the network in the list, or give its name as another one."""
    rows = view.findChild(QListWidget, "wifi-networks")
    assert rows is not None
    found = rows.findItems(NAME.strip(), Qt.MatchFlag.MatchContains)
    if found:
        rows.setCurrentItem(found[0])
        return
    rows.setCurrentRow(rows.count() - 1)
    put(view, "wifi-name", NAME)
    kinds = view.findChild(QComboBox, "wifi-security")
    assert kinds is not None
    kinds.setCurrentIndex(kinds.findData(Security.WPA2 if row.eap is None else Security.WPA2_ENTERPRISE))


def put(view: WifiFormView, name: str, words: str) -> None:
    """Put words into a line, as pasting does."""
    line = view.findChild(QLineEdit, name)
    assert line is not None
    assert line.isVisible(), name
    line.insert(words)


def join(window: Window, row: Row, sign_in: Callable[[WifiFormView], None] = lambda view: None) -> str:
    """Click through it all; return what the window shows and knows while the secret is in it."""
    window.start("join-wifi")
    view = form(window)
    choose(view, row)
    sign_in(view)
    if row.eap is not Eap.TLS:
        put(view, "wifi-password", row.password)
    window.click("wifi-go")
    window.click("light-connected")
    outcome = window.outcome()
    assert not outcome.unfinished
    return f"{window.shell.windowTitle()} {window.shell.state!r} {outcome!r}"


def check(at: WifiDesk, shown: str, secret: bytes) -> None:
    """Insist that the board holds what was typed, byte for byte, gets online with it, and nobody else knows."""
    assert at.stored == [at.wanted]
    if not at.row.by_request:
        assert dict(at.side.taken)["name"] == NAME.encode()
    assert at.leaks(secret, shown) == []
    at.await_online()


@pytest.mark.parametrize("row", SHARED, ids=lambda row: row.words)
def test_from_the_first_click_to_what_the_board_stored(row: Row, desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    with (
        wifi_desk(desk, tmp_path, row, listens=row.firmware in BUTTONS_ONLY) as at,
        window_on(at.place, qtbot, SHOWN) as window,
    ):
        shown = join(window, row)
        check(at, shown, row.secret)
        assert at.strange() == []


def test_a_company_network_with_user_name_and_password(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    row = next(row for row in ROWS if row.eap is Eap.PEAP)
    with wifi_desk(desk, tmp_path, row, listens=False) as at, window_on(at.place, qtbot, SHOWN) as window:
        shown = join(window, row, lambda view: put(view, "wifi-username", USER))
        check(at, shown, row.secret)
        assert at.place.board.profiles_stored[-1].identity == USER.encode()


def certificate_and_key(folder: Path) -> tuple[Path, Path]:
    """Make a certificate and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ann")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    (folder / "ann.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (folder / "ann.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "ann.pem", folder / "ann.key"


def test_a_company_network_with_a_certificate(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    row = next(row for row in ROWS if row.eap is Eap.TLS)
    certificate, key = certificate_and_key(tmp_path)

    def sign_in(view: WifiFormView) -> None:
        panel = view.findChild(WifiPanel)
        ways = view.findChild(QComboBox, "wifi-eap")
        assert panel is not None
        assert ways is not None
        ways.setCurrentIndex(ways.findData(Eap.TLS))
        panel.take_file("certificate", certificate)
        panel.take_file("private-key", key)

    with wifi_desk(desk, tmp_path, row, listens=False) as at, window_on(at.place, qtbot, SHOWN) as window:
        shown = join(window, row, sign_in)
        check(at, shown, b"".join(key.read_bytes().splitlines()[1:-1]))
        kept = at.place.board.profiles_stored[-1]
        for stored, file in ((kept.client_certificate, certificate), (kept.private_key, key)):
            assert stored.replace(b"\r\n", b"\n").strip() == file.read_bytes().strip()
