"""Which of the keys in the key safe were ever written to a board.

A key is put into the safe before it is written, so a run that ends in between leaves one that the board never had and
no cloud knows. The journals of the runs that did write tell the others.
"""

from __future__ import annotations

from app.keys.backup import Backup, Origin
from app.work.flashing import board_name
from app.work.job import Job


def never_on_board(job: Job, backup: Backup) -> bool:
    """Whether a key was made for the board and, as far as is known here, never written to it.

    Args:
        job: The run on that board.
        backup: The key in the safe.
    """
    return backup.origin is Origin.MADE and backup.reference not in _named_by_writers(job)


def _named_by_writers(job: Job) -> frozenset[str]:
    """Return the backups that are named by runs which wrote something to this board."""
    rescues = [rescue for rescue in job.undo.rescues(board_name(job)) if rescue.written]
    words = [word for rescue in rescues for word in (*map(str, rescue.answers.values()), *rescue.reached)]
    # An answer is the name alone, or comes behind what kind of name it is: `backup:`, or the name of a point.
    return frozenset(name for word in words for name in (word, word.rpartition(":")[2], word.rpartition(" ")[2]))
