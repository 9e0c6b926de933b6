"""What practice mode puts in the place of real things: boards with the makers' server block, Wi-Fi, accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from app.clock import Clock
from app.faults import Fault
from app.firmware.pack import RescuePack, pick
from app.platforms.table import PLATFORMS
from app.text import Text, text
from app.transports.network import HostNetwork, Listener, Reach
from app.transports.network import Network as ComputersNetwork
from app.transports.wifi_parse import frequency_of, strongest_first
from app.transports.wifi_scan import Encryption, HeardNetwork, Protection, Scan, WifiScanner
from app.virtual.air import HOME, PRACTICE_AIR, Cipher, Internet, Network, Security
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import PRACTICE_BOARDS, make
from app.virtual.practice_account import CAREFUL_USER, CODE, PASSWORD, USER, PracticeCloud
from app.virtual.world import of_this_computer

if TYPE_CHECKING:
    from app.cloud.client import CloudClient
    from app.cloud.profiles import Profile
    from app.engine.accounts import Accounts
    from app.keys.clouds import Cloud
    from app.work.events import Post


SIGN_IN_WORDS: Text = text(
    "Practice",
    "Practice: sign in as {user} with the password {password}. {careful} has the same password and is asked for a "
    "one-time code, too: {code}. No real cloud is asked.",
).with_values(user=USER, password=PASSWORD, careful=CAREFUL_USER, code=CODE)
"""What a person at practice has to know; shown where one signs in."""
SIGNED_IN_WORDS: Text = text("Practice", "Practice: you are signed in as {user}. No real cloud is asked.").with_values(
    user=USER
)
"""The same where every command starts anew."""


def practice_board(name: str, clock: Clock, pack: RescuePack) -> VirtualBoard:
    """Build a practice board; it has no power until it is plugged in.

    Without the block its slot is blank, and its light says what a real board's would.

    Args:
        name: A key of `PRACTICE_BOARDS`.
        clock: The time it lives by.
        pack: Where the block is looked for.
    """
    try:
        block = pack.read(pick(PRACTICE_BOARDS[name].kind.key, "server-key").name)
    except Fault:
        block = b""
    return make(name, clock, server=block, built_in_server=block)


def practice_scanner() -> WifiScanner:
    """Return what hears the networks that practice boards hear, and more: this computer has a better radio."""
    return AirScanner(PRACTICE_AIR, HOME.ssid)


def practice_network(air: Network = HOME) -> ComputersNetwork:
    """Return the network this computer is in while it practises: this one of the practice air."""
    return AirNetwork(air, HostNetwork())


class _OwnStore:
    """Keeps the sign-ins of practice while the program runs; they are worth nothing outside of it."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """Return what is kept, or None."""
        return self._held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep something."""
        self._held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""
        self._held.pop((service, username), None)


def practice_accounts(
    post: Post,
    clock: Clock,
    clouds: Iterable[Cloud],
    boards: Callable[[], Iterable[VirtualBoard]],
    *,
    signed_in: bool = False,
) -> Accounts:
    """Return accounts at a server inside this program (`app.virtual.practice_account`): no real one is ever asked.

    Args:
        post: Where news go.
        clock: What pauses between tries go through.
        clouds: The local clouds practice boards were switched to; they offer themselves, but none of them answers.
        boards: The practice boards that have power now.
        signed_in: Whether the practice user is signed in from the start: at a command line every run starts anew.
    """
    from app.cloud.profiles import PARTICLE
    from app.cloud.tokens import SavedSignIn, TokenStore
    from app.engine.accounts import accounts

    server = PracticeCloud(boards)
    store = _OwnStore()
    tokens = TokenStore(lambda: store)
    if signed_in:
        tokens.keep(PARTICLE, SavedSignIn(USER, server.token_for(USER)))

    def make_client(at: Profile, check: Callable[[], None]) -> CloudClient:
        from app.cloud.client import CloudClient as Client  # it brings a library only an account needs
        from app.cloud.in_memory import in_memory

        # A name is not looked up either: nothing in here leaves this computer.
        return Client(at, clock=clock, check=check, http=in_memory(server.answer), resolve=lambda _host: ("127.0.0.1",))

    return accounts(post, clock, clouds, practice=True, tokens=tokens, make_client=make_client)


