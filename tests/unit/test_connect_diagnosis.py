"""Why a board does not connect: recorded cases, every rule, and how many questions it takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.connect_cases import CASES, CERTAIN, ERA_OF, GUESS, HEARD, LIKELY, WELL, ConnectCase, case, checks
from support.every import examples

from app.platforms.lights import PATTERNS
from app.platforms.model import Mode
from app.platforms.table import platform
from app.recipes.registry import known as known_recipe
from app.work.connect_asks import ASKS
from app.work.connect_case import UNKNOWN, Case, Known, Measured, Stage, light_seen, network_keys, stage_of
from app.work.connect_diagnosis import MOST_QUESTIONS, diagnose, next_question, options_of
from app.work.connect_rules import RULES, SURENESS_REASONS, SURENESS_WORDS
from app.work.key_case import LightSeen
from app.work.preflight import State, marked
from app.work.wifi_form import SeenNetwork

ASKED_BY_KEY = {ask.key: ask for ask in ASKS}


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.name)
def test_a_recorded_case_ends_in_its_cause_with_few_questions(row: ConnectCase) -> None:
    asked, diagnosis = row.play()
    main = diagnosis.main
    assert (main.code, main.sureness) == (row.code, row.sure), asked
    assert len(asked) <= min(row.asks, MOST_QUESTIONS), asked
    if row.recipe:
        assert main.recipes[0] == row.recipe
    for cause in diagnosis.causes:
        for words in (cause.words, cause.step):
            assert words.english().strip()
            assert "{" not in words.english()


def test_every_rule_is_the_main_cause_of_a_recorded_case() -> None:
    assert {row.play()[1].main.code for row in CASES} == {rule.code for rule in RULES}


def test_every_question_is_asked_in_a_recorded_case() -> None:
    assert {key for row in CASES for key in row.play()[0]} == set(ASKED_BY_KEY)


def test_every_rule_names_its_source_and_recipes_that_exist() -> None:
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
    for rule in RULES:
        assert rule.source, rule.code
        assert [key for key in rule.recipes if known_recipe(key) is None] == [], rule.code
    assert all(ask.source for ask in ASKS)
    assert SURENESS_WORDS.keys() == SURENESS_REASONS.keys()


def test_every_light_pattern_has_its_place_on_the_way_to_the_cloud() -> None:
    placed = {known.key: stage_of(known.key) for known in PATTERNS}
    assert set(placed.values()) == set(Stage) - {Stage.UNSEEN}
    assert placed["boot-loader.safe-mode"] is Stage.BUSY  # only while a button is held
    assert placed["from-0.7.safe-mode"] is Stage.SAFE_MODE
    assert placed["up-to-0.6.dhcp"] is Stage.ADDRESS
    assert placed["from-0.7.connected"] is Stage.ONLINE
    with pytest.raises(KeyError):
        stage_of("core-2014.dancing")
    assert ERA_OF.keys() <= {key.rpartition(".")[2] for key in placed}


def test_usb_goes_before_what_a_person_saw() -> None:
    for mode, code in ((Mode.DFU, "update-mode"), (Mode.LISTENING, "listening")):
        asked, diagnosis = case("", "cloud-connected", code, CERTAIN, mode=mode).play()
        assert (diagnosis.main.code, asked) == (code, ())


MEASURED_NOT_ASKED: tuple[tuple[str, dict[str, object], dict[str, str], set[str]], ...] = (
    # What this computer has shown in the board's own network is no question any more.
    ("no-cloud", {"checks": WELL}, {"same": "yes"}, {"there"}),
    ("connecting", {"heard": HEARD, "joined": b"Home"}, {"network": "Home"}, {"same"}),
    # Without networks heard nobody can choose one, and without a try it does not matter which network this one is in.
    ("connecting", {}, {}, {"network", "same"}),
    ("no-cloud", {}, {}, {"network", "same"}),
    # Who waits for an address has got past the password.
    ("dhcp", {"heard": HEARD}, {}, {"credentials", "network", "basics"}),
    ("cloud-connecting", {"version": "0.7.0"}, {}, {"others"}),
)


@pytest.mark.parametrize(("light", "measured", "answers", "never"), MEASURED_NOT_ASKED)
def test_what_is_measured_is_never_asked(
    light: str, measured: dict[str, object], answers: dict[str, str], never: set[str]
) -> None:
    asked, _ = case("", light, "", GUESS, answers=answers, **measured).play()
    assert not never & set(asked)


def test_whether_this_computer_counts_is_settled_before_anything_it_may_have_measured() -> None:
    row = case("", "no-internet", "", GUESS, checks=checks(internet=State.FAILED), answers={"same": "no"})
    asked, diagnosis = row.play()
    assert asked[0] == "same"
    assert diagnosis.main.code != "no-internet-here"


def test_what_works_from_here_is_no_answer_any_more() -> None:
    known = case("", "no-cloud", "", GUESS, checks=checks(internet=State.OK, portal=State.OK)).known()
    every = {option.key for option in ASKED_BY_KEY["there"].options(next(iter(known.cases()))[0])}
    left = {
        option.key for option in ASKED_BY_KEY["there"].options(next(iter(known.with_answer("same", "yes").cases()))[0])
    }
    assert every - left == {"no-internet", "portal"}


def test_a_doubtful_light_makes_no_cause_certain_and_names_the_other() -> None:
    sure = diagnose(case("", "safe-mode", "", GUESS, board="photon").known()).main
    half = (("safe-mode", 0.6), ("hard-fault", 0.4))
    doubtful = diagnose(case("", half, "", GUESS, board="photon").known())
    assert sure.sureness is CERTAIN
    assert [(cause.code, cause.sureness) for cause in doubtful.causes] == [("safe-mode", LIKELY), ("panic", GUESS)]


@pytest.mark.parametrize(
    ("stages", "seen"),
    [
        (((Stage.ORANGE, 0.9), (Stage.RED, 0.1)), LightSeen.ORANGE),
        (((Stage.RED, 0.5), (Stage.ORANGE, 0.4), (Stage.NO_CLOUD, 0.1)), LightSeen.RED_OR_ORANGE),
        (((Stage.MAGENTA, 0.4), (Stage.RED, 0.3), (Stage.CALLING, 0.3)), LightSeen.FLASH),
        (((Stage.ORANGE, 0.5), (Stage.NO_INTERNET, 0.3), (Stage.NO_CLOUD, 0.2)), LightSeen.ORANGE),
        (((Stage.HELD_UP, 0.6), (Stage.CALLING, 0.4)), LightSeen.CYAN),
        (((Stage.NO_CLOUD, 1.0),), LightSeen.BLINKS),
        (((Stage.JOINING, 1.0),), LightSeen.OTHER),
        (((Stage.UNSEEN, 1.0),), LightSeen.UNSEEN),
    ],
)
def test_keys_are_judged_by_a_colour_only_where_it_is_clear(
    stages: tuple[tuple[Stage, float], ...], seen: LightSeen
) -> None:
    assert light_seen(stages) is seen


def test_what_is_measured_is_as_sure_as_ever_when_the_light_is_doubtful() -> None:
    half = (("no-internet", 0.5), ("cloud-connecting", 0.5))
    down = case("", half, "", GUESS, checks=checks(internet=State.FAILED), answers={"same": "yes"})
    _, diagnosis = down.play()
    assert (diagnosis.main.code, diagnosis.main.sureness) == ("no-internet-here", CERTAIN)


def test_a_light_that_is_most_unlikely_leads_to_no_cause() -> None:
    lights = (("cloud-connected", 0.95), ("hard-fault", 0.05))
    assert [cause.code for cause in diagnose(case("", lights, "", GUESS).known()).causes] == ["connected"]


def test_networks_of_the_same_name_can_be_told_apart_and_none_is_taken_for_an_answer() -> None:
    rows = [SeenNetwork(name) for name in (b"Home", b"Home", b"unknown", b"other")]
    assert list(network_keys(rows)) == ["Home", "Home (2)", "unknown (2)", "other (2)"]


def test_the_network_this_computer_is_in_is_the_first_to_choose() -> None:
    known = case("", "connecting", "", GUESS, heard=HEARD, joined=b"Cafe").known()
    keys = [option.key for option in options_of(known, ASKED_BY_KEY["network"])]
    assert keys == ["Cafe", "Home", "Home-5G", "Thirteen", "Barn", "other"]


KINDS = st.sampled_from([known.key for known in PATTERNS])
STATES = st.sampled_from(list(State))


@st.composite
def situations(draw: Callable[..., object]) -> tuple[Known, int]:
    """Anything that may be measured and seen, and a number from which the answers are drawn."""
    shares = draw(st.dictionaries(KINDS, st.floats(0.05, 1.0), max_size=3))
    assert isinstance(shares, dict)
    board = platform(str(draw(st.sampled_from(["core", "photon", "p1"]))))
    heard = tuple(marked(each, board) for each in HEARD) if draw(st.booleans()) else ()
    measured = Measured(
        board,
        mode=draw(st.sampled_from(list(Mode))),  # type: ignore[arg-type]
        starts=draw(st.sampled_from([None, None, False])),  # type: ignore[arg-type]
        version=str(draw(st.sampled_from(["", "0.5.0", "2.2.0"]))),
        claimed=draw(st.sampled_from([None, True, False])),  # type: ignore[arg-type]
        checks=checks(**{key: draw(STATES) for key in ("internet", "portal", "name", "tcp")}),  # type: ignore[arg-type]
        joined=draw(st.sampled_from([None, b"Home"])),  # type: ignore[arg-type]
        heard=heard,
    )
    whole = sum(shares.values()) or 1.0
    stages = tuple((stage_of(key), share / whole) for key, share in shares.items())
    choice = draw(st.integers(0, 10**6))
    assert isinstance(choice, int)
    return Known(measured, stages or ((Stage.UNSEEN, 1.0),)), choice


@settings(max_examples=examples(40), deadline=None)
@given(situations())
def test_whatever_is_answered_it_ends_in_a_cause_after_few_questions(situation: tuple[Known, int]) -> None:
    known, choice = situation
    asked = []
    while (ask := next_question(known)) is not None:
        keys = [*(option.key for option in options_of(known, ask)), UNKNOWN]
        assert len(set(keys)) == len(keys)
        known = known.with_answer(ask.key, keys[choice % len(keys)])
        choice //= len(keys)
        asked.append(ask.key)
    assert len(asked) == len(set(asked)) <= MOST_QUESTIONS
    main = diagnose(known).main
    assert main.words.english()
    assert main.step.english()


def test_a_case_without_any_light_still_has_a_cause_at_every_stage() -> None:
    for stage in Stage:
        for key in ("core", "photon"):
            assert any(rule.when(Case(Measured(platform(key)), stage)) for rule in RULES), (stage, key)
