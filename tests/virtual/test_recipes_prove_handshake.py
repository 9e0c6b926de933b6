"""Proving the handshake with virtual boards: every end it can have, and that the old server always comes back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.air import BOARD, HERE, LOOPBACK, Air, Weather
from support.cuts import MISHAPS, Kind
from support.desk import IN_DFU, RUNNING, Desk, desk
from support.every import CHOSEN, FEW, each
from support.moments import at_step, come_back
from support.secret_bytes import told as spelled

from app.engine.runner import run_recipe
from app.faults import RescueOfOtherBoard, WrongBoardReturned
from app.flow import to_put_back
from app.keys.server_key import AddressKind, ServerAddress, build_server
from app.platforms.table import platform
from app.protocols.handshake import new_server_key, public_half
from app.recipes import prove_handshake
from app.recipes.prove_handshake import KEY, ProveHandshake
from app.recipes.put_back import PutBack
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Fact, Failed, Hint, Outcome, StepStarted, Succeeded
from app.work.flashing import PLAN, RESUME
from app.work.job import Job
from app.work.questions import Choose, Review, WatchLight
from app.work.server_work import kept_servers

WIFI_BOARDS = ("core", "core-0.5", "core-0.7", "photon-0.5", "photon-0.6", "photon-0.7", "photon", "p1")
LINES = ("call", "server-key", "device-id", "public-key", "session", "hello")
HOST = "cloud.example.org"


@functools.cache
def run_key() -> rsa.RSAPrivateKey:
    """Every run's throw-away key: making one takes longer than everything else here."""
    return new_server_key()


@functools.cache
def old_key() -> bytes:
    """The key of the server the boards have before."""
    return public_half(new_server_key())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_handshake, "new_server_key", run_key)


def old_block(name: str) -> bytes:
    slot = platform(name.partition("-")[0]).slot("server-public")
    return build_server(slot, old_key(), ServerAddress(AddressKind.DOMAIN, HOST))


def place_of(
    name: str,
    folder: Path,
    mode: str = RUNNING,
    *,
    air: Air | None = None,
    **options: Any,  # noqa: ANN401
) -> tuple[Desk, Air]:
    air = air or Air()
    options.setdefault("server", old_block(name))
    options.setdefault("answers", {PLAN: True})
    place = desk(name, folder, mode, world=air, network=air, **options)
    air.bring(place.board)
    return place, air


def server_memory(place: Desk) -> bytes:
    """The server block, and on a Core the rest of its sector (3.2, 3.5)."""
    if place.board.spi_flash is not None:
        return bytes(place.board.spi[0x1000:0x2000])
    return bytes(place.board.dct[2082 : 2082 + 512])


def value(outcome: Outcome, key: str) -> str:
    found: Fact = next(fact for fact in outcome.facts if fact.key == key)
    return found.value if isinstance(found.value, str) else found.value.english()


def how_far(outcome: Outcome) -> list[str]:
    return [value(outcome, f"step-{key}") for key in LINES]


def hints(place: Desk) -> list[str]:
    return [event.words.english() for event in place.person.events if isinstance(event, Hint)]


@pytest.mark.parametrize(("name", "mode"), [*((name, RUNNING) for name in WIFI_BOARDS), ("core", IN_DFU)])
def test_a_good_board_proves_it_and_has_its_server_back(name: str, mode: str, tmp_path: Path) -> None:
    place, air = place_of(name, tmp_path, mode)
    before, key = server_memory(place), place.slot
    outcome = place.succeed(ProveHandshake)
    assert "Proven" in outcome.summary.english(), hints(place)
    assert all(line.startswith("done") for line in how_far(outcome))
    assert value(outcome, "told-id") == place.board.device_id
    assert value(outcome, "peer") == BOARD
    assert value(outcome, "server") == f"{HOST}, port 5683, as before"
    assert (HERE, 5683) in air.dialled
    assert not outcome.unfinished
    assert server_memory(place) == before
    assert place.slot == key
    assert place.undo.interrupted() == ()
    assert place.safe.backups()
    assert any("knows its key" in hint for hint in hints(place))


def test_the_plan_says_that_it_is_put_back(tmp_path: Path) -> None:
    place, _ = place_of("photon", tmp_path)
    place.succeed(ProveHandshake)
    (plan,) = (
        event.question.plan
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Review)
    )
    titles = [write.title.english() for write in plan.writes]
    assert titles == [
        f"Server for one connection: this computer, {HERE}, port 5683",
        f"The server as it is now: {HOST}, port 5683",
    ]


