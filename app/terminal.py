"""Standard input, output and error of a command, and Ctrl-C: what can break there, breaks nothing else."""

from __future__ import annotations

import contextlib
import getpass
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TextIO

DONE, FAULT, WRONG_USAGE, STOPPED = 0, 1, 2, 130
"""Exit codes of the program."""


class OutputLostError(Exception):
    """Standard output takes nothing any more: whoever read it has gone (`reader_left`), or its disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.reader_left = isinstance(error, BrokenPipeError)


class Terminal:
    """Standard input, output and error, as far as the commands use them; any of them may be closed.

    What the terminal's alphabet lacks is written as an escape, never an error.
    """

    def __init__(
        self, answers: TextIO | None = None, news: TextIO | None = None, prompts: TextIO | None = None
    ) -> None:
        self._answers = answers or sys.stdin or io.StringIO()
        self._news = news or sys.stdout
        self._prompts = prompts or sys.stderr
        self._reading = False
        for stream in (self._news, self._prompts):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")

    @property
    def has_person(self) -> bool:
        """Whether somebody sits there who can be asked."""
        return self._answers.isatty()

    def say(self, line: str) -> None:
        """Write a line of news.

        Raises:
            OutputLostError: It cannot be written; neither can any later one.
        """
        if self._news is None:  # closed before the program began: nobody wants news
            return
        try:
            self._news.write(line + "\n")
            self._news.flush()
        except OSError as error:
            if self._news is sys.stdout:
                _drain(self._news)
            raise OutputLostError(error) from error

    def aside(self, line: str) -> None:
        """Write a line that is for a person only; if it cannot be written there is none."""
        if self._prompts is not None:
            with contextlib.suppress(OSError):
                self._prompts.write(line + "\n")
                self._prompts.flush()

    def read(self, prompt: str, *, secret: bool) -> str:
        """Ask for a line.

        Raises:
            EOFError: There is none.
            KeyboardInterrupt: Ctrl-C was pressed instead.
        """
        self._reading = True
        try:
            # On Windows getpass asks a console even where there is none, and then never ends.
            if secret and (self.has_person or sys.platform != "win32"):
                return getpass.getpass(prompt, self._prompts)
            if self._prompts is not None:
                self._prompts.write(prompt)
                self._prompts.flush()
            line = self._answers.readline()
        except OSError as error:  # the terminal was closed
            raise EOFError from error
        finally:
            self._reading = False
        if not line:
            raise EOFError
        return line.rstrip("\r\n")

    @contextlib.contextmanager
    def interrupts(self, stop: Callable[[], None]) -> Iterator[None]:
        """While the block lasts, Ctrl-C, a hang-up and the system's request to end call `stop` and raise nothing.

        An exception in the middle of anything could leave a board half way. Only `read` is ended by one.

        Args:
            stop: Called between any two instructions of the main thread; must be safe there (`SimpleQueue.put` is).
        """

        def called(_number: int, _frame: FrameType | None) -> None:
            stop()
            if self._reading:
                raise KeyboardInterrupt

        before = {}
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last one is unknown to Windows
            number = getattr(signal, name, None)
            if number is None or signal.getsignal(number) in (signal.SIG_IGN, None):
                continue  # whoever started the program wants it to go on (nohup)
            with contextlib.suppress(ValueError):  # not the main thread: then no signal arrives here
                before[number] = signal.signal(number, called)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _drain(stream: TextIO) -> None:
    """Let the rest of the program's output go nowhere, so that the interpreter's last flush is no second error."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
