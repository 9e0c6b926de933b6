"""The interview on practice boards: what it measures, asks, reads, leaves alone, and what stands in its report."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PureWindowsPath

import pytest
from support.air import HERE, Air
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.ears import Ears
from support.key_boards import makers_key
from support.spec_cloud import server_block

from app import log
from app.engine.runner import run_recipe
from app.platforms.lights import pattern
from app.platforms.model import Mode
from app.platforms.table import PLATFORMS
from app.protocols.wifi import Security
from app.recipes.check_keys import CheckKeys
from app.recipes.flash_file import FlashFile
from app.recipes.registry import RECIPES
from app.recipes.why_not_connecting import WhyNotConnecting
from app.text import Text, text
from app.transports.wifi_scan import HeardNetwork, Protection, Scan
from app.work.board import Proof
from app.work.connect_asks import ASKS
from app.work.connect_case import Known, Measured, Stage
from app.work.connect_diagnosis import diagnose
from app.work.connect_report import FIELDS, NOT_KNOWN, Told, report
from app.work.events import Asked, Event, Outcome, StepProgress, Stopped
from app.work.flashing import board_name
from app.work.preflight import Check, State
from app.work.questions import ChooseCard, TellLight
from app.work.wifi_form import SeenNetwork

SECRET_NAME = "Attic of Ada"
AROUND = Scan(
    (
        HeardNetwork(SECRET_NAME.encode(), 6, -48, Protection.WPA2),
        HeardNetwork(b"Upstairs 5G", 36, -50, Protection.WPA2, frequency_mhz=5180),
        HeardNetwork(b"Thirteen", 13, -60, Protection.WPA2),
        HeardNetwork(b"Barn of Ada", 1, -88, Protection.WPA2),
    ),
    SECRET_NAME.encode(),
)
OTHER_BOARD = "53ff6f065067544840551187"
READS = 4
"""The step that reads keys."""
NOBODY_KNOWS = {ask.key: "unknown" for ask in ASKS} | {"report": False, "start": True, "read-keys": False}


@pytest.fixture(autouse=True)
def _makers() -> Iterator[None]:
    with makers_key():
        yield


def interview(place: Desk, light: str, **answers: object) -> tuple[Outcome, list[str]]:
    """Hold the interview; return its outcome and what was asked."""
    place.person.answers.update(NOBODY_KNOWS | {"light": light} | {k.replace("_", "-"): v for k, v in answers.items()})
    outcome = place.succeed(WhyNotConnecting)
    return outcome, [each.question.name for each in place.person.events if isinstance(each, Asked)]


def facts(outcome: Outcome) -> Mapping[str, str]:
    return {f.key: f.value.english() if isinstance(f.value, Text) else f.value for f in outcome.facts}


def test_it_stands_beside_joining_and_fits_every_board_with_wifi(tmp_path: Path) -> None:
    keys = [recipe.key for recipe in RECIPES]
    assert keys.index("why-not-connecting") == keys.index("join-wifi") + 1
    assert not WhyNotConnecting.promise.changes_board
    assert WhyNotConnecting.fit(desk("photon", tmp_path / "a").seen()).ok
    assert not WhyNotConnecting.fit(desk("electron", tmp_path / "b").seen()).ok


@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_listening_board_is_told_so_without_any_question(name: str, tmp_path: Path) -> None:
    outcome, asked = interview(desk(name, tmp_path, LISTENING), "unseen")
    assert asked == []
    assert "blinking blue" in outcome.summary.english()
    assert outcome.next_recipes[0] == "join-wifi"
    assert outcome.unfinished
    assert outcome.documents == ()


def test_a_board_left_in_update_mode_is_started_first_if_the_person_agrees(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU, claimed=True)
    outcome, asked = interview(place, "from-0.7.cloud-connected")
    assert asked == ["start", "light"]
    assert place.seen().mode is not Mode.DFU
    assert not outcome.unfinished


def test_a_connected_board_that_no_account_owns_is_told_so_by_what_it_says_itself(tmp_path: Path) -> None:
    outcome, asked = interview(desk("photon", tmp_path), "from-0.7.cloud-connected")
    assert asked == ["light"]
    assert "belongs to no account" in outcome.summary.english()
    assert "Claimed by an account: no" in outcome.documents[0].content.splitlines()


def test_a_board_that_is_not_to_be_started_stays_in_update_mode(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU)
    outcome, asked = interview(place, "unseen", start=False)
    assert asked == ["start"]
    assert place.seen().mode is Mode.DFU
    assert "update mode" in outcome.summary.english()


def test_a_board_without_firmware_comes_back_in_update_mode_and_leads_to_the_x_ray(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    place.board.internal[0x5000:0x6000] = b"\xff" * 0x1000
    outcome, asked = interview(place, "unseen")
    assert asked == ["start"]
    assert outcome.next_recipes[0] == "x-ray"
    assert outcome.summary.english().endswith("certain.")


@pytest.mark.parametrize(
    ("name", "chosen", "words"),
    [("photon", "Upstairs 5G", "5 GHz"), ("core-0.7", "Thirteen", "channel 13")],
)
def test_a_network_that_does_not_fit_is_named_with_its_reason(
    name: str, chosen: str, words: str, tmp_path: Path
) -> None:
    place = desk(name, tmp_path, scanner=Ears(AROUND))
    outcome, _ = interview(place, "from-0.7.connecting", credentials="sure", network=chosen)
    assert chosen in outcome.summary.english()
    assert words in outcome.summary.english()
    assert outcome.next_recipes == ("join-wifi",)
    (cards,) = [
        each.question
        for each in place.person.events
        if isinstance(each, Asked) and isinstance(each.question, ChooseCard)
    ]
    assert cards.cards[0].key == SECRET_NAME  # the one this computer is in


def test_only_lights_of_the_firmware_that_runs_are_asked_for(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    interview(place, "from-0.7.cloud-connected")
    (question,) = [
        each.question
        for each in place.person.events
        if isinstance(each, Asked) and isinstance(each.question, TellLight)
    ]
    assert "from-0.7" in question.eras
    assert "up-to-0.6" not in question.eras
    assert "special" in question.eras


def test_keys_are_read_only_when_the_person_agrees_and_lead_to_their_repair(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, key="corrupt")
    before = place.memories()
    outcome, asked = interview(place, "from-0.7.handshake-orange", read_keys=True)
    assert asked == ["light", "read-keys"]
    assert outcome.summary.english().endswith("certain.")
    assert outcome.next_recipes[0] == "change-key"
    assert outcome.kept
    assert place.memories() == before
    assert place.seen().mode is Mode.DFU  # ready for the repair


def test_the_server_whose_address_is_on_the_board_is_tried_once_that_is_read(tmp_path: Path) -> None:
    air = Air()
    place = desk("photon-0.7", tmp_path, network=air, world=air, server=server_block(HERE))
    told = {"elsewhere": "no", "cloud": "particle", "there": "plain", "read_keys": True}
    outcome, asked = interview(place, "from-0.7.no-cloud", **told)
    assert asked[-1] == "read-keys"
    assert "does not answer this computer either" in outcome.summary.english()
    assert outcome.next_recipes[0] == "switch-cloud"
    assert HERE in facts(outcome)["check-tcp"]
    assert HERE not in outcome.documents[0].content  # a server of one's own is nobody's business


def test_keys_that_are_not_to_be_read_are_left_alone(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    outcome, asked = interview(place, "from-0.7.handshake-orange")
    assert asked == ["light", "read-keys"]
    assert place.safe.backups() == ()
    assert place.seen().mode is not Mode.DFU
    assert outcome.next_recipes[0] == CheckKeys.key


def test_a_stop_while_keys_are_read_starts_the_board_again(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    place.person.answers.update(NOBODY_KNOWS | {"light": "from-0.7.handshake-orange", "read-keys": True})
    in_dfu = []

    def post(event: Event) -> None:
        place.person(event)
        if isinstance(event, StepProgress) and event.step == READS and event.total > 1000:  # bytes, not parts
            in_dfu.append(place.seen().mode is Mode.DFU)
            job.stop()

    job = place.job(post=post)
    run_recipe(WhyNotConnecting(), job)
    assert in_dfu[0]
    last = place.person.events[-1]
    assert isinstance(last, Stopped)
    assert not last.changed
    place.clock.pause(5.0)
    assert place.seen().mode is not Mode.DFU


@pytest.mark.parametrize(("mode", "questions"), [(RUNNING, ["light"]), (IN_DFU, [])])
def test_a_rescue_that_was_cut_off_is_named_first_and_no_half_written_board_is_started(
    mode: str, questions: list[str], tmp_path: Path
) -> None:
    place = desk("photon", tmp_path, mode)
    place.job().prove(place.board.device_id, Proof.SERIAL)
    board = board_name(place.job())
    area = place.seen().platform.region("ota")
    with place.undo.begin(board, FlashFile.key) as journal:
        journal.keeps(place.undo.keep(board, "ota", area.alt, area.start, b"before"))
        journal.plans("ota", area.alt, area.start, 6, "")
    outcome, asked = interview(place, "from-0.7.connecting")
    assert asked == questions
    assert outcome.next_recipes[0] == FlashFile.key
    assert (place.seen().mode is Mode.DFU) == (mode == IN_DFU)


def test_the_report_is_laid_out_as_the_support_page_asks_and_says_what_is_not_known(tmp_path: Path) -> None:
    place = desk("core-0.7", tmp_path, scanner=Ears(AROUND))
    told = {"router_model": "Netgear WNDR3700", "topology": "1 router,\n12 devices", "environment": "", "settings": ""}
    outcome, asked = interview(
        place, "from-0.7.connecting", network=SECRET_NAME, report=True, provider="", security="", **told
    )
    assert asked[-6:] == [each.key for each in FIELDS]
    (document,) = outcome.documents
    assert document.key == "connection-report"
    assert document.aside
    lines = document.content.splitlines()
    start = lines.index("Network")
    assert [line.partition(":")[0] for line in lines[start + 2 : start + 8]] == [each.label for each in FIELDS]
    assert lines[start + 2 : start + 8] == [
        "Router make and model: Netgear WNDR3700",
        "Network security: WPA2",  # of the network that was chosen
        f"Environment: {NOT_KNOWN}",
        "Network topology: 1 router, 12 devices",
        f"Internet service provider: {NOT_KNOWN}",
        f"Network settings that diverge from the norm: {NOT_KNOWN}",
    ]
    assert "Kind: Spark Core" in lines
    assert f"Light: {pattern('from-0.7.connecting').name.english()} (100%)" in lines


def test_nobody_is_named_in_the_report(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log.set_up(tmp_path / "logs")
    try:
        place = desk("photon", tmp_path, scanner=Ears(AROUND))
        log.keep_secret("correct horse battery")
        for words in (
            SECRET_NAME,
            place.board.device_id,
            "6c:0b:84:00:11:22",
            str(Path.home()),
            "correct horse battery",
            OTHER_BOARD,
        ):
            logging.getLogger("app.test").warning("told: %s", words)
        outcome, _ = interview(place, "from-0.7.connecting", network="Barn of Ada", credentials="sure")
    finally:
        log.tear_down()
    (document,) = outcome.documents
    assert document.content.count("told: ") == 6
    assert "Barn of Ada" in outcome.summary.english()
    assert "The network [network] comes in weakly here" in document.content
    for secret in (
        SECRET_NAME,
        "Barn",
        "Upstairs",
        place.board.device_id,
        OTHER_BOARD,
        "6c:0b:84",
        str(Path.home()),
        "horse",
    ):
        assert secret not in document.content


def made_report(place: Desk, known: Known, *lines: str) -> list[str]:
    return report(
        place.seen(), known, diagnose(known), None, Told(), datetime(2026, 11, 23), lines=lines
    ).content.splitlines()


def test_a_server_of_ones_own_and_a_home_folder_of_windows_are_nobodys_business(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: PureWindowsPath("C:\\Users\\Ada"))
    place = desk("core-0.7", tmp_path)
    words = text("Test", "The server {host} ({address}) is silent.").with_values(
        host="ada.example.org", address="192.31.196.7"
    )
    theirs = text("Test", "{host} answers.").with_values(host=place.seen().platform.default_host)
    tried = (Check("tcp", State.FAILED, words), Check("name", State.OK, theirs))
    known = Known(Measured(place.seen().platform, checks=tried))
    log_line = "connect to ada.example.org: OSError(2, 'no', 'C:\\\\Users\\\\Ada\\\\x') C:\\Users\\Ada\\y"
    told = "\n".join(made_report(place, known, log_line))
    assert "Ada" not in told
    assert "ada.example.org" not in told
    assert "192.31.196.7" not in told
    assert "The server [server] ([server]) is silent." in told
    assert "device.spark.io answers." in told


def test_an_answer_stands_in_the_report_although_later_ones_leave_it_out(tmp_path: Path) -> None:
    place = desk("core-0.7", tmp_path)
    heard = (SeenNetwork(b"Home", Security.WPA2, channel=6, rssi=-50),)
    online = (Check("internet", State.OK, text("Test", "Online.")),)
    for stage, told, wanted in (
        (Stage.JOINING, (("network", "other"), ("router", "channel")), "channel above 11"),
        (Stage.NO_CLOUD, (("there", "no-internet"), ("same", "yes")), "Nobody gets to the internet there"),
    ):
        known = Known(Measured(place.seen().platform, heard=heard, checks=online), ((stage, 1.0),), told)
        assert any(wanted in line for line in made_report(place, known))


def test_the_report_speaks_of_this_start_of_the_program_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log.set_up(tmp_path / "logs")
    try:
        logging.getLogger("app.test").warning("yesterday")
        log.note_environment()
        logging.getLogger("app.test").warning("today")
        outcome, _ = interview(desk("photon", tmp_path), "from-0.7.connecting")
    finally:
        log.tear_down()
    assert "today" in outcome.documents[0].content
    assert "yesterday" not in outcome.documents[0].content


def test_every_platform_with_wifi_has_a_host_to_try() -> None:
    assert all("$" not in each.default_host for each in PLATFORMS if not each.has_modem)


def test_the_running_board_is_not_disturbed(tmp_path: Path) -> None:
    for name in ("core-0.5", "photon-0.6", "photon"):
        place = desk(name, tmp_path / name, RUNNING)
        light, memories = place.board.light_pattern, place.memories()
        era = "from-0.7" if name == "photon" else "up-to-0.6"
        outcome, _ = interview(place, f"{era}.cloud-connecting")
        assert (place.board.light_pattern, place.memories()) == (light, memories), name
        assert facts(outcome)["light"] == "Blinking cyan"
