"""A disk on which something happens instead of any chosen action: the program ends there, or the disk refuses."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from app.files import FileActions


class Killed(BaseException):
    """The program ended here."""


def kill() -> None:
    raise Killed


def kill_process() -> None:
    os.kill(os.getpid(), 9)


def no_room() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def never() -> None:
    raise AssertionError("not so many actions were expected")


class Refusing(FileActions):
    """Does so many actions, then something happens instead of the next; half of a write is done before it."""

    def __init__(self, actions: int, happen: Callable[[], None]) -> None:
        self.left = actions
        self._happen = happen

    def _step(self) -> None:
        if self.left == 0:
            self._happen()
        self.left -= 1

    def make_folder(self, folder: Path) -> None:
        self._step()
        super().make_folder(folder)

    def create(self, path: Path) -> int:
        self._step()
        return super().create(path)

    def extend(self, path: Path) -> int:
        self._step()
        return super().extend(path)

    def write(self, descriptor: int, content: bytes) -> None:
        self._step()
        super().write(descriptor, content[: len(content) // 2])
        self._step()
        super().write(descriptor, content[len(content) // 2 :])

    def flush(self, descriptor: int) -> None:
        self._step()
        super().flush(descriptor)

    def place(self, part: Path, final: Path) -> None:
        self._step()
        super().place(part, final)

    def replace(self, part: Path, final: Path) -> None:
        self._step()
        super().replace(part, final)

    def remove(self, path: Path) -> None:
        self._step()
        super().remove(path)

    def flush_folder(self, folder: Path) -> None:
        self._step()
        super().flush_folder(folder)


class RefusingOnce(Refusing):
    """Works again after that."""

    def _step(self) -> None:
        self.left -= 1
        if self.left == -1:
            self._happen()


class Recording(FileActions):
    """Writes down what is flushed and what gets its name, by the names."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self._open: dict[int, str] = {}

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self._open[descriptor] = path.name
        return descriptor

    def flush(self, descriptor: int) -> None:
        super().flush(descriptor)
        self.done.append(("flush", self._open[descriptor]))

    def place(self, part: Path, final: Path) -> None:
        super().place(part, final)
        self.done += [("named", part.name), ("named", final.name)]

    def flush_folder(self, folder: Path) -> None:
        super().flush_folder(folder)
        self.done.append(("flush", folder.name))


def count_actions(work: Callable[[FileActions], object]) -> int:
    """How many actions some work takes."""
    actions = Refusing(10_000, never)
    work(actions)
    return 10_000 - actions.left
