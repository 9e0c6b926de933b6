"""What only a cloud can do for the board on the desk: claim, claim by cable, release, register a key, first set-up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cloud_accounts import ADA, SignedIn, at_practice, at_server
from support.cloud_server import CloudServer, Failure, Personality
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk

from app.protocols.wifi import Security, WifiLogin
from app.recipes.base import Recipe
from app.recipes.change_key import ChangeKey
from app.recipes.claim_board import ClaimBoard
from app.recipes.claim_by_cable import ClaimByCable
from app.recipes.first_set_up import FirstSetUp
from app.recipes.register_key import RegisterKey
from app.recipes.registry import RECIPES
from app.recipes.release_board import ReleaseBoard
from app.transports.trace import TracingBus
from app.virtual.air import HOME
from app.virtual.practice_account import PracticeCloud
from app.work.events import Asked, StepSkipped
from app.work.questions import Confirm, Enter
from app.work.wifi_form import WifiAnswer

ONLINE_S = 40.0
CLOUD_RECIPES: tuple[type[Recipe], ...] = (ClaimBoard, ClaimByCable, FirstSetUp, RegisterKey, ReleaseBoard)
NEIGHBOURS_CORE = "core-0.5"


class Practice:
    """A desk whose account is at the server of practice, which sees the very board."""

    def __init__(self, folder: Path, name: str = "photon", mode: str = RUNNING, **options: object) -> None:
        self.desk: Desk = desk(name, folder, mode, **options)  # type: ignore[arg-type]
        self.cloud = PracticeCloud(lambda: self.desk.bus.boards)
        self.seat: SignedIn = at_practice(self.cloud, self.desk.clock)
        self.desk.accounts = self.seat

    @property
    def id(self) -> str:
        return self.desk.board.device_id

    def mine(self) -> dict[str, str]:
        with self.seat.client(self.seat.account) as client:
            return {board.id: board.name for board in client.devices(self.seat.account.token)}

    def claim(self) -> None:
        self.desk.clock.pause(ONLINE_S)
        with self.seat.client(self.seat.account) as client:
            client.claim(self.seat.account.token, self.id)


@pytest.fixture
def server() -> Iterator[CloudServer]:
    with CloudServer() as made:
        made.user(ADA)
        yield made


@pytest.fixture
def local() -> Iterator[CloudServer]:
    with CloudServer(Personality.LOCAL) as made:
        made.user(ADA)
        yield made


def at_desk(server: CloudServer, folder: Path, name: str = "photon", mode: str = RUNNING) -> Desk:
    place = desk(name, folder, mode)
    place.accounts = at_server(server, place.clock)
    return place


def network() -> WifiAnswer:
    return WifiAnswer((WifiLogin(HOME.ssid, Security.WPA2, HOME.password.decode()),))


# --- signing in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", CLOUD_RECIPES)
def test_without_a_sign_in_nothing_is_done_and_the_next_step_is_said(recipe: type[Recipe], tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    before = place.memories()
    failed = place.fail(recipe)
    assert failed.code == "account.not-signed-in"
    assert "Sign in" in failed.next_step.english()
    assert place.memories() == before


@pytest.mark.parametrize("recipe", [ClaimBoard, ClaimByCable, ReleaseBoard])
def test_a_sign_in_that_ends_meanwhile_is_told_to_everybody(
    recipe: type[Recipe], server: CloudServer, tmp_path: Path
) -> None:
    place = at_desk(server, tmp_path)
    server.tokens.clear()
    assert place.fail(recipe).code == "account.signed-out"
    assert isinstance(place.accounts, SignedIn)
    assert place.accounts.over


def test_all_of_them_say_that_they_need_an_account() -> None:
    assert {each for each in RECIPES if each.needs_account} == set(CLOUD_RECIPES)


# --- claiming -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["photon", "photon-0.5", "photon-0.7", "p1", "electron", "core-0.7", "core"])
@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
def test_claims_the_board_on_the_desk_once_it_is_online(name: str, mode: str, tmp_path: Path) -> None:
    place = Practice(tmp_path, name, mode)
    outcome = place.desk.succeed(ClaimBoard, {"how": "press"})
    assert not outcome.unfinished
    assert place.id in place.mine()


def test_claims_at_once_what_is_online_already_and_asks_nothing(tmp_path: Path) -> None:
    place = Practice(tmp_path)
    place.desk.clock.pause(ONLINE_S)
    before = place.desk.clock.now()
    place.desk.succeed(ClaimBoard)
    assert place.desk.clock.now() - before < 10
    questions = [event.question for event in place.desk.person.events if isinstance(event, Asked)]
    assert [each.name for each in questions] in ([], ["online-light"])


def test_what_is_mine_already_stays_as_it_is(tmp_path: Path) -> None:
    place = Practice(tmp_path)
    place.claim()
    outcome = place.desk.succeed(ClaimBoard)
    assert "already" in outcome.summary.english()


def test_a_board_that_never_comes_online_ends_in_a_fault_that_says_so(tmp_path: Path) -> None:
    place = Practice(tmp_path, online=False)
    failed = place.desk.fail(ClaimBoard)
    assert failed.code == "account.board-offline"
    assert failed.retryable
    assert place.id not in place.mine()


def test_a_person_who_sees_another_light_need_not_wait(tmp_path: Path) -> None:
    place = Practice(tmp_path, online=False)
    place.desk.person.answers["online-light"] = "other"
    outcome = place.desk.succeed(ClaimBoard)
    assert outcome.unfinished
    assert "join-wifi" in outcome.next_recipes


@pytest.mark.parametrize("asked", [True, False])
def test_a_neighbours_board_is_asked_for_only_if_wanted(asked: bool, tmp_path: Path) -> None:
    place = Practice(tmp_path, NEIGHBOURS_CORE, app_uses_serial=True)
    outcome = place.desk.succeed(ClaimBoard, {"transfer": asked})
    assert outcome.unfinished
    assert ("asked to hand" in outcome.summary.english()) is asked
    assert place.id not in place.mine()
    assert any(isinstance(e, Asked) and isinstance(e.question, Confirm) for e in place.desk.person.events) is False


def test_a_transfer_is_requested_from_the_server(server: CloudServer, tmp_path: Path) -> None:
    place = at_desk(server, tmp_path)
    server.board(place.board.device_id, owner="bob")
    place.person.answers["transfer"] = True
    place.succeed(ClaimBoard)
    assert server.transfers == [(place.board.device_id, ADA)]


def test_a_server_in_trouble_for_a_while_is_waited_for(server: CloudServer, tmp_path: Path) -> None:
    place = at_desk(server, tmp_path)
    server.board(place.board.device_id)
    server.failures = [Failure("/v1/devices", "POST", 1, 503), Failure("/v1/devices", "POST", 1, 429)]
    place.succeed(ClaimBoard)
    assert server.boards[place.board.device_id].owner == ADA


def test_a_claim_whose_answer_was_lost_is_seen_to_be_done(server: CloudServer, tmp_path: Path) -> None:
    place = at_desk(server, tmp_path)
    server.board(place.board.device_id)
    server.failures = [Failure("/v1/devices", "POST", cut=0)]
    place.succeed(ClaimBoard)
    posts = [asked for asked in server.asked if asked.method == "POST"]
    assert len(posts) == 1


def test_a_server_that_stays_in_trouble_ends_it(server: CloudServer, tmp_path: Path) -> None:
    place = at_desk(server, tmp_path)
    server.board(place.board.device_id)
    server.failures = [Failure("/v1/devices", "POST", 99, 503)]
    assert place.fail(ClaimBoard).code == "account.server-trouble-maybe-done"


@pytest.mark.parametrize("stub", [True, False])
def test_a_local_cloud_lists_it_and_keeps_no_owner(stub: bool, local: CloudServer, tmp_path: Path) -> None:
    local.stub_claim = stub
    place = at_desk(local, tmp_path)
    local.board(place.board.device_id)
    outcome = place.succeed(ClaimBoard)
    assert "local cloud" in outcome.summary.english()
    assert outcome.warnings


# --- by cable -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["photon", "photon-0.6", "photon-0.7", "p1", "electron"])
def test_a_code_through_the_cable_makes_it_mine(name: str, tmp_path: Path) -> None:
    place = Practice(tmp_path, name)
    place.desk.succeed(ClaimByCable, {"claim-wifi": "known"})
    assert place.id in place.mine()
    assert place.desk.board.dct[1825] == ord("1")  # the mark (3.5)


def test_a_board_without_a_network_is_told_one_on_the_way(tmp_path: Path) -> None:
    place = Practice(tmp_path, profiles=False)
    place.desk.succeed(ClaimByCable, {"claim-wifi": "tell", "network": network()})
    assert place.id in place.mine()


@pytest.mark.parametrize("name", ["core", "core-0.5", "core-0.7"])
def test_never_offered_on_a_core(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, LISTENING)
    fit = ClaimByCable.fit(place.seen())
    assert fit.reason is not None
    assert "keeps no claim code" in fit.reason.english()


def test_firmware_without_claim_codes_says_so_and_keeps_nothing(tmp_path: Path) -> None:
    place = Practice(tmp_path, "photon-0.5")
    assert place.desk.fail(ClaimByCable, {"claim-wifi": "known"}).code == "account.claim-code-not-kept"


def test_what_is_mine_is_not_told_another_code(tmp_path: Path) -> None:
    place = Practice(tmp_path)
    place.claim()
    before = place.desk.memories()
    outcome = place.desk.succeed(ClaimByCable)
    assert "already" in outcome.summary.english()
    assert place.desk.memories() == before


def test_a_local_cloud_has_no_claim_codes(local: CloudServer, tmp_path: Path) -> None:
    assert at_desk(local, tmp_path).fail(ClaimByCable).code == "account.not-offered"


def test_a_board_that_does_not_get_online_keeps_the_code_and_the_fault_says_so(tmp_path: Path) -> None:
    place = Practice(tmp_path, online=False)
    assert place.desk.fail(ClaimByCable, {"claim-wifi": "known"}).code == "account.not-yet-yours"


@pytest.mark.parametrize("name", ["photon", "photon-0.6", "electron"])
def test_the_code_is_in_no_trace_event_or_log(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    codes: list[str] = []
    place = Practice(tmp_path, name)
    answer = place.cloud.answer

    def listen(method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        status, told, content = answer(method, target, headers, body)
        if target == "/v1/device_claims":
            codes.append(json.loads(content)["claim_code"])
        return status, told, content

    from app.cloud.in_memory import in_memory

    place.seat.http = in_memory(listen)  # type: ignore[arg-type]
    trace = tmp_path / "trace.jsonl"
    bus = TracingBus(place.desk.bus, trace)
    caplog.set_level(0)
    place.desk.play(ClaimByCable, {"claim-wifi": "known"}, bus)
    bus.close()
    (code,) = codes
    assert place.id in place.mine()
    told = trace.read_text() + caplog.text + repr(place.desk.person.events)
    token = place.seat.account.token.value
    for secret in (code, code[:12], code.encode().hex(), code.encode()[:8].hex(), token):
        assert secret not in told


# --- release ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["name", "id", "ID"])
def test_released_only_after_its_name_or_id_was_typed(typed: str, tmp_path: Path) -> None:
    place = Practice(tmp_path)
    place.claim()
    with place.seat.client(place.seat.account) as client:
        client.rename(place.seat.account.token, place.id, "window-sill")
    words = {"name": "window-sill", "id": place.id, "ID": place.id.upper()}[typed]
    place.desk.succeed(ReleaseBoard, {"confirm-release": words})
    assert place.id not in place.mine()


def test_another_word_releases_nothing(tmp_path: Path) -> None:
    place = Practice(tmp_path)
    place.claim()
    assert place.desk.fail(ReleaseBoard, {"confirm-release": "yes"}).code == "account.not-confirmed"
    assert place.id in place.mine()


def test_a_slip_may_be_corrected(tmp_path: Path) -> None:
    place = Practice(tmp_path)
    place.claim()
    tries = iter(["", "no", place.id])

    class Typing(dict[str, object]):
        def __getitem__(self, name: str) -> object:
            return next(tries) or "x"

    place.desk.person.answers = Typing({"confirm-release": ""})
    place.desk.succeed(ReleaseBoard)
    asked = [e for e in place.desk.person.events if isinstance(e, Asked) and isinstance(e.question, Enter)]
    assert len(asked) == 3


def test_what_is_not_mine_cannot_be_released(tmp_path: Path) -> None:
    assert Practice(tmp_path).desk.fail(ReleaseBoard).code == "account.not-yours"


def test_a_local_cloud_releases_nothing(local: CloudServer, tmp_path: Path) -> None:
    place = at_desk(local, tmp_path)
    local.board(place.board.device_id)
    assert place.fail(ReleaseBoard, {"confirm-release": place.board.device_id}).code == "account.not-offered"


# --- the key ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["photon", "p1", "electron", "core-0.7"])
def test_a_changed_key_is_registered_and_the_board_gets_in_again(name: str, tmp_path: Path) -> None:
    place = Practice(tmp_path, name)
    place.claim()
    changed = place.desk.succeed(ChangeKey, {"way": "here", "plan": True})
    assert "register-key" in changed.next_recipes
    place.desk.clock.pause(ONLINE_S)
    assert not place.desk.board.in_makers_cloud
    outcome = place.desk.succeed(RegisterKey, {"register": True, "key-from": "board"})
    assert not outcome.unfinished
    place.desk.clock.pause(90.0)
    assert place.desk.board.in_makers_cloud


@pytest.mark.parametrize("source", ["board", "backup"])
def test_board_and_newest_backup_tell_the_same_key(source: str, server: CloudServer, tmp_path: Path) -> None:
    place = at_desk(server, tmp_path)
    device_id = place.board.device_id
    server.board(device_id, owner=ADA)
    from app.recipes.back_up_key import BackUpKey

    place.succeed(BackUpKey)
    place.succeed(RegisterKey, {"register": True, "key-from": source})
    (backup,) = (each for each in place.safe.backups() if each.device_id == device_id)
    assert server.boards[device_id].key == place.safe.public_pem(backup)
    assert server.boards[device_id].algorithm == "rsa"


def test_nothing_is_sent_without_a_yes(server: CloudServer, tmp_path: Path) -> None:
    place = at_desk(server, tmp_path)
    server.board(place.board.device_id, owner=ADA)
    outcome = place.succeed(RegisterKey, {"register": False})
    assert outcome.unfinished
    assert not server.boards[place.board.device_id].key


def test_a_local_cloud_takes_an_rsa_key(local: CloudServer, tmp_path: Path) -> None:
    place = at_desk(local, tmp_path)
    place.succeed(RegisterKey, {"register": True})
    assert local.boards[place.board.device_id].algorithm == "rsa"


def test_a_local_cloud_is_not_even_asked_about_an_ec_key(local: CloudServer, tmp_path: Path) -> None:
    place = at_desk(local, tmp_path, "electron")
    assert place.fail(RegisterKey, {"register": True}).code == "account.key-kind"
    assert not [asked for asked in local.asked if "provisioning" in asked.path]


@pytest.mark.parametrize("key", ["blank", "corrupt"])
def test_a_key_that_is_none_is_not_sent(key: str, server: CloudServer, tmp_path: Path) -> None:
    place = desk("core-0.7", tmp_path, key=key)  # the others make themselves one
    place.accounts = at_server(server, place.clock)
    assert place.fail(RegisterKey, {"register": True}).code == "account.no-key"
    assert not [asked for asked in server.asked if "provisioning" in asked.path]


def test_only_the_public_half_is_sent(server: CloudServer, tmp_path: Path) -> None:
    place = at_desk(server, tmp_path)
    server.board(place.board.device_id, owner=ADA)
    place.succeed(RegisterKey, {"register": True})
    (sent,) = (asked for asked in server.asked if "provisioning" in asked.path)
    assert "PRIVATE" not in repr(sent)
    assert sent.form["publicKey"].startswith("-----BEGIN PUBLIC KEY-----")


# --- first set-up -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["photon", "photon-0.7", "p1", "core-0.7", "core"])
def test_a_new_board_goes_from_its_box_into_the_list(name: str, tmp_path: Path) -> None:
    place = Practice(tmp_path, name, profiles=False)
    outcome = place.desk.succeed(FirstSetUp, {"network": network(), "board-name": "desk-lamp"})
    assert "desk-lamp" in outcome.summary.english()
    assert place.mine()[place.id] == "desk-lamp"


def test_what_is_done_already_is_left_out(tmp_path: Path) -> None:
    place = Practice(tmp_path)
    place.claim()
    place.desk.succeed(FirstSetUp, {"board-name": ""})
    skipped = [event for event in place.desk.person.events if isinstance(event, StepSkipped)]
    assert len(skipped) >= 5
    assert not place.desk.board.listening_now


def test_a_local_cloud_without_names_ends_well_all_the_same(local: CloudServer, tmp_path: Path) -> None:
    place = at_desk(local, tmp_path)
    local.board(place.board.device_id)
    outcome = place.succeed(FirstSetUp, {"board-name": "lamp"})
    assert not outcome.unfinished
    assert "local cloud" in outcome.summary.english()
    assert "account" not in outcome.summary.english()
    assert outcome.warnings


def test_an_electron_is_told_that_it_needs_no_wifi(tmp_path: Path) -> None:
    assert not FirstSetUp.fit(desk("electron", tmp_path).seen()).ok


@pytest.mark.parametrize("recipe", [ReleaseBoard, ClaimByCable])
def test_a_board_that_ran_runs_again_after_a_fault(recipe: type[Recipe], server: CloudServer, tmp_path: Path) -> None:
    place = at_desk(server, tmp_path, "photon-0.6")
    server.failures = [Failure("/v1/devices/", "GET", 9, 403), Failure("/v1/device_claims", times=9, status=500)]
    place.fail(recipe, {"claim-wifi": "known"})
    place.clock.pause(5)
    assert not place.board.listening_now
