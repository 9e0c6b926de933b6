"""`rekindle --self-check`: what an installed program says about its parts."""

from __future__ import annotations

import io
import sys
from importlib.metadata import EntryPoints
from pathlib import Path

import pytest

from app import self_check
from app.faults import UsbLibraryMissing
from app.main import main
from app.self_check import check
from app.terminal import Terminal


def test_every_part_of_the_checkout_works(capsys: pytest.CaptureFixture[str], qapp: object) -> None:
    status = main(["--self-check"])
    lines = capsys.readouterr().out.splitlines()
    names = {line[8:].split(":")[0] for line in lines}
    assert {"program", "libusb", "keys", "pictures", "practice boards", "serial ports"} <= names
    assert {"password store", "account", "Wi-Fi scan"} <= names
    failed = [line for line in lines if not line.startswith("ok ")]
    assert [line for line in failed if "rescue pack" not in line] == []
    assert status == (1 if failed else 0)


def test_a_part_that_fails_is_told_and_the_others_are_still_tried() -> None:
    def no_library() -> str:
        raise UsbLibraryMissing

    def no_file() -> str:
        raise OSError("gone")

    said = io.StringIO()
    parts = {"usb": no_library, "file": no_file, "rest": lambda: "there"}
    assert check(Terminal(io.StringIO(), said, said), parts) == 1
    usb, file, rest = said.getvalue().splitlines()
    assert usb == "FAILED  usb: The USB library of this program could not be loaded."
    assert file == "FAILED  file: OSError: gone"
    assert rest == "ok      rest: there"


def test_a_store_for_passwords_that_was_left_out_of_the_program_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    part = {"password store": self_check.PARTS["password store"]}
    said = io.StringIO()
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: EntryPoints())
    assert check(Terminal(io.StringIO(), said, said), part) == 1
    monkeypatch.setitem(self_check.STORES, sys.platform, ("SecretService", ("nothing_of_this_name",)))
    assert check(Terminal(io.StringIO(), said, said), part) == 1
    assert "keyring does not know of" in said.getvalue()
    assert "nothing_of_this_name" in said.getvalue()


@pytest.mark.skipif(sys.platform != "linux", reason="only the tools of Linux are tried")
def test_a_tool_for_networks_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nmcli"
    tool.write_text("#!/bin/sh\necho no such symbol >&2\nexit 127\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    said = io.StringIO()
    assert check(Terminal(io.StringIO(), said, said), {"Wi-Fi scan": self_check.PARTS["Wi-Fi scan"]}) == 1
    assert said.getvalue() == f"FAILED  Wi-Fi scan: OSError: {tool} ends with 127: no such symbol\n"
