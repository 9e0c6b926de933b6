"""Which cloud a board shall connect to: the cards, the file and the address a person gives. No board is touched."""

from __future__ import annotations

import logging
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.cloud_faults import NoServerBefore
from app.faults import Cancelled, Fault, FileUnreadable
from app.firmware.pack import pick
from app.keys.clouds import Cloud, CloudKind, WhichCloud, local_cloud, which_cloud
from app.keys.server_key import (
    AddressKind,
    ServerAddress,
    ServerBlock,
    build_server,
    host_words,
    parse_host,
    parse_server,
    read_server_key_file,
    usual_server,
)
from app.platforms.model import Algorithm, KeySlot, Platform
from app.recipes.put_back_pieces import when
from app.recipes.restore_key_choice import short
from app.text import Text, text
from app.work.job import Job
from app.work.key_work import private_slots
from app.work.questions import Card, ChooseCard, Confirm, Enter, PickFile
from app.work.server_work import TCP_SERVER, KeptServer, cloud_words, kept_servers, server_slot_of, server_words

log = logging.getLogger(__name__)

CLOUD = "cloud"
"""Name of the question which cloud."""
PARTICLE, LOCAL, BEFORE = "particle", "local", "before"
REMEMBERED = "cloud-"
"""How the answer for a cloud that is remembered begins; its id follows."""
KEPT = "kept-server"
"""Answer that names what `before` means, so that a run that is finished later means the same."""
HOST, NAME, ADDRESS_ANYWAY = "host", "cloud-name", "address-anyway"
SERVER_KEY_ROLE = "server-key"
MOST_BYTES = 64 * 1024
API_PORT = 8080  # 10.3: for programs, never for boards
TRIES = 10

_TITLE = text("SwitchCloud", "Which cloud shall this board connect to?")
_BODY = text("SwitchCloud", "Now it is set to: {cloud} ({server}).")
_BODY_NONE = text("SwitchCloud", "Now it is set to no server of its own; its firmware uses {server}.")
_HERE = text("SwitchCloud", "On the board now")

_PARTICLE_TITLE = text("SwitchCloud", "Particle cloud")
_PARTICLE_BODY = text("SwitchCloud", "Key and address that boards of this kind came with: {host}.")
_REMEMBERED_BODY = text("SwitchCloud", "Local cloud at {server}. Its key begins with {fingerprint}.")
_FIRST_LOCAL_TITLE = text("SwitchCloud", "My local cloud")
_LOCAL_TITLE = text("SwitchCloud", "Another local cloud")
_LOCAL_BODY = text(
    "SwitchCloud", "A server of your own. You need its public key as a file, and its address in your network."
)
_BEFORE_TITLE = text("SwitchCloud", "The server that was there before")
_BEFORE_BODY = text("SwitchCloud", "{server}, {cloud}. Kept on {when}; its key begins with {fingerprint}.")

_PICK = PickFile(
    name="server-key",
    title=text("SwitchCloud", "Where is the server's public key?"),
    body=text(
        "SwitchCloud",
        "A local cloud makes it when it starts for the first time: default_key.pub.pem in its folder, in a newer fork "
        "in the folder data beside default_key.pem.",
    ),
    suffixes=(".pem", ".der", ".pub"),
)
_ENTER = Enter(
    name=HOST,
    title=text("SwitchCloud", "What is the address of the server?"),
    body=text(
        "SwitchCloud",
        "The IPv4 address or the name of the computer on which it runs, as seen from the board. Leave the port out if "
        "it is 5683.",
    ),
    hint=text("SwitchCloud", "for example 192.168.1.10 or cloud.example.org:5683"),
)
_CALL = Enter(
    name=NAME,
    title=text("SwitchCloud", "What do you call this cloud?"),
    body=text("SwitchCloud", "Under this name it is remembered on this computer. Leave it empty to use its address."),
    hint=text("SwitchCloud", "for example Workshop"),
    allow_empty=True,
)
_BACK = text("SwitchCloud", "Back to the choice")
_AGAIN = text("SwitchCloud", "{cause} {next_step}")

