"""Asking the system's tools: what is run, what their silence means, and that none outlives its time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.clock import FastClock
from support.ears import Ears

from app.clock import RealClock
from app.faults import Cancelled
from app.practice import practice_scanner
from app.text import Text
from app.transports import wifi_host
from app.transports.wifi_host import HostScanner, decoded
from app.transports.wifi_scan import HeardNetwork, Protection, Scan

CLOCK = RealClock()
BSS = "BSS 00:11:22:33:44:55(on wlan0) -- associated\n\tfreq: 2437\n\tsignal: -50 dBm\n\tSSID: Home\n"
NETSH = "SSID 1 : Home\n    a : b\n    c : WPA2-Personal\n    d : CCMP\n"
MAC = '{"SPAirPortDataType": [{"spairport_airport_interfaces": [{"spairport_current_network_information": %s}]}]}'
LIST = "nmcli -t -f IN-USE,SSID-HEX,CHAN,FREQ,SIGNAL,SECURITY,WPA-FLAGS,RSN-FLAGS device wifi list"
STATES = "nmcli -t -f TYPE,STATE device"


def unchecked() -> None:
    """Nobody stops."""


class Tools:
    """Programs that answer as they are told, each once started for real: no shell, no window, no input."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, str | None]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.started: list[object] = []
        real = subprocess.Popen

        def start(words: list[str], **options: Any) -> object:  # noqa: ANN401 - as Popen
            assert options["stdin"] == subprocess.DEVNULL
            assert "shell" not in options
            line = " ".join([Path(words[0]).name, *words[1:]])
            self.asked.append(line)
            answer = self.answers.get(line)
            code = "import sys; sys.exit(3)" if answer is None else f"import sys; sys.stdout.write({answer!r})"
            if answer == "for ever":
                code = "import threading; threading.Event().wait()"
            if answer == "flood":
                code = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
            if answer == "missing":
                raise FileNotFoundError(words[0])
            # -S and -E: a start in a few milliseconds.
            made = real([sys.executable, "-S", "-E", "-c", code], **options)
            self.started.append(made)
            return made

        parts = {name: getattr(subprocess, name) for name in ("DEVNULL", "PIPE", "TimeoutExpired")}
        monkeypatch.setattr(wifi_host, "subprocess", SimpleNamespace(Popen=start, **parts))

    def scan(self, system: str, *installed: str, check: Callable[[], None] = unchecked, **options: float) -> Scan:
        scanner = HostScanner(system, lambda name: f"/x/{name}" if name in installed else None)
        clock = FastClock() if "fast" in options else CLOCK
        return scanner.scan(options.get("within", 20.0), clock, check)


@pytest.mark.parametrize(
    ("system", "installed", "answers", "heard", "trouble"),
    [
        pytest.param("linux", (), {}, 0, wifi_host.NO_TOOL, id="nothing installed"),
        pytest.param("linux", ("nmcli",), {LIST: "*:486F6D65:6:2437 MHz:90:WPA2::psk\n"}, 1, None, id="nmcli"),
        pytest.param("linux", ("nmcli",), {LIST: "", STATES: "ethernet:connected\n"}, 0, wifi_host.NO_RADIO, id="none"),
        pytest.param(
            "linux", ("nmcli",), {LIST: "", STATES: "wifi:unavailable\n"}, 0, wifi_host.SWITCHED_OFF, id="off"
        ),
        pytest.param(
            "linux", ("nmcli",), {LIST: "", STATES: "wifi:connected\n"}, 0, wifi_host.NOTHING_HEARD, id="quiet"
        ),
        pytest.param("linux", ("nmcli",), {}, 0, wifi_host.NOT_ALLOWED, id="no NetworkManager"),
        pytest.param("linux", ("nmcli",), {LIST: "", STATES: "wifi:unmanaged"}, 0, wifi_host.NOT_ALLOWED, id="other"),
        pytest.param("linux", ("nmcli", "iw"), {"iw dev": "phy#0\n"}, 0, wifi_host.NO_RADIO, id="neither"),
        pytest.param(
            "linux",
            ("nmcli", "iw"),
            {LIST: "", STATES: "wifi:unavailable", "iw dev": "\tInterface w\n"},
            0,
            wifi_host.SWITCHED_OFF,
            id="off, and iw says nothing",
        ),
        pytest.param(
            "linux",
            ("nmcli", "iw"),
            {"iw dev": "\tInterface wlan0\n", "iw dev wlan0 scan dump": BSS},
            1,
            None,
            id="iw instead, without rights",
        ),
        pytest.param(
            "linux", ("iw",), {"iw dev": "\tInterface wlan0\n", "iw dev wlan0 scan": BSS}, 1, None, id="iw with rights"
        ),
        pytest.param("linux", ("iw",), {"iw dev": "phy#0\n"}, 0, wifi_host.NO_RADIO, id="iw, no adapter"),
        pytest.param("linux", ("iw",), {"iw dev": "\tInterface w\n"}, 0, wifi_host.NOT_ALLOWED, id="iw refuses"),
        pytest.param(
            "linux",
            ("iw",),
            {"iw dev": "\tInterface w\n", "iw dev w scan dump": "\n"},
            0,
            wifi_host.NOTHING_HEARD,
            id="iw hears nothing",
        ),
        pytest.param("linux", ("iw",), {"iw dev": "missing"}, 0, wifi_host.NO_RADIO, id="iw cannot be started"),
        pytest.param(
            "win32",
            ("netsh",),
            {
                "netsh wlan show networks mode=bssid": NETSH,
                "netsh wlan show interfaces": "    SSID : Home\n",
            },
            1,
            None,
            id="netsh",
        ),
        pytest.param("win32", ("netsh",), {}, 0, wifi_host.WINDOWS_SAYS_NOTHING, id="netsh without location"),
        pytest.param("win32", (), {}, 0, wifi_host.WINDOWS_SAYS_NOTHING, id="no netsh"),
        pytest.param(
            "darwin",
            ("system_profiler",),
            {"system_profiler SPAirPortDataType -json": MAC % '{"_name": "Home"}'},
            1,
            None,
            id="mac",
        ),
        pytest.param(
            "darwin",
            ("system_profiler",),
            {"system_profiler SPAirPortDataType -json": MAC % '{"_name": "<redacted>"}'},
            1,
            wifi_host.REDACTED,
            id="mac hides names",
        ),
        pytest.param(
            "darwin",
            ("system_profiler",),
            {"system_profiler SPAirPortDataType -json": MAC % "{}"},
            0,
            wifi_host.SWITCHED_OFF,
            id="mac, off",
        ),
        pytest.param("darwin", ("system_profiler",), {}, 0, wifi_host.NOT_UNDERSTOOD, id="mac, no report"),
    ],
)
def test_each_system_is_asked_in_its_way_and_its_silence_has_a_reason(
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    installed: tuple[str, ...],
    answers: dict[str, str],
    heard: int,
    trouble: Text | None,
) -> None:
    scan = Tools(monkeypatch, answers).scan(system, *installed)
    assert (len(scan.heard), scan.trouble) == (heard, trouble)
    if heard and trouble is None:
        assert (scan.heard[0].ssid, scan.joined) == (b"Home", b"Home")