def test_nothing_is_written_without_consent(tmp_path: Path) -> None:
    place, air = place_of("photon", tmp_path, answers={PLAN: False})
    before = place.memories()
    place.play(ProveHandshake)
    assert place.memories() == before
    assert (HERE, 5683) not in air.dialled
    assert air.listeners == []


@pytest.mark.parametrize(
    ("name", "weather", "words"),
    [
        ("core", Weather("firewall", firewall=True), "Nothing arrived"),
        ("photon", Weather("other network", other_network=True), "Nothing arrived"),
        ("core", Weather("refuses", refuses=True), "Nothing arrived"),
        ("photon", Weather("cut in the answer", cut_up=100), "did not speak like a board"),
        ("core", Weather("lost after the answer", deaf_up=256), "said no more"),
        ("photon", Weather("cut in the session", cut_down=200), "broke off"),
        ("core", Weather("cut in the hello", cut_up=260), "broke off"),
        ("photon", Weather("deaf to the session", deaf_down=100), "said no more"),
    ],
    ids=lambda each: each.name if isinstance(each, Weather) else "",
)
def test_bad_air_is_told_and_the_server_comes_back(name: str, weather: Weather, words: str, tmp_path: Path) -> None:
    place, air = place_of(name, tmp_path)
    air.weather = weather
    before = server_memory(place)
    outcome = place.succeed(ProveHandshake)
    assert words in outcome.summary.english(), hints(place)
    assert outcome.unfinished
    assert outcome.next_steps
    assert "failed" in how_far(outcome)
    assert server_memory(place) == before
    assert place.undo.interrupted() == ()


def test_when_nothing_arrives_address_network_and_firewall_are_spoken_of(tmp_path: Path) -> None:
    place, air = place_of("photon", tmp_path)
    air.weather = Weather(firewall=True)
    outcome = place.succeed(ProveHandshake)
    said = " ".join(step.english() for step in outcome.next_steps)
    assert HERE in said
    assert "irewall" in said
    assert "2.4 GHz" in said
    assert "Guest" in said
    assert HERE in value(outcome, "cause")
    assert outcome.next_recipes == (KEY,)


def test_bytes_in_crumbs_are_enough(tmp_path: Path) -> None:
    place, air = place_of("photon", tmp_path)
    air.weather = Weather(crumb=7)
    assert "Proven" in place.succeed(ProveHandshake).summary.english()


@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_board_without_a_network_is_found_listening(name: str, tmp_path: Path) -> None:
    place, _ = place_of(name, tmp_path, IN_DFU, profiles=False)
    before = server_memory(place)
    outcome = place.succeed(ProveHandshake)
    assert "listening mode" in outcome.summary.english()
    assert "no Wi-Fi networks" in value(outcome, "cause")
    assert outcome.next_recipes == ("join-wifi",)
    assert how_far(outcome) == ["failed", *["not reached"] * 5]
    assert server_memory(place) == before


@pytest.mark.parametrize(
    ("seen", "summary", "repair"),
    [
        ("stop", "Nothing arrived", (KEY,)),
        ("green", "does not get into its Wi-Fi", ("join-wifi",)),
        ("blue", "waits for a Wi-Fi network", ("join-wifi",)),
        ("cyan", "does not get through", (KEY,)),
        ("red", "Nothing arrived", (KEY,)),
    ],
)
def test_what_the_person_sees_ends_the_waiting_and_decides_the_words(
    seen: str, summary: str, repair: tuple[str, ...], tmp_path: Path
) -> None:
    place, air = place_of("photon", tmp_path, answers={PLAN: True, "seen": seen})
    air.weather = Weather(firewall=True)
    before, began = server_memory(place), place.clock.now()
    outcome = place.succeed(ProveHandshake)
    assert summary in outcome.summary.english()
    assert outcome.next_recipes == repair
    assert place.clock.now() - began < 120
    assert server_memory(place) == before
    assert any(isinstance(event, Asked) and isinstance(event.question, WatchLight) for event in place.person.events)


@pytest.mark.parametrize("key", ["blank", "corrupt", "unusable"])
def test_a_key_that_cannot_work_is_told_before_anything_is_written(key: str, tmp_path: Path) -> None:
    place, air = place_of("core", tmp_path, key=key)
    before = server_memory(place)
    outcome = place.succeed(ProveHandshake)
    assert "No handshake was tried" in outcome.summary.english()
    assert outcome.next_recipes == ("restore-key",)
    assert how_far(outcome) == ["not reached"] * 6
    assert server_memory(place) == before
    assert (HERE, 5683) not in air.dialled
    assert air.listeners == []


