"""Run the tests marked `lab` inside guest kernels and report each one to the outer pytest as its own.

Outside, the tests of one module and engine make one boot: a second pytest runs them in the guest and writes its
reports into the run folder, line by line; each is handed to the outer pytest as if it had happened here (as
pytest-xdist does between processes). A guest that dies fails every test it still owes.

`REKINDLE_LAB` decides: not set, the tests are skipped; `run`, they run where the lab is prepared and are skipped
elsewhere; `require`, a missing lab is a failure.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from lab.guest import GUEST_FOLDER, Engine, Guest, GuestRun
from lab.prepare import Lab, LabMissing, find

SWITCH = "REKINDLE_LAB"
IN_GUEST = "REKINDLE_LAB_GUEST"
LIMIT = {Engine.UML: 240.0, Engine.QEMU: 240.0}  # s for a whole boot with all its tests
GUESTS_PER_CORE = 2  # half of a guest's time is waiting for boards; with three on a core they wait for each other
# The quickest modules are kept for the end, so that no core is left with one long boot.
LAST = ("same_faults", "account", "window", "cloud", "serial", "monitor")
POWER_OFF_S = 15.0  # a guest whose last test is reported still has to shut down
REPORTS = "reports.jsonl"
FINISHED = "finished"  # the outer mark that a test's last phase was reported
MEASURED = "measured"  # user property: a number worth showing


def in_guest() -> bool:
    """Whether this pytest is the inner one."""
    return IN_GUEST in os.environ


# --- inside ---------------------------------------------------------------------------------------------------------


class GuestReporter:
    """Writes every report where the outer pytest reads it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._path = Path(GUEST_FOLDER) / REPORTS

    def _write(self, line: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._write(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._write({FINISHED: nodeid})


# --- outside --------------------------------------------------------------------------------------------------------


@dataclass
class Boot:
    """One guest and the tests it owes."""

    engine: Engine
    name: str
    nodes: list[str]
    folder: Path
    ended: threading.Event = field(default_factory=threading.Event)
    guest: Guest | None = None
    run: GuestRun | None = None
    trouble: str = ""
    failed: bool = False
    _read: int = 0
    _reports: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _finished: set[str] = field(default_factory=set)

    def command(self) -> list[str]:
        (self.folder / "tests").write_text("\n".join(self.nodes), "utf-8")
        arguments = ["--color=no", "-p", "no:cacheprovider", f"--rootdir={Path.cwd()}", f"@{GUEST_FOLDER}/tests"]
        return [sys.executable, "-m", "pytest", *arguments]

    def reports(self, node: str) -> list[dict[str, Any]]:
        """Wait for a test's reports; those that a dead guest could not give are missing."""
        while node not in self._finished:
            over = self.ended.wait(0.05)
            self._read_on()
            if over:
                break
        return self._reports.get(node, [])

    def finished(self, node: str) -> bool:
        return node in self._finished

    def _read_on(self) -> None:
        try:
            with (self.folder / REPORTS).open("rb") as file:
                file.seek(self._read)
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # still being written
                    self._read += len(line)
                    entry = json.loads(line)
                    if FINISHED in entry:
                        self._finished.add(entry[FINISHED])
                    else:
                        self._reports.setdefault(entry["nodeid"], []).append(entry)
        except FileNotFoundError:
            return


class Relay:
    """The outer side: boots guests when the first lab test is due, several at once on cores of their own."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.reason = ""  # why the lab does not run
        self.required = os.environ.get(SWITCH) == "require"
        self._lab: Lab | None = None
        self._boots: dict[str, Boot] = {}
        self._nodes: dict[tuple[Engine, str], list[str]] = {}
        self._pool: ThreadPoolExecutor | None = None
        if not os.environ.get(SWITCH):
            self.reason = f"not asked for: set {SWITCH}=1, or run `python3 packaging/dev.py test`"
            return
        try:
            self._lab = find()
        except LabMissing as missing:
            self.reason = str(missing)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=_turn)
        for item in items:
            marker = item.get_closest_marker("lab")
            if marker is None:
                continue
            item.add_marker(pytest.mark.timeout(0))  # each guest has its own limit
            engine = Engine(marker.args[0] if marker.args else Engine.UML.value)
            self._nodes.setdefault((engine, item.nodeid.split("::")[0]), []).append(item.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if item.get_closest_marker("lab") is None:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._reports(item):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._nodes:
            return
        write = terminalreporter.write_line
        if self.reason:
            terminalreporter.section("USB lab")
            write(f"THE USB LAB DID NOT RUN: {self.reason}", red=self.required, yellow=True, bold=True)
            return
        boots = {boot.name: boot for boot in self._boots.values()}.values()
        if boots:
            terminalreporter.section("USB lab")
        for boot in boots:
            boot.ended.wait(POWER_OFF_S)
            took = f"{boot.run.seconds:.1f} s" if boot.run else "never started"
            kept = f", kept in {boot.folder}" if boot.failed else ""
            write(f"{boot.engine.value:5} {boot.name}: {len(boot.nodes)} tests, {took}{kept}")
        for reports in terminalreporter.stats.values():
            for report in reports:
                if isinstance(report, pytest.TestReport) and report.when == "call":
                    for name, value in report.user_properties:
                        if name == MEASURED:
                            write(f"      {value}")

    def pytest_unconfigure(self) -> None:
        for boot in self._boots.values():
            if boot.guest is not None:
                boot.guest.kill()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        for folder in {boot.folder for boot in self._boots.values() if not boot.failed}:
            shutil.rmtree(folder, ignore_errors=True)

    def _reports(self, item: pytest.Item) -> list[pytest.TestReport]:
        if self._lab is None:
            if self.required:
                return [_failure(item, f"The USB lab is required here and cannot run: {self.reason}")]
            # One place for all of them, so that the summary folds them into one line.
            return [_report(item, "setup", "skipped", (str(Path(__file__).parent), 0, f"Skipped: {self.reason}"))]
        if not self._boots:
            self._boot_all(self._lab)
        boot = self._boots[item.nodeid]
        load = self._config.hook.pytest_report_from_serializable
        reports: list[pytest.TestReport] = [
            load(config=self._config, data=_unjson(entry)) for entry in boot.reports(item.nodeid)
        ]
        if not boot.finished(item.nodeid):
            reports.append(_failure(item, _obituary(boot)))
        boot.failed = boot.failed or any(report.failed for report in reports)
        return reports

    def _boot_all(self, lab: Lab) -> None:
        cores: queue.SimpleQueue[int] = queue.SimpleQueue()
        places = sorted(os.sched_getaffinity(0)) * GUESTS_PER_CORE
        for core in places:
            cores.put(core)
        self._pool = ThreadPoolExecutor(len(places), "lab")
        # A boot that waits for a core starts when another is done.
        for (engine, module), nodes in self._nodes.items():
            folder = Path(tempfile.mkdtemp(prefix="rekindle-lab-"))
            boot = Boot(engine, Path(module).stem, nodes, folder)
            self._boots.update(dict.fromkeys(nodes, boot))
            self._pool.submit(_run, lab, boot, cores)


def _turn(item: pytest.Item) -> int:
    """When a test is due: the emulated processor takes longest."""
    marker = item.get_closest_marker("lab")
    if marker is None or marker.args:
        return 0
    name = item.path.stem.removeprefix("test_lab_")
    return LAST.index(name) + 2 if name in LAST else 1


def _run(lab: Lab, boot: Boot, cores: queue.SimpleQueue[int]) -> None:
    core = cores.get()
    try:
        environment = {
            IN_GUEST: boot.engine.value,
            SWITCH: os.environ[SWITCH],  # what is required here is required there
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry.endswith("tests")),
        }
        if sys.pycache_prefix:
            environment["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix  # it takes a guest five seconds to compile all
        boot.guest = Guest(lab, boot.engine, boot.folder, boot.command(), environment=environment, core=core)
        boot.guest.start()
        boot.run = boot.guest.wait(LIMIT[boot.engine])
    except Exception as error:  # noqa: BLE001 - shown with each test that it costs
        boot.trouble = f"{type(error).__name__}: {error}"
    finally:
        cores.put(core)
        boot.ended.set()


def _obituary(boot: Boot) -> str:
    if boot.run is None:
        return f"The guest could not be started: {boot.trouble}"
    how = "ran into its time limit" if boot.run.timed_out else f"ended with status {boot.run.exit_status}"
    output = "\n".join(boot.run.output.splitlines()[-60:])
    kernel = "\n".join(boot.run.kernel_log.splitlines()[-30:])
    return f"The {boot.engine.value} guest {how} before this test was done.\n\n{output}\n\n{kernel}"


def _unjson(entry: dict[str, Any]) -> dict[str, Any]:
    """Give back what JSON takes away: pytest insists on a tuple for the place of a skip."""
    if isinstance(entry["longrepr"], list):
        return {**entry, "longrepr": tuple(entry["longrepr"])}
    return entry


def _failure(item: pytest.Item, words: str) -> pytest.TestReport:
    return _report(item, "call", "failed", words)


def _report(
    item: pytest.Item,
    when: Literal["setup", "call"],
    outcome: Literal["skipped", "failed"],
    longrepr: str | tuple[str, int, str],
) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=dict.fromkeys(item.keywords, 1),
        outcome=outcome,
        longrepr=longrepr,
        when=when,
    )
