"""Switch a board to another cloud, and back: write the key and the address of that cloud's server.

The board's own key stays: it is kept first, and looked at again afterwards. Which server the board had before is kept,
too, whatever becomes of the run. Source of what is written where: device-protocol.md 3.2, 3.5, 4.1, 4.3 to 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.keys.clouds import CloudKind
from app.keys.server_key import ServerState
from app.recipes.base import Group, Promise, Recipe
from app.recipes.shared import LEFT_QUIET, enter_dfu
from app.recipes.switch_cloud_choice import choose, particle_file
from app.recipes.switching import Switching, short_name
from app.text import text
from app.work.board import Board
from app.work.events import Outcome
from app.work.job import Job
from app.work.letters import document
from app.work.step import Step

_DONE = text("SwitchCloud", "The board is set to another cloud: {cloud}.")
_DONE_SAME = text("SwitchCloud", "The board was set to this cloud already: {cloud}. Nothing was written.")
_NEXT_LOCAL = text(
    "SwitchCloud",
    "The server has to know this board, too: save its public key where the server looks for it, and reset the board.",
)
_NEXT_NAMELESS = text(
    "SwitchCloud",
    "The server has to know this board, too, by its public key. The file for that is named after the device ID, which "
    "is not proven yet: use Read the device ID, then Join a local cloud.",
)
_NEXT_WATCH = text("SwitchCloud", "Watch the light: breathing cyan says that the board is connected.")
_NEXT_TROUBLE = text(
    "SwitchCloud",
    "If it does not connect, see what is wrong with its keys, or prove the handshake: that tells the step that fails.",
)
_NEXT_BACK = text("SwitchCloud", "To go back, switch once more: the server it had before is offered there.")


class SwitchCloud(Recipe):
    """Set a board to the Particle cloud, to a local cloud, or back to what it had before."""

    key = "switch-cloud"
    title = text("SwitchCloud", "Switch to another cloud")
    summary = text(
        "SwitchCloud",
        "Shows which server the board is set to, and sets it to the Particle cloud, to a local cloud, or back to the "
        "one before.",
    )
    group = Group.KEYS
    promise = Promise(
        reads=text("SwitchCloud", "Key and address of the server, the board's own key, and how old its firmware is."),
        writes=text(
            "SwitchCloud",
            "Key and address of the server you choose; on an Electron also how it connects. Never the board's own key.",
        ),
        keeps=text(
            "SwitchCloud",
            "The server that is set now, so that you can go back to it at any time; and the board's own key, in your "
            "key safe.",
        ),
        takes=text("SwitchCloud", "About twenty seconds, and a little longer if you have to press the buttons."),
        risks=(
            text(
                "SwitchCloud",
                "If the cable is pulled meanwhile, the board may not find any cloud until this is finished: plug it in "
                "again and choose to finish it, or to put back what was there.",
            ),
            text("SwitchCloud", "The board restarts, so a program running on it is interrupted."),
        ),
        changes_board=True,
    )

    def __init__(self) -> None:
        self._switching = Switching(self.key)

    @classmethod
    def needs_files(cls, board: Board) -> tuple[str, ...]:
        """The way to the Particle cloud, and so the way back, needs its key."""
        return (particle_file(board.platform),)

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("SwitchCloud", "Look at the board"), self._switching.prepare),
            Step(
                text("SwitchCloud", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=3,
                detail=text("SwitchCloud", "Without buttons where that is possible."),
            ),
            Step(
                text("SwitchCloud", "Read which server it is set to, and keep its own key"),
                self._switching.read,
                weight=4,
                detail=text("SwitchCloud", "Nothing is written to the board."),
            ),
            Step(text("SwitchCloud", "Choose the cloud"), self._choose),
            Step(
                text("SwitchCloud", "Agree on the plan and keep the server of now"),
                self._switching.agree,
                weight=2,
                detail=text("SwitchCloud", "Nothing is written before you have seen the plan."),
            ),
            Step(
                text("SwitchCloud", "Write key and address of the server"),
                self._switching.write,
                weight=3,
                can_stop=False,
                goes_on=True,
            ),
            Step(
                text("SwitchCloud", "Read them back, and the board's own key"),
                self._switching.compare,
                weight=4,
                can_stop=False,
                goes_on=True,
            ),
            Step(text("SwitchCloud", "Start the board"), self._switching.start, weight=2, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what the board was set to and is set to now, where the old server is kept, and how to go on."""
        done = self._switching
        after = done.becomes
        local = after.which.kind is CloudKind.LOCAL
        public = done.letter() if local else None
        return Outcome(
            (_DONE if done.targets else _DONE_SAME).with_values(cloud=short_name(after)),
            (*done.facts(), *done.rescue.where_kept()),
            kept=done.kept(),
            warnings=tuple(done.warnings),
            next_steps=(
                *((_NEXT_NAMELESS if done.identity is None else _NEXT_LOCAL,) if local else ()),
                _NEXT_WATCH,
                _NEXT_TROUBLE,
                *((_NEXT_BACK,) if done.targets and done.was.block.state is ServerState.GOOD else ()),
                *((LEFT_QUIET,) if done.left is LEFT_QUIET else ()),
            ),
            next_recipes=("switch-cloud", "check-keys", "prove-handshake"),
            documents=(document(public, CloudKind.LOCAL),) if public is not None else (),
        )

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only if it was not written to."""
        self._switching.tidy(job)

    def _choose(self, job: Job) -> None:
        self._switching.decide(job, choose(job, self._switching.was))