def test_a_board_whose_firmware_does_not_start_is_told(tmp_path: Path) -> None:
    place, _ = place_of("photon", tmp_path, IN_DFU, part2=False)
    last = place.play(ProveHandshake)
    if isinstance(last, Succeeded):
        assert last.outcome.unfinished
    else:
        assert isinstance(last, Failed)
        assert last.code != "bug"


def test_a_stop_while_it_waits_ends_the_waiting_and_puts_the_server_back_at_once(tmp_path: Path) -> None:
    place, air = place_of("photon", tmp_path)
    air.weather = Weather(firewall=True)
    before, began = server_memory(place), place.clock.now()
    jobs: list[Job] = []

    def post(event: Event) -> None:
        place.person(event)
        if isinstance(event, Asked) and event.question.name == "seen":
            jobs[0].stop()

    jobs.append(place.job(post=post))
    run_recipe(ProveHandshake(), jobs[0])
    assert place.clock.now() - began < 90
    assert server_memory(place) == before
    assert place.undo.interrupted() == ()


# --- the port and the address ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["photon", "core-0.7"])
def test_a_taken_port_is_got_round_where_the_firmware_knows_how(name: str, tmp_path: Path) -> None:
    place, air = place_of(name, tmp_path, air=Air(weather=Weather(taken=frozenset({5683}))))
    before = server_memory(place)
    outcome = place.succeed(ProveHandshake)
    assert "Proven" in outcome.summary.english()
    assert any(host == HERE and port != 5683 for host, port in air.dialled)
    assert server_memory(place) == before


def test_a_taken_port_ends_it_where_the_firmware_knows_only_that_one(tmp_path: Path) -> None:
    place, _ = place_of("core", tmp_path, air=Air(weather=Weather(taken=frozenset({5683}))))
    before = place.memories()
    failed = place.fail(ProveHandshake)
    assert failed.code == "cloud.port-taken"
    assert place.memories()[1] == before[1]


def test_a_computer_that_may_not_listen_ends_it_before_the_board_is_touched(tmp_path: Path) -> None:
    place, _ = place_of("photon", tmp_path, air=Air(weather=Weather(denied=True)))
    assert place.fail(ProveHandshake).code == "cloud.listen-refused"


def test_a_computer_in_no_network_ends_it_before_the_board_is_touched(tmp_path: Path) -> None:
    place, _ = place_of("photon", tmp_path, air=Air((LOOPBACK,)))
    assert place.fail(ProveHandshake).code == "cloud.no-address"


def test_of_several_networks_the_person_chooses_one(tmp_path: Path) -> None:
    second = "10.0.0.7"
    place, air = place_of(
        "photon", tmp_path, air=Air((HERE, second, LOOPBACK)), answers={PLAN: True, "address": second}
    )
    assert "Proven" in place.succeed(ProveHandshake).summary.english()
    assert (second, 5683) in air.dialled
    (asked,) = (
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Choose)
    )
    assert [key for key, _ in asked.options] == [HERE, second]


# --- interrupted ----------------------------------------------------------------------------------------------------


def finished(place: Desk, answers: Mapping[str, object] | None = None) -> Outcome:
    """Finish the interrupted run, as the window's button does."""
    (open_one,) = place.undo.interrupted()
    return place.succeed(ProveHandshake, {RESUME: open_one.id, PLAN: True, **(answers or {})})


def cut_off(place: Desk, question: str = "seen") -> None:
    """Run it, pull the cable when that is asked and leave; then plug the board in again."""

    def post(event: Event) -> None:
        place.person(event)
        if isinstance(event, Asked) and event.question.name == question:
            place.bus.unplug(place.board)
            place.person.willing = False

    run_recipe(ProveHandshake(), place.job(post=post))
    assert isinstance(place.person.events[-1], Failed)
    place.bus.plug(place.board, "1-1")
    place.clock.pause(10.0)
    place.person.willing = True


@pytest.mark.parametrize("name", ["core", "photon-0.6"])
def test_cut_off_while_the_board_is_waited_for_it_is_finished_later(name: str, tmp_path: Path) -> None:
    place, _ = place_of(name, tmp_path)
    before = server_memory(place)
    cut_off(place)
    assert server_memory(place) != before
    outcome = finished(place)
    assert HOST in outcome.summary.english()
    assert server_memory(place) == before
    assert place.undo.interrupted() == ()


