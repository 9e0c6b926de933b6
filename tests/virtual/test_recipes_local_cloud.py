"""The local cloud guide with virtual boards and a server typed from the specification: success, every missing step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)
from support import device_keys
from support.air import HERE, LOOPBACK, Air, Weather
from support.cuts import MISHAPS, Kind
from support.desk import IN_DFU, RUNNING, Desk, desk
from support.every import each
from support.moments import at_step
from support.spark_server import SparkServer, lay_out, public_pem
from support.spec_cloud import server_block, server_key, server_public

from app.engine.runner import run_recipe
from app.keys.clouds import local_cloud
from app.keys.device_key import examine, public_der
from app.keys.server_key import parse_host
from app.platforms.model import Algorithm
from app.recipes.local_cloud import LocalCloud
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Outcome, StepStarted, Stopped, Succeeded
from app.work.flashing import PLAN, RESUME
from app.work.questions import Choose, Enter, PickFile, Question, Review, WatchLight

FAR = "192.168.1.30"  # another computer of the house
BEFORE = "192.168.1.99"
BOARDS = ("core", "core-0.5", "core-0.7", "photon-0.5", "photon-0.6", "photon-0.7", "photon", "p1", "electron")
LOOK_S = 25.0  # a person looks for a while before they say what they see
TELLING = {
    "breathing cyan": "connected",
    "an orange flash": "orange",
    "a magenta flash": "magenta",
    "a red flash": "red",
}


class Eyes:
    """A person's: what the board shows longest or last decides what they answer."""

    def __init__(self, place: Desk) -> None:
        self.place = place
        self.asked: Asked | None = None
        self.since = 0.0
        self.seen: set[str] = set()

    def ask(self, event: Asked) -> None:
        self.asked, self.since, self.seen = event, self.place.clock.now(), set()

    def tick(self) -> None:
        if self.asked is None:
            return
        words = self.place.board.light_pattern
        if words in TELLING:
            self.seen.add(TELLING[words])
        waited = self.place.clock.now() - self.since
        if "connected" in self.seen or waited > LOOK_S:
            asked, self.asked = self.asked, None
            told = [each for each in TELLING.values() if each in self.seen]
            asked.reply(told[0] if told else "green" if "green" in words else "blue" if "blue" in words else "cyan")


@dataclass
class Scene:
    """A board, a house, and a server in it."""

    place: Desk
    air: Air
    keys: Path
    root: Path
    server: SparkServer | None
    post: Callable[[Event], None]

    @property
    def id(self) -> str:
        return self.place.board.device_id

    @property
    def file(self) -> Path:
        return self.keys / f"{self.id}.pub.pem"

    @property
    def noted(self) -> Path:
        return self.keys / f"{self.id}_handshake.pub.pem"

    def run(self, answers: dict[str, object] | None = None) -> Event:
        run_recipe(LocalCloud(), self.place.job(answers, post=self.post))
        return self.place.person.events[-1]

    def outcome(self, answers: dict[str, object] | None = None) -> Outcome:
        last = self.run(answers)
        assert isinstance(last, Succeeded), last
        return last.outcome

    def asked(self, kind: type[Question]) -> list[Any]:
        events = self.place.person.events
        return [each.question for each in events if isinstance(each, Asked) and isinstance(each.question, kind)]


def scene(
    folder: Path,
    name: str = "photon",
    mode: str = RUNNING,
    *,
    host: str = FAR,
    typed: str = "",
    here: bool = True,
    fork: bool = False,
    serves: bool = True,
    server: dict[str, Any] | None = None,
    air: Air | None = None,
    answers: dict[str, object] | None = None,
    looks: bool = True,
    **options: Any,  # noqa: ANN401
) -> Scene:
    """Lay everything out; `here` says whether the server's folder is on this computer."""
    air = air or Air()
    root = folder / "server"
    keys = lay_out(root, fork=fork)
    (folder / "copied.pub.pem").write_bytes(public_pem())
    running = SparkServer(air, host, keys, **(server or {})) if serves else None
    options.setdefault("server", server_block(BEFORE, name="other"))
    given: dict[str, object] = {
        PLAN: True,
        "server-folder": str(root) if here else "",
        "server-key": str(folder / "copied.pub.pem"),
        "host": typed or host,
        "cloud-name": "Workshop",
        "server-check": "anyway",
        "accept-key": True,
        **(answers or {}),
    }
    place = desk(name, folder / "own", mode, world=air, network=air, answers=given, **options)
    given["device-id"] = place.board.device_id
    place.person.answers["device-id"] = place.board.device_id
    if place.board.spi_flash is None and place.board.dct[3618] == 0xFF:
        place.board.dct[3618:3630] = bytes.fromhex(place.board.device_id)
    eyes = Eyes(place)
    air.bring(place.board, eyes, *([running] if running else []))
    waits = place.bus.wait_for_change

    def wait_for_change(seconds: float) -> bool:
        air.live()
        return waits(min(seconds, 0.05))

    place.bus.wait_for_change = wait_for_change  # type: ignore[method-assign]

    def post(event: Event) -> None:
        place.person(event)
        if looks and isinstance(event, Asked) and isinstance(event.question, WatchLight):
            eyes.ask(event)

    return Scene(place, air, keys, root, running, post)


