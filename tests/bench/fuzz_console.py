"""Random console streams against the Wi-Fi dialogue: every one ends in time, in a network saved or in a fault.

Run by hand: `python tests/bench/fuzz_console.py [streams] [seed]`; 100,000 streams by default. What the board says is
put together at random from its own words of every generation, pieces of them, echoes, noise and silences. It counts how
they end; a bug, a hang (more than the longest a dialogue may take) or half a password ends the run.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.clock import FastClock  # noqa: E402
from support.wifi_console import CIPHERS, DERP, FOUR, LOVE, SIX, WEP, Rules, Saved, WifiConsole, dialogue  # noqa: E402

from app.faults import BoardGone, BoardSilent, Fault  # noqa: E402
from app.protocols.wifi import Eap, Enterprise, Security, WifiLogin  # noqa: E402
from app.protocols.wifi_dialogue import SAVING_S, WHOLE_S, WifiDialogue  # noqa: E402
from app.transports.base import Closes  # noqa: E402

WORDS = (
    *(b"SSID: ", FOUR, SIX, CIPHERS, b"Password: ", b"Username: ", WEP, DERP, LOVE % b"Spark", LOVE % b"Particle"),
    *(b"EAP Type 0=PEAP/MSCHAPv2, 1=EAP-TLS: ", b"Outer identity (optional): ", b"Private key in PEM format:\r\n"),
    *(b"Client certificate in PEM format:\r\n", b"Root CA in PEM format (optional):\r\n", b"\r\n", b"\r", b"\n"),
    *(b"Thanks! Wait while I save those credentials...\r\n\r\n", b"Error while preparing to store enterprise", b"\x00"),
)
USUAL = (*WORDS[:5], LOVE % b"Particle")
PEM = "-----BEGIN X-----\nAAAA\n-----END X-----\n"
LONGEST_S = WHOLE_S + 4 * SAVING_S
CHUNK = 500


class RandomConsole(Closes):
    """Says anything at any time; a well-behaved line reader's echo comes sometimes, whole or not."""

    def __init__(self, clock: FastClock, dice: random.Random) -> None:
        self.clock = clock
        self.dice = dice
        self.sent: list[bytes] = []
        self.pending = bytearray()
        self.manners = dice.random()  # how often it behaves
        self.dies = dice.random() < 0.2
        self.endless = dice.random() < 0.02

    def write(self, data: bytes, timeout_ms: int) -> None:
        self.sent.append(data)
        if self.dies and self.dice.random() < 0.1:
            raise self.dice.choice([BoardGone, BoardSilent])()
        line = data.rstrip(b"\n")
        roll = self.dice.random()
        if roll < self.manners:
            self.pending += (line if data != b"w" else b"") + (b"\r\n" if data != b"w" else b"")
            self.pending += self.dice.choice(USUAL if self.dice.random() < 0.7 else WORDS)
        elif roll < 0.9:
            self.pending += line[: self.dice.randrange(len(line) + 1)] + self.dice.randbytes(self.dice.randrange(6))
            self.pending += b"\r\n" if self.dice.random() < 0.7 else b""

    def read(self, timeout_ms: int) -> bytes:
        if self.dies and self.dice.random() < 0.002:
            raise BoardGone
        if self.endless:
            self.pending += self.dice.randbytes(400)
        elif self.dice.random() < 0.02 * (1.2 - self.manners):
            word = self.dice.choice(WORDS)
            self.pending += self.dice.choice([word, word[: self.dice.randrange(len(word) + 1)], self.dice.randbytes(5)])
        if not self.pending:
            self.clock.pause(timeout_ms / 1000)
            return b""
        most = self.dice.choice([1, 2, 7, 64, 4096])
        found = bytes(self.pending[:most])
        del self.pending[:most]
        self.clock.pause(0.001)
        return found

    def set_baud(self, baud: int) -> None:
        raise AssertionError("a console never changes the baud rate")

    def close(self) -> None:
        """Nothing to let go."""


def login(dice: random.Random) -> WifiLogin:
    """A network of any kind."""
    security = dice.choice([None, *Security])
    name = dice.choice([b"Home", b"SSID: ", b"Password: ", bytes(dice.randrange(32, 127) for _ in range(32))])
    sign_in = None
    if security is not None and security.enterprise:
        eap = dice.choice([Eap.PEAP, Eap.TLS])
        sign_in = Enterprise(eap, "ann", "", certificate=PEM, private_key=PEM, root=dice.choice(["", PEM]))
    password = "" if security is Security.OPEN else dice.choice(["secret123", "Password: SSID: ", "ü" * 32])
    return WifiLogin(name, security, password, enterprise=sign_in)


def one(seed: int) -> str:
    """Run one stream; return how it ended."""
    dice = random.Random(seed)
    clock = FastClock()
    console = RandomConsole(clock, dice)
    wanted = login(dice)
    began = clock.now()
    failed: Fault | None = None
    try:
        WifiDialogue(console, clock, knows_version=dice.random() < 0.5).tell(wanted)
    except Fault as fault:
        failed = fault
    if failed is not None:
        told = f"{failed!r} {failed.detail} {failed.cause.english()} {failed.next_step.english()}"
        assert not wanted.password or wanted.password in wanted.name or wanted.password not in told, seed
    assert clock.now() - began < LONGEST_S, f"seed {seed}: {clock.now() - began:.0f} s"
    for sent in console.sent:
        whole = sent == b"w" or (sent.endswith(b"\n") and sent.count(b"\n") == 1)
        assert whole, f"seed {seed}: half a line"
    return failed.code if failed is not None else "saved"


def chunk(first: int) -> Counter[str]:
    """Run some streams."""
    return Counter(one(seed) for seed in range(first, first + CHUNK))


def known() -> Iterator[str]:
    """Every true generation still ends well (a fuzzer that breaks the true ones proves nothing)."""
    for generation, core in (("A", True), ("B", True), ("C", False), ("D", True), ("E", False)):
        clock = FastClock()
        console = WifiConsole(clock, dialogue(Rules(generation, core), Saved()))
        WifiDialogue(console, clock, knows_version=generation in "CDE").tell(WifiLogin(b"Home", None, "secret123"))
        yield generation


def main() -> None:
    """Run them all and print how they ended."""
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    print("true generations:", " ".join(known()))
    os.nice(10)
    began = time.monotonic()
    ended: Counter[str] = Counter()
    with multiprocessing.Pool(2) as pool:
        for part in pool.imap_unordered(chunk, range(seed, seed + streams, CHUNK)):
            ended += part
    print(f"{ended.total()} streams in {time.monotonic() - began:.0f} s, no bug, no hang, no half line:")
    for how, times in ended.most_common():
        print(f"  {times:7}  {how}")


if __name__ == "__main__":
    main()
