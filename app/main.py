"""The composition root: reads the command line, chooses bus, clock and safe, and hands them to console or window."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app import log
from app.terminal import FAULT, STOPPED, WRONG_USAGE, OutputLostError, Terminal

if TYPE_CHECKING:
    from app.console import Desk
    from app.engine.accounts import Accounts
    from app.firmware.pack import RescuePack
    from app.keys.clouds import CloudBook
    from app.keys.safe import KeySafe
    from app.transports.network import Network
    from app.transports.wifi_scan import WifiScanner
    from app.undo.store import UndoStore
    from app.work.events import Post

DEFAULT_PRACTICE = ("core", "photon")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 1 fault, 2 wrong usage, 130 stopped."""
    options = _parser().parse_args(arguments)
    if options.version:
        sys.stdout.write(f"rekindle {log.version()}\n")
        return 0
    if options.command is not None and (options.window_practice is not None or options.window_trace is not None):
        # Whoever writes `rekindle --practice run ...` must not meet a real board.
        return _wrong_usage(f"give --practice and --trace after {options.command}: rekindle {options.command} ...")
    if options.self_check:
        from app.self_check import check

        return check(Terminal())
    log.catch_everything()
    log.set_up()
    try:
        match options.command:
            case "list":
                log.note_environment()
                return _list(options)
            case "run":
                log.note_environment()
                return _run(options)
            case "pack":
                log.note_environment()
                return _pack(options)
            case "rescues":
                return _rescues(options)
            case "light":
                return _light(options)
            case "monitor":
                log.note_environment()
                return _monitor(options)
            case "account":
                return _account(options)
            case "updates":
                log.note_environment()
                return _updates(options)
            case _:
                return _window(options)
    except KeyboardInterrupt:
        return STOPPED
    except OutputLostError as error:
        if error.reader_left:  # for example `| head`: nobody wants the rest
            return STOPPED
        Terminal().aside(f"rekindle: the output cannot be written: {error}")
        return FAULT
    finally:
        log.tear_down()


def _window(options: argparse.Namespace) -> int:
    if options.window_practice is not None:
        from app.console import WrongUsageError

        try:
            names = _practice_names(options.window_practice)
        except WrongUsageError as error:
            return _wrong_usage(str(error))
        if len(names) != 1:
            return _wrong_usage("the window has one practice board on its desk")
    from app.transports.trace import TraceRefusedError
    from app.ui.application import run

    try:
        return run(practice=options.window_practice, trace=options.window_trace)
    except TraceRefusedError as error:
        return _wrong_usage(str(error))


def _list(options: argparse.Namespace) -> int:
    from app import console

    terminal = Terminal()
    if options.recipes:
        return console.list_recipes(terminal, as_json=options.json)
    if options.practice:
        return console.list_practice(terminal, as_json=options.json, default=DEFAULT_PRACTICE)
    desk = _desk(None, None)
    try:
        return console.list_boards(desk, terminal, as_json=options.json)
    finally:
        desk.bus.close()


def _run(options: argparse.Namespace) -> int:
    from app import console
    from app.transports.trace import TraceRefusedError

    try:
        answers = _answers(options.answer)
        practice = None if options.practice is None else _practice_names(options.practice)
        desk = _desk(practice, options.trace)
    except (console.WrongUsageError, TraceRefusedError) as error:
        return _wrong_usage(str(error))
    try:
        return _run_at(desk, Terminal(), options, answers, practice=practice is not None)
    except console.WrongUsageError as error:
        return _wrong_usage(str(error))
    finally:
        desk.bus.close()
        if why := getattr(desk.bus, "broken", ""):  # only a tracing bus has a file that can break
            Terminal().aside(f"rekindle: the trace is not whole: {why}")


def _rescues(options: argparse.Namespace) -> int:
    from app import console_rescues

    undo = _undo(_safe(practice=options.practice), practice=options.practice)
    if options.forget is not None:
        return console_rescues.forget_rescue(undo, options.forget, Terminal(), as_json=options.json)
    return console_rescues.list_rescues(undo, Terminal(), as_json=options.json)


def _light(options: argparse.Namespace) -> int:
    from app import console_light
    from app.clock import RealClock

    return console_light.tell_light(
        options.words,
        Terminal(),
        board=options.board,
        age=options.firmware,
        as_json=options.json,
        now=RealClock().now,
    )


