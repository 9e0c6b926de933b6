"""The program killed amid writing: it lists the rescue, and the command it tells finishes it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.firmware.pack import pick
from lab.station import RESTORE, MakeStation, at_write

pytestmark = pytest.mark.lab

COMMAND_S = 60.0
RESULTS = {
    "flash-file": {"application": "tinker"},
    "restore-system": {"system-1": "system-1", "system-2": "system-2", "user": "tinker"},
}


class Program:
    """The command line as it is installed, with a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._environment = {**os.environ, "REKINDLE_DATA": str(folder)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
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


CASES = [
    pytest.param("core", "flash-file", {"slot": "application", "risk": True, "plan": True}, 150, id="core-file"),
    pytest.param("photon-0.7", "restore-system", RESTORE, 45, id="photon-system"),
]


@pytest.mark.parametrize(("name", "recipe", "answers", "number"), CASES)
def test_a_killed_program_lists_the_rescue_and_the_command_that_finishes_it(
    station: MakeStation, name: str, recipe: str, answers: dict[str, object], number: int, tmp_path: Path
) -> None:
    place = station(name)
    keys = place.secrets()
    program = Program(tmp_path / "data")
    own = tmp_path / "my own.bin"
    if recipe == "flash-file":
        own.write_bytes(place.pack.read(pick("core", "tinker").name))
        answers = {**answers, "file": str(own)}
    given = [f"--answer={key}={'yes' if value is True else value}" for key, value in answers.items()]
    program.run_and_die(number, "run", recipe, "--board", place.cable.port_path, *given)

    own.unlink(missing_ok=True)  # the program has a copy
    told = program.run("rescues").splitlines()
    (finish,) = (line.removeprefix("  Finish: ") for line in told if line.startswith("  Finish: "))
    words = shlex.split(finish)
    assert words[:3] == ["rekindle", "run", recipe]
    assert any(line.startswith("  Put back what was there: rekindle run put-back") for line in told)
    program.run(*words[1:], "--answer", "plan=yes")
    place.await_running()
    place.into_dfu()
    for region, role in RESULTS[recipe].items():
        place.check(region, pick(place.kind.key, role).name)
    assert place.secrets() == keys
    assert "Finish" not in program.run("rescues")
