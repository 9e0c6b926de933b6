"""What this computer can try of the way a board takes to its cloud: internet, names, and the server's port.

A board sits elsewhere, and maybe in another network: what works here may not work there, and the words say "from
here". Everything goes straight, past any proxy, because a board knows none. Each attempt has a time limit.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from app.clock import Clock
from app.platforms.table import PLATFORMS
from app.protocols.dtls_hello import client_hello
from app.text import Text, text
from app.transports.network import Network, Reach

PAGE = "http://connectivitycheck.gstatic.com/generate_204"
"""Answers with nothing (204) to everybody; who gets something else sees a page that somebody put in the way."""
PAGE_S = 5.0
NAME_S = 5.0
TCP_S = 8.0
UDP_S = 2.5
UDP_TRIES = 2  # one datagram may be lost

_NO_CONTENT = 204
_SIGN_IN_FIRST = 511  # RFC 6585
_ANOTHER_PAGE = range(200, 400)
"""A page, or a way to one; a refusal (from 400 on) is as likely of a firewall or of a server that is not well."""


@unique
class State(Enum):
    """What trying something told."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@unique
class _Page(Enum):
    """What came in the place of the test page."""

    USUAL = "usual"
    ANOTHER = "another"
    REFUSED = "refused"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tried from this computer.

    Attributes:
        key: `internet`, `portal`, `name`, `tcp`, or `udp`.
        state: What it told.
        words: The same as a sentence.
        change: What to do about it, None where nothing.
    """

    key: str
    state: State
    words: Text
    change: Text | None = None


_OFFLINE = Check(
    "internet",
    State.FAILED,
    text("WayToCloud", "This computer has no internet just now, so the way to the cloud could not be tried from here."),
    text("WayToCloud", "Connect this computer to the board's network, and try again."),
)
_ONLINE = Check("internet", State.OK, text("WayToCloud", "The internet can be reached from here."))
_PERHAPS_ONLINE = Check(
    "internet",
    State.UNKNOWN,
    text("WayToCloud", "Whether all of the internet can be reached from here is not clear: the test page failed."),
)
_PORTAL = Check(
    "portal",
    State.FAILED,
    text("WayToCloud", "A page to sign in or to agree stands between this network and the internet."),
    text("WayToCloud", "A board cannot get past such a page: use another network."),
)
_NO_PORTAL = Check("portal", State.OK, text("WayToCloud", "No page to sign in is in the way."))
_NAME_FOUND = text("WayToCloud", "The server's name {host} is known here: {address}.")
_NO_NAME = text("WayToCloud", "The server's name {host} is not known here.")
_NO_NAME_CHANGE = text("WayToCloud", "Look at the router's DNS setting, or at a filter (ad blocker) in this network.")
_NAME_INSIDE = text("WayToCloud", "The server's name {host} leads to {address}, which is inside a house.")
_NAME_INSIDE_CHANGE = text(
    "WayToCloud", "Something in this network bends names: a page to sign in, or a filter. Switch it off for the board."
)
_TCP_OK = text("WayToCloud", "The server {host} answers on TCP port {port}.")
_TCP_REFUSED = text("WayToCloud", "The server {host} is there, but refuses TCP port {port}.")
_TCP_REFUSED_CHANGE = text("WayToCloud", "The server is not running, or a firewall refuses in its name. Try later.")
_TCP_SILENT = text("WayToCloud", "Nothing answers from {host} on TCP port {port}.")
_TCP_SILENT_CHANGE = text(
    "WayToCloud", "Open outgoing TCP port {port} in the router's firewall. A phone's hotspot shows whether it is that."
)
_NO_WAY = text("WayToCloud", "No way leads from here to {host}.")
_NO_WAY_CHANGE = text("WayToCloud", "See that this computer and the server are in the same network, and switched on.")
_UDP_OK = text("WayToCloud", "The server {host} answers on UDP port {port}.")
_UDP_SILENT = text("WayToCloud", "No answer from {host} on UDP port {port}; that alone does not say that it is shut.")
_UDP_REFUSED = text("WayToCloud", "The server {host} is there, but refuses UDP port {port}.")


def from_here(
    network: Network, clock: Clock, check: Callable[[], None], host: str, port: int, *, udp: bool = False
) -> tuple[Check, ...]:
    """Try from this computer what a board needs on its way to the cloud.

    One that is offline, or stopped by a page to sign in, gives one check alone: everything else would fail for the
    same reason. A server inside the house needs no internet: it alone is tried.

    Args:
        network: The network as seen from here.
        clock: What the waiting goes through.
        check: Called while it waits; raises to stop.
        host: Name or IPv4 address of the board's server, with nothing left to fill in.
        port: Its port.
        udp: Whether the board talks to it over UDP (DTLS) instead of TCP.
    """

    def knock() -> Check:
        return _udp(network, clock, check, host, port) if udp else _tcp(network, clock, check, host, port)

    address = _as_address(host)
    if address is not None and not address.is_global:
        return (knock(),)
    if not any(_leads_out(each) for each in network.own_addresses()):
        return (_OFFLINE,)
    page = _test_page(network, clock, check)
    if page is _Page.ANOTHER:
        return (_PORTAL,)
    found = (str(address),) if address is not None else network.look_up(host, NAME_S, clock, check)
    if page is _Page.NONE and not found:
        return (_OFFLINE,)
    begins = (_ONLINE, _NO_PORTAL) if page is _Page.USUAL else (_PERHAPS_ONLINE,)
    if not found:
        return (*begins, Check("name", State.FAILED, _NO_NAME.with_values(host=host), _NO_NAME_CHANGE))
    inside = next((each for each in found if not IPv4Address(each).is_global), None)
    if inside is not None and _is_makers(host):
        words = _NAME_INSIDE.with_values(host=host, address=inside)
        return (*begins, Check("name", State.FAILED, words, _NAME_INSIDE_CHANGE))
    knocked = knock()
    if page is _Page.NONE and knocked.state is not State.OK:
        # A name may come from memory: nothing answers, so this computer is as good as offline.
        return (_OFFLINE,)
    if address is not None:
        return (*begins, knocked)
    named = Check("name", State.OK, _NAME_FOUND.with_values(host=host, address=found[0]))
    return (*begins, named, knocked)


def is_signed_in_first(network: Network, clock: Clock, check: Callable[[], None]) -> bool:
    """Whether a page to sign in or to agree stands between this computer and the internet, as far as can be told.

    Args:
        network: The network as seen from here.
        clock: What the waiting goes through.
        check: Called while it waits; raises to stop.
    """
    online = any(_leads_out(each) for each in network.own_addresses())
    return online and _test_page(network, clock, check) is _Page.ANOTHER


def _test_page(network: Network, clock: Clock, check: Callable[[], None]) -> _Page:
    status = network.page(PAGE, PAGE_S, clock, check)
    if status is None:
        return _Page.NONE
    if status == _NO_CONTENT:
        return _Page.USUAL
    if status not in _ANOTHER_PAGE and status != _SIGN_IN_FIRST:
        return _Page.REFUSED
    addresses = network.look_up(str(urlsplit(PAGE).hostname), NAME_S, clock, check)
    return _Page.REFUSED if _leads_here(addresses) else _Page.ANOTHER


def _tcp(network: Network, clock: Clock, check: Callable[[], None], host: str, port: int) -> Check:
    values: dict[str, object] = {"host": host, "port": port}
    match network.reach(host, port, TCP_S, clock, check):
        case Reach.ANSWERS:
            return Check("tcp", State.OK, _TCP_OK.with_values(**values))
        case Reach.REFUSED:
            return Check("tcp", State.FAILED, _TCP_REFUSED.with_values(**values), _TCP_REFUSED_CHANGE)
        case Reach.SILENT:
            change = _TCP_SILENT_CHANGE.with_values(port=port)
            return Check("tcp", State.FAILED, _TCP_SILENT.with_values(**values), change)
        case Reach.NO_HOST:
            return Check("tcp", State.FAILED, _NO_WAY.with_values(host=host), _NO_WAY_CHANGE)


def _udp(network: Network, clock: Clock, check: Callable[[], None], host: str, port: int) -> Check:
    values: dict[str, object] = {"host": host, "port": port}
    reached = Reach.SILENT
    for _ in range(UDP_TRIES):
        hello = client_hello(secrets.token_bytes(32))
        reached = network.datagram(host, port, hello, UDP_S, clock, check)
        if reached is not Reach.SILENT:
            break
    match reached:
        case Reach.ANSWERS:
            return Check("udp", State.OK, _UDP_OK.with_values(**values))
        case Reach.REFUSED:
            return Check("udp", State.FAILED, _UDP_REFUSED.with_values(**values), _TCP_REFUSED_CHANGE)
        case Reach.SILENT:
            return Check("udp", State.UNKNOWN, _UDP_SILENT.with_values(**values))
        case Reach.NO_HOST:
            return Check("udp", State.FAILED, _NO_WAY.with_values(host=host), _NO_WAY_CHANGE)


def _as_address(host: str) -> IPv4Address | None:
    try:
        return IPv4Address(host)
    except ValueError:
        return None


def _leads_out(own: str) -> bool:
    """Whether an own address is one a router gave, and not the computer's talk with itself."""
    address = IPv4Address(own)
    return not (address.is_loopback or address.is_link_local)


def _leads_here(addresses: tuple[str, ...]) -> bool:
    """Whether a filter leads a name nowhere, so that some program of this very computer may have answered."""
    return any(IPv4Address(each).is_unspecified or IPv4Address(each).is_loopback for each in addresses)


def _is_makers(host: str) -> bool:
    """Whether a name is of the makers' cloud, which is never inside a house."""
    domains = {".".join(each.default_host.lower().split(".")[-2:]) for each in PLATFORMS}
    return ".".join(host.lower().rstrip(".").split(".")[-2:]) in domains | {"particle.io", "spark.io"}
