"""Which screen is next, as a table: no window, no thread."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.clicks import (
    Back,
    Click,
    CloseNotice,
    ConfirmClose,
    ConfirmStop,
    GiveAnswer,
    Go,
    NoBoardForLong,
    PickBoard,
    PickRecipe,
    PressClose,
    PressCopyBackup,
    PressCopyPublicKey,
    PressPractice,
    PressRetry,
    PressSaveDocument,
    PressSaveReport,
    PressStart,
    PressStop,
    RunBegan,
    Screen,
)
from app.flow import AppState, StepStatus, backups_of, reduce
from app.keys.backup import Backup
from app.keys.device_key import KeyState
from app.orders import (
    CloseWindow,
    CopyBackup,
    ListBackups,
    ListRescues,
    OpenPractice,
    PutOnClipboard,
    ReadPublicKey,
    SaveDocument,
    SaveReport,
    SendAnswer,
    StartRun,
    StopRun,
)
from app.platforms.model import Mode
from app.platforms.table import platform
from app.text import Text, text
from app.transports.base import Sighting
from app.work.board import Board, Identity, Proof
from app.work.events import (
    Answered,
    Asked,
    BackupCopied,
    BackupsListed,
    BoardsChanged,
    BusTrouble,
    Document,
    DocumentSaved,
    Event,
    Failed,
    FileWorkFailed,
    Hint,
    Note,
    Outcome,
    PlanReady,
    PublicKeyRead,
    ReportSaved,
    StepDone,
    StepPlan,
    StepProgress,
    StepSkipped,
    StepStarted,
    Stopped,
    Succeeded,
)
from app.work.questions import Confirm

WORDS = text("Test", "Words.")
CORE_ID = "53ff6f065067544840551187"
CORE_SERIAL = "8D8154934854"


def board(port: str = "1-1", *, key: str = "core", mode: Mode = Mode.DFU, serial: str | None = CORE_SERIAL) -> Board:
    kind = platform(key)
    ids = kind.ids[Mode.DFU if mode is Mode.DFU else Mode.NORMAL]
    return Board(Sighting(port, 5, ids.vendor, ids.product, serial, None, 0x0200, None), kind, mode)


CORE = board()
PHOTON = board("1-2", key="photon", serial="2a0047001247353236343033")
STEPS = (StepPlan(WORDS, None, 1.0, True), StepPlan(WORDS, None, 2.0, False))
QUESTION = Confirm("sure", WORDS, WORDS, WORDS, WORDS)


def backup(device_id: str | None, serial: str | None, *, key: str = "core", damaged: Text | None = None) -> Backup:
    return Backup(
        folder=Path("safe"),
        name="one",
        device_id=device_id,
        proof=None,
        serial=serial,
        platform=key,
        slot="device-private",
        made=datetime(2026, 11, 23, tzinfo=UTC),
        sha256="",
        fingerprint="",
        state=KeyState.GOOD,
        encrypted=False,
        damaged=damaged,
        files=(),
    )


def play(*events: Event | Click, start: AppState | None = None) -> AppState:
    state = start or AppState()
    for event in events:
        state = reduce(state, event)
    return state


def home(*boards: Board) -> AppState:
    return play(BoardsChanged(boards or (CORE,)))


def planned(*boards: Board) -> AppState:
    return play(PickRecipe("back-up-key"), start=home(*boards))


def running(*, changes_board: bool = False) -> AppState:
    return play(
        PressStart(), RunBegan(7, "back-up-key", CORE, changes_board), PlanReady(7, "back-up-key", WORDS, STEPS),
        StepStarted(7, 0), start=planned(),
    )  # fmt: skip


def asked() -> Asked:
    return Asked(7, QUESTION, lambda _answer: None)


# Boards come and go


def test_the_first_board_is_chosen() -> None:
    assert home(CORE, PHOTON).board == CORE


def test_a_second_board_does_not_take_the_choice_away() -> None:
    assert play(BoardsChanged((PHOTON, CORE)), start=home(CORE)).board == CORE


def test_another_board_can_be_picked() -> None:
    assert play(PickBoard("1-2"), start=home(CORE, PHOTON)).board == PHOTON


def test_a_board_that_is_not_there_cannot_be_picked() -> None:
    assert play(PickBoard("9-9"), start=home()).board == CORE


def test_at_home_the_choice_moves_on_when_the_board_goes() -> None:
    assert play(BoardsChanged((PHOTON,)), start=home(CORE, PHOTON)).board == PHOTON


def test_the_plan_page_never_slips_to_another_board() -> None:
    state = play(BoardsChanged((PHOTON,)), start=planned(CORE, PHOTON))
    assert (state.screen, state.board) == (Screen.PLAN, None)
    assert play(PressStart(), start=state).orders == ()
    assert play(BoardsChanged((PHOTON, CORE)), start=state).board == CORE


def test_leaving_the_plan_page_without_a_board_takes_the_one_that_is_there() -> None:
    assert play(BoardsChanged((PHOTON,)), Back(), start=planned(CORE, PHOTON)).board == PHOTON


def test_ten_seconds_without_a_board_are_remembered_until_one_comes() -> None:
    state = play(BoardsChanged(()), NoBoardForLong())
    assert state.no_board_for_long
    assert not play(BoardsChanged((CORE,)), start=state).no_board_for_long
    assert not play(NoBoardForLong(), start=home()).no_board_for_long


def test_denied_boards_and_trouble_with_the_bus_are_shown_and_end() -> None:
    trouble = BusTrouble("usb.failed", WORDS, WORDS, "")
    state = play(BoardsChanged((), ("1-4",)), trouble)
    assert (state.denied, state.trouble) == (("1-4",), trouble)
    assert play(BoardsChanged(()), start=state).trouble is None


def test_a_board_that_changes_its_mode_on_its_port_stays_chosen() -> None:
    normal = board(mode=Mode.NORMAL)
    assert play(BoardsChanged((normal,)), start=home()).board == normal


# From card to result


def test_start_orders_the_run_on_the_chosen_board() -> None:
    assert play(PressStart(), start=planned()).orders == (StartRun("back-up-key", CORE),)


def test_orders_are_given_once() -> None:
    assert play(PressStart(), NoBoardForLong(), start=planned()).orders == ()


def test_start_means_nothing_elsewhere() -> None:
    assert play(PressStart(), start=home()).orders == ()


def test_steps_follow_the_news() -> None:
    state = play(
        StepDone(7, 0, WORDS), StepStarted(7, 1), StepProgress(7, 1, 0.5, 1, 2, 100.0, 3.0), Note(7, WORDS),
        start=running(),
    )  # fmt: skip
    assert state.run is not None
    assert [step.status for step in state.run.steps] == [StepStatus.DONE, StepStatus.RUNNING]
    assert (state.run.fraction, state.run.rate, state.run.seconds_left) == (0.5, 100.0, 3.0)
    assert state.run.notes == (WORDS,)
    assert state.run.current is state.run.steps[1]


def test_a_skipped_step_says_so() -> None:
    state = play(StepSkipped(7, 0, None), start=running())
    assert state.run is not None
    assert state.run.steps[0].status is StepStatus.SKIPPED


def test_progress_never_falls() -> None:
    state = play(StepProgress(7, 0, 0.5, 1, 2, 0.0, None), StepProgress(7, 0, 0.2, 1, 2, 0.0, None), start=running())
    assert state.run is not None
    assert state.run.fraction == 0.5


def test_news_of_another_run_change_nothing() -> None:
    before = running()
    assert play(StepDone(6, 0, None), start=before) == before


def test_a_question_is_answered_once() -> None:
    question = asked()
    state = play(question, GiveAnswer(True), start=running())
    assert state.orders == (SendAnswer(question, True),)
    assert play(GiveAnswer(True), start=state).orders == ()


def test_what_usb_showed_ends_the_question_and_its_hint() -> None:
    hinted = play(asked(), Hint(7, WORDS), start=running())
    assert hinted.run is not None
    assert hinted.run.hint == WORDS
    state = play(Answered(7, "sure"), start=hinted)
    assert state.run is not None
    assert (state.run.asked, state.run.hint) == (None, None)


def test_the_end_of_another_question_leaves_this_one_open() -> None:
    state = play(asked(), Answered(7, "other"), start=running())
    assert state.run is not None
    assert state.run.asked is not None


def test_while_a_run_is_live_its_board_is_shown_even_when_it_is_away() -> None:
    state = play(BoardsChanged(()), start=running())
    assert (state.board, state.shown_board, state.board_is_away) == (None, CORE, True)


def test_another_board_is_not_worked_with_while_a_run_is_live() -> None:
    state = play(BoardsChanged((CORE, PHOTON)), PickBoard("1-2"), start=running())
    assert state.chosen == "1-1"


def test_a_card_leads_to_the_live_run() -> None:
    state = play(Go(Screen.GUIDE), PickRecipe("read-id"), start=running())
    assert (state.screen, state.recipe) == (Screen.RUN, "back-up-key")


@pytest.mark.parametrize(
    "end",
    [Succeeded(7, Outcome(WORDS)), Stopped(7, False), Failed(7, "usb.board-gone", WORDS, WORDS, True, "")],
    ids=["success", "stopped", "failed"],
)
def test_every_end_leads_to_the_result_and_looks_into_the_safe(end: Succeeded | Stopped | Failed) -> None:
    state = play(end, start=running())
    assert state.run is not None
    assert (state.screen, state.run.end, state.orders) == (Screen.RESULT, end, (ListBackups(), ListRescues()))
    assert state.live_run is None


def test_a_failure_marks_the_step_it_happened_in() -> None:
    state = play(Failed(7, "usb.board-gone", WORDS, WORDS, True, ""), start=running())
    assert state.run is not None
    assert [step.status for step in state.run.steps] == [StepStatus.BROKEN, StepStatus.WAITING]


def test_a_run_that_ends_behind_the_light_guide_waits_there_with_its_result() -> None:
    state = play(Go(Screen.GUIDE), Succeeded(7, Outcome(WORDS)), start=running())
    assert state.screen is Screen.GUIDE
    assert play(Back(), start=state).screen is Screen.RESULT


def test_try_again_starts_the_same_recipe() -> None:
    ended = play(Failed(7, "usb.board-gone", WORDS, WORDS, True, ""), start=running())
    assert play(PressRetry(), start=ended).orders == (StartRun("back-up-key", CORE),)


def test_try_again_without_the_board_goes_to_the_plan_and_waits() -> None:
    ended = play(Failed(7, "usb.board-gone", WORDS, WORDS, True, ""), BoardsChanged(()), start=running())
    state = play(PressRetry(), start=ended)
    assert (state.screen, state.orders) == (Screen.PLAN, ())


def test_done_leads_home_and_to_a_board_that_is_there() -> None:
    state = play(Succeeded(7, Outcome(WORDS)), BoardsChanged((PHOTON,)), Go(Screen.HOME), start=running())
    assert (state.screen, state.board, state.recipe) == (Screen.HOME, PHOTON, "")


# Stopping and closing


def test_stop_is_ordered_at_once_while_nothing_is_changed() -> None:
    state = play(PressStop(), start=running())
    assert state.run is not None
    assert (state.orders, state.run.stopping) == ((StopRun(7),), True)
    assert play(PressStop(), start=state).orders == ()


def test_stop_asks_first_while_the_board_is_being_changed() -> None:
    writing = play(StepDone(7, 0, None), StepStarted(7, 1), start=running(changes_board=True))
    state = play(PressStop(), start=writing)
    assert state.run is not None
    assert (state.orders, state.run.confirm_stop) == ((), True)
    assert play(ConfirmStop(True), start=state).orders == (StopRun(7),)
    went_on = play(ConfirmStop(False), start=state)
    assert went_on.run is not None
    assert not went_on.run.confirm_stop
    assert not went_on.run.stopping


def test_stop_without_a_run_means_nothing() -> None:
    assert play(PressStop(), start=home()).orders == ()


def test_the_window_closes_at_once_without_a_run() -> None:
    assert play(PressClose(), start=home()).orders == (CloseWindow(),)


def test_the_window_asks_before_it_closes_on_a_run() -> None:
    state = play(PressClose(), start=running())
    assert (state.confirm_close, state.orders) == (True, ())
    assert not play(ConfirmClose(False), start=state).confirm_close
    closing = play(ConfirmClose(True), start=state)
    assert closing.orders == (StopRun(7),)
    assert play(Stopped(7, False), start=closing).orders == (CloseWindow(),)


def test_the_run_may_end_before_the_question_is_answered() -> None:
    state = play(PressClose(), Succeeded(7, Outcome(WORDS)), start=running())
    assert not state.confirm_close
    assert play(ConfirmClose(True), start=state).orders == (CloseWindow(),)


# Side screens, messages, the safe


@pytest.mark.parametrize("screen", [Screen.GUIDE, Screen.DECODER, Screen.SAFE, Screen.HELP, Screen.SETTINGS])
@pytest.mark.parametrize("start", [home(), planned(), running()], ids=["home", "plan", "run"])
def test_a_side_screen_opens_from_everywhere_and_closes_to_where_it_was(screen: Screen, start: AppState) -> None:
    opened = play(Go(screen), start=start)
    assert opened.screen is screen
    assert play(Back(), start=opened).screen is start.screen


def test_a_run_is_not_left_by_going_back_or_home() -> None:
    assert play(Back(), Go(Screen.HOME), start=running()).screen is Screen.RUN
    assert play(Go(Screen.GUIDE), Go(Screen.RUN), start=running()).screen is Screen.RUN
    assert play(Go(Screen.RUN), start=home()).screen is Screen.HOME


def test_the_light_guide_leads_to_a_plan() -> None:
    state = play(Go(Screen.GUIDE), PickRecipe("read-id"), start=home())
    assert (state.screen, state.recipe) == (Screen.PLAN, "read-id")


def test_opening_the_safe_lists_it() -> None:
    assert play(Go(Screen.SAFE), start=home()).orders == (ListBackups(),)


def test_what_the_clerk_did_is_said_until_it_is_read() -> None:
    copied = play(BackupCopied(("/tmp/a.der",)), start=home())
    assert copied.notice is not None
    assert (copied.notice.path, copied.notice.bad) == ("/tmp/a.der", False)
    assert play(CloseNotice(), start=copied).notice is None
    assert play(Go(Screen.HELP), start=copied).notice is None
    failed = play(FileWorkFailed("disk", WORDS, WORDS, ""), start=home())
    assert failed.notice is not None
    assert (failed.notice.bad, failed.notice.words.english()) == (True, "Words. Words.")
    saved = play(ReportSaved("/tmp/r.zip"), start=home())
    assert saved.notice is not None
    assert saved.notice.path == "/tmp/r.zip"


def test_a_document_and_a_public_key_are_fetched_by_the_clerk_and_what_came_of_it_is_said() -> None:
    document = Document("public-key", WORDS, WORDS, "a.pem", "lines")
    assert play(PressSaveDocument(document, Path("to"))).orders == (SaveDocument(document, Path("to")),)
    saved = play(DocumentSaved("/tmp/keys/a.pem"), start=home())
    assert saved.notice is not None
    assert (saved.notice.words.english(), saved.notice.path) == ("Saved as a.pem in /tmp/keys", "/tmp/keys/a.pem")
    kept = backup(CORE_ID, CORE_SERIAL)
    assert play(PressCopyPublicKey(kept)).orders == (ReadPublicKey(kept),)
    copied = play(PublicKeyRead("lines"), start=home())
    assert copied.orders == (PutOnClipboard("lines"),)
    assert copied.notice is not None


def test_file_work_and_practice_are_ordered_not_done() -> None:
    kept = backup(CORE_ID, CORE_SERIAL)
    assert play(PressCopyBackup(kept, Path("to"))).orders == (CopyBackup(kept, Path("to")),)
    assert play(PressSaveReport(Path("r.zip"))).orders == (SaveReport(Path("r.zip")),)
    assert play(PressPractice()).orders == (OpenPractice(),)


def test_the_list_of_backups_is_kept() -> None:
    kept = backup(CORE_ID, CORE_SERIAL)
    assert play(BackupsListed((kept,))).backups == (kept,)


def test_a_board_owns_the_backups_its_id_or_serial_proves() -> None:
    by_id, by_serial = backup(CORE_ID, None), backup(None, CORE_SERIAL)
    strange, broken = backup("48ff6c065067555026311387", None), backup(CORE_ID, None, damaged=WORDS)
    everything = (by_id, by_serial, strange, broken)
    proven = replace(CORE, identity=Identity(CORE_ID, Proof.CONSOLE))
    assert backups_of(CORE, everything) == (by_id, by_serial)
    assert backups_of(proven, everything) == (by_id, by_serial)
    assert backups_of(board(serial="000000000000"), everything) == ()
    assert backups_of(board(key="photon"), everything) == ()


def test_a_serial_that_all_boards_share_proves_no_backup() -> None:
    constant = "00000000010B"
    old_photon = board(key="photon", serial=constant)
    assert backups_of(old_photon, (backup(None, constant, key="photon"),)) == ()
