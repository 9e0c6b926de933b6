"""Linux: which program holds a device node open, as far as this user may see."""

from __future__ import annotations

import os
from pathlib import Path


def holder_of(node: str, processes: Path = Path("/proc")) -> str | None:
    """Name the first other program that has the node open, for example `screen (process 4711)`; None if none shows.

    Best effort: programs of other users do not show, and other systems have no such folder.
    """
    wanted = os.path.realpath(node)
    own = str(os.getpid())
    try:
        numbers = [name for name in os.listdir(processes) if name.isdigit() and name != own]
    except OSError:
        return None
    for number in numbers:
        descriptors = processes / number / "fd"
        try:
            holds = any(os.readlink(descriptors / name) == wanted for name in os.listdir(descriptors))
            if holds:
                name = (processes / number / "comm").read_text(encoding="utf-8", errors="replace").strip()
                return f"{name} (process {number})"
        except OSError:  # ended meanwhile, or not ours to see
            continue
    return None
