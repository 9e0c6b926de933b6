"""The light decoder: what is likely comes first, what people mix up stays possible, and the right question is asked."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.light_watcher import Fingers, answer, look

from app.platforms.lights import ERAS, PANIC_CODES, Colour, Rhythm, pattern, patterns_of
from app.platforms.model import Mode
from app.platforms.table import PLATFORMS, platform
from app.work.light_decoder import (
    AGES,
    MOST_ASKED,
    UNSURE,
    LightReading,
    Reading,
    Seen,
    Telling,
    decode,
    eras_for,
    kind_of,
    pointed_at,
    reading_of,
    with_told,
)
from app.work.light_seen import name_of

CORE = platform("core").light_eras
PHOTON = platform("photon").light_eras
USUAL = Fingers(jitter=0.10, missed=0.03, doubled=0.02)


def kinds(reading: Reading) -> list[str]:
    return [kind_of(guess.pattern.key) for guess in reading.guesses]


def options(telling: Telling | None) -> list[str]:
    assert telling is not None
    return [option.key for option in telling.options]


# --- the special cases of the support page -------------------------------------------------------------------------


def test_pulsing_white_may_be_a_broken_radio_and_a_reset_tells() -> None:
    seen = Seen(Colour.WHITE, Rhythm.BREATHING)
    reading = decode(seen, CORE)
    assert set(kinds(reading)[:2]) == {"network-off", "pulsing-white"}
    assert reading.telling is not None
    assert reading.telling.key == "after-reset"
    assert kinds(decode(with_told(seen, "after-reset", "yes"), CORE))[0] == "pulsing-white"
    assert kinds(decode(with_told(seen, "after-reset", "no"), CORE))[0] == "network-off"
    assert "pulsing-white" not in kinds(decode(seen, PHOTON))


def test_a_dark_board_is_asked_for_its_small_blue_light() -> None:
    seen = Seen(Colour.OFF, Rhythm.OFF)
    reading = decode(seen, CORE)
    assert reading.telling is not None
    assert reading.telling.key == "small-blue"
    for told, kind in (("yes", "no-firmware"), ("no", "no-light")):
        assert kinds(decode(with_told(seen, "small-blue", told), CORE))[0] == kind
        assert kinds(decode(replace(seen, small_blue=told == "yes"), CORE))[0] == kind


def test_cyan_that_now_and_then_flashes_red_points_at_the_router() -> None:
    seen = Seen(Colour.CYAN, Rhythm.BLINK)
    reading = decode(seen, CORE)
    assert kinds(reading)[0] == "cloud-connecting"
    assert reading.telling is not None
    assert (reading.telling.key, options(reading.telling)) == ("flash", ["no", "red", "orange", "magenta"])
    assert kinds(decode(with_told(seen, "flash", "red"), CORE))[0] == "cyan-red"
    assert kinds(decode(with_told(seen, "flash", "no"), CORE))[0] == "cloud-connecting"


def test_fast_cyan_and_a_flash_says_which_key_is_wrong() -> None:
    seen = Seen(Colour.CYAN, Rhythm.FAST_BLINK)
    for colour in ("red", "orange", "magenta"):
        assert kinds(decode(with_told(seen, "flash", colour), PHOTON))[0] == f"handshake-{colour}"


def test_the_yellow_of_a_deep_update_is_told_by_what_was_done_before() -> None:
    seen = Seen(Colour.YELLOW, Rhythm.BLINK)
    reading = decode(seen, CORE)
    assert kinds(reading)[0] == "dfu"
    assert "deep-update" in kinds(reading)[:3]
    after = decode(with_told(with_told(seen, "shade", "orange"), "work", "deep-update"), CORE)
    assert kinds(after)[0] == "deep-update"
    assert kinds(decode(seen, PHOTON))[0] == "dfu"


@pytest.mark.parametrize("colour", [Colour.ORANGE, Colour.YELLOW, Colour.RED])
def test_yellow_and_red_in_turn_may_be_a_failed_handshake(colour: Colour) -> None:
    found = kinds(decode(Seen(colour, Rhythm.SLOW_BLINK), CORE))
    assert {"orange-flashing", "handshake-orange"} & set(found[:4])


# --- age, count, panic -----------------------------------------------------------------------------------------------


def test_green_breathing_is_told_by_the_age_of_the_firmware() -> None:
    seen = Seen(Colour.GREEN, Rhythm.BREATHING)
    reading = decode(seen, CORE)
    assert reading.telling is not None
    assert (reading.telling.key, options(reading.telling)) == ("age", list(AGES))
    assert kinds(decode(seen, eras_for(platform("core"), "core-2014")))[0] == "dhcp"
    assert kinds(decode(seen, eras_for(platform("core"), "from-0.7")))[0] == "connected"
    assert kinds(decode(with_told(seen, "age", "from-0.7"), CORE))[0] == "connected"


def test_red_and_orange_blinks_of_one_count_mean_the_same_and_count_together() -> None:
    reading = decode(Seen(Colour.RED, Rhythm.COUNTED, count=2), CORE)
    assert kinds(reading).count("no-internet") == 1
    assert reading.guesses[0].likelihood > 0.7


@pytest.mark.parametrize(("key", "code"), PANIC_CODES.items())
def test_a_counted_panic_has_its_code(key: str, code: int) -> None:
    reading = decode(Seen(Colour.RED, Rhythm.SOS, count=code), PHOTON)
    assert (reading.guesses[0].pattern.key, reading.panic) == (key, code)


def test_a_miscounted_panic_is_asked_for_its_count_again() -> None:
    seen = Seen(None, Rhythm.SOS, count=9)
    reading = decode(seen, CORE)
    assert reading.panic == 9
    assert reading.telling is not None
    assert reading.telling.key == "count"
    assert {"8", "9", "10"} <= set(options(reading.telling))
    assert decode(with_told(seen, "count", "10"), CORE).panic == 10


def test_an_sos_nobody_has_counted_is_not_offered_a_few_counts_only() -> None:
    reading = decode(Seen(Colour.RED, Rhythm.SOS), CORE)
    assert kinds(reading)[0] == "panic"
    assert reading.telling is None or reading.telling.key != "count"


def test_no_panic_means_no_code() -> None:
    assert decode(Seen(Colour.BLUE, Rhythm.SLOW_BLINK), CORE).panic is None


def share_of(kind: str, reading: Reading) -> float:
    return sum(each.likelihood for each in reading.guesses if kind_of(each.pattern.key) == kind)


def test_usb_tells_the_mode_better_than_eyes() -> None:
    seen = Seen(Colour.ORANGE, Rhythm.BLINK)
    assert kinds(decode(replace(seen, mode=Mode.DFU), CORE))[0] == "dfu"
    running = decode(replace(seen, mode=Mode.NORMAL), CORE)
    assert kinds(running)[0] != "dfu"
    assert 2 * share_of("dfu", running) < share_of("dfu", decode(seen, CORE))
    assert kinds(decode(Seen(mode=Mode.LISTENING), CORE))[0] == "listening"


# --- questions -------------------------------------------------------------------------------------------------------


def test_the_pace_is_compared_with_living_lights() -> None:
    reading = decode(Seen(Colour.GREEN, Rhythm.FAST_BLINK), CORE)
    assert reading.telling is not None
    assert reading.telling.key == "pace"
    assert [(each.key, str(pattern(each.light).period_ms)) for each in reading.telling.options] == [
        ("100", "100"),
        ("200", "200"),
    ]


def test_whoever_names_no_colour_is_not_asked_for_one() -> None:
    seen = Seen(None, Rhythm.FAST_BLINK)
    asked = []
    while (reading := decode(seen, CORE)).telling is not None:
        asked.append(reading.telling.key)
        seen = with_told(seen, reading.telling.key, UNSURE)
    assert asked
    assert "shade" not in asked


@pytest.mark.parametrize(
    ("rhythm", "said"), [(Rhythm.SOS, {"sos", "pause"}), (Rhythm.COUNTED, {"pause"}), (Rhythm.BREATHING, {"soft"})]
)
def test_what_the_rhythm_says_already_is_not_asked(rhythm: Rhythm, said: set[str]) -> None:
    for colour in (None, *Colour):
        seen = Seen(colour, rhythm)
        while (telling := decode(seen, CORE).telling) is not None:
            assert telling.key not in said
            seen = with_told(seen, telling.key, UNSURE)


@pytest.mark.parametrize("colour", [Colour.CYAN, Colour.BLUE])
def test_what_comes_before_a_flash_is_asked_only_of_somebody_who_saw_one(colour: Colour) -> None:
    seen = Seen(colour, Rhythm.FAST_BLINK)
    for _ in range(MOST_ASKED):
        reading = decode(seen, CORE)
        if reading.telling is None:
            break
        assert reading.telling.key != "flicker"
        seen = with_told(seen, reading.telling.key, "")


def test_an_answer_given_anew_replaces_the_one_before() -> None:
    seen = with_told(with_told(Seen(Colour.CYAN), "flash", "red"), "flash", "no")
    assert seen.told == (("flash", "no"),)


def test_a_clear_light_asks_nothing() -> None:
    assert decode(Seen(Colour.BLUE, Rhythm.SLOW_BLINK), CORE).telling is None


saw = st.builds(
    Seen,
    st.none() | st.sampled_from(Colour),
    st.none() | st.sampled_from(Rhythm),
    st.none() | st.floats(min_value=1, max_value=60_000),
    st.none() | st.integers(0, 99),
    st.none() | st.booleans(),
)


@given(saw, st.sets(st.sampled_from(list(ERAS)), min_size=1), st.randoms(use_true_random=False))
def test_whatever_was_seen_the_likelihoods_sum_up_and_the_questions_end(
    seen: Seen, eras: set[str], dice: random.Random
) -> None:
    asked: list[str] = []
    while True:
        reading = decode(seen, eras)
        assert sum(guess.likelihood for guess in reading.guesses) == pytest.approx(1)
        shares = [guess.likelihood for guess in reading.guesses]
        assert shares == sorted(shares, reverse=True)
        assert {guess.pattern.era for guess in reading.guesses} <= eras
        if reading.telling is None:
            break
        assert reading.telling.key not in asked
        assert 2 <= len(reading.telling.options) <= 4
        asked.append(reading.telling.key)
        told = dice.choice([UNSURE, *options(reading.telling)])
        seen = with_told(seen, reading.telling.key, told)
    assert len(asked) <= MOST_ASKED


def test_without_an_era_there_is_nothing_to_guess() -> None:
    reading = decode(Seen(Colour.RED), ())
    assert (reading.guesses, reading.telling, reading.panic) == ((), None, None)


def test_each_era_and_each_age_belongs_to_the_boards_that_have_it() -> None:
    for board in PLATFORMS:
        assert eras_for(board) == board.light_eras
        for age in AGES:
            narrowed = eras_for(board, age)
            assert set(narrowed) & set(AGES) == {age} & set(board.light_eras)
            assert set(board.light_eras) - set(narrowed) <= set(AGES)


# --- accuracy --------------------------------------------------------------------------------------------------------


def test_the_table_of_accuracy_does_not_fall() -> None:
    """The full table is printed by tests/bench/decoder_table.py; this is a part of it with a floor."""
    dice = random.Random(5)
    first = two = at_last = tries = 0
    for board in (platform("core"), platform("photon")):
        for known in patterns_of(board):
            for _ in range(2):
                seen = look(known, dice, USUAL, mixes_up=0.1)
                reading = decode(seen, board.light_eras)
                names = [name_of(guess.pattern.key) for guess in reading.guesses]
                tries += 1
                first += names[0] == name_of(known.key)
                two += name_of(known.key) in names[:2]
                for _question in range(3):
                    if reading.telling is None:
                        break
                    seen = with_told(seen, reading.telling.key, answer(known, reading.telling))
                    reading = decode(seen, board.light_eras)
                at_last += name_of(reading.guesses[0].pattern.key) == name_of(known.key)
    assert first >= 0.70 * tries
    assert two >= 0.82 * tries
    assert at_last >= 0.90 * tries


def test_what_a_person_would_name_puts_every_light_among_the_first_three() -> None:
    """Colour and rhythm as the light table names them, the age known: no light is out of reach."""
    for board in PLATFORMS:
        for known in patterns_of(board):
            if known.key == "from-0.7.one-red":  # no known firmware shows it (9.3)
                continue
            eras = eras_for(board, known.era if known.era in AGES else "")
            count = PANIC_CODES.get(known.key)
            reading = decode(Seen(known.colour, known.rhythm, count=count, small_blue=known.small_blue), eras)
            names = [name_of(guess.pattern.key) for guess in reading.guesses]
            assert names.index(name_of(known.key)) < 4, known.key


# --- the answer to the question --------------------------------------------------------------------------------------


def test_a_reading_says_how_likely_a_kind_is() -> None:
    told = reading_of(Seen(Colour.CYAN, Rhythm.FAST_BLINK), CORE)
    assert told.could_see
    assert kind_of(told.best) == "handshake"
    refused = [share for key, share in told.guesses if kind_of(key).startswith("handshake-")]
    assert 0.2 < sum(refused) < 0.6
    assert sum(share for _, share in told.guesses) == pytest.approx(1)


def test_who_points_at_a_light_is_sure_and_who_sees_none_says_nothing() -> None:
    assert pointed_at("core-2014.listening").guesses == (("core-2014.listening", 1.0),)
    unseen = LightReading()
    assert (unseen.could_see, unseen.best) == (False, "")
    with pytest.raises(KeyError):
        pointed_at("core-2014.nothing")