def _monitor(options: argparse.Namespace) -> int:
    from app import console_monitor
    from app.console import WrongUsageError
    from app.transports.trace import TraceRefusedError

    try:
        practice = None if options.practice is None else _practice_names(options.practice)
        desk = _desk(practice, options.trace)
    except (WrongUsageError, TraceRefusedError) as error:
        return _wrong_usage(str(error))
    try:
        return console_monitor.watch_port(
            desk,
            Terminal(),
            board=options.board,
            stamps=not options.no_times,
            as_hex=options.hex,
            seconds=options.seconds,
        )
    except WrongUsageError as error:
        return _wrong_usage(str(error))
    finally:
        desk.bus.close()


def _account(options: argparse.Namespace) -> int:
    from app import console_account
    from app.clock import RealClock
    from app.console import WrongUsageError
    from app.engine.accounts import book_and_sessions

    book, sessions = book_and_sessions(RealClock(), _clouds(practice=False), practice=False)
    console = console_account.AccountConsole(book, sessions, Terminal(), as_json=getattr(options, "json", False))
    try:
        match options.account_command:
            case "sign-in":
                return console.sign_in(options.user or "")
            case "use-token":
                return console.use_token()
            case "sign-out":
                return console.sign_out()
            case "boards":
                return console.boards()
            case "clouds":
                return console.clouds()
            case "choose":
                return console.choose(options.cloud)
            case _:
                return console.status()
    except WrongUsageError as error:
        return _wrong_usage(str(error))


def _updates(options: argparse.Namespace) -> int:
    from app.console_updates import UpdateConsole
    from app.engine.updates import update_desk

    console = UpdateConsole(update_desk(), Terminal(), as_json=getattr(options, "json", False))
    match options.updates_command:
        case "on" | "off":
            return console.agree(yes=options.updates_command == "on")
        case "now":
            return console.now()
        case "address":
            return console.address(options.address)
        case _:
            return console.status()


def _run_at(
    desk: Desk, terminal: Terminal, options: argparse.Namespace, answers: dict[str, str], *, practice: bool
) -> int:
    from app import console

    safe = _safe(practice=practice)
    return console.run(
        options.recipe,
        desk,
        safe,
        terminal,
        board=options.board,
        answers=answers,
        as_json=options.json,
        pack=_rescue_pack(),
        undo=_undo(safe, practice=practice),
        clouds=_clouds(practice=practice),
        network=network_for(practice=practice),
        scanner=scanner_for(practice=practice),
        accounts=_accounts(desk, practice=practice),
        save=options.save,
    )


def _pack(options: argparse.Namespace) -> int:
    from app import console_pack
    from app.console import WrongUsageError

    pack = _rescue_pack()
    terminal = Terminal()
    as_json = getattr(options, "json", False)
    try:
        match options.pack_command:
            case "add":
                return console_pack.add_to_pack(pack, options.file, terminal, as_json=as_json)
            case "fetch":
                return console_pack.fetch_pack(pack, options.name, terminal, as_json=as_json)
            case "notices":
                return console_pack.show_notices(pack, terminal, as_json=as_json)
            case _:
                return console_pack.list_pack(pack, terminal, as_json=as_json)
    except WrongUsageError as error:
        return _wrong_usage(str(error))


def _desk(practice: Sequence[str] | None, trace: Path | None) -> Desk:
    """Choose the bus: real ones, or practice boards; traced when asked.

    Raises:
        TraceRefusedError: The trace file cannot be written.
    """
    from app.clock import RealClock
    from app.console import Desk
    from app.transports.base import Bus

    clock = RealClock()
    bus: Bus
    boards = {}
    if practice is None:
        from app.transports.host_bus import HostBus

        bus = HostBus()
    else:
        from app.practice import practice_board
        from app.virtual.bus import VirtualBus

        pack = _rescue_pack()
        boards = {f"1-{number}": practice_board(name, clock, pack) for number, name in enumerate(practice, start=1)}
        bus = VirtualBus(clock, boards.values())
    if trace is not None:
        from app.transports.trace import traced

        bus = traced(bus, trace)
    return Desk(bus, clock, boards)


def _safe(*, practice: bool) -> KeySafe:
    from app import paths
    from app.keys.safe import KeySafe

    return KeySafe(paths.key_safe_folder(practice=practice), practice=practice)


