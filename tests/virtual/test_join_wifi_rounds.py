"""Joining a network: what a stop waits for, the lists of board and computer, looking again, and warnings."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desk import Desk, desk

from app.engine.runner import run_recipe
from app.protocols.wifi import Cipher, Security, WifiLogin
from app.protocols.wifi_dialogue import Told, WifiDialogue
from app.recipes.join_wifi import JoinWifi
from app.virtual.air import HOME
from app.work.events import Event, PlanReady, Stopped
from app.work.wifi_form import WifiAnswer

LOGIN = WifiLogin(HOME.ssid, Security.WPA2, HOME.password.decode(), Cipher.AES)
OTHER = WifiLogin(b"Office", Security.WPA2, "another one", Cipher.AES)


def at(name: str, folder: Path, *logins: WifiLogin, firmware: str = "") -> Desk:
    answers = {"network": WifiAnswer(logins), "join-light": "connected"}
    return desk(name, folder, answers=answers, firmware=firmware, profiles=False)


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