class AirScanner:
    """A computer in the air of virtual boards.

    Args:
        networks: The air.
        joined: Name of the network it is in.
    """

    def __init__(self, networks: tuple[Network, ...], joined: bytes | None) -> None:
        self._networks = networks
        self._joined = joined

    def scan(self, within: float, clock: Clock, check: Callable[[], None]) -> Scan:
        """Return the networks of the air, strongest first; it takes no time."""
        check()
        heard = [
            HeardNetwork(
                b"" if each.hidden else each.ssid,
                each.channel,
                each.rssi,
                _PROTECTIONS[each.security],
                _ENCRYPTIONS[each.cipher or Cipher.UNSET],
                frequency_of(each.channel),
            )
            for each in self._networks
        ]
        return Scan(strongest_first(heard), self._joined)


class AirNetwork:
    """A computer in a network of the air of virtual boards; nothing goes further than to this computer itself.

    Practice boards talk to this computer by real TCP, so listening and the computer's own addresses are real. Whatever
    is elsewhere is answered here, as the air says: no name is asked for, and no packet leaves the computer.

    Args:
        air: The network it is in.
        host: The computer's real network.
    """

    def __init__(self, air: Network, host: ComputersNetwork) -> None:
        self._air = air
        self._host = host

    def own_addresses(self) -> tuple[str, ...]:
        """Return the computer's own addresses."""
        return self._host.own_addresses()

    def listen(self, port: int) -> Listener:
        """Listen on all own addresses.

        Raises:
            PortTaken: Another program has the port.
            ListenRefused: The computer does not allow it.
        """
        return self._host.listen(port)

    def reach(self, host: str, port: int, within: float, clock: Clock, check: Callable[[], None]) -> Reach:
        """Try to connect to this computer; for everybody else the air answers."""
        own = self._own(host)
        return self._host.reach(own, port, within, clock, check) if own else self._far(host, port, within, clock, check)

    def look_up(self, host: str, within: float, clock: Clock, check: Callable[[], None]) -> tuple[str, ...]:
        """Return the addresses of this computer's names and of the makers' servers; nobody knows any other name."""
        check()
        own = self._own(host)
        if own:
            return (own,)
        if _is_address(host):
            return (host,)
        return (_SERVER,) if self._air.internet in _NAMES_KNOWN and _port_of(host) is not None else ()

    def page(self, url: str, within: float, clock: Clock, check: Callable[[], None]) -> int | None:
        """Return the status that any page has behind this network."""
        check()
        return _PAGES.get(self._air.internet)

    def datagram(
        self, host: str, port: int, data: bytes, within: float, clock: Clock, check: Callable[[], None]
    ) -> Reach:
        """Send one datagram to this computer; for everybody else the air answers."""
        own = self._own(host)
        if own:
            return self._host.datagram(own, port, data, within, clock, check)
        return self._far(host, port, within, clock, check)

    def _own(self, host: str) -> str:
        """Return the address of this computer that is meant, "" for another one."""
        own = {*self._host.own_addresses()}
        meant = (each for each in of_this_computer(host) if each in own or IPv4Address(each).is_loopback)
        return next(meant, "")

    def _far(self, host: str, port: int, within: float, clock: Clock, check: Callable[[], None]) -> Reach:
        if not self.look_up(host, within, clock, check):
            return Reach.NO_HOST
        if self._air.internet is Internet.FULL and _port_of(host) == port:
            return Reach.ANSWERS
        clock.pause(within)
        check()
        return Reach.SILENT


_SERVER = "192.31.196.1"
"""What the makers' names stand for: an address for throwing things away, which is never used here."""
_NAMES_KNOWN = (Internet.FULL, Internet.PORTAL, Internet.BLOCKED)
_PAGES = {Internet.FULL: 204, Internet.BLOCKED: 204, Internet.PORTAL: 302}
"""No content where nothing is in the way, and to another page where somebody wants a sign-in first."""


def _is_address(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _port_of(host: str) -> int | None:
    """Return the port of a maker's server, None for any other server."""
    asked = host.rstrip(".").lower()
    for each in PLATFORMS:
        known = each.default_host
        if asked == known or (known.startswith("$id.") and asked.endswith(known.removeprefix("$id"))):
            return each.default_port
    return None


_PROTECTIONS = {
    Security.OPEN: Protection.OPEN,
    Security.WEP: Protection.WEP,
    Security.WPA: Protection.WPA,
    Security.WPA2: Protection.WPA2,
    Security.WPA_ENTERPRISE: Protection.WPA_ENTERPRISE,
    Security.WPA2_ENTERPRISE: Protection.WPA2_ENTERPRISE,
}
_ENCRYPTIONS = {
    Cipher.UNSET: Encryption.UNKNOWN,
    Cipher.AES: Encryption.AES,
    Cipher.TKIP: Encryption.TKIP,
    Cipher.AES_TKIP: Encryption.AES_TKIP,
}
