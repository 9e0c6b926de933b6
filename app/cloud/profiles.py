"""The cloud servers a person has accounts on: the Particle cloud, always, and local ones; one of them is active."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import logging
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, unique
from pathlib import Path
from urllib.parse import urlsplit

from app.account_faults import CloudAddressBad, CloudNotEncrypted, CloudUnknown
from app.files import FileActions, file_faults, put
from app.keys.clouds import Cloud

log = logging.getLogger(__name__)

FILE = "accounts.json"
UNREADABLE = "accounts-unreadable.json"
FORMAT = 1
ID_DIGITS = 12
LONGEST_NAME = 80
LONGEST_ADDRESS = 300

PARTICLE_URL = "https://api.particle.io"
"""Base of the Particle cloud's interface (device-protocol.md 10.2)."""
LOCAL_PORT = 8080
"""Where a local cloud answers requests (device-protocol.md 10.3)."""

_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")


@unique
class CloudServer(Enum):
    """Whose interface a server speaks."""

    PARTICLE = "particle"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Profile:
    """A server a person may have an account on. Nothing in it is secret.

    Attributes:
        id: Stable name, made of kind and address: another address is another profile, so no token ever goes there.
        name: What the person calls it.
        base_url: Where its interface is, for example `http://192.168.1.10:8080`; without a slash at the end.
        kind: Whose interface it speaks.
    """

    id: str
    name: str
    base_url: str
    kind: CloudServer

    @property
    def host(self) -> str:
        """Name or address of the server, as it is shown."""
        return urlsplit(self.base_url).hostname or self.base_url

    @property
    def encrypted(self) -> bool:
        """Whether it is asked over https."""
        return self.base_url.startswith("https:")


PARTICLE = Profile("particle", "Particle", PARTICLE_URL, CloudServer.PARTICLE)
"""The profile that is always there."""


def profile(address: str, *, name: str = "", kind: CloudServer = CloudServer.LOCAL) -> Profile:
    """Return the profile for an address that a person typed.

    Args:
        address: With or without `http://` and port; without both it is that of a local cloud (port 8080).
        name: What the person calls it; "" for its host.
        kind: Whose interface it speaks.

    Raises:
        CloudAddressBad: It is no address.
        CloudNotEncrypted: It is outside of the own network and not encrypted. A host *name* is looked at again before
            each request, when its address is known.
    """
    base_url = _normal(address, kind)
    if base_url == PARTICLE_URL:
        return replace(PARTICLE, name=_named(name) or PARTICLE.name)
    made = Profile(_id(kind, base_url), "", base_url, kind)
    return replace(made, name=_named(name) or made.host)


def profile_of(cloud: Cloud) -> Profile | None:
    """Return the profile that a local cloud boards were switched to offers itself as; None where that is not possible.

    A local cloud's interface is at port 8080 of the server (device-protocol.md 10.3).
    """
    host = f"[{cloud.host}]" if ":" in cloud.host else cloud.host
    try:
        return profile(f"http://{host}:{LOCAL_PORT}", name=cloud.name)
    except (CloudAddressBad, CloudNotEncrypted):
        return None


