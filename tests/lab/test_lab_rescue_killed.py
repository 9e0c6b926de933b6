"""The program killed amid writing: it lists the rescue, and the command it tells finishes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.firmware.pack import pick
from lab.program import Program, given
from lab.station import RESTORE, MakeStation

pytestmark = pytest.mark.lab

RESULTS = {
    "flash-file": {"application": "tinker"},
    "restore-system": {"system-1": "system-1", "system-2": "system-2", "user": "tinker"},
}

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
    program.run_and_die(number, "run", recipe, "--board", place.cable.port_path, *given(answers))

    own.unlink(missing_ok=True)  # the program has a copy
    words = program.how_to_finish()
    assert words[1] == recipe
    program.run(*words, "--answer", "plan=yes")
    place.await_running()
    place.into_dfu()
    for region, role in RESULTS[recipe].items():
        place.check(region, pick(place.kind.key, role).name)
    assert place.secrets() == keys
    assert "Finish" not in program.run("rescues")