@pytest.mark.parametrize("name", ["core", "photon"])
def test_run_again_after_a_crash_it_proves_and_puts_the_first_server_back(name: str, tmp_path: Path) -> None:
    place, _ = place_of(name, tmp_path)
    before = server_memory(place)
    cut_off(place)
    assert server_memory(place) != before
    outcome = place.succeed(ProveHandshake)
    assert "Proven" in outcome.summary.english()
    assert server_memory(place) == before
    assert place.undo.interrupted() == ()
    assert {kept.block.host for kept in kept_servers(place.job())} == {HOST}


@pytest.fixture
def another_key_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in life: what a run left is told from what another left by its key."""
    keys = iter((run_key(), second_key(), other_key()))
    monkeypatch.setattr(prove_handshake, "new_server_key", lambda: next(keys))


@functools.cache
def second_key() -> rsa.RSAPrivateKey:
    return new_server_key()


@functools.cache
def other_key() -> rsa.RSAPrivateKey:
    return new_server_key()


def set_to(place: Desk, host: str) -> bytes:
    """Set the board to another server, as somebody else would; return what the server's memory holds then."""
    slot = platform(place.board.personality.kind.key).slot("server-public")
    block = build_server(slot, public_half(other_key()), ServerAddress(AddressKind.DOMAIN, host))
    cells = place.board.dct if place.board.spi_flash is None else place.board.spi
    cells[slot.address : slot.address + len(block)] = block
    return server_memory(place)


@pytest.mark.usefixtures("another_key_each_run")
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("name", ["core", "photon", "photon-0.5"])
def test_of_two_cut_off_runs_either_one_puts_the_server_back_that_the_board_really_had(
    name: str, which: int, tmp_path: Path
) -> None:
    place, _ = place_of(name, tmp_path)
    before = server_memory(place)
    cut_off(place)
    cut_off(place)
    chosen = place.undo.interrupted()[which]
    outcome = place.succeed(ProveHandshake, {RESUME: chosen.id, PLAN: True})
    assert HOST in outcome.summary.english()
    assert server_memory(place) == before
    assert place.undo.interrupted() == ()


@pytest.mark.usefixtures("another_key_each_run")
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("name", ["core", "photon"])
def test_putting_back_what_was_there_before_either_of_two_cut_off_runs_brings_the_server_the_board_really_had(
    name: str, which: int, tmp_path: Path
) -> None:
    place, _ = place_of(name, tmp_path)
    before = server_memory(place)
    cut_off(place)
    cut_off(place)
    recipe, given = to_put_back(place.undo.interrupted()[which])
    assert recipe == PutBack.key
    place.person.answers["device-id"] = place.board.device_id
    place.succeed(PutBack, {**dict(given), PLAN: True, "with-keys": True})
    assert server_memory(place) == before
    assert place.undo.interrupted() == ()


@pytest.mark.usefixtures("another_key_each_run")
@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_server_the_board_was_set_to_after_a_crash_stays_when_that_run_is_finished(name: str, tmp_path: Path) -> None:
    place, _ = place_of(name, tmp_path)
    cut_off(place)
    since = set_to(place, "since.example.org")
    outcome = finished(place)
    assert "since.example.org" in outcome.summary.english()
    assert "stays" in outcome.summary.english()
    assert value(outcome, "server") == "since.example.org, port 5683"
    assert server_memory(place) == since
    assert place.undo.interrupted() == ()


@pytest.mark.usefixtures("another_key_each_run")
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("name", ["core", "photon"])
def test_the_server_of_the_run_whose_traces_are_on_the_board_is_put_back_whichever_is_finished(
    name: str, which: int, tmp_path: Path
) -> None:
    place, _ = place_of(name, tmp_path)
    cut_off(place)
    since = set_to(place, "since.example.org")
    cut_off(place)
    chosen = place.undo.interrupted()[which]
    place.succeed(ProveHandshake, {RESUME: chosen.id, PLAN: True})
    assert server_memory(place) == since
    assert place.undo.interrupted() == ()