def slot_key(place: Desk) -> bytes:
    """The board's public key, as its slot has it."""
    return public_der(examine(place.slot, Algorithm.RSA_1024))


def server_memory(place: Desk) -> bytes:
    if place.board.spi_flash is not None:
        return bytes(place.board.spi[0x1000 : 0x1000 + 512])
    return bytes(place.board.dct[2082 : 2082 + 512])


def pem_of(der: bytes) -> str:
    return load_der_public_key(der).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def other_board() -> bytes:
    """The public key of another board, in PEM."""
    return examine(device_keys.as_device().ljust(612, b"\xff"), Algorithm.RSA_1024).public_pem


def words_of(outcome: Outcome) -> str:
    facts = " ".join(f.value if isinstance(f.value, str) else f.value.english() for f in outcome.facts)
    texts = (outcome.summary, *outcome.next_steps, *outcome.warnings)
    said = f"{facts} {' '.join(each.english() for each in texts)}"
    assert "{" not in said, said
    return said


# --- it works -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_joins_a_server_whose_folder_is_here(name: str, tmp_path: Path) -> None:
    house = scene(tmp_path, name)
    outcome = house.outcome()
    assert not outcome.unfinished, words_of(outcome)
    assert "connected" in outcome.summary.english()
    assert house.server is not None
    assert house.server.online
    assert public_der(house.file.read_bytes()) == slot_key(house.place)
    assert server_memory(house.place)[:294] == server_public()
    assert outcome.documents == ()
    assert house.place.undo.interrupted() == ()
    assert [cloud.name for cloud in house.place.clouds.clouds()] == ["Workshop"]
    assert house.place.safe.backups()


def test_a_board_joins_a_server_on_another_computer_and_its_key_is_handed_on(tmp_path: Path) -> None:
    house = scene(tmp_path, here=False)
    house.file.write_text(pem_of(slot_key(house.place)))  # somebody did it before
    outcome = house.outcome()
    assert not outcome.unfinished, words_of(outcome)
    (paper,) = outcome.documents
    assert paper.file_name == f"{house.id}.pub.pem"
    assert f"core_keys/{house.id}.pub.pem" in paper.body.english()
    assert public_der(paper.content.encode()) == slot_key(house.place)


def test_the_fork_has_its_key_in_data_and_wants_the_boards_there(tmp_path: Path) -> None:
    house = scene(tmp_path, fork=True)
    outcome = house.outcome()
    assert not outcome.unfinished, words_of(outcome)
    assert house.file == house.root / "data" / "deviceKeys" / f"{house.id}.pub.pem"
    assert public_der(house.file.read_bytes()) == slot_key(house.place)


def test_a_remembered_cloud_is_a_card_and_asks_for_no_address(tmp_path: Path) -> None:
    cloud = local_cloud(parse_host(FAR), server_public(), Algorithm.RSA_2048, name="Workshop")
    house = scene(tmp_path, answers={"local-cloud": f"cloud-{cloud.id}"})
    house.place.clouds.remember(cloud)
    assert not house.outcome().unfinished
    assert house.asked(Enter) == []


def test_run_again_nothing_is_written_and_it_is_watched_all_the_same(tmp_path: Path) -> None:
    cloud = local_cloud(parse_host(FAR), server_public(), Algorithm.RSA_2048, name="Workshop")
    house = scene(tmp_path, answers={"local-cloud": f"cloud-{cloud.id}"})
    house.outcome()
    before = house.place.memories()
    house.place.person.events.clear()
    assert not house.outcome().unfinished
    assert house.place.memories()[1] == before[1]
    assert house.asked(Review) == []


