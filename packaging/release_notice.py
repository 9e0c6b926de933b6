#!/usr/bin/env python3
"""The notice of a new release, which installed copies look for once a day if their person agreed. For who releases.

Run it with `.venv`'s Python, in this order:

key FILE                 once: make the release key in FILE, outside of this checkout, and pin its public half in
                         resources/updates/channel.json; another one is pinned beside the first, for a change of key
address URL              once: write where the notice will lie (https) into that file
notice --key FILE --link URL [--notes PATH ...] [--days N]
                         for each release: write dist/rekindle-notice.txt about the version in pyproject.toml.
                         PATH is a fragment of the changes or a folder of them (default: those of this version)
check FILE_OR_ADDRESS    look at a notice as an installed copy does

The key lies in FILE sealed as the program seals keys (scrypt, AES-256-GCM). The passphrase is asked for, and never
taken from the command line or the environment.
Exit status: 0 done, 1 refused, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

import changes
from parts import DIST, ROOT, say, version

if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # last: this folder's own name must hide no library

from app.faults import Fault, WrongPassphrase
from app.keys.passphrase import Passphrase
from app.updates import (
    LONGEST_LIFE,
    LONGEST_NOTES,
    MOST_BYTES,
    MOST_KEYS,
    Channel,
    Notice,
    Version,
    checked_address,
    content_of,
    envelope_of,
    proven,
    read_channel,
    signed_bytes,
    write_channel,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CHANNEL = ROOT / "resources" / "updates" / "channel.json"
NOTICE = DIST / "rekindle-notice.txt"
LEAST_PASSPHRASE = 12
"""Characters: the file may be copied, and then anybody can try as often as they like."""
USUAL_DAYS = 180
"""How long a notice is good; a new one of the same version takes its place before that."""


class RefusedError(Exception):
    """Nothing was written; the words say why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one of the four things."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "key":
                make_key(options.file)
            case "address":
                set_address(options.address)
            case "notice":
                make_notice(options.key, options.link, options.notes, days=options.days)
            case _:
                check(options.place)
    except (RefusedError, OSError) as error:
        say(str(error))
        return 1
    except Fault as fault:
        say(f"{fault.cause.english()} ({fault.code}: {fault.detail})")
        return 1
    return 0


def make_key(file: Path) -> None:
    """Make the private key, which never comes into the checkout, and pin its public half."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    place = file.expanduser().resolve()
    if place.is_relative_to(ROOT.resolve()):
        raise RefusedError(f"{place} is inside of this checkout: a private key there ends up published one day.")
    if place.exists():
        raise RefusedError(f"{place} is there already, and is not written over.")
    channel = _channel()
    if len(channel.keys) >= MOST_KEYS:
        raise RefusedError(f"{MOST_KEYS} keys are pinned already: take an old one out of {CHANNEL.name} first.")
    passphrase = _new_passphrase()
    key = Ed25519PrivateKey.generate()
    sealed = passphrase.seal(key.private_bytes_raw())
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(sealed)
    _write(replace(channel, keys=(*channel.keys, key.public_key().public_bytes_raw())))
    say(f"The private key is in {place}. Keep a copy where no computer is; without it no copy can be told anything.")
    say(f"Its public half is in {CHANNEL.relative_to(ROOT)}: commit that file.")


def set_address(address: str) -> None:
    """Write where installed copies look."""
    address = _public(address)
    _write(replace(_channel(), address=address))
    say(f"Installed copies will look at {address}. Commit {CHANNEL.relative_to(ROOT)}.")


def make_notice(file: Path, link: str, notes: Sequence[Path], *, days: int) -> None:
    """Sign the notice about this version, and write it once the program's own verifier has accepted it."""
    release = Version.parse(version())
    if release is None:
        raise RefusedError(f"{version()} in pyproject.toml is no version that can be compared.")
    if not 0 < days <= LONGEST_LIFE.days:
        raise RefusedError(f"A notice is good for 1 to {LONGEST_LIFE.days} days.")
    channel = _channel()
    now = datetime.now(UTC).replace(microsecond=0)
    words = _notes(notes)
    notice = Notice(release, _day(), now, now + timedelta(days=days), _public(link), words)
    key = _open_key(file)
    if key.public_key().public_bytes_raw() not in channel.keys:
        raise RefusedError(f"The public half of this key is not pinned in {CHANNEL.name}: nobody would believe it.")
    content = content_of(notice)
    envelope = envelope_of(content, key.sign(signed_bytes(content)))
    if proven(envelope, channel.keys, now) != notice:
        raise RefusedError("The program would read something else than was written.")
    DIST.mkdir(exist_ok=True)
    NOTICE.write_bytes(envelope)
    _show(notice)
    say(f"Written: {NOTICE}. Put it at {channel.address or 'the address, which is not set yet'}.")