def test_boards_that_nothing_tells_apart_are_told_by_the_server_they_hold(tmp_path: Path) -> None:
    place, air = place_of("photon-0.5", tmp_path)
    before = server_memory(place)
    cut_off(place)
    other = make(
        "photon-0.5", place.clock, world=air, server=old_block("photon"), device_id="aa" * 12, profiles=True, key="good"
    )
    other.dct[2082 + 384 + 3] ^= 1  # another host than the first board's
    own = bytes(other.dct)
    place.bus.unplug(place.board)
    place.clock.pause(2.0)
    first, place.board = place.board, other
    place.bus.plug(other, "1-1")
    place.clock.pause(10.0)
    place.person.hand, place.person.board = PracticeHand(other), other
    (open_one,) = place.undo.interrupted()
    answers = {RESUME: open_one.id, PLAN: True}
    assert place.fail(ProveHandshake, answers).code == RescueOfOtherBoard.code
    assert bytes(other.dct)[2082 : 2082 + 512] == own[2082 : 2082 + 512]
    place.bus.unplug(other)
    place.clock.pause(2.0)
    place.board = first
    place.bus.plug(first, "1-1")
    place.clock.pause(10.0)
    place.person.hand, place.person.board = PracticeHand(first), first
    place.succeed(ProveHandshake, answers)
    assert server_memory(place) == before
    assert place.undo.interrupted() == ()


def test_another_board_plugged_in_while_one_is_waited_for_keeps_its_server(tmp_path: Path) -> None:
    place, air = place_of("photon-0.5", tmp_path)
    before = server_memory(place)
    other = make(
        "photon-0.5", place.clock, world=air, server=old_block("photon"), device_id="aa" * 12, profiles=True, key="good"
    )
    other.dct[2082 + 384 + 3] ^= 1  # another host than the first board's
    own = bytes(other.dct[2082 : 2082 + 512])

    def exchange(there: VirtualBoard, instead: VirtualBoard) -> None:
        place.bus.unplug(there)
        place.clock.pause(2.0)
        place.bus.plug(instead, "1-1")
        place.clock.pause(10.0)
        place.person.hand, place.person.board = PracticeHand(instead), instead

    def post(event: Event) -> None:
        if isinstance(event, Asked) and event.question.name == "seen":
            exchange(place.board, other)
        place.person(event)

    run_recipe(ProveHandshake(), place.job(post=post))
    last = place.person.events[-1]
    assert isinstance(last, Failed)
    assert last.code == WrongBoardReturned.code
    assert bytes(other.dct[2082 : 2082 + 512]) == own
    exchange(other, place.board)
    finished(place)
    assert server_memory(place) == before


WRITES, WAITS, BACK, RESTORES, STARTS = 4, 5, 6, 7, 8  # numbers of the steps after the consent


def cut_in(place: Desk, step: int, transfer: int, kind: Kind) -> None:
    """Run it, and have the cable off at a transfer of that step, counted from 1; then plug the board in again."""
    done: list[int] = []

    def post(event: Event) -> None:
        place.person(event)
        if isinstance(event, StepStarted) and event.step == step and not done:
            done.append(step)
            place.board.mishap = MISHAPS[kind](place.board.transfers + transfer)

    run_recipe(ProveHandshake(), place.job(post=post))
    place.board.mishap = Mishap.NONE
    place.bus.unplug(place.board)
    place.clock.pause(2.0)
    place.bus.plug(place.board, "1-1")
    place.clock.pause(10.0)


CUTS = [
    (step, transfer, kind)
    for step in (WRITES, WAITS, BACK, RESTORES, STARTS)
    for transfer in (1, 2, 3, 5, 8, 13, 21, 34)
    for kind in (Kind.BEFORE, Kind.AMID, Kind.AFTER)
]


# Every day each tenth, which meets every step and, as three does not divide ten, every kind.
@pytest.mark.parametrize(("step", "transfer", "kind"), each(CUTS, 10, "handshake"))
@pytest.mark.parametrize("name", ["core"] if CHOSEN == FEW else ["core", "photon"])
def test_cut_off_anywhere_finishing_puts_the_old_server_back(
    name: str, step: int, transfer: int, kind: Kind, tmp_path: Path
) -> None:
    place, _ = place_of(name, tmp_path)
    before, key = server_memory(place), place.slot
    cut_in(place, step, transfer, kind)
    assert place.slot == key
    if place.undo.interrupted():
        finished(place)
    assert server_memory(place) == before
    assert place.slot == key
    assert place.undo.interrupted() == ()