def test_a_tool_that_does_not_end_is_ended_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = Tools(monkeypatch, {LIST: "for ever"})
    assert tools.scan("linux", "nmcli", fast=1.0).trouble is wifi_host.TOO_SLOW
    (started,) = tools.started
    assert started.returncode is not None  # type: ignore[attr-defined]


def test_a_tool_that_prints_without_end_is_listened_to_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wifi_host, "MOST_BYTES", 1000)
    tools = Tools(monkeypatch, {"system_profiler SPAirPortDataType -json": "flood"})
    assert tools.scan("darwin", "system_profiler").trouble is wifi_host.NOT_UNDERSTOOD
    (started,) = tools.started
    assert started.returncode is not None  # type: ignore[attr-defined]


def test_a_stop_ends_the_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(range(100))

    def stop_at_the_second_look() -> None:
        if next(looks):
            raise Cancelled

    tools = Tools(monkeypatch, {LIST: "for ever"})
    with pytest.raises(Cancelled):
        tools.scan("linux", "nmcli", check=stop_at_the_second_look)
    (started,) = tools.started
    assert started.returncode is not None  # type: ignore[attr-defined]


def test_this_computer_gives_a_list_or_a_reason() -> None:
    scan = HostScanner().scan(10.0, CLOCK, unchecked)
    assert scan.heard or scan.trouble is not None


def test_what_windows_prints_is_utf_8_or_its_console_code_page() -> None:
    assert decoded("Café".encode()) == "Café"
    if sys.platform != "win32":
        assert decoded("Café".encode("cp850")) == "Café"


def test_practice_hears_everything_a_preflight_is_for() -> None:
    scan = practice_scanner().scan(1.0, FastClock(), unchecked)
    assert scan.joined == b"Practice"
    assert scan.trouble is None
    assert {each.ssid for each in scan.heard if each.frequency_mhz > 5000} == {b"Practice", b"Practice 5 GHz"}
    assert HeardNetwork(b"Practice channel 13", 13, -62, Protection.WPA2, scan.heard[0].encryption, 2472) in scan.heard
    assert b"" in {each.ssid for each in scan.heard}
    assert b"Practice hidden" not in {each.ssid for each in scan.heard}
    assert Protection.WPA2_ENTERPRISE in {each.security for each in scan.heard}


def test_ears_of_tests_hear_one_scan_after_the_other() -> None:
    ears = Ears(Scan(joined=b"A"), Scan(joined=b"B"))
    assert [ears.scan(1.0, FastClock(), unchecked).joined for _ in range(3)] == [b"A", b"B", b"B"]
    assert ears.looks == 3


def test_on_windows_only_the_systems_own_program_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, system = tmp_path / "here", tmp_path / "Windows" / "System32"
    here.mkdir()
    system.mkdir(parents=True)
    (here / "netsh.exe").write_bytes(b"")
    monkeypatch.chdir(here)
    monkeypatch.setattr(wifi_host, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setenv("SYSTEMROOT", str(tmp_path / "Windows"))
    # It looks in the current folder first on Windows, whatever path it is given.
    monkeypatch.setattr("shutil.which", lambda name, path=None: f"{name}.exe")
    assert wifi_host._find("netsh") is None
    (system / "netsh.exe").write_bytes(b"")
    assert wifi_host._find("netsh") == str(system / "netsh.exe")
