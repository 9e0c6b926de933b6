"""Which board joins which network: firmware x network x outcome, from real runs of `join-wifi` on virtual boards.

Run by hand: `python tests/bench/wifi_table.py`; it prints a table in Markdown. Each cell is one run from the running
board to its light a minute later. `asks, ` before an outcome: the program has said what speaks against it and was told
to go on. A fault is named by its code; nothing is stored then, which each run checks.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.desk import desk  # noqa: E402
from support.ears import Ears  # noqa: E402

from app.protocols.wifi import Cipher, Eap, Enterprise, Security, WifiLogin  # noqa: E402
from app.recipes.join_wifi import JoinWifi  # noqa: E402
from app.transports.wifi_scan import HeardNetwork, Protection, Scan  # noqa: E402
from app.virtual import air  # noqa: E402
from app.virtual.air import Network  # noqa: E402
from app.virtual.mishaps import Mishap  # noqa: E402
from app.work.events import Asked, Failed, Succeeded  # noqa: E402
from app.work.wifi_form import WifiAnswer  # noqa: E402

BOARDS: dict[str, tuple[tuple[str, str], ...]] = {
    "A": (("core", "spark_1"),),
    "B": (("core", "spark_3"), ("core", "spark_11"), ("core-0.5", "0.4.0"), ("photon-0.5", "0.4.0")),
    "C": (("core-0.5", "0.5"), ("photon-0.5", "0.5"), ("photon-0.6", "0.6")),
    "D": (("core-0.7", "0.7"), ("photon-0.7", "0.7")),
    "D by request": (("photon", "0.8"), ("photon", "1.2"), ("photon", "1.5")),
    "E": (("photon", "2.x"), ("p1", "2.x")),
}
PASSWORD = "pässwörd ž 123"
WAIT_S = 60


@dataclass(frozen=True)
class Case:
    """A network, what the person tells of it, and whether the board refuses to save it."""

    title: str
    network: Network
    login: WifiLogin
    refuses: bool = False


def pem(kind: str) -> str:
    return f"-----BEGIN {kind}-----\n{base64.b64encode(kind.encode() * 8).decode()}\n-----END {kind}-----\n"


def plain(
    title: str, security: Security, *, password: str = PASSWORD, refuses: bool = False, **more: int | bool
) -> Case:
    cipher = air.Cipher.TKIP if security is Security.WPA else None
    secret = b"" if security is Security.OPEN else PASSWORD.encode()
    network = Network("Café 家".encode(), air.Security(security), cipher, password=secret, **more)  # type: ignore[arg-type]
    told = "" if security is Security.OPEN else password
    wanted = Cipher.TKIP if security is Security.WPA else Cipher.UNKNOWN
    return Case(title, network, WifiLogin(network.ssid, security, told, wanted, hidden=network.hidden), refuses)


def company(title: str, sign_in: Enterprise) -> Case:
    eap = air.Eap.TLS if sign_in.eap is Eap.TLS else air.Eap.PEAP
    password = b"" if sign_in.eap is Eap.TLS else PASSWORD.encode()
    network = Network(b"Corp", air.Security.WPA2_ENTERPRISE, password=password, eap=eap, identity=b"ann")
    return Case(title, network, WifiLogin(b"Corp", Security.WPA2_ENTERPRISE, password.decode(), enterprise=sign_in))


CASES = (
    plain("open", Security.OPEN),
    plain("WEP", Security.WEP),
    plain("WPA (TKIP)", Security.WPA),
    plain("WPA2", Security.WPA2),
    plain("WPA2, hidden", Security.WPA2, hidden=True),
    company("WPA2 Enterprise, PEAP", Enterprise(Eap.PEAP, "ann")),
    company(
        "WPA2 Enterprise, TLS",
        Enterprise(Eap.TLS, "ann", certificate=pem("CERTIFICATE"), private_key=pem("PRIVATE KEY")),
    ),
    plain("WPA2, wrong password", Security.WPA2, password="not this one"),
    plain("WPA2 on channel 13", Security.WPA2, channel=13),
    plain("WPA2 on 5 GHz", Security.WPA2, channel=44),
    plain("WPA2, board cannot save", Security.WPA2, refuses=True),
)


def heard(network: Network) -> Scan:
    """What a computer beside the board hears of it."""
    if network.hidden:
        return Scan()
    protection = Protection(network.security.name.lower().replace("_", "-"))
    return Scan((HeardNetwork(network.ssid, network.channel, network.rssi, protection),))


def outcome(name: str, firmware: str, case: Case, folder: Path) -> str:
    """Return what becomes of one run, in a few words."""
    answers = {"network": WifiAnswer((case.login,)), "tell-anyway": True, "join-light": "unseen"}
    place = desk(
        name,
        folder,
        answers=answers,
        firmware=firmware,
        profiles=False,
        networks=(case.network,),
        scanner=Ears(heard(case.network)),
    )
    if case.refuses:
        place.board.mishap = Mishap(wifi_refuses=9)
    last = place.play(JoinWifi)
    asked = any(isinstance(each, Asked) and each.question.name == "tell-anyway" for each in place.person.events)
    before = "asks, " if asked else ""
    stored = place.board.profiles_stored
    if isinstance(last, Failed):
        assert last.code != "bug", last.detail
        assert stored == (), (name, firmware, case.title)
        return f"{before}`{last.code}`"
    assert isinstance(last, Succeeded), last
    told = [each.ssid for each in stored]
    assert told == [case.login.ssid] or (case.refuses and not told), (name, firmware, case.title)
    for _ in range(WAIT_S):
        place.clock.pause(1.0)
        place.board.tick()
    light = place.board.light_pattern
    return before + ("online" if light == "breathing cyan" else light)


def rows() -> Iterator[tuple[str, str, str, list[str]]]:
    """Run everything; one row for each board and firmware."""
    with tempfile.TemporaryDirectory() as folder:
        number = 0
        for generation, boards in BOARDS.items():
            for name, firmware in boards:
                cells = []
                for case in CASES:
                    number += 1
                    cells.append(outcome(name, firmware, case, Path(folder) / str(number)))
                yield generation, name.partition("-")[0], firmware, cells


def main() -> None:
    """Print the table."""
    print("| dialogue | board | firmware |", " | ".join(case.title for case in CASES), "|")
    print("|" + "---|" * (3 + len(CASES)))
    for generation, name, firmware, cells in rows():
        print(f"| {generation} | {name} | {firmware} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