def _rescue_pack() -> RescuePack:
    from app import paths
    from app.firmware.pack import RescuePack

    return RescuePack(paths.pack_folder(), paths.bundled_pack())


def _undo(safe: KeySafe, *, practice: bool) -> UndoStore:
    from app import paths
    from app.undo.store import UndoStore

    return UndoStore(paths.boards_folder(practice=practice), safe=safe, practice=practice)


def _clouds(*, practice: bool) -> CloudBook:
    from app import paths
    from app.keys.clouds import CloudBook

    return CloudBook(paths.clouds_folder(practice=practice))


def network_for(*, practice: bool) -> Network:
    """Return the network of this computer, or the one it practises in."""
    if practice:
        from app.practice import practice_network

        return practice_network()
    from app.transports.network import HostNetwork

    return HostNetwork()


def scanner_for(*, practice: bool) -> WifiScanner:
    """Return what hears the Wi-Fi networks around, or those of the practice air."""
    if practice:
        from app.practice import practice_scanner

        return practice_scanner()
    from app.transports.wifi_host import HostScanner

    return HostScanner()


def _accounts(desk: Desk, *, practice: bool) -> Callable[[Post], Accounts]:
    """Return what makes the accounts of this computer, or those of practice."""

    def make(post: Post) -> Accounts:
        clouds = _clouds(practice=practice)
        if practice:
            from app.practice import SIGNED_IN_WORDS, practice_accounts

            Terminal().aside(SIGNED_IN_WORDS.english())
            return practice_accounts(post, desk.clock, clouds, lambda: desk.practice.values(), signed_in=True)
        from app.engine.accounts import accounts

        return accounts(post, desk.clock, clouds, practice=False)

    return make


def _practice_names(given: str) -> tuple[str, ...]:
    """Split `core,photon` and check the names.

    Raises:
        WrongUsageError: One of them is none.
    """
    from app.console import WrongUsageError
    from app.virtual.catalogue import PRACTICE_BOARDS

    names = tuple(name.strip() for name in given.split(","))
    for name in names:
        if name not in PRACTICE_BOARDS:
            raise WrongUsageError(f"there is no practice board {name}; there are {', '.join(PRACTICE_BOARDS)}")
    return names


def _answers(given: Sequence[str]) -> dict[str, str]:
    """Split `name=value` pairs.

    Raises:
        WrongUsageError: One of them is none.
    """
    from app.console import WrongUsageError

    answers: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise WrongUsageError(f"--answer takes name=value, not {name or 'nothing'}")
        answers[name] = value
    return answers


