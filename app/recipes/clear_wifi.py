"""Clear the stored Wi-Fi networks with the buttons (device-protocol.md 8.1): explained and coached.

Nothing on USB tells how many networks a board knows, so the light tells and the person says what it showed.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.platforms.model import Choreography, Mode
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.shared import enter_listening, leave_as_found
from app.text import Text, text
from app.work.board import Board
from app.work.events import Outcome
from app.work.job import Job
from app.work.questions import Confirm, LightStage, WatchLight
from app.work.step import Step

KEY = "clear-wifi"
JOIN_WIFI = "join-wifi"
LIMIT_S = 600.0

_CONFIRM = Confirm(
    "forget",
    text("ClearWifi", "Make the board forget its Wi-Fi networks?"),
    text(
        "ClearWifi",
        "All names and passwords it knows are gone then, and it waits (blinking blue) until it is told one again. Its "
        "program and its keys stay. Do this before you give the board away, or when it clings to a network that is no "
        "longer there.",
    ),
    text("ClearWifi", "Forget them"),
    text("ClearWifi", "Keep them"),
)
_TITLE = text("ClearWifi", "Now hold {button} for {seconds} seconds")
_BODY = text(
    "ClearWifi",
    "The board blinks blue slowly. Hold {button} without pause; the light flickers quickly for a second when the "
    "networks are gone. Let go then. Let go between 3 and 8 seconds, and newer firmware stops listening: start again.",
)
_STAGE_LISTENS = text("ClearWifi", "While you hold: it still listens.")
DONE_KEY, _RED_KEY, _NOTHING_KEY = "done", "red", "nothing"
_OPTIONS = (
    (DONE_KEY, text("ClearWifi", "It flickered quickly")),
    (_RED_KEY, text("ClearWifi", "It flickered, and then red")),
    (_NOTHING_KEY, text("ClearWifi", "It did something else")),
)
_FORGOTTEN = text("ClearWifi", "The board has forgotten its Wi-Fi networks.")
_FAILED = text("ClearWifi", "The board could not forget its Wi-Fi networks.")
_NOT_SEEN = text("ClearWifi", "Whether the board has forgotten its Wi-Fi networks is not certain.")
_KEPT = text("ClearWifi", "The board keeps its Wi-Fi networks.")
_SKIPPED = text("ClearWifi", "Not done.")
_NEXT_WIFI = text(
    "ClearWifi", "It waits for a network now (blinking blue): join a Wi-Fi network with it, or pull the cable."
)
_LISTENS = text("ClearWifi", "If it still blinks blue, tap RESET to let it start as usual.")
_AGAIN = text("ClearWifi", "Try again and hold the button until the light flickers, then let go.")
_BY_RESET = text(
    "ClearWifi",
    "There is another way: hold {button}, tap RESET, and keep holding {button} for {seconds} seconds until the light "
    "blinks white. That is a factory reset too, so read first what it would put back.",
)
_NO_WIFI = text("ClearWifi", "This board has no Wi-Fi, so it knows no networks.")


class ClearWifi(Recipe):
    """Bring the board into listening mode, then coach the long press that clears the networks."""

    key = KEY
    title = text("ClearWifi", "Forget the Wi-Fi networks")
    summary = text("ClearWifi", "For a board that is given away, or that clings to a network that is no longer there.")
    group = Group.RESCUE
    promise = Promise(
        reads=text("ClearWifi", "Nothing but whether the board listens."),
        writes=text("ClearWifi", "Nothing from here. The board itself forgets the networks while you hold its button."),
        keeps=text(
            "ClearWifi", "Nothing is stored. Have name and password of the network at hand if you need it again."
        ),
        takes=text("ClearWifi", "Less than a minute."),
        risks=(text("ClearWifi", "The board is offline until it is told a network again."),),
        changes_board=True,
    )

    @classmethod
    def fit(cls, board: Board) -> Fit:
        """Only a board with Wi-Fi."""
        return Fit.no(_NO_WIFI) if board.platform.has_modem else Fit.yes()

    def __init__(self) -> None:
        self._found: Mode | None = None
        self._wanted = False
        self._seen = ""
        self._other_way: Text | None = None

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("ClearWifi", "Decide"), self._decide, weight=1),
            Step(
                text("ClearWifi", "Bring the board into listening mode"),
                self._listen,
                weight=3,
                detail=text("ClearWifi", "Without buttons where that is possible."),
            ),
            Step(text("ClearWifi", "Hold the button"), self._hold, weight=4),
        )

    def outcome(self) -> Outcome:
        """Say what became of the networks, as the person saw it."""
        if not self._wanted:
            return Outcome(_KEPT)
        if self._seen == DONE_KEY:
            return Outcome(_FORGOTTEN, next_steps=(_NEXT_WIFI,), next_recipes=(JOIN_WIFI,))
        other = (self._other_way,) if self._other_way is not None else ()
        recipes = ("factory-reset",) if other else ()
        if self._seen == _RED_KEY:
            return Outcome(_FAILED, next_steps=(*other, _LISTENS), next_recipes=recipes)
        return Outcome(_NOT_SEEN, next_steps=(_AGAIN, *other, _LISTENS), next_recipes=(self.key, *recipes))

    def tidy(self, job: Job) -> None:
        """A board that was just being restarted, out of a dialogue that was broken off, runs its firmware again."""
        leave_as_found(job, self._found)

    # --- steps ---

    def _decide(self, job: Job) -> None:
        self._wanted = bool(job.ask(_CONFIRM))
        if not self._wanted:
            job.say(_KEPT)

    def _listen(self, job: Job) -> None:
        if not self._wanted:
            job.skip(_SKIPPED)
            return
        self._found = job.board.mode
        job.say(enter_listening(job))

    def _hold(self, job: Job) -> None:
        if not self._wanted:
            job.skip(_SKIPPED)
            return
        self._seen = hold_to_forget(job)
        self._other_way = _other_way(job)


def hold_to_forget(job: Job) -> str:
    """Coach the long press that clears the networks of a listening board (8.1).

    Returns:
        What the person saw: `DONE_KEY` when the networks are gone.
    """
    platform = job.platform
    held = platform.choreography(KEY)
    seconds = f"{held.hold_ms / 1000:g}"
    clearing = next(step.light for step in held.steps if step.after_ms == held.hold_ms)
    listening = f"{clearing.rpartition('.')[0]}.listening"
    question = WatchLight(
        name=KEY,
        title=_TITLE.with_values(button=platform.mode_button, seconds=seconds),
        body=_BODY.with_values(button=platform.mode_button),
        platform=platform,
        stages=(
            LightStage(listening, _STAGE_LISTENS, held.hold_ms / 1000),
            LightStage(clearing, _FORGOTTEN, 1.25),  # 8.1: 25 times 50 ms
        ),
        options=_OPTIONS,
    )
    job.changed = True
    return str(job.watch(question, LIMIT_S))


def _other_way(job: Job) -> Text | None:
    """The boot loader's long hold clears the networks, too; the oldest ones know no reset without it (8.1)."""
    forgetting: list[Choreography] = [
        found
        for found in job.platform.choreographies
        if found.key in ("factory-reset", "factory-reset-clear") and found.until_ms is None
    ]
    if not forgetting:
        return None
    seconds = f"{forgetting[0].hold_ms / 1000:g}"
    return _BY_RESET.with_values(button=job.platform.mode_button, seconds=seconds)