def is_private(address: str) -> bool:
    """Whether an IP address belongs to this computer or to its own network."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in _PRIVATE if network.version == found.version)


def is_address(host: str) -> bool:
    """Whether this is an IP address, not a name."""
    try:
        ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return True


def _normal(address: str, kind: CloudServer) -> str:
    typed = address.strip()
    shown = typed[:LONGEST_NAME] or "…"
    scheme, separator, rest = typed.partition("://")
    if not separator:
        scheme, rest = ("http" if kind is CloudServer.LOCAL else "https"), typed
    try:
        parts = urlsplit(f"{scheme.lower()}://{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise CloudAddressBad(address=shown) from None
    bad = (
        len(typed) > LONGEST_ADDRESS
        or parts.scheme not in ("http", "https")
        or "@" in parts.netloc  # neither user nor password belong there, and they would be shown
        or parts.query
        or parts.fragment
        or parts.path.strip("/")
        or port == 0
        or not (is_address(host) or _HOST.fullmatch(host))
    )
    if bad:
        raise CloudAddressBad(address="…" if "@" in typed else shown)
    if parts.scheme == "http" and is_address(host) and not is_private(host):
        raise CloudNotEncrypted(host=host)
    if port is None and not separator and kind is CloudServer.LOCAL:
        port = LOCAL_PORT
    if port == {"http": 80, "https": 443}[parts.scheme]:
        port = None
    host = f"[{host}]" if ":" in host else host.rstrip(".")
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def _named(name: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in name).split())[:LONGEST_NAME]


def _id(kind: CloudServer, base_url: str) -> str:
    return hashlib.sha256(f"{kind.value} {base_url}".encode()).hexdigest()[:ID_DIGITS]


class ProfileBook:
    """The profiles of a person, in one file. Every method may be called from any thread.

    All raise `NoRoom`, `DiskFailed`, `FolderRefused` or `FolderGone` when the operating system refuses.
    """

    def __init__(self, root: Path, *, clouds: Iterable[Cloud] = (), actions: FileActions | None = None) -> None:
        """Open the book; nothing is touched yet.

        Args:
            root: Its folder (`paths.accounts_folder`); made when something is written.
            clouds: The local clouds boards were switched to (a `CloudBook` will do): they offer themselves.
            actions: What changes the disk.
        """
        self.root = root
        self._clouds = clouds
        self._actions = actions or FileActions()
        self._turn = threading.Lock()

    def profiles(self) -> tuple[Profile, ...]:
        """Return the Particle cloud, then those the person added, then those that offer themselves."""
        with self._turn, file_faults(self.root):
            return self._all(self._read()[0])

    def active(self) -> Profile:
        """Return the active one; the Particle cloud if the one chosen is not there any more."""
        with self._turn, file_faults(self.root):
            own, chosen = self._read()
            return next((each for each in self._all(own) if each.id == chosen), PARTICLE)

    def add(self, added: Profile) -> Profile:
        """Keep a profile, or what a known one is called now; the Particle cloud is always there. Returns it."""
        if added.id != PARTICLE.id:
            with self._turn, file_faults(self.root):
                own, chosen = self._read()
                self._write((*(each for each in own if each.id != added.id), added), chosen)
        return added

    def choose(self, profile_id: str) -> Profile:
        """Make a profile the active one and return it.

        Raises:
            CloudUnknown: It is not there (any more).
        """
        with self._turn, file_faults(self.root):
            own, _ = self._read()
            found = next((each for each in self._all(own) if each.id == profile_id), None)
            if found is None:
                raise CloudUnknown(profile_id)
            # One that offered itself is kept from now on: it shall not vanish under a signed-in person.
            keep = found.id != PARTICLE.id and found not in own
            self._write((*own, found) if keep else own, found.id)
            return found

    def forget(self, profile_id: str) -> None:
        """Forget a profile; the Particle cloud stays, and becomes active if this one was."""
        with self._turn, file_faults(self.root):
            own, chosen = self._read()
            left = tuple(each for each in own if each.id != profile_id)
            if len(left) < len(own) or chosen == profile_id:
                self._write(left, PARTICLE.id if chosen == profile_id else chosen)

    # --- inside ---

    @property
    def _file(self) -> Path:
        return self.root / FILE

    def _all(self, own: tuple[Profile, ...]) -> tuple[Profile, ...]:
        found = {each.id: each for each in (PARTICLE, *own)}
        for cloud in self._clouds:
            offered = profile_of(cloud)
            if offered is not None:
                found.setdefault(offered.id, offered)
        return tuple(found.values())

    def _read(self) -> tuple[tuple[Profile, ...], str]:
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return (), PARTICLE.id
        found = _parse(content)
        if found is None:
            log.warning("%s cannot be understood", FILE)
            return (), PARTICLE.id
        return found

    def _write(self, own: Iterable[Profile], chosen: str) -> None:
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self._actions.make_folder(self.root)
        if self._file.is_file() and _parse(self._file.read_bytes()) is None:
            # Somebody may still want to look into it.
            self._actions.replace(self._file, self.root / UNREADABLE)
        put(self._actions, self._file, _format(own, chosen))
        self._actions.flush_folder(self.root)


def _format(own: Iterable[Profile], chosen: str) -> bytes:
    rows = [{"name": each.name, "address": each.base_url, "kind": each.kind.value} for each in own]
    return json.dumps({"format": FORMAT, "active": chosen, "profiles": rows}, indent=1, ensure_ascii=True).encode()


def _parse(content: bytes) -> tuple[tuple[Profile, ...], str] | None:
    """Return profiles and the active one's id; None if the file is none of ours. A row that is wrong is passed over."""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT or not isinstance(whole.get("profiles"), list):
        return None
    found: dict[str, Profile] = {}
    for row in whole["profiles"]:
        made = _row(row)
        if made is None or made.id == PARTICLE.id:
            log.warning("a row of %s was passed over", FILE)
        else:
            found.setdefault(made.id, made)
    chosen = whole.get("active")
    return tuple(found.values()), chosen if isinstance(chosen, str) else PARTICLE.id


def _row(row: object) -> Profile | None:
    if not isinstance(row, dict):
        return None
    name, address, kind = (row.get(each) for each in ("name", "address", "kind"))
    if not (isinstance(name, str) and isinstance(address, str) and "://" in address):
        return None
    try:
        return profile(address, name=name, kind=CloudServer(kind))
    except (ValueError, CloudAddressBad, CloudNotEncrypted):
        return None
