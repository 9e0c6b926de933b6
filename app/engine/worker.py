"""The one thread that touches a given board while its job runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.engine.runner import run_recipe
from app.recipes.base import Recipe
from app.work.job import Job


class Worker:
    """Runs one recipe on one board. A daemon, so that it never keeps the program alive, and joined all the same."""

    def __init__(
        self, recipe: Recipe, job: Job, ended: Callable[[Worker], None], first: Callable[[], None] | None = None
    ) -> None:
        """Take what is needed.

        Args:
            recipe: What to run.
            job: On what.
            ended: Called when the run is over, before the last of its news.
            first: Called in the thread before everything else; may wait until the board is free. None for nothing.
        """
        self._recipe = recipe
        self._job = job
        self._ended = ended
        self._first = first
        self._thread = threading.Thread(target=self._work, name=f"run-{job.run}", daemon=True)

    @property
    def run(self) -> int:
        """Number of its run."""
        return self._job.run

    @property
    def port_path(self) -> str:
        """The port of its board."""
        return self._job.port_path

    @property
    def alive(self) -> bool:
        """Whether its thread has not ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the job to stop; it may finish its step first."""
        self._job.stop()

    def join(self, seconds: float) -> bool:
        """Wait for the thread's end; return whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        if self._first is not None:
            self._first()
        run_recipe(self._recipe, self._job, before_last=lambda: self._ended(self))
