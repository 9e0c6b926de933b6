"""One sentence for a person, marked for translation where it stands and translated where it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence in English with named places for values.

    Only `app.ui.say` (and the console, which speaks English) turns it into a `str`; everything below passes it on.

    Attributes:
        context: The translation context, a literal.
        source: The English sentence; `{name}` stands for a value.
        values: What the places stand for, as name and value pairs. A value may be a `Text` again.
    """

    context: str
    source: str
    values: tuple[tuple[str, object], ...] = ()

    def with_values(self, **values: object) -> Text:
        """Return the same sentence with these values filled in."""
        return replace(self, values=tuple(sorted({**dict(self.values), **values}.items())))

    def english(self) -> str:
        """Return the English sentence with its values; for logs, the console and tests."""
        return fill(self.source, self.values)


def fill(sentence: str, values: tuple[tuple[str, object], ...]) -> str:
    """Put values into a sentence (translated or not); a `Text` among them is put in in English."""
    spoken = {name: value.english() if isinstance(value, Text) else value for name, value in values}
    return sentence.format(**spoken) if spoken else sentence


def text(context: str, source: str) -> Text:
    """Mark a sentence for translation: both arguments must be literals, or the collector cannot find them."""
    return Text(context, source)


LISTED = text("Text", "{before}; {after}")


def joined(texts: Iterable[Text], glue: Text = LISTED) -> Text:
    """Return several sentences or names as one; `glue` says what stands between `{before}` and `{after}`.

    Raises:
        TypeError: There are none.
    """
    return reduce(lambda before, after: glue.with_values(before=before, after=after), texts)