_LOOPBACK_TITLE = text("SwitchCloud", "This address means the board itself")
_LOOPBACK_BODY = text(
    "SwitchCloud",
    "Every computer and every board calls itself {host}. A board with this address looks for the server on itself and "
    "never finds it. Use the address this computer has in your network: {own}.",
)
_LOOPBACK_YES = text("SwitchCloud", "Use it all the same")
_LOOPBACK_NO = text("SwitchCloud", "Type another address")
_OWN_UNKNOWN = text("SwitchCloud", "it has none now")

_WARN_LOOPBACK = text("SwitchCloud", "{host} is the board itself, so it will find no server.")
_WARN_OWN = text(
    "SwitchCloud",
    "{host} is the address of this computer now. If it changes, the board no longer finds the server: give the "
    "computer a fixed address in your router.",
)
_WARN_LOCAL_NAME = text(
    "SwitchCloud",
    "{host} may be a name that only computers at home know. If the board does not connect, use the server's IPv4 "
    "address.",
)
_WARN_API_PORT = text(
    "SwitchCloud", "Port 8080 is where a local cloud talks to programs. Boards connect to another port, usually 5683."
)
_FROM_KEPT = text("SwitchCloud", "kept on {when}")


@dataclass(frozen=True, slots=True)
class Now:
    """What a board is set to, and what that means."""

    block: ServerBlock
    which: WhichCloud


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a board shall be set to.

    Attributes:
        answers: What makes a later run choose the same, without a question.
        slot: The slot it goes into.
        block: The whole slot.
        source: Where it comes from.
        cloud: The local cloud, to be remembered; None for others.
        warnings: What the person must not miss.
    """

    answers: dict[str, object]
    slot: KeySlot
    block: bytes = field(repr=False)
    source: Text | str
    cloud: Cloud | None = None
    warnings: tuple[Text, ...] = ()


def choose(job: Job, now: Now) -> Chosen:
    """Ask which cloud the board shall connect to.

    Raises:
        PackFileMissing: The Particle cloud's key is not in the rescue pack; or damaged.
        NoServerBefore: What was named beforehand is not kept any more.
        FileUnreadable: The file given beforehand cannot be read; and whatever `read_server_key_file` and `parse_host`
            raise of what was given beforehand. What a person chooses and types is asked again.
        Cancelled: The person picked no file, or wants no such address.
    """
    clouds = job.clouds.clouds()
    before = _before(job, now)
    question = ChooseCard(CLOUD, _TITLE, _body(now), _cards(job.platform, now, clouds, before))
    for _ in range(TRIES):
        beforehand = job.answered_beforehand(CLOUD)
        answer = str(job.ask(question))
        if answer == PARTICLE:
            return _particle(job)
        if answer == BEFORE:
            assert before is not None, "the card is there only then"
            words = _FROM_KEPT.with_values(when=when(before.made))
            return Chosen({CLOUD: BEFORE, KEPT: before.id}, before.slot, before.block.raw, words)
        if answer != LOCAL:
            return to_cloud(job, next(cloud for cloud in clouds if answer == REMEMBERED + cloud.id))
        chosen = _local(job, now)
        if chosen is not None:
            return chosen
        if beforehand:
            break
    raise Cancelled


# --- the cards ------------------------------------------------------------------------------------------------------


def _body(now: Now) -> Text:
    if now.which.kind is CloudKind.NONE:
        return _BODY_NONE.with_values(server=server_words(now.block))
    return _BODY.with_values(cloud=cloud_words(now.which), server=server_words(now.block))


def _cards(platform: Platform, now: Now, clouds: Sequence[Cloud], before: KeptServer | None) -> tuple[Card, ...]:
    host = usual_server(_first_server(platform).algorithm)[0]
    body = _PARTICLE_BODY.with_values(host=host_words(host))
    cards = [Card(PARTICLE, _PARTICLE_TITLE, body, "cloud-particle", _mark(now.which.kind is CloudKind.PARTICLE))]
    for cloud in clouds:
        here = now.which.kind is CloudKind.LOCAL and now.which.cloud_id == cloud.id
        cards.append(cloud_card(cloud, _mark(here)))
    cards.append(Card(LOCAL, _LOCAL_TITLE if clouds else _FIRST_LOCAL_TITLE, _LOCAL_BODY, "cloud-other"))
    if before is not None:
        body = _BEFORE_BODY.with_values(
            cloud=cloud_words(which_cloud(before.block, clouds)),
            server=server_words(before.block),
            when=when(before.made),
            fingerprint=short(before.block.fingerprint),
        )
        cards.append(Card(BEFORE, _BEFORE_TITLE, body, "undo"))
    return tuple(cards)


def cloud_card(cloud: Cloud, mark: Text | None = None) -> Card:
    """Return the card of a cloud that is remembered."""
    server = cloud.host if cloud.port is None else f"{cloud.host}:{cloud.port}"
    body = _REMEMBERED_BODY.with_values(server=server, fingerprint=short(cloud.fingerprint))
    return Card(REMEMBERED + cloud.id, cloud.name, body, "cloud-local", mark)


def _mark(here: bool) -> Text | None:
    return _HERE if here else None


def _first_server(platform: Platform) -> KeySlot:
    """Return the slot for the default transport: there the Particle cloud expects the board (4.1)."""
    return server_slot_of(platform, private_slots(platform)[0])


def _before(job: Job, now: Now) -> KeptServer | None:
    """Return the newest other server that was kept of this board, or the one a run that is finished means.

    Raises:
        NoServerBefore: That one is not kept any more.
    """
    named = job.given(KEPT)
    for each in kept_servers(job):
        if named:
            if each.id == named:
                return each
        elif (each.slot.key, _same(each.block)) != (now.block.slot, _same(now.block)):
            return each
    if named or job.given(CLOUD) == BEFORE:
        raise NoServerBefore(named)
    return None


def _same(block: ServerBlock) -> tuple[str, str, int]:
    """What makes two blocks the same server; bytes that nobody looks at do not."""
    return block.fingerprint, block.host.lower(), block.port


# --- what each card means -------------------------------------------------------------------------------------------


def particle_file(platform: Platform) -> str:
    """Return the name of the rescue pack's file with the Particle cloud's key and address for that board."""
    return pick(platform.key, SERVER_KEY_ROLE).name


def _particle(job: Job) -> Chosen:
    name = particle_file(job.platform)
    slot = _first_server(job.platform)
    block = job.pack.read(name).ljust(slot.size, b"\xff")
    return Chosen({CLOUD: PARTICLE}, slot, block, name)


def to_cloud(job: Job, cloud: Cloud) -> Chosen:
    """Return what a board has to be set to for a local cloud: over TCP, which is all that one takes (10.3)."""
    slot = job.platform.slot(TCP_SERVER)
    block = build_server(slot, cloud.public_der, cloud.address)
    found = tuple(_warnings(job, cloud.address))
    return Chosen({CLOUD: REMEMBERED + cloud.id}, slot, block, cloud.name, cloud, found)


def _local(job: Job, now: Now) -> Chosen | None:
    """Return the local cloud the person tells of, None if they picked no file and want to choose again."""
    given = job.answered_beforehand(HOST)
    der = ask_server_key(job, none=_BACK)
    if der is None:
        return None
    return to_cloud(job, ask_cloud(job, der, _suggested(job, now), nameless=given))


def ask_cloud(job: Job, public_der: bytes, start: str, *, nameless: bool) -> Cloud:
    """Ask for the address of the server that has this key, and what the person calls it.

    Args:
        job: The run.
        public_der: The server's public key.
        start: What stands in the line for the address already.
        nameless: Whether it gets no name unless that was given beforehand, because nobody is there to be asked.

    Raises:
        Cancelled: The person wants no such address.
        Fault: What was given beforehand is no address.
    """
    address = _ask_address(job, start)
    name = "" if nameless and not job.answered_beforehand(NAME) else str(job.ask(_CALL))
    return local_cloud(address, public_der, Algorithm.RSA_2048, name=name)


def ask_server_key(job: Job, *, none: Text) -> bytes | None:
    """Return the server's key from the file the person picks; one that is wrong is said, and asked for again.

    Args:
        job: The run.
        none: What it means to pick none; None is returned then.

    Raises:
        Cancelled: None of many files was one.
        Fault: The file given beforehand is not one.
    """
    question = replace(_PICK, none=none)
    for _ in range(TRIES):
        beforehand = job.answered_beforehand(_PICK.name)
        path = str(job.ask(question))
        if not path:
            return None
        try:
            return read_server_key_file(_content_of(Path(path)))
        except Fault as fault:
            if beforehand:
                raise
            question = replace(question, body=again(fault))
    raise Cancelled


def _ask_address(job: Job, start: str) -> ServerAddress:
    """Return the address the person types; one that is wrong is said, and asked for again."""
    question = replace(_ENTER, start=start)
    for _ in range(TRIES):
        beforehand = job.answered_beforehand(HOST)
        typed = str(job.ask(question))
        try:
            address = parse_host(typed)
        except Fault as fault:
            if beforehand:
                raise
            question = replace(_ENTER, body=again(fault), start=typed)
            continue
        if not is_loopback(address) or _insists(job, address):
            return address
        if beforehand:
            raise Cancelled
        question = replace(_ENTER, start=start)
    raise Cancelled


def _suggested(job: Job, now: Now) -> str:
    """What stands in the line already: the local server the board has now, or this computer."""
    stored = now.block.address.kind is not AddressKind.NONE
    if stored and now.which.key_of is not CloudKind.PARTICLE and now.block.slot == TCP_SERVER:
        return server_words(now.block)
    return own_address(job)


def own_address(job: Job) -> str:
    """Return the address of this computer that a board most likely reaches it by; "" when it is in no network."""
    return next((each for each in job.network.own_addresses() if not each.startswith("127.")), "")


def _insists(job: Job, address: ServerAddress) -> bool:
    own = [each for each in job.network.own_addresses() if not each.startswith("127.")]
    body = _LOOPBACK_BODY.with_values(host=address.host, own=", ".join(own) if own else _OWN_UNKNOWN)
    return bool(job.ask(Confirm(ADDRESS_ANYWAY, _LOOPBACK_TITLE, body, _LOOPBACK_YES, _LOOPBACK_NO, risky=True)))


def is_loopback(address: ServerAddress) -> bool:
    """Whether every computer means itself by that address."""
    loopback = address.kind is AddressKind.IPV4 and address.host.startswith("127.")
    return loopback or address.host.lower() == "localhost"


def _warnings(job: Job, address: ServerAddress) -> list[Text]:
    """Say what may be wrong with an address that can be written."""
    found = []
    if is_loopback(address):
        found.append(_WARN_LOOPBACK.with_values(host=address.host))
    elif address.host in job.network.own_addresses():
        found.append(_WARN_OWN.with_values(host=address.host))
    elif address.kind is AddressKind.DOMAIN and ("." not in address.host or address.host.lower().endswith(".local")):
        found.append(_WARN_LOCAL_NAME.with_values(host=address.host))
    if address.port == API_PORT:
        found.append(_WARN_API_PORT)
    return found


def again(fault: Fault) -> Text:
    """Say what is wrong with an answer and what a right one is, for the question that is asked again."""
    return _AGAIN.with_values(cause=fault.cause, next_step=fault.next_step)


def _content_of(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        FileUnreadable: The operating system refuses, or it is far longer than any key.
    """
    try:
        there = path.stat()
        if not stat.S_ISREG(there.st_mode) or there.st_size > MOST_BYTES:  # reading a pipe could wait for ever
            raise FileUnreadable("no file of the size of a key", file=path.name or str(path))
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        log.info("server key file: %s", type(error).__name__)
        raise FileUnreadable(type(error).__name__, file=path.name or str(path)) from error


def now_of(job: Job, block: ServerBlock) -> Now:
    """Return what a board is set to, with what the clouds that are remembered say about it."""
    return Now(block, which_cloud(block, job.clouds.clouds()))


def chosen_server(job: Job, chosen: Chosen) -> Now:
    """Return what a board will be set to, read from the very bytes that are written."""
    block = parse_server(chosen.block, chosen.slot)
    known = [*job.clouds.clouds(), *([chosen.cloud] if chosen.cloud is not None else [])]
    return Now(block, which_cloud(block, known))
