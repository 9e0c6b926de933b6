"""What a handshake proves, in words: whatever the verdict, a cause, something to do, and a line for each step."""

from __future__ import annotations

from itertools import product

import pytest

from app.platforms.model import Platform
from app.platforms.table import PLATFORMS
from app.protocols.handshake import Failure, Stage
from app.recipes.prove_handshake_words import Circumstances, Finding, Seen, finding, lines, news, not_started
from app.recipes.registry import known
from app.text import Text
from app.work.probe import Attempt, Verdict

WIFI = tuple(platform for platform in PLATFORMS if not platform.has_modem)


def said(words: Text) -> str:
    sentence = words.english()
    assert sentence.strip()
    assert "{" not in sentence, sentence
    return sentence


def check(found: Finding) -> None:
    said(found.summary)
    said(found.cause)
    assert found.next_steps
    for step in found.next_steps:
        said(step)
    assert found.repair == "" or known(found.repair) is not None, found.repair


@pytest.mark.parametrize("platform", WIFI, ids=lambda each: each.key)
@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_a_cause_and_a_next_step(verdict: Verdict, platform: Platform) -> None:
    for seen, listens, port in product((None, *Seen), (False, True), (5683, 49152)):
        check(finding(verdict, Circumstances(platform, "192.168.1.20", port, seen, listens, "aa" * 12, "192.168.1.50")))


@pytest.mark.parametrize("platform", WIFI, ids=lambda each: each.key)
def test_a_board_that_does_not_start_is_given_firmware(platform: Platform) -> None:
    found = not_started(platform)
    check(found)
    assert found.repair == ("full-firmware-upgrade" if platform.key == "core" else "restore-system")


def test_only_another_port_makes_the_age_of_the_firmware_matter() -> None:
    def steps(port: int) -> str:
        found = finding(Verdict.NOTHING_CAME, Circumstances(WIFI[0], "192.168.1.20", port))
        return " ".join(map(said, found.next_steps))

    assert "0.4.9" in steps(49152)
    assert "0.4.9" not in steps(5683)


def attempt(stage: Stage, failure: Failure | None, *, told_key: bool | None = None) -> Attempt:
    return Attempt(1, "192.168.1.50", stage, failure, None, told_key, None)


def values(best: Attempt | None, *, waited: bool = True) -> list[str]:
    return [fact.value.english() for fact in lines(best, waited=waited) if isinstance(fact.value, Text)]


@pytest.mark.parametrize("stage", Stage)
def test_the_lines_are_done_then_one_failed_then_not_reached(stage: Stage) -> None:
    found = values(attempt(stage, None if stage is Stage.DONE else Failure.LEFT, told_key=True))
    done = found.count("done")
    assert found == ["done"] * done + ["failed"] * (done < 6) + ["not reached"] * (5 - done)
    assert (done == 6) is (stage is Stage.DONE)


def test_the_lines_say_when_nobody_called_and_when_nobody_was_waited_for() -> None:
    assert values(None) == ["failed"] + ["not reached"] * 5
    assert values(None, waited=False) == ["not reached"] * 6


def test_a_hello_that_cannot_be_read_shows_that_the_signature_was_taken() -> None:
    assert values(attempt(Stage.SAME_KEY, Failure.BAD_SESSION, told_key=True)) == ["done"] * 5 + ["failed"]


def test_firmware_that_sends_no_public_key_is_not_blamed() -> None:
    assert "does not send" in values(attempt(Stage.DONE, None, told_key=False))[3]


def test_there_is_a_line_for_every_way_a_connection_can_be() -> None:
    for stage in Stage:
        said(news(attempt(stage, None)))
    for failure in Failure:
        said(news(attempt(Stage.ANSWERED, failure)))
