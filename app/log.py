"""The log file and the support report: environment first, secrets never."""

from __future__ import annotations

import logging
import logging.handlers
import os
import platform
import re
import sys
import threading
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

from app import paths

LOG_BYTES = 512 * 1024
LOG_FILES = 3
LOG_NAME = "rekindle.log"
REDACTED = "[redacted]"
SHORTEST_SECRET = 4
"""A shorter secret is not looked for: redacting every "1" makes a log useless and gives the secret away."""

# Whatever looks like key material: PEM, long runs of hex digits (a SHA-256 has 64), of base64, of escaped bytes, of
# numbers.
_KEY_MATERIAL = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|[0-9A-Fa-f]{65,}"
    r"|[A-Za-z0-9+/=]{120,}"
    r"|(?:\\x[0-9a-f]{2}[ -\[\]-~]{0,3}(?=\\x)){15,}\\x[0-9a-f]{2}"
    r"|(?:\b\d{1,3}, ?){15,}\d{1,3}\b",
    re.DOTALL,
)
_PACKAGES = (
    "PySide6-Essentials",
    "pyusb",
    "pyserial",
    "libusb-package",
    "cryptography",
    "platformdirs",
    "httpx",
    "keyring",
)

log = logging.getLogger(__name__)
_secrets: set[str] = set()
_secrets_lock = threading.Lock()


def keep_secret(secret: str) -> None:
    """Never let this text (a passphrase, a password) appear in the log or the report."""
    if len(secret) >= SHORTEST_SECRET:
        with _secrets_lock:
            _secrets.add(secret)


def redact(line: str) -> str:
    """Return the text without known secrets and without anything that looks like key material."""
    return _KEY_MATERIAL.sub(REDACTED, _without_known_secrets(line))


def _without_known_secrets(words: str) -> str:
    with _secrets_lock:
        secrets = sorted(_secrets, key=len, reverse=True)
    for secret in secrets:
        words = words.replace(secret, REDACTED)
    return words


class RedactingFormatter(logging.Formatter):
    """Formats a record, its traceback included, and takes secrets out of the whole."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text without secrets."""
        return redact(super().format(record))


def version() -> str:
    """Return the program's version."""
    import importlib.metadata  # it brings a parser of e-mail along, which a start should not wait for

    try:
        return importlib.metadata.version("rekindle")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def environment() -> tuple[str, ...]:
    """Say what the program runs on: itself, Python, operating system, libraries."""
    import importlib.metadata

    lines = [
        f"rekindle {version()}",
        f"Python {platform.python_version()} ({sys.executable})",
        f"{platform.platform()} {platform.machine()}",
        f"frozen: {'yes' if getattr(sys, 'frozen', False) else 'no'}",
    ]
    for package in _PACKAGES:
        try:
            lines.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            lines.append(f"{package}: not found")
    return tuple(lines)


def set_up(folder: Path | None = None) -> Path | None:
    """Begin to write the log file; the program goes on without one where that is not possible.

    Args:
        folder: Where; None for the person's log folder.

    Returns:
        The file, or None.
    """
    where = folder or paths.log_folder()
    file = where / LOG_NAME
    try:
        where.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            file, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8", errors="backslashreplace"
        )
    except OSError:
        log.warning("no log file at %s", file)
        return None
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root = logging.getLogger()
    handler.setLevel(logging.INFO)  # what libraries say below that may hold every byte of a transfer
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    return file


def note_environment() -> None:
    """Write what the program runs on into the log; slow enough to be done beside the window's start, not before it."""
    for line in environment():
        log.info("%s", line)


def recent(lines: int) -> tuple[str, ...]:
    """Return the last lines of the log file, redacted; none where no log is written."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler) and isinstance(handler.formatter, RedactingFormatter):
            handler.flush()
            try:
                told = Path(handler.baseFilename).read_text(encoding="utf-8", errors="replace")
            except OSError:
                return ()
            return tuple(redact(told).splitlines()[-lines:])
    return ()


def tear_down() -> None:
    """Close the log file; for tests and for the end of the program."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each.formatter, RedactingFormatter)]:
        root.removeHandler(handler)
        handler.close()


def catch_everything() -> None:
    """Log what nobody caught, in the main thread and in all others, instead of losing it."""

    def caught(
        kind: type[BaseException], error: BaseException | None, trace: types.TracebackType | None, place: str
    ) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            log.critical("uncaught in %s", place, exc_info=(kind, error or kind(), trace))

    before: Callable[[type[BaseException], BaseException, types.TracebackType | None], object] = sys.excepthook

    def main_hook(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
        caught(kind, error, trace, "main thread")
        before(kind, error, trace)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        caught(args.exc_type, args.exc_value, args.exc_traceback, args.thread.name if args.thread else "a thread")

    sys.excepthook = main_hook
    threading.excepthook = thread_hook


def save_report(target: Path, trace: Path | None = None, folder: Path | None = None) -> Path:
    """Write a zip of environment, log files and trace, all redacted, for whoever helps.

    Args:
        target: The zip file; it is replaced only once the new one is complete.
        trace: A trace written by the tracing bus, or None.
        folder: Where the log files are; None for the person's log folder.

    Returns:
        `target`.

    Raises:
        OSError: It could not be written.
    """
    partly = target.with_name(target.name + ".part")
    with zipfile.ZipFile(partly, "w", zipfile.ZIP_DEFLATED) as report:
        report.writestr("environment.txt", redact("\n".join(environment()) + "\n"))
        for file in sorted((folder or paths.log_folder()).glob(LOG_NAME + "*")):
            report.writestr(file.name, redact(file.read_text(encoding="utf-8", errors="replace")))
        if trace is not None and trace.is_file():
            # Secret bytes never got into it; what merely looks like key material is what makes it playable.
            told = _without_known_secrets(trace.read_text(encoding="utf-8", errors="replace"))
            report.writestr("trace" + trace.suffix, told)
    os.replace(partly, target)
    return target
