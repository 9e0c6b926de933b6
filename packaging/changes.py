"""What changed in a version, told to people: the files of `packaging/changelog/<version>`; see the README there."""

from __future__ import annotations

import textwrap

from parts import ROOT, say

FOLDER = ROOT / "packaging" / "changelog"
LONGEST = 400
"""Characters of a fragment."""


def changes(version: str) -> tuple[str, ...]:
    """Return a paragraph for each change, in one line each, by the names of the files.

    Raises:
        SystemExit: There is none for this version.
    """
    found = tuple(" ".join(path.read_text(encoding="utf-8").split()) for path in sorted(FOLDER.glob(f"{version}/*.md")))
    if not found:
        say(f"Nothing is told about version {version}: see packaging/changelog/README.md")
        raise SystemExit(1)
    return found


def debian(version: str) -> str:
    """Return the changes as the entries of a Debian changelog."""
    return "\n".join(
        textwrap.fill(change, 80, initial_indent="  * ", subsequent_indent="    ", break_on_hyphens=False)
        for change in changes(version)
    )