def test_a_server_with_a_new_key_in_its_folder_gives_the_board_the_new_one(tmp_path: Path) -> None:
    cloud = local_cloud(parse_host(FAR), server_public("old"), Algorithm.RSA_2048, name="Workshop")
    house = scene(tmp_path, answers={"local-cloud": f"cloud-{cloud.id}"})
    house.place.clouds.remember(cloud)
    outcome = house.outcome()
    assert not outcome.unfinished
    assert "another key than this cloud had" in words_of(outcome)


def test_another_port_reaches_new_firmware(tmp_path: Path) -> None:
    house = scene(tmp_path, typed=f"{FAR}:5690", server={"port": 5690})
    assert not house.outcome().unfinished
    assert (FAR, 5690) in house.air.dialled


def test_a_public_file_that_does_not_belong_to_the_servers_own_key_is_seen_through(tmp_path: Path) -> None:
    house = scene(tmp_path)
    (house.root / "default_key.pub.pem").write_bytes(public_pem("old"))
    outcome = house.outcome()
    assert not outcome.unfinished
    assert "does not belong to" in words_of(outcome)


# --- the server's folder --------------------------------------------------------------------------------------------


def test_another_key_of_that_name_is_kept_beside_with_a_number(tmp_path: Path) -> None:
    house = scene(tmp_path)
    house.file.write_bytes(other_board())
    beside = house.keys / f"{house.id}.pub.pem.1"
    beside.write_bytes(b"from another day")
    outcome = house.outcome()
    assert not outcome.unfinished
    kept = house.keys / f"{house.id}.pub.pem.2"
    assert kept.read_bytes() == other_board()
    assert beside.read_bytes() == b"from another day"
    assert str(kept) in outcome.kept
    assert str(kept) in words_of(outcome)


def test_the_same_key_in_other_lines_is_left_alone(tmp_path: Path) -> None:
    house = scene(tmp_path)
    same = pem_of(slot_key(house.place)).replace("\n", "\r\n").encode()
    house.file.write_bytes(same)
    assert not house.outcome().unfinished
    assert house.file.read_bytes() == same


def test_a_folder_that_is_none_is_said_and_asked_for_again(tmp_path: Path) -> None:
    house = scene(tmp_path)
    del house.place.person.answers["server-folder"]
    tried = [str(tmp_path / "own"), str(house.root / "core_keys")]

    def post(event: Event) -> None:
        house.post(event)
        if isinstance(event, Asked) and isinstance(event.question, PickFile) and event.question.folder:
            event.reply(tried.pop(0))

    run_recipe(LocalCloud(), house.place.job(post=post))
    last = house.place.person.events[-1]
    assert isinstance(last, Succeeded), last
    first, second = (each for each in house.asked(PickFile) if each.folder)
    assert "not the folder of a local cloud" in second.body.english()
    assert "not the folder" not in first.body.english()
    assert house.file.exists()


def test_a_folder_that_takes_no_file_hands_the_key_on_instead(tmp_path: Path) -> None:
    house = scene(tmp_path, server={"notes_unknown": False})
    house.keys.rmdir()
    house.keys.write_bytes(b"a file where the folder should be")
    outcome = house.outcome()
    assert outcome.unfinished
    assert outcome.documents
    assert "could not be put" in words_of(outcome)
    assert server_memory(house.place)[:294] == server_public()


# --- does the server answer ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "host", "words"),
    [
        ({"boards": False, "programs": False}, HERE, "no local cloud runs on it"),
        ({"boards": False, "programs": False}, FAR, "does not answer at all"),
        ({"boards": False}, FAR, "Boards cannot connect like this"),
        ({"programs": False}, FAR, "A board can connect"),
        ({}, "", "no computer named nobody.example.org"),
    ],
)
def test_a_server_that_does_not_answer_is_told_before_the_board_is_touched(
    server: dict[str, Any], host: str, words: str, tmp_path: Path
) -> None:
    house = scene(tmp_path, host=host or FAR, typed=host or "nobody.example.org", server=server)
    del house.place.person.answers["server-check"]
    before = house.place.memories()

    def post(event: Event) -> None:
        house.post(event)
        if isinstance(event, Asked) and event.question.name == "server-check":
            job.stop()

    job = house.place.job(post=post)
    run_recipe(LocalCloud(), job)
    assert isinstance(house.place.person.events[-1], Stopped)
    (question,) = house.asked(Choose)
    assert words in question.body.english()
    assert "{" not in question.body.english()
    assert house.place.memories() == before


