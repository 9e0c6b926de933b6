"""The only module that knows where resources, logs, settings and the key safe are."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

import platformdirs

APP = "rekindle"


@cache
def resources() -> Path:
    """Return the folder of pictures, rules and styles: frozen bundle, installed wheel, or checkout."""
    bundle = getattr(sys, "_MEIPASS", None)
    here = Path(__file__).resolve().parent
    candidates = [Path(bundle) / "resources"] if bundle else [here / "_resources", here.parent / "resources"]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(candidates[0])


def resource(name: str) -> Path:
    """Return the path of a file in `resources/`, for example `udev/70-rekindle.rules`.

    Raises:
        FileNotFoundError: There is no such file; a test asks for every name the program uses.
    """
    path = resources() / name
    if not path.is_file():
        raise FileNotFoundError(path)
    return path


def data_folder() -> Path:
    """Where everything that belongs to the person is kept; `REKINDLE_DATA` moves it (tests, portable use)."""
    chosen = os.environ.get("REKINDLE_DATA")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir(APP, appauthor=False))


def key_safe_folder(*, practice: bool) -> Path:
    """Where the key safe is. Practice keys are kept apart: they must never look like a real board's key."""
    return data_folder() / ("practice-keys" if practice else "keys")


def pack_folder() -> Path:
    """Where the person's copies of the rescue pack's files are."""
    return data_folder() / "pack"


def bundled_pack() -> Path | None:
    """The rescue pack that came with the program (an installer, or a prepared checkout); None when none came."""
    folder = resources() / "pack"
    return folder if folder.is_dir() else None


def driver_helper() -> Path | None:
    """The program that gives boards their driver on Windows; None where none was installed beside this one."""
    helper = Path(sys.executable).with_name("rekindle-driver.exe")
    return helper if sys.platform == "win32" and getattr(sys, "frozen", False) and helper.is_file() else None


def notices() -> Path | None:
    """What others made that is inside, with every licence in full, as installers bring it; None in a checkout."""
    for folder in (resources() / "licences", Path(sys.executable).with_name("licences")):
        if (folder / "NOTICES.txt").is_file():
            return folder / "NOTICES.txt"
    return None


def boards_folder(*, practice: bool) -> Path:
    """Where is kept what was on boards before it was changed. Practice boards have a folder of their own."""
    return data_folder() / ("practice-boards" if practice else "boards")


def clouds_folder(*, practice: bool) -> Path:
    """Where the clouds a person uses are remembered; those of practice boards apart."""
    return data_folder() / ("practice-clouds" if practice else "clouds")


def accounts_folder(*, practice: bool) -> Path:
    """Where the servers a person has accounts on are remembered; no token is ever in there."""
    return data_folder() / ("practice-accounts" if practice else "accounts")


def log_folder() -> Path:
    """Where log files and saved reports go."""
    return data_folder() / "logs"