def check(place: str) -> None:
    """Look at a notice in a file or at an address as an installed copy does."""
    if place.partition("://")[1]:
        from app.engine.updates import fetch

        envelope = fetch(checked_address(place))
    else:
        with Path(place).open("rb") as file:
            envelope = file.read(MOST_BYTES + 1)
    channel = _channel()
    if not channel.keys:
        raise RefusedError(f"No key is pinned in {CHANNEL.name}: installed copies believe nothing.")
    _show(proven(envelope, channel.keys, datetime.now(UTC)))


def lacking() -> str:
    """Say what keeps installed copies from ever looking for a newer one; "" if nothing does."""
    channel = _channel()
    missing = [word for word, there in (("RELEASE KEY", channel.keys), ("ADDRESS", channel.address)) if not there]
    if not missing:
        return ""
    return (
        f"NO {' AND NO '.join(missing)} in {CHANNEL.relative_to(ROOT).as_posix()}: "
        "what is built now NEVER TELLS ITS PEOPLE of a newer release. See packaging/README.md, Releasing."
    )


def _show(notice: Notice) -> None:
    print(f"version  {notice.version.words}")
    print(f"released {notice.date.isoformat()}")
    print(f"issued   {notice.issued.isoformat()}")
    print(f"expires  {notice.expires.isoformat()}")
    print(f"link     {notice.link}")
    print("\n".join(f"  {line}" for line in notice.notes.splitlines()))


def _day() -> date:
    return datetime.now(UTC).date()


def _channel() -> Channel:
    try:
        return read_channel(CHANNEL.read_bytes())
    except ValueError as error:
        raise RefusedError(f"{CHANNEL}: {error}") from None


def _write(channel: Channel) -> None:
    content = write_channel(channel)
    if read_channel(content) != channel:
        raise RefusedError("The program would read something else than was written.")
    CHANNEL.write_bytes(content)


def _public(address: str) -> str:
    checked = checked_address(address)
    if not checked.startswith("https://"):
        raise RefusedError("Only an https address can be published.")
    return checked


def _notes(paths: Sequence[Path]) -> str:
    if not paths:
        told = changes.changes(version())
    else:
        files = [file for path in paths for file in (sorted(path.glob("*.md")) if path.is_dir() else [path])]
        told = tuple(" ".join(file.read_text(encoding="utf-8").split()) for file in files)
    notes = "\n\n".join(told).replace("`", "")  # the card shows plain letters
    if not notes:
        raise RefusedError("There are no notes: a person wants to know what is new.")
    if len(notes) > LONGEST_NOTES:
        raise RefusedError(f"The notes have {len(notes)} characters, {LONGEST_NOTES} at most: name fewer fragments.")
    return notes


def _new_passphrase() -> Passphrase:
    first = getpass.getpass("Passphrase for the new release key: ")
    if len(first) < LEAST_PASSPHRASE:
        raise RefusedError(f"A passphrase needs {LEAST_PASSPHRASE} characters at least.")
    if getpass.getpass("Once more: ") != first:
        raise RefusedError("These are two different ones.")
    return Passphrase(first)


def _open_key(file: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    sealed = file.expanduser().read_bytes()
    typed = getpass.getpass("Passphrase of the release key: ")
    try:
        return Ed25519PrivateKey.from_private_bytes(Passphrase(typed).open(sealed))
    except (WrongPassphrase, ValueError):
        raise RefusedError("The passphrase does not open this file, or it holds no release key.") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    keying = commands.add_parser("key", help="make the release key")
    keying.add_argument("file", type=Path, metavar="FILE")
    placing = commands.add_parser("address", help="say where the notice will lie")
    placing.add_argument("address", metavar="URL")
    writing = commands.add_parser("notice", help="write the notice of this version")
    writing.add_argument("--key", type=Path, required=True, metavar="FILE")
    writing.add_argument("--link", required=True, metavar="URL", help="the release's page")
    writing.add_argument("--notes", type=Path, nargs="+", default=[], metavar="PATH")
    writing.add_argument("--days", type=int, default=USUAL_DAYS, metavar="N", help="default: %(default)s")
    checking = commands.add_parser("check", help="look at a notice as an installed copy does")
    checking.add_argument("place", metavar="FILE_OR_ADDRESS")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
