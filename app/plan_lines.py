"""An X-ray, the plan of a rescue and things to choose from as lines of text, for the command line."""

from __future__ import annotations

from collections.abc import Sequence

from app.platforms.lights import pattern
from app.protocols.wifi import SECURITY_NAMES
from app.text import Text, text
from app.work.plan import HEALTH_WORDS, STATE_WORDS, PlannedWrite, RescuePlan, SlotView, Verdict, XRay
from app.work.questions import ChooseCard, WatchLight, WifiForm

_JOINED = text("PlanLines", "this computer is in it")


def xray_lines(xray: XRay) -> list[str]:
    """Return the X-ray as a table: name, alternate setting and address, size, state, content; then the verdict."""
    rows = [_row(slot) for slot in xray.slots]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    lines = ["On the board:"]
    for slot, row in zip(xray.slots, rows, strict=True):
        name, where, size, state, what = row
        lines.append(
            f"  {name:<{widths[0]}}  {where:<{widths[1]}}  {size:>{widths[2]}}  {state:<{widths[3]}}  {what}".rstrip()
        )
        if slot.detail is not None:
            lines.append(f"    {slot.detail.english()}")
    return lines + verdict_lines(xray.verdict)


def verdict_lines(verdict: Verdict) -> list[str]:
    """Return what an X-ray means, why, and what to run."""
    return [
        f"Verdict: {HEALTH_WORDS[verdict.health].english()}",
        *(f"  {reason.english()}" for reason in verdict.reasons),
        *(f"  Helps: rekindle run {key}" for key in verdict.recipes),
    ]


def plan_lines(plan: RescuePlan) -> list[str]:
    """Return the X-ray and then the plan: a numbered list of what is written, and everything beside it."""
    lines = xray_lines(plan.xray)
    lines.append("Will be written, in this order:" if plan.writes else "Nothing has to be written.")
    for number, write in enumerate(plan.writes, start=1):
        lines += _write_lines(number, write)
    lines += [f"  Stays: {words.english()}" for words in plan.stays]
    lines += [f"  Needed: {words.english()}" for words in plan.needs]
    lines += [f"  Warning: {words.english()}" for words in plan.warnings]
    return [*lines, f"  Takes: {duration(plan.seconds)}"]


def light_lines(question: WatchLight) -> list[str]:
    """Return what the light will show, stage by stage."""
    lines = []
    for number, stage in enumerate(question.stages, start=1):
        lasting = f", {duration(stage.seconds)}" if stage.seconds is not None else ""
        lines.append(f"  {number}. {pattern(stage.light).name.english()}{lasting}: {stage.words.english()}")
    return lines


def card_lines(question: ChooseCard) -> list[str]:
    """Return the cards: the key to answer with, title and mark, what it is; one that does not fit is in brackets."""
    lines = []
    for card in question.cards:
        key = f"{card.key}:" if card.fits else f"({card.key})"
        mark = f" [{card.mark.english()}]" if card.mark is not None else ""
        lines += [f"  {key} {plain_words(card.title)}{mark}", f"      {card.body.english()}"]
    return lines


def network_lines(question: WifiForm) -> list[str]:
    """Return the networks seen, numbered: name, strength, channel, kind of security, and what speaks against it."""
    lines = []
    for number, row in enumerate(question.seen, start=1):
        parts = [f"  {number}. {row.name}" if row.fits else f"  ({number}.) {row.name}"]
        if row.percent is not None:
            parts.append(f"{row.percent} %")
        if row.channel:
            parts.append(f"channel {row.channel}")
        if row.security is not None:
            parts.append(SECURITY_NAMES[row.security].english())
        if row.ssid == question.joined:
            parts.append(_JOINED.english())
        lines.append(", ".join(parts))
        if row.note is not None:
            lines.append(f"     {row.note.english()}")
    return [*lines, question.trouble.english()] if question.trouble is not None else lines


def answer_lines(name: str, options: Sequence[tuple[str, Text | str]]) -> list[str]:
    """Return how each option is given beforehand."""
    return [f"  --answer {name}={key}: {plain_words(words)}" for key, words in options]


def plain_words(words: Text | str) -> str:
    """Return a sentence in English, or a name as it is."""
    return words.english() if isinstance(words, Text) else words


def duration(seconds: float) -> str:
    """Return a time in words, never more exact than it is known."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} minutes"


def _row(slot: SlotView) -> tuple[str, str, str, str, str]:
    used = f"{slot.used} of " if slot.used else ""
    return (
        slot.name.english(),
        f"alt {slot.alt} 0x{slot.start:08X}",
        f"{used}{slot.size} bytes",
        STATE_WORDS[slot.state].english(),
        slot.what.english(),
    )


def _write_lines(number: int, write: PlannedWrite) -> list[str]:
    if write.changed is None:
        changed = ""
    elif write.changed:
        changed = f", {write.changed} of them change"
    else:
        changed = ", all of them there already"
    return [
        f"  {number}. {write.title.english()}",
        f"     into {write.where.english()}, alt {write.alt} 0x{write.address:08X}: {write.size} bytes{changed}, "
        f"{duration(write.seconds)}",
        *([f"     from {write.source}"] if write.source else []),
        f"     {write.why.english()}",
    ]
