"""The program as a process of its own in the guest, which a test may kill."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from lab.station import at_write

COMMAND_S = 60.0
FINISH = "  Finish: "


class Program:
    """The command line as it is installed, with a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._environment = {**os.environ, "REKINDLE_DATA": str(folder)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it."""
        return subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """Run it to its end and return what it said; it must succeed."""
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=COMMAND_S)
        assert process.returncode == 0, said[-3000:]
        return said

    def run_and_die(self, number: int, *arguments: str) -> None:
        """Be killed at that erase or write of flash."""
        started: list[subprocess.Popen[str]] = []
        with at_write(number, lambda: started[0].kill()):
            started.append(self.start(*arguments))
            said, _ = started[0].communicate(timeout=COMMAND_S)
        assert started[0].returncode == -signal.SIGKILL, said[-3000:]

    def how_to_finish(self) -> list[str]:
        """Return the words of the command that finishes the only interrupted rescue, as the program tells it."""
        told = self.run("rescues").splitlines()
        (finish,) = (line.removeprefix(FINISH) for line in told if line.startswith(FINISH))
        assert any(line.startswith("  Put back what was there: rekindle run put-back") for line in told)
        words = shlex.split(finish)
        assert words[:2] == ["rekindle", "run"]
        return words[1:]


def given(answers: dict[str, object]) -> list[str]:
    """Return answers as the command line takes them."""
    return [f"--answer={key}={'yes' if value is True else value}" for key, value in answers.items()]