def _wrong_usage(words: str) -> int:
    Terminal().aside(f"rekindle: {words}")
    return WRONG_USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rekindle",
        description="Bring Spark Core and Particle Photon boards back to life. Without a command the window opens.",
        epilog="Exit codes: 0 done, 1 fault, 2 wrong usage, 130 stopped.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    parser.add_argument(
        "--self-check", action="store_true", help="say whether every part the program came with works, and end"
    )
    parser.add_argument(
        "--practice",
        dest="window_practice",
        nargs="?",
        const=DEFAULT_PRACTICE[0],
        metavar="BOARD",
        help="open the window with a practice board on the desk (default: %(const)s)",
    )
    parser.add_argument(
        "--trace", dest="window_trace", type=Path, metavar="FILE", help="write every exchange, without secrets, to FILE"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    listing = commands.add_parser("list", help="list the boards that are plugged in")
    what = listing.add_mutually_exclusive_group()
    what.add_argument("--practice", action="store_true", help="list the practice boards instead")
    what.add_argument("--recipes", action="store_true", help="list the recipes instead")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")

    running = commands.add_parser("run", help="run a recipe without a window")
    running.add_argument("recipe", metavar="RECIPE", help="see rekindle list --recipes")
    running.add_argument("--board", metavar="ID", help="device ID, serial number or port of the board")
    running.add_argument(
        "--practice",
        nargs="?",
        const=DEFAULT_PRACTICE[0],
        metavar="BOARD",
        help="on a practice board, or several with commas between (default: %(const)s)",
    )
    running.add_argument("--json", action="store_true", help="print one JSON object a line")
    running.add_argument(
        "--answer",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="answer a question beforehand; may be given several times",
    )
    running.add_argument(
        "--save",
        type=Path,
        metavar="FOLDER",
        help="write what is to be handed on, for example a public key, into FOLDER",
    )
    running.add_argument("--trace", type=Path, metavar="FILE", help="write every exchange, without secrets, to FILE")

    as_json = argparse.ArgumentParser(add_help=False)
    # Suppressed: what stands before the second word must not be undone by the parser of that word.
    as_json.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object a line")
    packing = commands.add_parser("pack", parents=[as_json], help="list the firmware files that bring boards back")
    deeds = packing.add_subparsers(dest="pack_command", metavar="DEED")
    adding = deeds.add_parser(
        "add", parents=[as_json], help="take the files out of a package, a folder or single files"
    )
    adding.add_argument("file", nargs="+", type=Path, metavar="FILE", help="for example particle-cli-2.16.0.tgz")
    fetching = deeds.add_parser("fetch", parents=[as_json], help="download what is missing or damaged")
    fetching.add_argument("name", nargs="*", metavar="NAME", help="only these files")
    deeds.add_parser("notices", parents=[as_json], help="whose the files are, and under which licence they came")

    rescues = commands.add_parser("rescues", help="list the rescues that were interrupted, and how to finish them")
    rescues.add_argument("--practice", action="store_true", help="those of practice boards")
    rescues.add_argument("--forget", metavar="RESCUE", help="offer this one no more; what was kept stays")
    rescues.add_argument("--json", action="store_true", help="one JSON object a line")

    monitor = commands.add_parser("monitor", help="print what a board says over USB, and send what is typed")
    monitor.add_argument("--board", metavar="ID", help="device ID, serial number or port of the board")
    monitor.add_argument(
        "--practice",
        nargs="?",
        const=DEFAULT_PRACTICE[0],
        metavar="BOARD",
        help="a practice board (default: %(const)s)",
    )
    monitor.add_argument("--no-times", action="store_true", help="no time before each line")
    monitor.add_argument("--hex", action="store_true", help="bytes as hex digits")
    monitor.add_argument("--seconds", type=float, metavar="N", help="end after so many seconds")
    monitor.add_argument("--trace", type=Path, metavar="FILE", help="write every exchange, without secrets, to FILE")

    account = commands.add_parser("account", parents=[as_json], help="tell who is signed in at which cloud")
    acts = account.add_subparsers(dest="account_command", metavar="DEED")
    acts.add_parser("status", parents=[as_json], help="tell who is signed in at which cloud")
    signing = acts.add_parser("sign-in", parents=[as_json], help="sign in; the password is asked for, never given here")
    signing.add_argument("user", nargs="?", metavar="USER", help="user name; asked for if missing")
    acts.add_parser("use-token", parents=[as_json], help="sign in with an access token from standard input")
    acts.add_parser("sign-out", parents=[as_json], help="sign out, and end the sign-in at the cloud")
    acts.add_parser("boards", parents=[as_json], help="list your boards in the cloud")
    acts.add_parser("clouds", parents=[as_json], help="list the clouds that can be chosen")
    choosing = acts.add_parser("choose", parents=[as_json], help="choose the cloud that all this is about")
    choosing.add_argument("cloud", metavar="CLOUD", help="name from the list, or address of a local cloud")

    updates = commands.add_parser("updates", parents=[as_json], help="tell whether newer versions are looked for")
    looks = updates.add_subparsers(dest="updates_command", metavar="DEED")
    looks.add_parser("on", parents=[as_json], help="look once a day while the window is open")
    looks.add_parser("off", parents=[as_json], help="do not look")
    looks.add_parser("now", parents=[as_json], help="look now, and say what came of it")
    placing = looks.add_parser("address", parents=[as_json], help="look at another address")
    placing.add_argument("address", metavar="URL", help="https://...; default: the one that came with this copy")

    light = commands.add_parser("light", help="tell what the light of a board says; no board is needed")
    light.add_argument("words", nargs="*", metavar="WORD", help="colour and rhythm, for example: red counted 2")
    light.add_argument("--board", choices=("core", "photon", "p1", "electron"), help="kind of board (default: any)")
    light.add_argument(
        "--firmware",
        choices=("core-2014", "up-to-0.6", "from-0.7"),
        default="",
        help="age of the firmware, where it is known",
    )
    light.add_argument("--json", action="store_true", help="print one JSON object")
    return parser
