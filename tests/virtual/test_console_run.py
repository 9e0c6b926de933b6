"""The command line without a window, on practice boards and in a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.patient_clock import PatientClock
from support.stores import stores

from app import console, log
from app.console import Desk, WrongUsageError
from app.engine.engine import Engine
from app.faults import NoBoard
from app.keys.safe import KeySafe
from app.main import main
from app.recipes.registry import RECIPES
from app.terminal import DONE, FAULT, STOPPED, Terminal
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import PRACTICE_BOARDS, make

ROOT = Path(__file__).resolve().parents[2]


class Typist(io.StringIO):
    """Standard input with somebody at it, who may press Ctrl-C instead of typing."""

    def __init__(self, words: str = "", *, there: bool = True, interrupts: bool = False) -> None:
        super().__init__(words)
        self._there = there
        self._interrupts = interrupts

    def isatty(self) -> bool:
        return self._there

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # of the bytes base, not of ours
        if self._interrupts:
            self._interrupts = False
            raise KeyboardInterrupt
        return super().readline(-1 if size is None else size)


class Seat:
    """A desk with practice boards, a terminal whose output is kept."""

    def __init__(
        self,
        folder: Path,
        *names: str,
        typist: Typist | None = None,
        in_dfu: bool = False,
        profiles: bool | None = None,
    ) -> None:
        clock = PatientClock(160.0)
        boards = {f"1-{number}": make(name, clock, profiles=profiles) for number, name in enumerate(names, start=1)}
        self.boards = boards
        self.desk = Desk(VirtualBus(clock, boards.values()), clock, boards)
        self.safe = KeySafe(folder / "safe", practice=True)
        self._stores = stores(folder, self.safe)
        self.news = io.StringIO()
        self.asides = io.StringIO()
        self.terminal = Terminal(typist or Typist(there=False), self.news, self.asides)
        if in_dfu:
            from app.virtual.hand import PracticeHand

            for board in boards.values():
                clock.pause(5)
                PracticeHand(board).enter_dfu()
                clock.pause(2)

    def run(
        self, recipe: str, *, board: str | None = None, answers: Mapping[str, str] | None = None, as_json: bool = False
    ) -> int:
        return console.run(
            recipe,
            self.desk,
            self.safe,
            self.terminal,
            board=board,
            answers=answers or {},
            as_json=as_json,
            **self._stores,
        )

    @property
    def lines(self) -> list[str]:
        return self.news.getvalue().splitlines()

    @property
    def objects(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines]


@pytest.mark.parametrize("name", ["core", "core-0.5", "photon", "photon-0.5"])
def test_a_backup_on_a_practice_board_needs_nobody(name: str, tmp_path: Path) -> None:
    seat = Seat(tmp_path, name)
    assert seat.run("back-up-key") == DONE
    assert len(seat.safe.backups()) == 1
    assert "Back up the key" in seat.lines[0]
    assert any("The key of this board is safe." in line for line in seat.lines)


def test_a_practice_board_that_does_not_show_gets_a_finger(tmp_path: Path) -> None:
    silent, shown = Seat(tmp_path, "core", profiles=True), Seat(tmp_path, "core")
    assert silent.run("read-id") == shown.run("read-id") == DONE
    assert "MODE is held for three seconds for you" in silent.asides.getvalue()
    assert shown.asides.getvalue().count("\n") <= silent.asides.getvalue().count("\n") - 1


def test_a_practice_board_whose_firmware_is_broken_is_brought_into_update_mode(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon-broken-part2")
    assert seat.run("x-ray") == DONE
    assert "brought into update mode" in seat.asides.getvalue()


def test_json_is_one_object_a_line_and_ends_with_the_outcome(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon")
    assert seat.run("read-id", as_json=True) == DONE
    kinds = [each["event"] for each in seat.objects]
    assert kinds[0] == "PlanReady"
    assert kinds[-1] == "Succeeded"
    outcome = seat.objects[-1]["outcome"]
    assert isinstance(outcome, dict)
    assert outcome["facts"][0]["value"] == PRACTICE_BOARDS["photon"].device_id
    assert all(key == key.lower() for each in seat.objects for key in each)


def test_a_question_in_json_names_its_kind_and_how_to_answer_it(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core", in_dfu=True, typist=Typist("press\n"))
    assert seat.run("read-id", as_json=True) == DONE
    questions = [each["question"] for each in seat.objects if each["event"] == "Asked"]
    assert [(each["kind"], each["name"]) for each in questions if isinstance(each, dict)] == [
        ("Choose", "how"),
        ("DoThis", "enter-listening"),
    ]


def test_a_question_nobody_can_be_asked_ends_in_a_fault_that_says_which_answer_to_give(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core", in_dfu=True)
    assert seat.run("read-id") == FAULT
    assert any("--answer how=VALUE" in line for line in seat.lines)
    given = [line.split()[1] for line in seat.lines if line.startswith("  --answer")]
    assert given == ["how=press:", "how=type:"]


def test_an_answer_given_beforehand_is_used(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core", in_dfu=True)
    assert seat.run("read-id", answers={"device-id": PRACTICE_BOARDS["core"].device_id}) == DONE


def test_an_answer_that_does_not_fit_is_asked_for_again(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core", in_dfu=True, typist=Typist("jump\npress\n"))
    assert seat.run("read-id") == DONE
    assert "one of press, type" in seat.asides.getvalue()


def test_the_end_of_input_is_no_answer(tmp_path: Path) -> None:
    assert Seat(tmp_path, "core", in_dfu=True, typist=Typist("")).run("read-id") == FAULT


def test_ctrl_c_stops_the_run(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core", in_dfu=True, typist=Typist(interrupts=True))
    assert seat.run("read-id", as_json=True) == STOPPED
    assert seat.objects[-1] == {"event": "Stopped", "run": 1, "changed": False}


def test_several_boards_and_none_chosen_is_wrong_usage_that_names_them(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core-0.5", "photon")
    with pytest.raises(WrongUsageError) as raised:
        seat.run("read-id")
    assert PRACTICE_BOARDS["photon"].device_id in str(raised.value)
    assert "1-1" in str(raised.value)


@pytest.mark.parametrize("board", ["1-2", "2a0047001247353236343033", "2A0047001247353236343033"])
def test_a_board_is_chosen_by_port_serial_or_id(board: str, tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core-0.5", "photon")
    assert seat.run("read-id", board=board) == DONE
    assert any(PRACTICE_BOARDS["photon"].device_id in line for line in seat.lines)


@pytest.mark.parametrize("board", ["48ff6c065067555026311387", "8d80306e5055"])
def test_a_core_is_chosen_by_the_hash_it_shows_or_by_the_id_that_hashes_to_it(board: str, tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core-0.5", "photon")
    assert seat.run("read-id", board=board) == DONE
    assert any(PRACTICE_BOARDS["core-0.5"].device_id in line for line in seat.lines)


@pytest.mark.parametrize("as_json", [False, True])
def test_no_board_is_a_fault_that_speaks_of_the_cable(as_json: bool, tmp_path: Path) -> None:
    seat = Seat(tmp_path)
    assert seat.run("read-id", as_json=as_json) == FAULT
    assert "cable" in seat.news.getvalue()


def test_a_board_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert Seat(tmp_path, "photon").run("read-id", board="9-9") == FAULT


def test_a_recipe_nobody_wrote_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(WrongUsageError, match="back-up-key"):
        Seat(tmp_path, "photon").run("make-coffee")


def test_boards_are_listed_with_kind_mode_serial_and_id(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core-0.5", "photon")
    seat.desk.clock.pause(5)
    assert console.list_boards(seat.desk, seat.terminal, as_json=False) == DONE
    assert len(seat.lines) == 2
    assert "Spark Core" in seat.lines[0]
    assert "8D80306E5055" in seat.lines[0]
    assert "ID 2a0047001247353236343033" in seat.lines[1]


def test_choosing_from_nothing_is_no_board() -> None:
    with pytest.raises(NoBoard):
        console.choose((), None)


def test_trouble_with_the_bus_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.faults import UsbLibraryMissing

    def missing() -> None:
        raise UsbLibraryMissing

    seat = Seat(tmp_path, "photon")
    monkeypatch.setattr(seat.desk.bus, "sightings", missing)
    assert console.list_boards(seat.desk, seat.terminal, as_json=False) == FAULT
    assert seat.run("read-id") == FAULT
    assert any("usb.library-missing" in line for line in seat.lines)


# --- the command itself ---


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_recipes_and_practice_boards_are_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--recipes"]) == 0
    listed = capsys.readouterr().out.splitlines()
    keys = [line.split()[0] for line in listed if line.startswith("  ")]
    assert sorted(keys) == sorted(recipe.key for recipe in RECIPES)
    assert keys[:5] == ["read-id", "join-wifi", "why-not-connecting", "first-set-up", "back-up-key"]
    headings = [line for line in listed if not line.startswith("  ")]
    assert headings == ["Set up", "Keep safe", "Keys and clouds", "Your boards in the cloud", "Rescue"]
    assert main(["list", "--practice"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(PRACTICE_BOARDS)
    assert [line.split()[0] for line in lines if "(default)" in line] == ["core", "photon"]
    assert main(["list", "--practice", "--json"]) == 0
    named = [json.loads(line)["practice_board"] for line in capsys.readouterr().out.splitlines()]
    assert [each["name"] for each in named if each["default"]] == ["core", "photon"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--practice", "toaster"],
        ["--practice", "core,photon"],
        ["run", "make-coffee", "--practice", "photon"],
        ["run", "read-id", "--practice", "toaster"],
        ["run", "read-id", "--practice", "photon", "--answer", "nothing"],
        ["run", "read-id", "--practice", "photon", "--trace", "/no/such/folder/trace"],
    ],
)
def test_wrong_usage_says_so_with_exit_code_2(
    arguments: list[str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("rekindle: ")


def test_an_unknown_option_is_wrong_usage(data: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["list", "--coffee"])
    assert ended.value.code == 2


FASTER = """
sys.path.append("tests")
from support.patient_clock import PatientClock
from app import clock, console
clock.RealClock = lambda: PatientClock(160.0)
"""


def run_in_a_process(
    arguments: list[str], data: Path, code: str = "", *, before: str = ""
) -> subprocess.CompletedProcess[str]:
    program = f"import sys\n{before}\nfrom app.main import main\ncode = main({arguments!r})\n{code}\nsys.exit(code)"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "REKINDLE_DATA": str(data)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=50,
        check=False,
    )


@pytest.mark.parametrize("arguments", [["list", "--recipes"], ["list", "--practice"], ["list"], ["--version"]])
def test_nothing_without_a_window_imports_qt(arguments: list[str], tmp_path: Path) -> None:
    ended = run_in_a_process(arguments, tmp_path, "assert not [name for name in sys.modules if 'PySide6' in name]")
    assert ended.returncode == 0, ended.stderr


def test_a_whole_run_in_its_own_process_keeps_the_practice_key_apart_and_imports_no_qt(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    ended = run_in_a_process(
        ["run", "back-up-key", "--practice", "photon", "--json", "--trace", str(trace)],
        tmp_path,
        "assert not [name for name in sys.modules if 'PySide6' in name]",
        before=FASTER,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["event"] == "Succeeded"
    assert list((tmp_path / "practice-keys").rglob("*.der"))
    assert not (tmp_path / "keys").exists()
    (key,) = (tmp_path / "practice-keys").rglob("*.bin")
    secret = key.read_bytes()[150:200].hex()
    assert trace.stat().st_size > 0
    assert secret not in trace.read_text(encoding="utf-8").lower()
    assert secret not in (tmp_path / "logs" / log.LOG_NAME).read_text(encoding="utf-8").lower()
    assert secret not in ended.stdout.lower()


# --- log and report ---


def test_the_report_holds_environment_log_and_trace_without_secrets(data: Path, tmp_path: Path) -> None:
    import logging

    file = log.set_up()
    assert file is not None
    log.keep_secret("correct horse")
    logging.getLogger("app.test").info("typed correct horse, key %s", "ab" * 300)
    log.tear_down()
    trace = tmp_path / "trace.jsonl"
    trace.write_text("typed correct horse\n", encoding="utf-8")
    with zipfile.ZipFile(log.save_report(tmp_path / "report.zip", trace)) as report:
        assert set(report.namelist()) == {"environment.txt", log.LOG_NAME, "trace.jsonl"}
        told = "".join(report.read(name).decode() for name in report.namelist())
    assert told.startswith("rekindle ")
    assert "Python" in told
    assert "correct horse" not in told
    assert "abab" not in told


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
        "3082025c" * 20,
        "MIICXAIBAAKBgQC" * 20,
        "\\x30\\x82\\x02" * 20,
    ],
)
def test_whatever_looks_like_a_key_is_redacted(secret: str) -> None:
    assert log.redact(f"before {secret} after") == f"before {log.REDACTED} after"


def test_fingerprints_and_ids_stay_readable() -> None:
    line = f"ID 53ff6f065067544840551187 fingerprint {'ab' * 32}"
    assert log.redact(line) == line


def test_the_engine_is_closed_after_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    close = Engine.close

    def note(self: Engine) -> bool:
        closed.append(True)
        return close(self)

    monkeypatch.setattr(Engine, "close", note)
    Seat(tmp_path, "photon").run("read-id", board="9-9")
    assert closed