def test_tried_again_when_the_server_runs_it_goes_on(tmp_path: Path) -> None:
    house = scene(tmp_path, serves=False)
    del house.place.person.answers["server-check"]
    made: list[SparkServer] = []

    def post(event: Event) -> None:
        house.post(event)
        if isinstance(event, Asked) and event.question.name == "server-check":
            made.append(SparkServer(house.air, FAR, house.keys))
            house.air.bring(made[0])
            event.reply("again")

    run_recipe(LocalCloud(), house.place.job(post=post))
    last = house.place.person.events[-1]
    assert isinstance(last, Succeeded), last
    assert not last.outcome.unfinished
    assert len(made) == 1


def test_a_server_in_another_network_gets_a_hint(tmp_path: Path) -> None:
    house = scene(tmp_path, typed="10.1.2.3", looks=False)
    assert "does not look as if it were in the network" in words_of(house.outcome({"seen": "stop"}))


# --- the missing step ---------------------------------------------------------------------------------------------


def test_no_server_running_is_the_missing_step(tmp_path: Path) -> None:
    house = scene(tmp_path, host=HERE, serves=False)
    outcome = house.outcome()
    assert "the server does not run" in outcome.summary.english()
    assert outcome.next_recipes == ("local-cloud",)
    assert outcome.unfinished


def test_a_server_that_is_gone_is_the_missing_step(tmp_path: Path) -> None:
    house = scene(tmp_path, serves=False)
    outcome = house.outcome()
    assert "cannot be reached" in outcome.summary.english()
    assert "firewall" in words_of(outcome)


def test_a_name_that_nobody_knows_is_the_missing_step(tmp_path: Path) -> None:
    house = scene(tmp_path, typed="nobody.example.org")
    outcome = house.outcome()
    assert "No computer named nobody.example.org" in outcome.summary.english()


def test_a_wall_between_board_and_server_is_the_missing_step(tmp_path: Path) -> None:
    air = Air()
    house = scene(tmp_path, host=HERE, air=air)
    air.weather = Weather(firewall=True)
    outcome = house.outcome()
    assert "although it answers from here" in outcome.summary.english()
    assert outcome.next_recipes == ("prove-handshake",)
    assert "5683" in words_of(outcome)


def test_old_firmware_never_calls_another_port(tmp_path: Path) -> None:
    house = scene(tmp_path, "core", typed=f"{FAR}:5690", server={"port": 5690}, answers={"port-anyway": True})
    outcome = house.outcome()
    assert "never calls port 5690" in outcome.summary.english()
    assert outcome.next_recipes == ("full-firmware-upgrade",)
    assert (FAR, 5683) in house.air.dialled


def test_a_server_key_of_another_server_is_the_missing_step(tmp_path: Path) -> None:
    house = scene(tmp_path, here=False)
    (tmp_path / "copied.pub.pem").write_bytes(public_pem("old"))
    outcome = house.outcome()
    assert "one of the two keys is wrong" in outcome.summary.english()
    assert "_handshake.pub.pem" in words_of(outcome)
    assert "default_key.pub.pem" in words_of(outcome)
    assert outcome.next_recipes == ("local-cloud",)
    assert not house.noted.exists()


def test_a_server_that_made_a_new_key_meanwhile_is_the_missing_step(tmp_path: Path) -> None:
    house = scene(tmp_path)

    def post(event: Event) -> None:
        house.post(event)
        if isinstance(event, StepStarted) and event.step == STARTS:
            new = server_key("new")
            (house.root / "default_key.pem").write_bytes(
                new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            )
            assert house.server is not None
            house.server.name = "new"

    run_recipe(LocalCloud(), house.place.job(post=post))
    last = house.place.person.events[-1]
    assert isinstance(last, Succeeded), last
    assert "the server's key" in last.outcome.summary.english()
    assert "another key now" in words_of(last.outcome)


