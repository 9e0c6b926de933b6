"""Join a board to a local cloud, step by step, and say which step is missing where it does not connect.

What a person does by hand with a server in the manner of spark-server: see that it answers, take its public key, switch
the board to it, tell it the board's public key, start the board, and watch. Source: device-protocol.md 4.1 to 4.3, 9.2,
10.1, 10.3.

No server tells anybody without an account whether a board is connected: that is for the person to see on the light, and
where the server's folder is on this computer, for what the server writes there of a board it does not know.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.faults import BoardDidNotReturn, Cancelled, Fault, NoAnswer
from app.keys.cloud_folder import CloudFolder, Knock, Placed, ServerKey, Stored, open_folder
from app.keys.clouds import Cloud, CloudKind, local_cloud
from app.keys.device_key import KeyState, public_der
from app.keys.letter import PublicKeyLetter
from app.platforms.model import Algorithm, Platform
from app.recipes import local_cloud_words as words
from app.recipes.base import Group, Promise, Recipe
from app.recipes.local_cloud_words import Circumstances, FolderNow, Knocked, Reached
from app.recipes.prove_handshake_words import Finding, Seen
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    NOT_LEFT,
    enter_dfu,
    is_seen_listening,
    leave_dfu,
)
from app.recipes.switch_cloud_choice import (
    HOST,
    REMEMBERED,
    TRIES,
    again,
    ask_cloud,
    ask_server_key,
    cloud_card,
    is_loopback,
    own_address,
    to_cloud,
)
from app.recipes.switching import Switching, named
from app.text import Text, text
from app.transports.network import Reach
from app.work.events import Document, Fact, Outcome
from app.work.job import Job
from app.work.key_work import TCP_SLOT, public_slot
from app.work.letters import document
from app.work.questions import Card, ChooseCard, Confirm, PickFile
from app.work.server_work import honours_port
from app.work.step import Step

log = logging.getLogger(__name__)

WHICH, NEW = "local-cloud", "new"
FOLDER = "server-folder"
ACCEPT = "accept-key"
REACH_S = 5.0
"""How long one port of the server may take to answer; in a house it takes a few milliseconds."""
WAIT_S = 180.0
LISTENS_AFTER_S = 40.0
"""If nothing was said by then the console is asked whether it listens; a start and joining a Wi-Fi take less."""
LOOK_S = 1.0
"""How often the server's folder is looked at; it may be on another computer."""

_WHICH_TITLE = text("LocalCloud", "Which local cloud shall this board join?")
_WHICH_BODY = text("LocalCloud", "One that you used before, or a new one.")
_NEW_TITLE = text("LocalCloud", "A new local cloud")
_NEW_BODY = text("LocalCloud", "You need its address in your network, and its folder or the file with its public key.")
_FOLDER = PickFile(
    name=FOLDER,
    title=text("LocalCloud", "Where is the folder of the server?"),
    body=text(
        "LocalCloud",
        "It is the folder with default_key.pem in it, in a newer fork with the folder data. If it can be reached from "
        "this computer, its key is found, the board's key is put into it, and it tells what the server sees. If the "
        "server is on another computer, go on without a folder.",
    ),
    folder=True,
)
_LEAVE = text("LocalCloud", "Leave the board as it is")
_FOUND_KEY = text("LocalCloud", "The server's key was found: {file}.")
_FOLDER_GONE = text("LocalCloud", "Going on without the server's folder: {reason}")
_CHOSEN = text("LocalCloud", "{name}: {host}")
_WARN_STALE = text(
    "LocalCloud",
    "In the server's folder default_key.pub.pem does not belong to default_key.pem. The board gets the key that "
    "belongs to the one the server works with.",
)
_WARN_NEW_KEY = text(
    "LocalCloud",
    "The server in this folder has another key than this cloud had before, so its new key is written to the board.",
)

_UNFIT = text("LocalCloud", "The board has no key of its own that it can use.")
_NOT_NEEDED = text("LocalCloud", "Not needed.")
_PUT = text("LocalCloud", "The server has the board's key: {file}.")
_PUT_KEPT = text("LocalCloud", "The server has the board's key: {file}. The key that was there is kept as {kept}.")
_PUT_ALREADY = text("LocalCloud", "The server has the board's key already: {file}.")
_HAND_ON = text("LocalCloud", "The server's folder is not on this computer: the key is shown at the end, to be saved.")
_NOT_PUT = text("LocalCloud", "The board's key could not be put into the server's folder: {reason}")
_NO_KEY_YET = text("LocalCloud", "The board makes its own key when it starts; the server learns it then.")
_WARN_OTHER_KEPT = text(
    "LocalCloud", "The server had another key for this board. It is kept beside the new one as {kept}."
)

