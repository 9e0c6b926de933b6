"""What can break at a terminal: its reader, its alphabet, its disk, the person's patience."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable

import pytest

from app.terminal import OutputLostError, Terminal


class Broken(io.StringIO):
    """A stream whose other end has gone, or whose disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, words: str, /) -> int:
        raise self._error


@pytest.mark.parametrize(("error", "left"), [(BrokenPipeError(32, "broken"), True), (OSError(28, "full"), False)])
def test_news_that_cannot_be_written_are_lost_for_one_of_two_reasons(error: OSError, left: bool) -> None:
    with pytest.raises(OutputLostError) as lost:
        Terminal(io.StringIO(), Broken(error), io.StringIO()).say("news")
    assert lost.value.reader_left is left


def test_an_aside_that_cannot_be_written_is_nobodys_business() -> None:
    news = io.StringIO()
    terminal = Terminal(io.StringIO(), news, Broken(OSError(5, "hung up")))
    terminal.aside("a word")
    terminal.say("news")
    assert news.getvalue() == "news\n"


def test_a_prompt_nobody_can_see_is_the_end_of_input() -> None:
    with pytest.raises(EOFError):
        Terminal(io.StringIO("yes\n"), io.StringIO(), Broken(OSError(5, "hung up"))).read("? ", secret=False)


@pytest.mark.parametrize("alphabet", ["ascii", "latin-1", "cp437", "utf-8"])
def test_every_terminal_shows_every_line(alphabet: str) -> None:
    raw = io.BytesIO()
    terminal = Terminal(io.StringIO(), io.TextIOWrapper(raw, encoding=alphabet), io.StringIO())
    terminal.say("kept in /home/dé日/\udcff")
    assert raw.getvalue().startswith(b"kept in /home/d")
    assert raw.getvalue().endswith(b"\\udcff\n")


def test_closed_streams_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    terminal = Terminal()
    terminal.say("news")
    terminal.aside("a word")
    assert not terminal.has_person
    with pytest.raises(EOFError):
        terminal.read("? ", secret=False)


SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else [])]


@pytest.mark.skipif(sys.platform == "win32", reason="there os.kill ends the process")
@pytest.mark.parametrize("number", SIGNALS)
def test_ctrl_c_is_news_and_no_exception(number: signal.Signals) -> None:
    calls: list[bool] = []
    before = signal.getsignal(number)
    with Terminal(io.StringIO(), io.StringIO(), io.StringIO()).interrupts(lambda: calls.append(True)):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert calls == [True, True]
    assert signal.getsignal(number) is before


class Interrupting(io.StringIO):
    """Somebody presses Ctrl-C instead of an answer."""

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # of the bytes base, not of ours
        os.kill(os.getpid(), signal.SIGINT)
        return "too late\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there os.kill ends the process")
def test_ctrl_c_ends_a_question() -> None:
    calls: list[bool] = []
    terminal = Terminal(Interrupting(), io.StringIO(), io.StringIO())
    with terminal.interrupts(lambda: calls.append(True)), pytest.raises(KeyboardInterrupt):
        terminal.read("? ", secret=False)
    assert calls == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="no hang-up there")
def test_a_program_told_to_outlive_its_terminal_does() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop: Callable[[], None] = lambda: pytest.fail("stopped")  # noqa: E731
        with Terminal(io.StringIO(), io.StringIO(), io.StringIO()).interrupts(stop):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_on_windows_a_password_that_is_piped_in_is_not_asked_of_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_words: object) -> str:
        raise AssertionError("it would never end")

    monkeypatch.setattr("getpass.getpass", asked)
    monkeypatch.setattr(sys, "platform", "win32")
    terminal = Terminal(io.StringIO("secret\n"), io.StringIO(), io.StringIO())
    assert terminal.read("Password: ", secret=True) == "secret"
    with pytest.raises(EOFError):
        terminal.read("Password: ", secret=True)
