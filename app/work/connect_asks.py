"""The questions of "why won't it connect?": what a person may be asked, when it makes sense, and what may be answered.

Each is about a step of the user's support page. What the program can measure itself is never asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.text import Text, text
from app.work.connect_case import OTHER, Case, Stage, network_keys
from app.work.connect_rules import CLOUD, ENTRY, GETS_IN, IDLE, NETWORK, WAYS
from app.work.preflight import State


@dataclass(frozen=True, slots=True)
class Option:
    """One answer; `weight` is how often people may be expected to give it, compared with the others."""

    key: str
    words: Text | str
    weight: float = 1.0
    body: Text | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. To say that one does not know is always possible beside its options.

    Attributes:
        key: Stable name.
        title: The question.
        body: How to find out.
        options: What may be answered.
        when: Whether it makes sense, and is not measured already.
        source: Step of the support page.
    """

    key: str
    title: Text
    body: Text
    options: Callable[[Case], tuple[Option, ...]]
    when: Callable[[Case], bool]
    source: str


DONT_KNOW = text("Connect", "I don't know")
UNKNOWN_WEIGHT = 1.0
_MOST_NETWORKS = 12
"""More rows than that nobody reads; whoever does not find the network says so."""

_YES, _NO = text("Connect", "Yes"), text("Connect", "No")
_NOT_LISTED = text("Connect", "It is not in this list")
_PERHAPS_HIDDEN = text("Connect", "It may be out of range here, or hide its name.")
_JOINED = text("Connect", "This computer is in it.")
_HEARD = text("Connect", "Heard here with {rssi} dBm.")
_SEEN = text("Connect", "Heard here.")


def _fixed(*options: Option) -> Callable[[Case], tuple[Option, ...]]:
    return lambda _case: options


def _networks(case: Case) -> tuple[Option, ...]:
    """The networks heard, the one this computer is in first."""
    joined = case.measured.joined
    rows = list(network_keys(case.measured.heard).items())[:_MOST_NETWORKS]
    rows.sort(key=lambda row: row[1].ssid != joined)
    options = []
    for key, each in rows:
        here = each.ssid == joined
        body = _JOINED if here else _HEARD.with_values(rssi=each.rssi) if each.rssi else _SEEN
        options.append(Option(key, key, 4.0 if here else 1.0, each.note or body))
    return (*options, Option(OTHER, _NOT_LISTED, 1.0, _PERHAPS_HIDDEN))


def _routers(case: Case) -> tuple[Option, ...]:
    only_n = Option("only-n", text("Connect", "It takes 802.11n devices only (no b and g)"))
    listed = Option("listed", text("Connect", "It lets only listed devices in (access control, MAC filter)"))
    none = Option("neither", text("Connect", "None of them; nothing special is set"), 3.0)
    return (*((only_n,) if case.core else ()), listed, *_unheard(case), none)


def _unheard(case: Case) -> tuple[Option, ...]:
    """What a scan would have told of the network, if it had been heard, and chosen."""
    to_be_chosen = bool(case.measured.heard) and not any(key == "network" for key, _ in case.told)
    if case.network is not None or to_be_chosen or not case.at(Stage.JOINING):
        return ()
    above = text("Connect", "Its Wi-Fi is on a channel above 11, or on 5 GHz only")
    five = text("Connect", "Its Wi-Fi is on 5 GHz only")
    company = text("Connect", "It asks for a user name beside the password (company, school)")
    return Option("channel", above if case.core else five, 0.5), Option("company", company, 0.5)


def _basics(case: Case) -> tuple[Option, ...]:
    antenna = Option("antenna", text("Connect", "It has a tiny round socket (u.FL), with no antenna firmly on it"))
    power = Option("power", text("Connect", "Shields, relays or a hub without a power supply share its power"))
    neither = Option("neither", text("Connect", "Neither; it is alone on a port of the computer"), 3.0)
    return (*((antenna,) if case.core else ()), power, neither)


def _there(case: Case) -> tuple[Option, ...]:
    """What may stand between a board and its cloud, without what this computer has shown to be well."""

    def well(key: str) -> bool:
        return case.same is True and case.check(key) is State.OK

    offline = Option("no-internet", text("Connect", "Nobody gets to the internet there"))
    portal = Option("portal", text("Connect", "It shows a page to sign in at or to agree to something"))
    firewall = Option("firewall", text("Connect", "It has a firewall, access control or a child lock"), 1.5)
    plain = Option("plain", text("Connect", "None; it is a plain home network that works"), 4.0)
    shown = [*((offline,) if not well("internet") else ()), *((portal,) if not well("portal") else ())]
    return (*shown, firewall, plain)


