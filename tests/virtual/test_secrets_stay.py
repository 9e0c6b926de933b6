"""A whole backup, told in every way the program has: nothing of it may hold a private byte in any spelling."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ears import Ears
from support.offline import Offline
from support.patient_clock import PatientClock
from support.real_pack import real_pack
from support.secret_bytes import needles, spellings
from support.stores import stores

from app import console, log
from app.console import Desk
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.terminal import DONE, Terminal
from app.transports.replay import ReplayBus
from app.transports.trace import TracingBus
from app.undo.store import UndoStore
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    level = root.level
    log.set_up(tmp_path / "logs")
    root.setLevel(logging.DEBUG)
    yield tmp_path / "logs"
    log.tear_down()
    root.setLevel(level)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("name", ["core-0.5", "photon", "photon-0.5", "electron"])
def test_no_private_byte_is_told_anywhere(
    name: str, as_json: bool, tmp_path: Path, logs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = PatientClock(160.0)
    board = make(name, clock, profiles=True)
    trace = tmp_path / "trace.jsonl"
    bus = TracingBus(VirtualBus(clock, [board]), trace)
    safe = KeySafe(tmp_path / "safe", practice=True)
    news, asides = io.StringIO(), io.StringIO()
    with caplog.at_level(logging.DEBUG):
        code = console.run(
            "back-up-key",
            Desk(bus, clock, {"1-1": board}),
            safe,
            Terminal(io.StringIO(), news, asides),
            board=None,
            answers={},
            as_json=as_json,
            **stores(tmp_path, safe),
        )
    bus.close()
    assert code == DONE
    log.tear_down()
    with zipfile.ZipFile(log.save_report(tmp_path / "report.zip", trace, logs)) as report:
        told = [report.read(name).decode() for name in report.namelist()]
    backups = safe.backups()
    told += [news.getvalue(), asides.getvalue(), caplog.text, repr(backups), trace.read_text(encoding="utf-8")]
    told += [path.read_text(encoding="utf-8") for path in logs.iterdir()]
    told += [path.read_text(encoding="utf-8") for backup in backups for path in backup.files if path.suffix == ".json"]
    everything = "\n".join(told)
    assert backups
    for backup in backups:
        assert [found for found in needles(safe.key_bytes(backup)) if found in everything] == []


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        ("x-ray", "core"),
        ("x-ray", "photon"),
        ("x-ray", "electron"),
        ("full-firmware-upgrade", "core"),
        ("switch-cloud", "core"),
        ("switch-cloud", "photon"),
        ("switch-cloud", "electron"),
    ],
)
def test_no_private_byte_is_told_by_what_looks_at_a_board_or_writes_to_it(
    recipe: str, name: str, tmp_path: Path, logs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = PatientClock(160.0)
    board = make(name, clock, profiles=True)
    key = bytes(board.spi[0x2000:0x2264] if board.spi_flash is not None else board.dct[34:646])
    trace = tmp_path / "trace.jsonl"
    bus = TracingBus(VirtualBus(clock, [board]), trace)
    safe = KeySafe(tmp_path / "safe", practice=True)
    news, asides = io.StringIO(), io.StringIO()
    with caplog.at_level(logging.DEBUG):
        code = console.run(
            recipe,
            Desk(bus, clock, {"1-1": board}),
            safe,
            Terminal(io.StringIO(), news, asides),
            board=None,
            answers={"radio-patch": "1.14", "cloud": "particle", "plan": "yes"},
            as_json=True,
            pack=real_pack(),
            undo=UndoStore(tmp_path / "boards", safe=safe),
            clouds=CloudBook(tmp_path / "clouds"),
            network=Offline(),
            scanner=Ears(),
        )
    bus.close()
    assert code == DONE
    log.tear_down()
    told = [news.getvalue(), asides.getvalue(), caplog.text, trace.read_text(encoding="utf-8")]
    told += [path.read_text(encoding="utf-8") for path in logs.iterdir()]
    told += [path.read_text(encoding="utf-8") for path in (tmp_path / "boards").rglob("*.json*")]
    everything = "\n".join(told)
    assert len(everything) > 1000
    assert key.strip(b"\xff")
    assert [found for found in spellings(key[150:600]) if found in everything] == []


def test_what_the_usb_library_says_when_asked_to_debug_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chatty = logging.getLogger("usb.backend.libusb1")
    chatty.setLevel(logging.DEBUG)  # what PYUSB_DEBUG=debug does
    try:
        file = log.set_up(tmp_path)
        assert file is not None
        chatty.debug("ctrl_transfer(array('B', [48, 130, 2, 92]))")
        log.tear_down()
    finally:
        chatty.setLevel(logging.NOTSET)
    assert "ctrl_transfer" not in file.read_text(encoding="utf-8")


def test_bytes_written_as_numbers_are_redacted() -> None:
    assert log.redact(f"before {list(range(100, 140))} after") == f"before [{log.REDACTED}] after"


def test_the_trace_in_a_report_can_be_played_back(tmp_path: Path) -> None:
    clock = PatientClock(160.0)
    board = make("photon", clock, profiles=True)
    trace = tmp_path / "trace.jsonl"
    bus = TracingBus(VirtualBus(clock, [board]), trace)
    terminal = Terminal(io.StringIO(), io.StringIO(), io.StringIO())
    desk = Desk(bus, clock, {"1-1": board})
    safe = KeySafe(tmp_path)
    kept = stores(tmp_path, safe)
    assert console.run("read-id", desk, safe, terminal, board=None, answers={}, as_json=False, **kept) == DONE
    bus.close()
    with zipfile.ZipFile(log.save_report(tmp_path / "report.zip", trace, tmp_path)) as report:
        reported = report.read("trace.jsonl").decode()
    assert reported == trace.read_text(encoding="utf-8")
    assert ReplayBus(trace).sightings() is not None


def test_a_log_line_no_alphabet_can_write_is_written_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # a report could not carry such a line between processes
    file = log.set_up(tmp_path)
    assert file is not None
    logging.getLogger("app.test").info("folder %s", "/home/\udcff")
    log.tear_down()
    assert "/home/\\udcff" in file.read_text(encoding="utf-8")
    assert capsys.readouterr().err == ""
