"""The rescue pack and interrupted rescues, as a table: what is shown, what is ordered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.clicks import (
    AddToPack,
    AskForget,
    Back,
    Click,
    ConfirmForget,
    Go,
    PickRecipe,
    PressClose,
    PressDownload,
    PressFinish,
    PressPutBack,
    PressRetry,
    PressStart,
    PressStopDownload,
    RunBegan,
    Screen,
    SetAside,
)
from app.firmware.pack import PACK, PackItem, PackState
from app.flow import NOTHING_FOR_PACK, PACK_DOWNLOADED, PACK_GREW, PUT_BACK, AppState, Download, board_for, reduce
from app.orders import AddFiles, CloseWindow, FetchPack, ForgetRescue, ListPack, StartRun, StopFetch
from app.platforms.model import Mode
from app.platforms.table import platform
from app.text import text
from app.transports.base import Sighting
from app.undo.board_name import BoardName
from app.undo.rescue import InterruptedRescue
from app.work.board import Board, Identity, Proof
from app.work.events import (
    BoardsChanged,
    Event,
    Failed,
    FileWorkFailed,
    PackAdded,
    PackFetched,
    PackFetchFailed,
    PackFetchStopped,
    PackFileCame,
    PackListed,
    PackProgress,
    RescuesInterrupted,
)

WORDS = text("Test", "Words.")
PHOTON_ID = "2a0047001247353236343033"
OTHER_ID = "2a0047001247353236343044"
FLAG = next(file for file in PACK if file.role == "ota-flag")
LACKS = tuple(
    PackItem(file, {0: PackState.MISSING, 1: PackState.DAMAGED}.get(number, PackState.PRESENT))
    for number, file in enumerate(PACK)
)
LACKING = (PACK[0].name, PACK[1].name)
WHOLE = tuple(PackItem(file, PackState.PRESENT) for file in PACK)
LISTED = PackListed(LACKS, ())
OFFLINE = PackFetchFailed("pack.offline", WORDS, WORDS, "")
TOLD = PackProgress(PACK[0].name, 10, 100, 0.0, None)


def board(port: str, key: str, device_id: str | None, serial: str | None) -> Board:
    kind = platform(key)
    ids = kind.ids[Mode.DFU]
    identity = Identity(device_id, Proof.SERIAL) if device_id else None
    return Board(
        Sighting(port, 5, ids.vendor, ids.product, serial, None, 0x0200, None), kind, Mode.DFU, identity=identity
    )


PHOTON = board("1-1", "photon", PHOTON_ID, PHOTON_ID)
OTHER = board("1-2", "photon", OTHER_ID, OTHER_ID)
NAMELESS = board("1-3", "photon", None, None)
CORE = board("1-4", "core", None, "8D8154934854")
RESCUE = InterruptedRescue(
    "2026-11-23T05-10-00Z-00000000",
    BoardName("photon", PHOTON_ID, PHOTON_ID),
    "restore-system",
    {"release": "2.2.0"},
    "rekindle",
    datetime(2026, 11, 23, 5, 10, tzinfo=UTC),
)
LATER = replace(RESCUE, id="2026-11-23T06-10-00Z-00000001")


def play(*events: Event | Click, start: AppState | None = None) -> AppState:
    state = start or AppState()
    for event in events:
        state = reduce(state, event)
    return state


def on_page(*events: Event | Click) -> AppState:
    return play(LISTED, Go(Screen.PACK), *events)


# --- the pack -------------------------------------------------------------------------------------------------------


def test_the_page_has_the_pack_looked_through_when_it_opens_and_closes_to_where_one_was() -> None:
    opened = play(BoardsChanged((PHOTON,)), PickRecipe("back-up-key"), Go(Screen.PACK))
    assert (opened.screen, opened.orders) == (Screen.PACK, (ListPack(),))
    assert play(Back(), start=opened).screen is Screen.PLAN


def test_a_list_tells_what_is_lacking() -> None:
    assert [item.file.name for item in play(LISTED).lacking] == list(LACKING)
    assert play(PackListed(WHOLE, ())).lacking == ()
    assert AppState().lacking == ()


def test_a_download_asks_for_what_is_missing_and_for_what_is_damaged() -> None:
    state = on_page(PressDownload())
    assert (state.download, state.orders) == (Download(LACKING), (FetchPack(LACKING),))


@pytest.mark.parametrize(
    "before", [(), (PackListed(WHOLE, ()),), (LISTED, PressDownload())], ids=["not looked", "whole", "already"]
)
def test_nothing_is_downloaded_when_there_is_nothing_to_do(before: tuple[Event | Click, ...]) -> None:
    start = play(*before)
    assert play(PressDownload(), start=start).orders == ()
    assert play(PressDownload(), start=start).download == start.download


def test_progress_is_kept_until_the_end_and_means_nothing_without_a_download() -> None:
    state = on_page(PressDownload(), TOLD)
    assert state.download is not None
    assert state.download.progress == TOLD
    assert on_page(TOLD).download is None


def test_a_file_that_came_is_here_before_the_download_has_ended() -> None:
    state = on_page(PressDownload(), PackFileCame(LACKING[1]))
    assert [item.file.name for item in state.lacking] == [LACKING[0]]
    assert [item.file for item in state.pack or ()] == list(PACK)
    assert state.download is not None
    assert play(PackFileCame(LACKING[1])).pack is None  # nothing was listed yet
    assert play(PackFileCame("no such file"), start=state).pack == state.pack


def test_stopping_is_ordered_once_and_ends_with_the_news() -> None:
    stopping = on_page(PressDownload(), PressStopDownload())
    assert stopping.orders == (StopFetch(),)
    assert play(PressStopDownload(), start=stopping).orders == ()
    assert play(PackFetchStopped(), start=stopping).download is None
    assert on_page(PressStopDownload()).orders == ()


def test_a_fault_stays_on_the_page_until_the_next_try_or_until_files_came_another_way() -> None:
    failed = on_page(PressDownload(), OFFLINE)
    assert (failed.download, failed.pack_trouble, failed.notice) == (None, OFFLINE, None)
    assert play(PressDownload(), start=failed).pack_trouble is None
    assert play(PackAdded(LACKING), start=failed).pack_trouble is None
    assert play(PackAdded(()), start=failed).pack_trouble == OFFLINE


@pytest.mark.parametrize(("end", "bad"), [(PackFetched(LACKING), False), (OFFLINE, True)])
def test_an_end_is_told_above_another_page_too(end: Event, bad: bool) -> None:
    elsewhere = on_page(PressDownload(), Go(Screen.GUIDE), end)
    assert elsewhere.notice is not None
    assert elsewhere.notice.bad is bad
    assert elsewhere.download is None
    assert on_page(PressDownload(), end).notice is None
    if not bad:
        assert elsewhere.notice.words == PACK_DOWNLOADED


def test_a_window_that_downloads_closes_without_a_question() -> None:
    assert on_page(PressDownload(), PressClose()).orders == (CloseWindow(),)


def test_files_are_looked_through_and_the_page_shows_what_they_held() -> None:
    paths = (Path("a.tgz"), Path("b.bin"))
    adding = play(BoardsChanged((PHOTON,)), PickRecipe("back-up-key"), AddToPack(paths))
    assert (adding.screen, adding.adding, adding.orders) == (Screen.PACK, True, (AddFiles(paths),))
    found = PackAdded((FLAG.name,), unknown=("b.bin",))
    added = play(found, start=adding)
    assert (added.adding, added.added, added.notice) == (False, found, None)
    assert play(Back(), start=added).screen is Screen.PLAN
    assert play(Back(), Go(Screen.PACK), start=added).added is None


def test_no_files_change_nothing() -> None:
    state = on_page()
    assert play(AddToPack(()), start=state) == replace(state, orders=())


def test_during_a_run_files_are_taken_without_leaving_it() -> None:
    running = play(BoardsChanged((PHOTON,)), RunBegan(1, "back-up-key", PHOTON))
    state = play(AddToPack((Path("a"),)), start=running)
    assert state.screen is Screen.RUN
    for found, words, bad in (
        (PackAdded((FLAG.name,)), PACK_GREW.with_values(count=1), False),
        (PackAdded(()), NOTHING_FOR_PACK, True),
        (PackAdded((), troubles=(WORDS,)), WORDS, True),
    ):
        told = play(found, start=state)
        assert told.screen is Screen.RUN
        assert told.notice is not None
        assert (told.notice.words, told.notice.bad) == (words, bad)


def test_file_work_that_fails_ends_the_waiting() -> None:
    assert not on_page(AddToPack((Path("a"),)), FileWorkFailed("x", WORDS, WORDS, "")).adding


# --- answers given beforehand ---------------------------------------------------------------------------------------


def test_a_recipe_is_started_and_tried_again_with_the_answers_it_was_picked_with() -> None:
    answers = (("file", "/home/somebody/blink.bin"),)
    planned = play(BoardsChanged((PHOTON,)), PickRecipe("flash-file", answers))
    assert play(PressStart(), start=planned).orders == (StartRun("flash-file", PHOTON, answers),)
    ended = play(
        RunBegan(1, "flash-file", PHOTON, True, answers), Failed(1, "x", WORDS, WORDS, True, ""), start=planned
    )
    assert play(PressRetry(), start=ended).orders == (StartRun("flash-file", PHOTON, answers),)
    assert play(Go(Screen.HOME), start=ended).answers == ()
    assert play(PickRecipe("back-up-key"), start=planned).answers == ()


# --- interrupted rescues --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("boards", "port", "certain"),
    [
        ((PHOTON,), "1-1", True),
        ((OTHER, PHOTON), "1-1", True),
        ((NAMELESS, PHOTON), "1-1", True),
        ((NAMELESS,), "1-3", False),
        ((OTHER, CORE), None, False),
        ((), None, False),
    ],
)
def test_the_board_of_a_rescue_is_found_among_those_that_are_here(
    boards: tuple[Board, ...], port: str | None, certain: bool
) -> None:
    found = board_for(RESCUE, play(BoardsChanged(boards)))
    assert (found.board.port_path if found else None) == port
    assert found is None or found.certain is certain


def interrupted(*boards: Board) -> AppState:
    return play(BoardsChanged(boards), RescuesInterrupted((LATER, RESCUE)))


def test_finishing_runs_the_same_recipe_with_its_answers_and_the_name_of_the_rescue() -> None:
    state = play(PressFinish(RESCUE.id), start=interrupted(OTHER, PHOTON))
    answers = (("release", "2.2.0"), ("resume", RESCUE.id))
    assert state.orders == (StartRun("restore-system", PHOTON, answers),)
    assert state.chosen == PHOTON.port_path


def test_putting_back_runs_that_recipe_with_the_name_of_the_rescue() -> None:
    state = play(PressPutBack(RESCUE.id), start=interrupted(PHOTON))
    assert state.orders == (StartRun(PUT_BACK, PHOTON, (("rescue", RESCUE.id),)),)


@pytest.mark.parametrize("click", [PressFinish(RESCUE.id), PressPutBack(RESCUE.id), PressFinish("no such rescue")])
def test_without_its_board_nothing_is_started(click: Click) -> None:
    assert play(click, start=interrupted(OTHER)).orders == ()


def test_while_something_runs_nothing_is_finished() -> None:
    running = play(RunBegan(1, "back-up-key", PHOTON), start=interrupted(PHOTON))
    assert play(PressFinish(RESCUE.id), start=running).orders == ()


def test_a_rescue_is_set_aside_until_it_is_shown_again() -> None:
    aside = play(SetAside(RESCUE.id), start=interrupted())
    assert aside.set_aside == {RESCUE.id}
    assert play(SetAside(""), start=aside).set_aside == frozenset()
    assert play(RescuesInterrupted((LATER,)), start=aside).set_aside == frozenset()


def test_forgetting_needs_a_yes() -> None:
    asked = play(AskForget(RESCUE.id), start=interrupted())
    assert (asked.confirm_forget, asked.orders) == (RESCUE.id, ())
    assert play(ConfirmForget(), start=asked).orders == (ForgetRescue(RESCUE.id),)
    assert play(ConfirmForget(), start=asked).confirm_forget == ""
    assert play(AskForget(""), start=asked).confirm_forget == ""
    assert play(Go(Screen.GUIDE), start=asked).confirm_forget == ""
    assert play(RescuesInterrupted((LATER,)), start=asked).confirm_forget == ""
    assert play(ConfirmForget(), start=interrupted()).orders == ()
