"""What speaks against a network that was chosen or typed, seen together with the networks in the air."""

from __future__ import annotations

from app.platforms.model import Platform
from app.protocols.wifi import WifiLogin
from app.work.preflight import Finding, Severity, look_at
from app.work.wifi_form import SeenNetwork

REFUSED = frozenset(
    {
        "name-too-long",
        "name-characters",
        "password-missing",
        "password-length",
        "password-characters",
        "enterprise-on-core",
        "enterprise-too-early",
    }
)
"""Rules of which `wifi_form.check` makes faults: there is nothing to agree to."""


def findings(
    login: WifiLogin,
    seen: tuple[SeenNetwork, ...],
    platform: Platform | None,
    version: str,
    *,
    portal: bool | None = None,
) -> tuple[Finding, ...]:
    """Return what speaks against telling a board this network, what stops it first.

    Args:
        login: The network, as far as it is known.
        seen: The networks in the air. One of the same name tells of its channel; if any of them fits, all is well.
        platform: The kind of board; None for no findings.
        version: Its firmware, "" where that is not known.
        portal: Whether a page to sign in is known to be in its way; None where nobody looked.
    """
    if platform is None or not login.ssid:
        return ()
    rows = (row for row in seen if row.ssid == login.ssid)
    row = min(rows, key=lambda row: (not row.fits, row.security is not login.security), default=None)
    found = look_at(login, platform, version=version, seen=row, portal=portal)
    return tuple(each for each in found if each.rule not in REFUSED)


def stops(found: tuple[Finding, ...]) -> bool:
    """Whether one of them keeps a board out for certain."""
    return any(each.severity is Severity.STOPS for each in found)