def test_a_server_that_signs_with_another_key_shows_magenta(tmp_path: Path) -> None:
    house = scene(tmp_path, here=False, server={"signs_as": "other"})
    house.file.write_text(pem_of(slot_key(house.place)))
    outcome = house.outcome()
    assert "the server's key" in outcome.summary.english()
    assert "magenta" in words_of(outcome)


def test_a_server_that_has_the_key_of_another_board_shows_orange(tmp_path: Path) -> None:
    house = scene(tmp_path, here=False)
    house.file.write_bytes(other_board())
    outcome = house.outcome()
    assert "the board's key" in outcome.summary.english()
    assert "orange" in words_of(outcome)
    assert f"core_keys/{house.id}.pub.pem" in words_of(outcome)
    assert outcome.documents


def test_a_server_that_was_not_told_of_the_board_is_the_missing_step(tmp_path: Path) -> None:
    house = scene(tmp_path, here=False)
    outcome = house.outcome()
    assert house.noted.exists()
    assert "_handshake" in words_of(outcome)
    assert outcome.documents


def test_a_key_file_that_vanished_is_the_missing_step(tmp_path: Path) -> None:
    house = scene(tmp_path, server={"notes_unknown": False})

    def post(event: Event) -> None:
        house.post(event)
        if isinstance(event, StepStarted) and event.step == STARTS:
            house.file.unlink()

    run_recipe(LocalCloud(), house.place.job(post=post))
    last = house.place.person.events[-1]
    assert isinstance(last, Succeeded), last
    assert "another key for this board, or none" in last.outcome.summary.english()
    assert "is gone" in words_of(last.outcome)


def test_a_server_that_reads_its_keys_once_has_to_be_started_again(tmp_path: Path) -> None:
    house = scene(tmp_path, server={"notes_unknown": False})
    assert house.server is not None
    house.server.read_keys_once()
    outcome = house.outcome()
    assert "restart the server" in outcome.summary.english()


@pytest.mark.parametrize("accepts", [True, False])
def test_an_unknown_key_is_said_and_accepted_only_when_the_person_agrees(accepts: bool, tmp_path: Path) -> None:
    house = scene(tmp_path, answers={"accept-key": accepts})

    def post(event: Event) -> None:
        house.post(event)
        if isinstance(event, StepStarted) and event.step == STARTS:
            house.file.unlink()  # as if the server worked in another folder before

    run_recipe(LocalCloud(), house.place.job(post=post))
    last = house.place.person.events[-1]
    assert isinstance(last, Succeeded), last
    questions = [each.question for each in house.place.person.events if isinstance(each, Asked)]
    (asked,) = (each for each in questions if each.name == "accept-key")
    assert "does not know" in asked.title.english()
    assert str(house.noted) in asked.body.english()
    assert "very key" in asked.body.english()
    assert house.file.exists() == accepts
    assert house.noted.exists() != accepts
    assert last.outcome.unfinished != accepts
    if accepts:
        assert public_der(house.file.read_bytes()) == slot_key(house.place)
    else:
        assert "refused it" in last.outcome.summary.english()
        assert last.outcome.next_recipes == ("local-cloud",)


def test_a_board_that_makes_its_own_key_is_accepted_when_the_server_has_seen_it(tmp_path: Path) -> None:
    house = scene(tmp_path, key="blank")
    outcome = house.outcome()
    assert not outcome.unfinished, words_of(outcome)
    assert public_der(house.file.read_bytes()) == slot_key(house.place)
    assert house.place.slot[:1] != b"\xff"


@pytest.mark.parametrize("key", ["blank", "corrupt", "unusable"])
def test_a_core_without_a_key_it_can_use_is_sent_to_restore_it_first(key: str, tmp_path: Path) -> None:
    house = scene(tmp_path, "core", key=key)
    before = house.place.memories()
    outcome = house.outcome()
    assert "a key of its own" in outcome.summary.english()
    assert outcome.next_recipes == ("restore-key",)
    assert house.place.memories()[1] == before[1]
    assert not house.file.exists()
    assert house.asked(Review) == []


def test_a_board_without_a_network_is_found_listening(tmp_path: Path) -> None:
    house = scene(tmp_path, mode=IN_DFU, profiles=False, looks=False)
    outcome = house.outcome()
    assert "Wi-Fi" in outcome.summary.english()
    assert outcome.next_recipes == ("join-wifi",)


