"""For every test: Qt without a screen, no thread or secret left behind, no warning in the log nobody looked for."""

from __future__ import annotations

import functools
import gc
import hashlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from support import every

from app import log
from app.keys import cloud_folder, device_key, passphrase
from app.virtual import practice_keys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anybody imports Qt

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

THREAD_LIMIT_S = 3.0

# Other examples come the next day.
settings.register_profile("how-much", max_examples=every.examples(100))
settings.load_profile("how-much")


def pytest_configure(config: pytest.Config) -> None:
    """Let a process that runs tests tell less: to hear six times of each one costs a tenth of the everyday run."""
    if config.getoption("durations", None) is not None or config.getoption("xmlpath", None):
        return  # these count the time before and after a test too
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":  # of xdist, which offers nothing for it
            plugin.sendevent = functools.partial(_tell_what_matters, plugin.sendevent)


def _tell_what_matters(tell: Callable[..., None], name: str, **facts: Any) -> None:  # noqa: ANN401 - as xdist has it
    """Leave out that a test begins, and that nothing went wrong and was printed before and after it."""
    data = facts.get("data", {})
    quiet = name == "testreport" and data["when"] != "call" and data["outcome"] == "passed" and not data["sections"]
    if not quiet and name != "logstart":
        tell(name, **facts)


def pytest_collection_finish() -> None:
    """Look for garbage less often, and never among the tests themselves: nearly all that ends needs no looking for."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_report_header() -> str:
    """Say how much is tried, so that nobody takes a part for the whole."""
    return f"combinations: {every.words()}"


_tried: dict[str, tuple[int, int]] = {}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - a class of xdist, which may be missing
    """Hear from a process that ran tests what it chose."""
    _tried.update(getattr(node, "workeroutput", {}).get("tried", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that shows the results what was chosen in this one."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tried"] = every.tried
    _tried.update(every.tried)
    gc.collect()
    gc.freeze()  # pytest looks for garbage ten times more, to hear of what nobody closed: now it is told


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many combinations were left out."""
    taken, whole = (sum(numbers[place] for numbers in _tried.values()) for place in (0, 1))
    if taken < whole:
        terminalreporter.write_line(f"combinations left out: {whole - taken} of {whole}; tried: {every.words()}")


class _Warnings(logging.Handler):
    """Keeps what was logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True, scope="session")
def each_key_proven_once() -> Iterator[None]:
    """Remember which private keys are sound: proving that its integers are prime takes 5 to 25 ms for each reading.

    The program itself remembers no private key.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device_key, "_rsa_key", functools.cache(device_key._rsa_key))
        patch.setattr(cloud_folder, "_public_half", functools.cache(cloud_folder._public_half))
        yield


@pytest.fixture(autouse=True, scope="session")
def passphrases_quickly_tried() -> Iterator[None]:
    """Let a passphrase be tried in no time: containers say what they cost to open, nothing else depends on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrase, "COST", bytes([4, 8, 1]))
        yield


@pytest.fixture(autouse=True, scope="session")
def practice_keys_made_once(pytestconfig: pytest.Config) -> Iterator[None]:
    """Keep the primes of practice boards in pytest's cache: to find them takes each process four seconds.

    They are no secret, and the same wherever they are found; a change of how to find them is a new name here.
    """
    cache: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    if cache is None:
        yield
        return
    folder = cache.mkdir("practice-keys")
    recipe = Path(practice_keys.__file__).read_bytes()
    make = practice_keys._make

    def known(seed: str, usable: bool) -> practice_keys.RsaNumbers:
        file = folder / hashlib.sha256(recipe + f"{seed} {usable}".encode()).hexdigest()
        if file.exists():
            first, second = file.read_text("ascii").split()
            return practice_keys._numbers(int(first), int(second))
        made = make(seed, usable)
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        fresh.write_text(f"{made.p} {made.q}", "ascii")
        fresh.replace(file)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(practice_keys, "_make", known)
        yield


@pytest.fixture(autouse=True)
def secrets_of_its_own() -> Iterator[None]:
    """Forget the secrets of a test with its end: what is redacted for one must not be missing in the log of another."""
    yield
    log._secrets.clear()


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread running, or logs a warning without asking for `caplog`."""
    before = set(threading.enumerate())
    heard = _Warnings()
    ours = logging.getLogger("app")
    ours.addHandler(heard)
    yield
    ours.removeHandler(heard)
    end = time.monotonic() + THREAD_LIMIT_S
    fresh = [thread for thread in threading.enumerate() if thread not in before]
    for thread in fresh:
        if not isinstance(thread, threading._DummyThread):
            thread.join(max(0.0, end - time.monotonic()))
    left = [thread.name for thread in fresh if thread.is_alive() and not isinstance(thread, threading._DummyThread)]
    assert not left, f"threads left behind: {left}"
    if "caplog" not in request.fixturenames:
        assert not heard.lines
