"""The program's icon in every form systems ask for, drawn by Qt from `resources/icons/rekindle.svg`.

Needs PySide6 (it is in `.venv`); the containers `.ico` and `.icns` are written here, both with PNG pictures inside.
"""

from __future__ import annotations

import os
import struct
from functools import cache
from pathlib import Path

from parts import ROOT

SOURCE = ROOT / "resources" / "icons" / "rekindle.svg"
LINUX_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
"""Sides in px; of the folders `hicolor/<side>x<side>/apps`."""
ICO_SIZES = (16, 20, 24, 32, 40, 48, 64, 256)
ICNS_KINDS = {
    "icp4": 16,
    "icp5": 32,
    "ic11": 32,
    "ic12": 64,
    "ic07": 128,
    "ic13": 256,
    "ic08": 256,
    "ic14": 512,
    "ic09": 512,
    "ic10": 1024,
}
"""Types of an .icns file that hold a PNG, and their sides in px."""


@cache
def png(side: int) -> bytes:
    """Draw the icon.

    Args:
        side: Width and height in px.

    Returns:
        A PNG file with transparency.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QBuffer, QIODevice, QRectF, Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    picture = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(str(SOURCE)).render(painter, QRectF(0, 0, side, side))
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload] # a QBuffer is a device; the stub knows names only
    return bytes(buffer.data().data())


def ico() -> bytes:
    """Return a Windows icon file with all sizes of `ICO_SIZES`."""
    pictures = [(side, png(side)) for side in ICO_SIZES]
    head = struct.pack("<HHH", 0, 1, len(pictures))
    offset = len(head) + 16 * len(pictures)
    entries = b""
    for side, content in pictures:
        entries += struct.pack("<BBBBHHII", side % 256, side % 256, 0, 0, 1, 32, len(content), offset)
        offset += len(content)
    return head + entries + b"".join(content for _, content in pictures)


def icns() -> bytes:
    """Return a macOS icon file with all kinds of `ICNS_KINDS`."""
    body = b"".join(
        kind.encode() + struct.pack(">I", len(png(side)) + 8) + png(side) for kind, side in ICNS_KINDS.items()
    )
    return b"icns" + struct.pack(">I", len(body) + 8) + body


def write(content: bytes, target: Path) -> Path:
    """Write a picture, making its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target
