"""Joining a network: what a stop waits for, the lists of board and computer, looking again, and warnings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.air import Air
from support.desk import Desk, desk
from support.ears import Ears

from app.engine.runner import run_recipe
from app.protocols.wifi import Cipher, Security, WifiLogin
from app.protocols.wifi_dialogue import Told, WifiDialogue
from app.recipes.join_wifi import JoinWifi
from app.text import text
from app.transports.wifi_scan import Encryption, HeardNetwork, Protection, Scan
from app.virtual import air
from app.virtual.air import HOME, Network
from app.work.events import Asked, Event, Note, PlanReady, Stopped
from app.work.questions import Confirm, Enter, WifiForm
from app.work.wifi_form import LookAgain, WifiAnswer

LOGIN = WifiLogin(HOME.ssid, Security.WPA2, HOME.password.decode(), Cipher.AES)
OTHER = WifiLogin(b"Office", Security.WPA2, "another one", Cipher.AES)


FIVE = HeardNetwork(b"Upstairs", 44, -40, Protection.WPA2, frequency_mhz=5220)
NEAR = HeardNetwork(b"Practice", 6, -50, Protection.WPA2, Encryption.AES, 2437)
HIGH = HeardNetwork(b"Cellar", 13, -60, Protection.WPA2, Encryption.AES, 2472)
COMPANY = HeardNetwork(b"Corp", 1, -65, Protection.WPA2_ENTERPRISE)
BLIND = text("Test", "Nobody listens here.")


def at(name: str, folder: Path, *logins: WifiLogin, firmware: str = "", ears: Ears | None = None) -> Desk:
    answers = {"network": WifiAnswer(logins), "join-light": "connected"}
    return desk(name, folder, answers=answers, firmware=firmware, profiles=False, scanner=ears)


def forms(place: Desk) -> list[WifiForm]:
    asked = [each.question for each in place.person.events if isinstance(each, Asked)]
    return [each for each in asked if isinstance(each, WifiForm)]


def test_a_stop_amid_the_dialogue_waits_for_its_end_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = at("photon", tmp_path, LOGIN, OTHER)
    waits: list[str] = []

    def person(event: Event) -> None:
        place.person(event)
        if isinstance(event, PlanReady):
            waits.extend(each.stop_waits.english() for each in event.steps if each.stop_waits is not None)

    def tell(dialogue: WifiDialogue, login: WifiLogin) -> Told:
        job.stop()
        return original(dialogue, login)

    original = WifiDialogue.tell
    monkeypatch.setattr(WifiDialogue, "tell", tell)
    job = place.job(post=person)
    run_recipe(JoinWifi(), job)
    assert place.person.events[-1] == Stopped(job.run, changed=True)
    assert [each.ssid for each in place.board.profiles_stored] == [LOGIN.ssid]  # whole, and not the second one
    assert len(waits) == 1
    assert "ended its dialogue" in waits[0]


@pytest.mark.parametrize(
    ("name", "firmware", "fitting"),
    [
        ("core", "spark_11", {b"Practice"}),
        ("photon-0.6", "0.6", {b"Practice", b"Cellar"}),
        ("photon", "2.x", {b"Practice", b"Cellar", b"Corp"}),
    ],
)
def test_what_this_computer_hears_is_offered_as_far_as_the_board_can_join_it(
    name: str, firmware: str, fitting: set[bytes], tmp_path: Path
) -> None:
    scan = Scan((FIVE, NEAR, HIGH, COMPANY), joined=b"Practice", trouble=BLIND)
    place = at(name, tmp_path, LOGIN, firmware=firmware, ears=Ears(scan))
    place.succeed(JoinWifi)
    (form,) = forms(place)
    assert [row.ssid for row in form.seen] == [b"Upstairs", b"Practice", b"Cellar", b"Corp"]
    assert {row.ssid for row in form.seen if row.fits} == fitting
    assert all(row.note is not None for row in form.seen if not row.fits)
    assert (form.joined, form.trouble, form.platform) == (b"Practice", BLIND, place.seen().platform)


def test_looking_again_asks_anew_with_what_is_there_now(tmp_path: Path) -> None:
    ears = Ears(Scan((FIVE,)), Scan((FIVE, NEAR)))
    place = at("photon", tmp_path, firmware="2.x", ears=ears)
    answers = iter([LookAgain(), WifiAnswer((LOGIN,))])

    def person(event: Event) -> None:
        if isinstance(event, Asked) and isinstance(event.question, WifiForm):
            place.person.answers["network"] = next(answers)
        place.person(event)

    run_recipe(JoinWifi(), place.job(post=person))
    assert [len(each.seen) for each in forms(place)] == [1, 2]
    assert ears.looks == 2
    assert [each.ssid for each in place.board.profiles_stored] == [LOGIN.ssid]


@pytest.mark.parametrize("told", [True, False])
def test_a_network_that_stops_a_board_is_told_only_when_that_is_agreed_to(told: bool, tmp_path: Path) -> None:
    far = WifiLogin(FIVE.ssid, Security.WPA2, "long enough", Cipher.AES)
    place = at("photon", tmp_path, far, firmware="2.x", ears=Ears(Scan((FIVE, NEAR))))
    place.person.answers["tell-anyway"] = told

    def person(event: Event) -> None:
        if isinstance(event, Asked) and isinstance(event.question, WifiForm) and len(forms(place)) == 1:
            place.person.answers["network"] = WifiAnswer((LOGIN,))  # another one, the second time
        place.person(event)

    run_recipe(JoinWifi(), place.job(post=person))
    assert [each.ssid for each in place.board.profiles_stored] == [far.ssid if told else LOGIN.ssid]
    (confirm,) = [
        each.question for each in place.person.events if isinstance(each, Asked) and each.question.name == "tell-anyway"
    ]
    assert isinstance(confirm, Confirm)
    assert confirm.risky
    assert "5 GHz" in confirm.body.english()
    assert any("5 GHz" in each.words.english() for each in place.person.events if isinstance(each, Note))


def test_the_same_name_on_both_bands_needs_no_agreement(tmp_path: Path) -> None:
    both = Scan((replace(NEAR, channel=44, rssi=-40, frequency_mhz=5220), NEAR), joined=b"Practice")
    place = at("photon", tmp_path, LOGIN, firmware="2.x", ears=Ears(both))
    place.succeed(JoinWifi)
    (row,) = forms(place)[0].seen
    assert (row.channel, row.fits) == (6, True)


@pytest.mark.parametrize("firmware", ["0.8", "1.5"])
def test_a_hidden_network_by_request_is_told_how_it_encrypts(firmware: str, tmp_path: Path) -> None:
    hidden = replace(HOME, hidden=True)
    wanted = WifiLogin(HOME.ssid, Security.WPA2, HOME.password.decode(), hidden=True)
    answers = {"network": WifiAnswer((wanted,)), "join-light": "connected"}
    place = desk("photon", tmp_path, answers=answers, firmware=firmware, profiles=False, networks=(hidden,))
    place.succeed(JoinWifi)
    (stored,) = place.board.profiles_stored
    assert (stored.ssid, stored.password, int(stored.cipher)) == (HOME.ssid, HOME.password, Cipher.AES)


@pytest.mark.parametrize(
    ("security", "password"), [(Security.OPEN, ""), (Security.WEP, "12345"), (Security.WPA, "long enough")]
)
def test_the_first_firmware_is_sent_no_password_of_another_kind_of_network(
    security: Security, password: str, tmp_path: Path
) -> None:
    place = desk("core", tmp_path, firmware="spark_1", profiles=False)
    answer = WifiAnswer((WifiLogin(b"Old", security, password),), anyway=True)
    assert place.fail(JoinWifi, {"network": answer}).code == "wifi.only-wpa2"
    assert place.board.profiles_stored == ()


def test_a_sign_in_that_is_refused_is_not_asked_about_before(tmp_path: Path) -> None:
    place = desk("core", tmp_path, profiles=False, scanner=Ears(Scan((COMPANY,))))
    assert place.fail(JoinWifi, {"network": "Corp"}).code == "wifi.security-not-possible"
    assert not any(isinstance(each, Asked) and isinstance(each.question, Enter) for each in place.person.events)


def test_a_company_network_can_be_typed_at_a_terminal(tmp_path: Path) -> None:
    company = Network(b"Corp", air.Security.WPA2_ENTERPRISE, password=b"s3cret!", identity=b"ann")
    answers = {"network": "Corp", "username": "ann", "password": "s3cret!", "join-light": "connected"}
    ears = Ears(Scan((COMPANY,)))
    place = desk("photon", tmp_path, answers=answers, profiles=False, networks=(company,), scanner=ears)
    place.succeed(JoinWifi)
    (stored,) = place.board.profiles_stored
    assert (stored.identity, stored.password) == (b"ann", b"s3cret!")


@pytest.mark.parametrize(("status", "joined", "asked"), [(302, True, True), (204, True, False), (302, False, False)])
def test_a_page_to_sign_in_is_found_where_this_computer_is_in_that_network(
    status: int, joined: bool, asked: bool, tmp_path: Path
) -> None:
    network = Air()
    network.page_status = status
    place = desk(
        "photon",
        tmp_path,
        answers={"network": WifiAnswer((LOGIN,), anyway=True), "join-light": "connected", "tell-anyway": True},
        profiles=False,
        scanner=Ears(Scan((NEAR,), joined=NEAR.ssid if joined else None)),
        network=network,
    )
    place.succeed(JoinWifi)
    confirms = [each.question for each in place.person.events if isinstance(each, Asked)]
    found = [each.body.english() for each in confirms if isinstance(each, Confirm)]
    assert any("page to sign in" in words for words in found) is asked


def test_what_is_told_at_a_terminal_bit_by_bit_is_judged_when_it_is_whole(tmp_path: Path) -> None:
    old = Network(b"Old", air.Security.WEP, password=b"pass ")
    given = {"network": "Old", "security": "wep", "password": "pass ", "join-light": "connected"}
    place = desk("core", tmp_path, answers={**given, "tell-anyway": True}, profiles=False, networks=(old,))
    place.succeed(JoinWifi)
    (confirm,) = [
        each.question for each in place.person.events if isinstance(each, Asked) and "tell" in each.question.name
    ]
    assert isinstance(confirm, Confirm)
    assert "WEP" in confirm.body.english()
    notes = [each.words.english() for each in place.person.events if isinstance(each, Note)]
    assert sum("begins or ends with a blank" in each for each in notes) == 1
