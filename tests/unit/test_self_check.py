"""`rekindle --self-check`: what an installed program says about its parts."""

from __future__ import annotations

import io

import pytest

from app.faults import UsbLibraryMissing
from app.main import main
from app.self_check import check
from app.terminal import Terminal


def test_every_part_of_the_checkout_works(capsys: pytest.CaptureFixture[str], qapp: object) -> None:
    status = main(["--self-check"])
    lines = capsys.readouterr().out.splitlines()
    names = {line[8:].split(":")[0] for line in lines}
    assert {"program", "libusb", "keys", "pictures", "practice boards", "serial ports"} <= names
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
