"""Which of a board's keys is wrong: from what its slots hold and what its light did. Pure, and nothing in it is secret.

What stands in the board's memory goes before what a person saw, because it was read twice. The rules themselves are in
`key_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from string import Formatter

from app.keys.server_key import host_words, usual_server
from app.text import Text
from app.work.key_case import Case, KeysFound, LightSeen
from app.work.key_rules import LOOK_AGAIN, RULES, Culprit, Part, Repair, Rule, Sureness


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        code: Stable name of the rule.
        words: One sentence.
        culprit: What is at fault.
        sureness: How sure that is.
        repair: What would repair it.
        source: Sections of the specification.
    """

    code: str
    words: Text
    culprit: Culprit
    sureness: Sureness
    repair: Repair
    source: str

    @property
    def sure(self) -> bool:
        """Whether there is no doubt about it."""
        return self.sureness is Sureness.CERTAIN


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong, the most important first; there is always at least one finding, perhaps that all is well."""

    findings: tuple[Finding, ...]

    @property
    def main(self) -> Finding:
        """The finding that comes first."""
        return self.findings[0]

    @property
    def culprit(self) -> Culprit:
        """What is at fault."""
        return self.main.culprit

    @property
    def repair(self) -> Repair:
        """The one repair to begin with."""
        return self.main.repair

    @property
    def good(self) -> bool:
        """Whether nothing is at fault, as far as can be told."""
        return self.culprit is Culprit.NOTHING

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """Every repair the findings ask for, the one to begin with first, none twice; none where all is well."""
        if self.good:
            return ()
        return tuple(dict.fromkeys(each.repair for each in self.findings if each.repair is not Repair.NONE))


def diagnose(found: KeysFound, light: LightSeen | None = None) -> Diagnosis:
    """Say which key is wrong.

    Args:
        found: What the slots and the key safe tell.
        light: What the light did; None, or UNSEEN, when nobody saw it.

    Returns:
        The findings. What the slots show goes first: a fault of the device key before one of the server key, because
        no connection gets past it, unless the light was magenta or red, which speak of the server key (9.2).
    """
    case = Case(found, light or LightSeen.UNSEEN)
    holding = [rule for rule in RULES if rule.when(case)]
    order = (
        (Part.SLOTS_SERVER, Part.SLOTS_DEVICE)
        if case.saw(LightSeen.MAGENTA, LightSeen.RED)
        else (Part.SLOTS_DEVICE, Part.SLOTS_SERVER)
    )
    chosen = [next(rule for rule in holding if rule.part is part) for part in order if _any(holding, part)]
    if not chosen:
        chosen = [next(rule for rule in holding if rule.part is Part.LIGHT)]
    elif case.saw(LightSeen.CONNECTED):
        chosen.append(LOOK_AGAIN)
    chosen += [rule for rule in holding if rule.part is Part.ASIDE]
    # What is at fault, then that nothing is, and what only may be wrong besides.
    chosen.sort(
        key=lambda rule: (
            rule.culprit is Culprit.NOTHING or (rule.part is Part.ASIDE and rule.sureness is not Sureness.CERTAIN)
        )
    )
    return Diagnosis(tuple(_finding(rule, case) for rule in chosen))


def _any(rules: Iterable[Rule], part: Part) -> bool:
    return any(rule.part is part for rule in rules)


def _finding(rule: Rule, case: Case) -> Finding:
    """Fill in what was found."""
    found, server, block = case.found, case.server, case.block
    host, port = usual_server(block.algorithm)
    problems = found.device.problems if rule.part is Part.SLOTS_DEVICE else block.problems_beyond_blank
    values: dict[str, object] = {
        "problem": problems[0] if problems else "",
        "host": host_words(block.host),
        "port": block.port,
        "cloud": server.cloud,
        "address_cloud": server.address_cloud,
        "default_host": host_words(host),
        "default_port": port,
        "over": found.over,
    }
    places = {name for _, name, _, _ in Formatter().parse(rule.words.source) if name}
    words = rule.words.with_values(**{name: values[name] for name in places}) if places else rule.words
    repair = Repair.RESTORE_KEY if rule.from_safe and found.good_in_safe else rule.repair
    if repair is Repair.PROVE and found.platform.has_modem:  # which reaches no server on this computer
        repair = Repair.CONNECT if rule.culprit is Culprit.NETWORK else Repair.SWITCH_CLOUD
    return Finding(rule.code, words, rule.culprit, rule.sureness, repair, rule.source)