_STAYED = text("LocalCloud", "The board did not start its firmware.")
_ACCEPT_TITLE = text("LocalCloud", "The server saw this board with a key it does not know")
_ACCEPT_BODY = text(
    "LocalCloud",
    "It noted the key in the file {file}. {whose} If you accept it, the board can connect with it from now on.",
)
_SAME_KEY = text("LocalCloud", "It is the very key that was read from the board.")
_MADE_KEY = text("LocalCloud", "The board had no key and made one when it started; this should be that one.")
_OTHER_KEY = text(
    "LocalCloud",
    "It is not the key that was read from the board: accept it only if you know that this board called just now.",
)
_ACCEPT_YES = text("LocalCloud", "Accept the key")
_ACCEPT_NO = text("LocalCloud", "Do not accept it")
_NOT_ACCEPTED = text("LocalCloud", "The key could not be accepted: {reason}")

_CAUSE = text("LocalCloud", "Why")
_PORTS = text("LocalCloud", "Its ports")
_PORT_LINE = text("LocalCloud", "port {port} for boards: {boards}; port {api} for programs: {programs}")
_KEY_FILE = text("LocalCloud", "The server has the board's key in")


class LocalCloud(Recipe):
    """Guide a board into a local cloud and check each step."""

    key = words.SELF
    title = text("LocalCloud", "Join a local cloud")
    summary = text(
        "LocalCloud",
        "Runs a server of your own? Sees that it answers, gives the board its key and the server the board's key, and "
        "tells which step is missing if the board does not connect.",
    )
    group = Group.KEYS
    promise = Promise(
        reads=text("LocalCloud", "Key and address of the server, the board's own key, and how old its firmware is."),
        writes=text(
            "LocalCloud",
            "Key and address of your local cloud; on an Electron also how it connects. Never the board's own key. In "
            "the server's folder, if you choose it: the board's public key.",
        ),
        keeps=text(
            "LocalCloud",
            "The server that is set now, so that you can go back to it; the board's own key, in your key safe; and "
            "beside the new one, a key that the server had for this board.",
        ),
        takes=text("LocalCloud", "One minute, and up to three for the board to connect."),
        risks=(
            text(
                "LocalCloud",
                "If the cable is pulled meanwhile, the board may not find any cloud until this is finished: plug it in "
                "again and choose to finish it, or to put back what was there.",
            ),
            text("LocalCloud", "The board restarts, so a program running on it is interrupted."),
        ),
        changes_board=True,
    )

    def __init__(self) -> None:
        self._switching = Switching(self.key, needs_id=True)
        self._platform: Platform | None = None
        self._cloud: Cloud | None = None
        self._folder: CloudFolder | None = None
        self._reached: Reached | None = None
        self._doubts: list[Text] = []
        self._reached_later: Reached | None = None
        self._unfit = False
        self._letter: PublicKeyLetter | None = None
        self._placed: Placed | None = None
        self._expected: bytes | None = None  # the board's public key (SPKI, DER), as far as it is known
        self._noted = 0  # when the server had noted an unknown key of this board before it was started
        self._looked = 0.0
        self._knock: Knock | None = None
        self._knocked = Knocked.NOTHING
        self._foreign = False
        self._asked_console = False
        self._listens = False
        self._connected = False
        self._seen: Seen | None = None
        self._finding: Finding | None = None

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("LocalCloud", "Look at the board"), self._switching.prepare),
            Step(text("LocalCloud", "Choose the local cloud"), self._choose),
            Step(
                text("LocalCloud", "See whether the server answers"),
                self._check,
                detail=text("LocalCloud", "The board is not touched before."),
            ),
            Step(
                text("LocalCloud", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=3,
                detail=text("LocalCloud", "Without buttons where that is possible."),
            ),
            Step(
                text("LocalCloud", "Read which server it is set to, and keep its own key"),
                self._read,
                weight=4,
                detail=text("LocalCloud", "Nothing is written to the board."),
            ),
            Step(
                text("LocalCloud", "Agree on the plan and keep the server of now"),
                self._agree,
                weight=2,
                detail=text("LocalCloud", "Nothing is written before you have seen the plan."),
            ),
            Step(
                text("LocalCloud", "Write key and address of the server"),
                self._write,
                weight=3,
                can_stop=False,
                goes_on=True,
            ),
            Step(
                text("LocalCloud", "Read them back, and the board's own key"),
                self._compare,
                weight=4,
                can_stop=False,
                goes_on=True,
            ),
            Step(
                text("LocalCloud", "Tell the server the board's public key"),
                self._hand_over,
                can_stop=False,
                goes_on=True,
            ),
            Step(text("LocalCloud", "Start the board"), self._start, weight=2, can_stop=False),
            Step(
                text("LocalCloud", "Wait until it is connected"),
                self._wait,
                weight=8,
                detail=text("LocalCloud", "Up to three minutes; you can end the waiting."),
            ),
        )

    def outcome(self) -> Outcome:
        """Say that it is connected, or which step is missing and what repairs that."""
        done, found = self._switching, self._finding
        assert found is not None
        if self._unfit:
            return Outcome(
                found.summary,
                (Fact("before", text("LocalCloud", "Server"), named(done.was)),),
                kept=done.kept(),
                warnings=(found.cause, *self._left_words()),
                next_steps=found.next_steps,
                next_recipes=(found.repair,),
                unfinished=True,
            )
        kept = () if self._placed is None or self._placed.kept is None else (str(self._placed.kept),)
        papers = self._papers()
        return Outcome(
            found.summary,
            (Fact("cause", _CAUSE, found.cause), *done.facts(), *self._server_facts(), *done.rescue.where_kept()),
            kept=(*done.kept(), *kept),
            # That it did not seem to answer does not matter any more.
            warnings=tuple(each for each in done.warnings if not self._connected or each not in self._doubts),
            next_steps=(
                *self._steps_to_go(found, save=bool(papers)),
                *((LEFT_QUIET,) if done.left is LEFT_QUIET and not self._connected else ()),
            ),
            next_recipes=(found.repair,) if found.repair else (),
            unfinished=not self._connected,
            documents=papers,
        )

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only if it was not written to."""
        self._switching.tidy(job)

    # --- steps: which cloud, and does it answer ---

    def _choose(self, job: Job) -> None:
        known = [cloud for cloud in job.clouds.clouds() if cloud.algorithm is Algorithm.RSA_2048]
        cloud = self._ask_which(job, known) if known else None
        found = self._ask_folder(job)
        if cloud is None:
            nameless = job.answered_beforehand(HOST)
            der = ask_server_key(job, none=_LEAVE) if found is None else found.public_der
            if der is None:
                raise Cancelled
            cloud = ask_cloud(job, der, own_address(job), nameless=nameless)
        elif found is not None and found.public_der != cloud.public_der:
            cloud = local_cloud(cloud.address, found.public_der, Algorithm.RSA_2048, name=cloud.name)
            self._switching.warnings.append(_WARN_NEW_KEY)
        if found is not None and found.stale:
            self._switching.warnings.append(_WARN_STALE)
        self._cloud = cloud
        folder = "" if self._folder is None else str(self._folder.root)
        self._switching.rescue.answers[FOLDER] = folder
        job.say(_CHOSEN.with_values(name=cloud.name, host=cloud.host))

    def _ask_which(self, job: Job, known: Sequence[Cloud]) -> Cloud | None:
        cards = (*(cloud_card(cloud) for cloud in known), Card(NEW, _NEW_TITLE, _NEW_BODY, "cloud-other"))
        answer = str(job.ask(ChooseCard(WHICH, _WHICH_TITLE, _WHICH_BODY, cards)))
        return next((cloud for cloud in known if answer == REMEMBERED + cloud.id), None)

    def _ask_folder(self, job: Job) -> ServerKey | None:
        """Find the server's key in its folder; a folder that is none is said, and asked for again.

        Raises:
            Fault: The folder given beforehand is none. A run that is finished goes on without it.
        """
        question = _FOLDER
        for _ in range(TRIES):
            beforehand = job.answered_beforehand(FOLDER)
            path = str(job.ask(question))
            if not path:
                return None
            try:
                folder = open_folder(Path(path))
                found = folder.server_key()
            except Fault as fault:
                if not beforehand:
                    question = replace(_FOLDER, body=again(fault))
                    continue
                if not self._switching.rescue.resumes(job):
                    raise
                job.note(_FOLDER_GONE.with_values(reason=fault.cause))
                return None
            self._folder = folder
            job.note(_FOUND_KEY.with_values(file=found.file))
            return found
        raise Cancelled

    def _check(self, job: Job) -> None:
        """Try both ports of the server; go on without an answer only if the person wants that."""
        while True:
            self._reached = reached = self._reach(job)
            if reached.whole:
                job.say(words.reached_words(reached))
                break
            answer = job.ask(words.check_question(reached))
            if answer == words.ANYWAY:
                job.say(words.reached_words(reached))
                self._doubts.append(words.WARN_NOT_REACHED.with_values(found=words.reached_words(reached)))
                break
        self._switching.rescue.answers[words.CHECK] = words.ANYWAY  # whoever finishes this has decided already
        elsewhere = words.other_network(reached.host, job.network.own_addresses())
        if elsewhere is not None and reached.boards is not Reach.ANSWERS:
            self._doubts.append(elsewhere)
        self._switching.warnings += self._doubts

    # --- steps: the board ---

    def _read(self, job: Job) -> None:
        self._platform = job.platform
        self._switching.read(job)
        own = next(each for each in self._switching.keys if each.slot.key == TCP_SLOT)
        # Firmware that stores the public half, too, makes a key where there is none (4.2).
        makes_one = own.raw[:1] == b"\xff" and public_slot(job.platform, own.slot) is not None
        if own.report.state is not KeyState.GOOD and not makes_one:
            self._unfit = True
            self._finding = Finding(words.KEY_UNFIT, _UNFIT, (words.KEY_UNFIT_NEXT,), words.RESTORE_KEY)
            job.say(_UNFIT)
        elif own.report.state is KeyState.GOOD:
            self._letter = self._switching.letter()
            self._expected = public_der(own.report)

    def _agree(self, job: Job) -> None:
        if self._skips(job):
            return
        assert self._cloud is not None
        chosen = to_cloud(job, self._cloud)
        self._switching.decide(job, replace(chosen, answers={WHICH: REMEMBERED + self._cloud.id}))
        self._switching.agree(job)

    def _write(self, job: Job) -> None:
        if not self._skips(job):
            self._switching.write(job)

    def _compare(self, job: Job) -> None:
        if not self._skips(job):
            self._switching.compare(job)

    def _hand_over(self, job: Job) -> None:
        """Put the board's key where the server looks for it; what cannot be put there is handed to the person."""
        if self._skips(job):
            return
        if self._letter is None:
            job.say(_NO_KEY_YET)
            return
        if self._folder is None:
            job.say(_HAND_ON)
            return
        try:
            self._placed = placed = self._folder.place(self._letter)
        except Fault as fault:  # the board is set: its key can still be handed on
            words_now = _NOT_PUT.with_values(reason=fault.cause)
            self._switching.warnings.append(words_now)
            job.say(words_now)
            return
        self._tell_placed(job, placed)

    def _start(self, job: Job) -> None:
        if self._unfit:
            self._switching.left = leave_dfu(job)
            job.say(self._switching.left)
            return
        if self._folder is not None:
            self._noted = self._folder.seen(self._device_id)
        self._switching.start(job)

    # --- steps: is it connected ---

    def _wait(self, job: Job) -> None:
        if self._skips(job):
            return
        started = self._switching.left not in (NOT_LEFT, LEFT_IN_DFU)
        if started:
            self._watch(job, again=False)
            if self._knock is not None and self._accepted(job, self._knock):
                self._watch(job, again=True)
        if started and not self._connected:
            self._reached_later = self._reach(job)
        self._finding = words.finding(self._circumstances(started=started))
        job.say(self._finding.summary if started else _STAYED)

    def _watch(self, job: Job, *, again: bool) -> None:
        assert self._cloud is not None
        began = job.clock.now()
        block = self._switching.becomes.block
        question = words.watch_question(job.platform, block.host, block.port, again=again)

        def is_over() -> bool:
            waited = job.clock.now() - began
            job.tick(min(int(waited), int(WAIT_S)), int(WAIT_S), of_bytes=False)
            return self._looks_over(job, waited, knocks=not again)

        self._seen = None
        try:
            answer = job.watch(question, WAIT_S, is_over)
        except (BoardDidNotReturn, NoAnswer) as fault:  # all is done but looking
            log.info("local cloud: %s: %s", fault.code, fault.detail)
            return
        if answer == words.CONNECTED:
            self._connected = True
        elif isinstance(answer, str) and answer:
            self._seen = Seen(answer)

    def _looks_over(self, job: Job, waited: float, *, knocks: bool) -> bool:
        """Whether the server has noted a key it does not know, or the board waits in listening mode."""
        if knocks and self._folder is not None and job.clock.now() - self._looked >= LOOK_S:
            self._looked = job.clock.now()
            if self._folder.seen(self._device_id) != self._noted:
                knock = self._folder.knock_of(self._device_id)
                if knock is not None and knock.public_der is not None:
                    self._knock = knock
                    return True
        if waited > LISTENS_AFTER_S and not self._asked_console:
            self._asked_console = True
            self._listens = is_seen_listening(job)
        return self._listens

    def _accepted(self, job: Job, knock: Knock) -> bool:
        """Ask whether the key that the server saw is to be accepted, and do it; return whether the server has it."""
        assert self._folder is not None
        assert knock.public_der is not None
        whose = _SAME_KEY if knock.public_der == self._expected else _MADE_KEY
        if self._expected is not None and knock.public_der != self._expected:
            self._foreign, whose = True, _OTHER_KEY
        self._knocked = Knocked.LEFT
        body = _ACCEPT_BODY.with_values(file=knock.file, whose=whose)
        if not job.ask(Confirm(ACCEPT, _ACCEPT_TITLE, body, _ACCEPT_YES, _ACCEPT_NO)):
            return False
        try:
            placed = self._folder.accept(self._device_id, knock.public_der)
        except Fault as fault:
            words_now = _NOT_ACCEPTED.with_values(reason=fault.cause)
            self._switching.warnings.append(words_now)
            job.note(words_now)
            return False
        self._knocked, self._expected, self._placed = Knocked.ACCEPTED, knock.public_der, placed
        self._tell_placed(job, placed)
        return True

    # --- inside ---

    @property
    def _device_id(self) -> str:
        assert self._switching.identity is not None, "the run needs the ID"
        return self._switching.identity.device_id

    def _skips(self, job: Job) -> bool:
        if self._unfit:
            job.skip(_NOT_NEEDED)
        return self._unfit

    def _reach(self, job: Job) -> Reached:
        """Try both ports of the server."""
        assert self._cloud is not None
        host, port = self._cloud.host, self._cloud.port or words.BOARD_PORT
        boards, programs = (
            job.network.reach(host, each, REACH_S, job.clock, job.check) for each in (port, words.API_PORT)
        )
        return Reached(host, port, boards, programs)

    def _tell_placed(self, job: Job, placed: Placed) -> None:
        if placed.kept is not None:
            self._switching.warnings.append(_WARN_OTHER_KEPT.with_values(kept=placed.kept))
            job.say(_PUT_KEPT.with_values(file=placed.file, kept=placed.kept))
        else:
            job.say((_PUT if placed.wrote else _PUT_ALREADY).with_values(file=placed.file))

    def _circumstances(self, *, started: bool) -> Circumstances:
        assert self._platform is not None
        assert self._cloud is not None
        done = self._switching
        block = done.becomes.block
        return Circumstances(
            platform=self._platform,
            device_id=self._device_id,
            host=block.host,
            port=block.port,
            usual_port=block.usual_port,
            honoured=honours_port(done.firmware),
            started=started,
            connected=self._connected,
            seen=self._seen,
            listens=self._listens,
            loopback=is_loopback(self._cloud.address),
            reached=self._reached_later,
            folder=self._folder_now(),
            own_key=self._expected is not None,
        )

    def _folder_now(self) -> FolderNow | None:
        """Look at what the server's folder holds by now: somebody may have changed it, or the server itself."""
        if self._folder is None:
            return None
        assert self._cloud is not None
        try:
            right_server = self._folder.server_key().public_der == self._cloud.public_der
        except Fault as fault:
            log.info("server key: %s", fault.code)
            right_server = False
        expected = self._expected
        right_board = expected is not None and self._folder.stored(self._device_id, expected) is Stored.SAME
        return FolderNow(right_server, right_board, self._knocked, self._foreign)

    def _server_facts(self) -> list[Fact]:
        facts = []
        reached = self._reached_later or self._reached
        if reached is not None:
            line = _PORT_LINE.with_values(
                port=reached.port,
                boards=words.PORT_WORDS[reached.boards],
                api=words.API_PORT,
                programs=words.PORT_WORDS[reached.programs],
            )
            facts.append(Fact("ports", _PORTS, line))
        if self._placed is not None:
            facts.append(Fact("key-file", _KEY_FILE, str(self._placed.file), copy=True))
        return facts

    def _papers(self) -> tuple[Document, ...]:
        """Return the board's key to be handed on, where the server has not got it from here."""
        return (document(self._letter, CloudKind.LOCAL),) if self._letter is not None and self._placed is None else ()

    def _steps_to_go(self, found: Finding, *, save: bool) -> tuple[Text, ...]:
        """Return what to do; before all else to save the board's key, where the server has not got it from here."""
        first = words.SAVE_KEY.with_values(id=self._device_id)
        told = any(step.source == first.source for step in found.next_steps)
        return found.next_steps if told or self._connected or not save else (first, *found.next_steps)

    def _left_words(self) -> tuple[Text, ...]:
        left = self._switching.left
        return () if left in (LEFT_RUNNING, LEFT_QUIET) else (left,)