def test_what_a_cut_tore_beside_the_old_server_is_mended_by_the_next_run(tmp_path: Path) -> None:
    place, _ = place_of("core", tmp_path, IN_DFU)
    place.board.spi[0x1800:0x2000] = bytes(range(256)) * 8
    before = server_memory(place)
    torn = before[:0x800] + b"\xff" * 0x800  # as a cut amid putting it back leaves it
    at_step(place, RESTORES, lambda: setattr(place.board, "mishap", Mishap(gone_at=place.board.transfers + 1)))
    place.play(ProveHandshake)
    assert place.undo.interrupted()
    come_back(place)
    place.board.spi[0x1000:0x2000] = torn
    place.succeed(ProveHandshake)
    assert server_memory(place) == before
    assert place.undo.interrupted() == ()


# --- the board is not what was read ---------------------------------------------------------------------------------


def changed_meanwhile(place: Desk, change: Callable[[], None]) -> Outcome:
    """Run it, and change the board's memory before it starts."""

    def post(event: Event) -> None:
        place.person(event)
        if isinstance(event, StepStarted) and event.step == WAITS:
            change()

    run_recipe(ProveHandshake(), place.job(post=post))
    last = place.person.events[-1]
    assert isinstance(last, Succeeded), last
    return last.outcome


def other_slot(name: str, folder: Path) -> bytes:
    """The key slot of another board."""
    return place_of(name, folder, device_id="aa" * 12)[0].slot


def test_a_board_that_uses_another_key_is_told_so(tmp_path: Path) -> None:
    place, _ = place_of("photon", tmp_path / "one")
    other = other_slot("p1", tmp_path / "two")
    assert other != place.slot

    def change() -> None:
        place.board.dct[34 : 34 + 612] = other

    outcome = changed_meanwhile(place, change)
    assert "another key" in outcome.summary.english()
    assert outcome.next_recipes == ("restore-key",)
    assert how_far(outcome) == ["done", "done", "done", "failed", "not reached", "not reached"]


@pytest.mark.parametrize(
    ("seen", "words", "repair"),
    [("orange", "cannot read the session", "restore-key"), ("magenta", "signature", "full-firmware-upgrade")],
)
def test_an_old_core_with_another_key_breaks_off_and_the_light_says_why(
    seen: str, words: str, repair: str, tmp_path: Path
) -> None:
    place, _ = place_of("core", tmp_path / "one")
    other = other_slot("core-0.7", tmp_path / "two")
    assert other != place.slot

    def change() -> None:
        place.board.spi[0x2000 : 0x2000 + 612] = other

    tell = place.person.__call__

    def post(event: Event) -> None:
        tell(event)
        if isinstance(event, StepStarted) and event.step == WAITS:
            change()
        if isinstance(event, Hint) and "ended the connection" in event.words.english():
            replies = [each.reply for each in place.person.events if isinstance(each, Asked)]
            replies[-1](seen)

    run_recipe(ProveHandshake(), place.job(post=post))
    last = place.person.events[-1]
    assert isinstance(last, Succeeded), last
    assert "broke off" in last.outcome.summary.english()
    assert words in value(last.outcome, "cause")
    assert last.outcome.next_recipes == (repair,)
    assert how_far(last.outcome) == ["done"] * 2 + ["done"] + ["done; this firmware does not send its public key"] + [
        "failed",
        "not reached",
    ]


def test_a_board_that_answers_with_another_server_key_is_told_so(tmp_path: Path) -> None:
    place, _ = place_of("photon", tmp_path)
    before = server_memory(place)
    wrong = build_server(platform("photon").slot("server-public"), old_key(), ServerAddress(AddressKind.IPV4, HERE))

    def change() -> None:
        place.board.dct[2082 : 2082 + 512] = wrong

    outcome = changed_meanwhile(place, change)
    assert "another server key" in outcome.summary.english()
    assert outcome.next_recipes == ("switch-cloud",)
    assert how_far(outcome) == ["done", "failed", *["not reached"] * 4]
    assert server_memory(place) == before


def test_no_secret_is_in_what_is_told(tmp_path: Path) -> None:
    place, _ = place_of("core", tmp_path)
    place.succeed(ProveHandshake)
    run = run_key().private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert spelled(repr(place.person.events), (run, place.slot)) == []


def test_only_boards_with_wifi_fit(tmp_path: Path) -> None:
    place = desk("electron", tmp_path)
    fit = ProveHandshake.fit(place.seen())
    assert fit.reason is not None
    assert "DTLS" in fit.reason.english()