ASKS: tuple[Ask, ...] = (
    Ask(
        "credentials",
        text("Connect", "Does the board know the network's name and password?"),
        text(
            "Connect", "A name may differ in one capital letter or space; a password that was not shown may be wrong."
        ),
        _fixed(
            Option("sure", text("Connect", "Yes, they were typed with care and looked at"), 3.0),
            Option("unsure", text("Connect", "They were typed, but I am not sure"), 2.0),
            Option("changed", text("Connect", "They have changed at the router since")),
            Option("never", text("Connect", "No, it was never told this network")),
        ),
        lambda case: case.at(*ENTRY),
        "step 0",
    ),
    Ask(
        "network",
        text("Connect", "Which network should the board join?"),
        text(
            "Connect", "These are the networks this computer hears. The board is beside it, so it should hear them too."
        ),
        _networks,
        lambda case: case.at(*ENTRY) and bool(case.measured.heard),
        "step 0",
    ),
    Ask(
        "basics",
        text("Connect", "Is one of these so?"),
        text("Connect", "Wi-Fi needs an antenna, and 300 mA in bursts."),
        _basics,
        lambda case: case.at(Stage.JOINING),
        "step 0",
    ),
    Ask(
        "router",
        text("Connect", "Is one of these set at the router?"),
        text("Connect", "It stands in the router's Wi-Fi settings."),
        _routers,
        lambda case: case.at(*GETS_IN),
        "step 4",
    ),
    Ask(
        "addresses",
        text("Connect", "Does the router give out addresses by itself (DHCP)?"),
        text("Connect", "If other devices join by name and password alone, it does. Some have an end of their list."),
        _fixed(
            Option("on", text("Connect", "Yes, other devices join without trouble"), 3.0),
            Option("off", text("Connect", "No, devices have fixed addresses there")),
            Option("full", text("Connect", "Yes, but it may have given out all it has")),
        ),
        lambda case: case.at(Stage.ADDRESS),
        "step 4",
    ),
    Ask(
        "elsewhere",
        text("Connect", "Does the board get online in another network?"),
        text("Connect", "The hotspot of a phone is a quick try, on 2.4 GHz and with WPA2."),
        _fixed(
            Option("yes", text("Connect", "Yes, in another network it works"), 1.0),
            Option("no", text("Connect", "No, in no network"), 1.0),
            Option("untried", text("Connect", "I have not tried"), 5.0),
        ),
        lambda case: case.at(*NETWORK, *WAYS),
        "step 2",
    ),
    Ask(
        "cleared",
        text("Connect", "Was the board unplugged once, and made to forget its networks?"),
        text("Connect", "So often that is all it needs."),
        _fixed(Option("yes", _YES, 1.0), Option("no", _NO, 2.0)),
        lambda case: case.at(*NETWORK),
        "step 3",
    ),
    Ask(
        "program",
        text("Connect", "Does the board's own program decide when to connect?"),
        text("Connect", "A program in semi-automatic or manual mode does. Tinker, and most programs, do not."),
        _fixed(Option("yes", _YES, 1.0), Option("no", _NO, 2.0)),
        lambda case: case.at(*IDLE),
        "step 3",
    ),
    Ask(
        "same",
        text("Connect", "Is this computer in the same network as the board?"),
        text("Connect", "Then what works from here tells what the board can reach. A cable to the same router counts."),
        _fixed(Option("yes", _YES, 3.0), Option("no", _NO, 1.0)),
        lambda case: case.at(*CLOUD) and case.same is None and case.tried,
        "step 2",
    ),
    Ask(
        "there",
        text("Connect", "Which of these is true of the board's network?"),
        text("Connect", "A phone in that network, with its mobile data off, shows the first two."),
        _there,
        # What works from here may tell it, so whether that counts for the board is settled first.
        lambda case: case.at(*CLOUD) and not case.gets_out and (case.same is not None or not case.tried),
        "steps 2 and 4, known issues",
    ),
    Ask(
        "cloud",
        text("Connect", "Which cloud should the board connect to?"),
        text("Connect", "If you never set up a server of your own, it is Particle's."),
        _fixed(
            Option("particle", text("Connect", "Particle's"), 4.0),
            Option("own", text("Connect", "A server of my own"), 1.0),
        ),
        lambda case: case.at(*CLOUD, Stage.HANDSHAKE) and case.measured.keys is None,
        "step 4",
    ),
    Ask(
        "others",
        text("Connect", "Do other boards reach the cloud from this network?"),
        text("Connect", "For example another Core or Photon that breathes cyan here."),
        _fixed(
            Option("yes", _YES, 1.0),
            Option("no", text("Connect", "No, or there is no other")),
        ),
        lambda case: case.at(Stage.CALLING) and case.core and not case.ported,
        "deep update",
    ),
    Ask(
        "how-often",
        text("Connect", "How often does the red flash come?"),
        text("Connect", "Watch it for a minute."),
        _fixed(
            Option("always", text("Connect", "After every stretch of fast cyan"), 2.0),
            Option("sometimes", text("Connect", "Only now and then, between cyan"), 1.0),
        ),
        lambda case: case.at(Stage.RED) and case.measured.keys is None,
        "step 4",
    ),
)
"""In the order of the support page; of questions that would tell equally much the earlier one is asked."""
