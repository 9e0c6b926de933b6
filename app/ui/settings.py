"""What the program remembers between two starts: looks, window size, last folder. Never a secret."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from app.ui.theme import Scheme

TEXT_SCALES = (1.0, 1.25, 1.5, 2.0)


class Settings:
    """A few typed values in an INI file."""

    def __init__(self, path: Path) -> None:
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def scheme(self) -> Scheme:
        """Light, dark, or as the system."""
        known = {scheme.value: scheme for scheme in Scheme}
        return known.get(str(self._store.value("look/scheme", "")), Scheme.SYSTEM)

    @scheme.setter
    def scheme(self, scheme: Scheme) -> None:
        self._store.setValue("look/scheme", scheme.value)

    @property
    def text_scale(self) -> float:
        """Size of words on top of the system's own, one of `TEXT_SCALES`."""
        stored = str(self._store.value("look/text-scale", ""))
        return next((scale for scale in TEXT_SCALES if str(scale) == stored), 1.0)

    @text_scale.setter
    def text_scale(self, scale: float) -> None:
        self._store.setValue("look/text-scale", str(scale))

    @property
    def reduced_motion(self) -> bool:
        """Whether nothing should move, whatever the system says."""
        return str(self._store.value("look/reduced-motion", "false")) == "true"

    @reduced_motion.setter
    def reduced_motion(self, reduced: bool) -> None:
        self._store.setValue("look/reduced-motion", "true" if reduced else "false")

    @property
    def geometry(self) -> QByteArray:
        """Size and place of the window; empty when never stored."""
        stored = self._store.value("window/geometry")
        return stored if isinstance(stored, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._store.setValue("window/geometry", geometry)

    @property
    def last_folder(self) -> Path:
        """Where something was copied to last; the home folder at first."""
        return Path(str(self._store.value("files/last-folder", "")) or Path.home())

    @last_folder.setter
    def last_folder(self, folder: Path) -> None:
        self._store.setValue("files/last-folder", str(folder))
