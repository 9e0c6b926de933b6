"""What can go wrong with a virtual board, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Mishap:
    """A failure to play. Transfers are counted per board from 1: class and vendor control transfers, and bulk ones.

    Attributes:
        name: For test ids.
        gone_at: The cable comes off before that transfer reaches the board; the board stays away.
        gone_amid: It comes off while the board carries that transfer out: flash is changed halfway, the DCT not at all.
        gone_after: It comes off when the board has carried that transfer out, before the host is told.
        stall_at: That control transfer is stalled.
        silent_at: That transfer is never answered.
        silent_from: That transfer and all after it are never answered.
        wrong_at: The answer to that transfer has all bits of its first byte turned over.
        wrong_from: So have that answer and all after it.
        denied: The operating system does not let anybody open the board.
        busy: Another program holds the board and its port.
        never_returns: After the next time it leaves the bus, the board does not come back.
        garbage: The serial port sends noise before everything it says.
        charge_only: The cable has no data wires: the host never sees anything.
        fails_at: That erase or write in DFU mode, counted from 1, does nothing; a boot loader that reports failures
            does so.
        lost_at: That one does nothing either, and nobody is told.
        worn: Address of memory that reads back with a bit turned over, however often it is erased and written.
        wrong_board: After the next time it leaves the bus, another board of the same kind stands on its port.
        patch_fails: So many times a Core's radio has not taken a service pack that was written into it (8.3, 8.4).
        patch_freezes: So many times the Core stands still while it writes into its radio, until RESET.
        patch_clears: The 1.13.7 patch programmer forgets the networks too, which is not known (8.3).
        ota_fails: So many times an image does not arrive over the air, and the Core connects anew.
        ota_freezes: So many times the Core stands still while one arrives, until RESET.
        wifi_refuses: So many times a Wi-Fi network cannot be stored, whatever it is (5.4).
        wifi_no_memory: So many times there is no memory for an enterprise network (5.5).
        cloud_refuses: So many times no server takes the board's connection (10.1).
        cloud_closes: So many times the connection is closed in the middle of the handshake.
        cloud_mute: So many times the board does not say what it should in the handshake.
        cloud_other_key: So many times the makers' cloud takes another public key for this board's.
        cloud_bad_signature: So many times its signature is wrong.
    """

    name: str = "none"
    gone_at: int | None = None
    gone_amid: int | None = None
    gone_after: int | None = None
    stall_at: int | None = None
    silent_at: int | None = None
    silent_from: int | None = None
    wrong_at: int | None = None
    wrong_from: int | None = None
    denied: bool = False
    busy: bool = False
    never_returns: bool = False
    garbage: bool = False
    charge_only: bool = False
    wrong_board: bool = False
    fails_at: int | None = None
    lost_at: int | None = None
    worn: int | None = None
    patch_fails: int = 0
    patch_freezes: int = 0
    patch_clears: bool = False
    ota_fails: int = 0
    ota_freezes: int = 0
    wifi_refuses: int = 0
    wifi_no_memory: int = 0
    cloud_refuses: int = 0
    cloud_closes: int = 0
    cloud_mute: int = 0
    cloud_other_key: int = 0
    cloud_bad_signature: int = 0

    NONE: ClassVar[Mishap]

    def silent(self, count: int) -> bool:
        """Whether transfer number `count` gets no answer."""
        return count == self.silent_at or (self.silent_from is not None and count >= self.silent_from)

    def wrong(self, count: int) -> bool:
        """Whether the answer to transfer number `count` is wrong."""
        return count == self.wrong_at or (self.wrong_from is not None and count >= self.wrong_from)


Mishap.NONE = Mishap()

NOISE = bytes((0x00, 0xFF, 0x1B, 0x5B, 0x7F, 0x80, 0x0D, 0x0A))

STANDARD_MISHAPS: tuple[Mishap, ...] = (
    *(Mishap(f"gone-at-{count}", gone_at=count) for count in (1, 2, 5, 12)),
    *(Mishap(f"stall-at-{count}", stall_at=count) for count in (1, 3, 7)),
    *(Mishap(f"silent-at-{count}", silent_at=count) for count in (1, 4, 9)),
    Mishap("silent-from-1", silent_from=1),
    Mishap("silent-from-6", silent_from=6),
    *(Mishap(f"wrong-at-{count}", wrong_at=count) for count in (1, 3, 8)),
    Mishap("wrong-from-1", wrong_from=1),
    Mishap("wrong-from-6", wrong_from=6),
    Mishap("denied", denied=True),
    Mishap("busy", busy=True),
    Mishap("never-returns", never_returns=True),
    Mishap("garbage", garbage=True),
    Mishap("charge-only", charge_only=True),
    Mishap("wrong-board", wrong_board=True),
)