def test_an_address_that_means_the_board_itself_is_the_missing_step(tmp_path: Path) -> None:
    house = scene(tmp_path, typed=LOOPBACK, answers={"address-anyway": True})
    outcome = house.outcome()
    assert "means the board itself" in outcome.summary.english()


@pytest.mark.parametrize(("seen", "words"), [("stop", "not known"), ("green", "network"), ("blue", "Wi-Fi")])
def test_what_the_person_sees_is_enough_to_end_it(seen: str, words: str, tmp_path: Path) -> None:
    house = scene(tmp_path, looks=False, answers={"seen": seen})
    outcome = house.outcome()
    assert words in outcome.summary.english()
    assert ("join-wifi" in outcome.next_recipes) is (seen in ("green", "blue"))


# --- cut and finish -------------------------------------------------------------------------------------------------

WRITES, COMPARES, HANDS_OVER, STARTS = 6, 7, 8, 9
CUTS = [
    (step, transfer, kind)
    for step in (WRITES, COMPARES, STARTS)
    for transfer in (1, 2, 3, 5, 8, 13)
    for kind in (Kind.BEFORE, Kind.AMID, Kind.AFTER)
]


# Every day each tenth, which meets every step and, as three does not divide ten, every kind.
@pytest.mark.parametrize(
    ("name", "step", "transfer", "kind"),
    [
        (name, *a_cut)
        for name, first in (("core", 0), ("photon", 5))
        for a_cut in each(CUTS, 10, f"local cloud {name}", first)
    ],
)
def test_cut_off_anywhere_it_is_finished_without_a_question(
    name: str, step: int, transfer: int, kind: Kind, tmp_path: Path
) -> None:
    house = scene(tmp_path, name)
    place, key = house.place, house.place.slot
    done: list[int] = []

    def post(event: Event) -> None:
        house.post(event)
        if isinstance(event, StepStarted) and event.step == step and not done:
            done.append(step)
            place.board.mishap = MISHAPS[kind](place.board.transfers + transfer)

    run_recipe(LocalCloud(), place.job(post=post))
    place.board.mishap = Mishap.NONE
    place.bus.unplug(place.board)
    place.clock.pause(2.0)
    place.bus.plug(place.board, "1-1")
    place.clock.pause(10.0)
    assert place.slot == key
    for question in ("server-folder", "server-key", "host", "cloud-name", "server-check", "device-id"):
        place.person.answers.pop(question, None)
    for rescue in place.undo.interrupted():
        outcome = house.outcome({**rescue.answers, RESUME: rescue.id})
        assert not outcome.unfinished, words_of(outcome)
        assert house.file.exists()
        assert server_memory(place)[:294] == server_public()
    assert place.undo.interrupted() == ()
    assert place.slot == key


@pytest.mark.parametrize("step", [WRITES, COMPARES, HANDS_OVER])
def test_a_stop_while_writing_takes_effect_only_once_the_board_was_started(step: int, tmp_path: Path) -> None:
    house = scene(tmp_path, "photon")
    place = house.place
    job = place.job(post=house.post)
    at_step(place, step, job.stop)
    run_recipe(LocalCloud(), job)
    assert place.person.events[-1] == Stopped(job.run, True)
    assert server_memory(place)[:294] == server_public()
    assert place.undo.interrupted() == ()
    assert house.file.exists()


def test_nothing_is_written_without_consent(tmp_path: Path) -> None:
    house = scene(tmp_path, answers={PLAN: False})
    before = house.place.memories()
    assert isinstance(house.run(), Stopped)
    assert house.place.memories() == before
    assert not house.file.exists()


def test_no_secret_is_told(tmp_path: Path) -> None:
    house = scene(tmp_path)
    house.outcome()
    told = repr(house.place.person.events)
    numbers = server_key().private_numbers()
    for secret in (numbers.d, numbers.p, numbers.q):
        assert str(secret) not in told
        assert f"{secret:x}" not in told
    assert "PRIVATE" not in told
    assert house.place.slot.hex()[300:500] not in told


def test_a_folder_named_beforehand_that_is_none_ends_it(tmp_path: Path) -> None:
    house = scene(tmp_path)
    last = house.run({"server-folder": str(tmp_path / "own")})
    assert isinstance(last, Failed)
    assert last.code == "cloud.no-folder"
