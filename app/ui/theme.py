"""How everything looks: colours, sizes and the style sheet, following the system's light or dark.

Widgets that paint themselves ask `tokens()` inside `paintEvent`; they are painted again whenever the theme changes,
because Qt sends a palette change to every widget. Sizes in the tokens are already multiplied by the text scale.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
from enum import Enum, unique

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication

from app import paths

BODY = 13  # px; the type scale is 13, 15, 20, 28
SPACE = 8  # px; everything sits on this grid


@unique
class Scheme(Enum):
    """Which of the two looks the person wants."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The look in force. Colours are `#rrggbb`; sizes are device-independent pixels.

    Attributes:
        dark: Whether this is the dark look.
        high_contrast: Whether borders and colours are the strong ones.
        motion: Whether things may move; False when the person or the system asked for less motion.
        window: Behind the work.
        panel: Behind the board panel.
        card: Behind a card.
        card_hover: Behind a card under the pointer.
        border: Around cards; decoration only.
        control_border: Around things to click; at least 3:1 on window, panel and card.
        text: Words.
        muted: Words of less weight; still 4.5:1.
        disabled: Words of things that do not fit now; still 4.5:1, because they say why.
        accent: The one accent: primary button, progress, focus ring.
        accent_hover: The accent under the pointer.
        on_accent: Words on the accent.
        accent_soft: Behind the hero card and chips.
        good: Ticks.
        warning: Warnings.
        danger: Failures.
        scale: Text scale, 1.0 is 13-pixel body text.
        small, body, large, title: The type scale 13, 15, 20, 28, in scaled pixels.
        space: The grid, 8 px.
        radius: Corners of cards.
    """

    dark: bool
    high_contrast: bool
    motion: bool
    window: str
    panel: str
    card: str
    card_hover: str
    border: str
    control_border: str
    text: str
    muted: str
    disabled: str
    accent: str
    accent_hover: str
    on_accent: str
    accent_soft: str
    good: str
    warning: str
    danger: str
    scale: float = 1.0
    small: int = 13
    body: int = 15
    large: int = 20
    title: int = 28
    space: int = SPACE
    radius: int = 10

    def px(self, pixels: float) -> int:
        """Return a length that grows with the text, in whole pixels."""
        return round(pixels * self.scale)

    def colour(self, name: str) -> QColor:
        """Return one of the colours above as a `QColor`."""
        return QColor(getattr(self, name))


LIGHT = Tokens(
    dark=False,
    high_contrast=False,
    motion=True,
    window="#fbfcfe",
    panel="#f0f2f6",
    card="#ffffff",
    card_hover="#f4f8fe",
    border="#dde2ea",
    control_border="#828b9c",
    text="#1a1f2b",
    muted="#535d70",
    disabled="#616b7f",
    accent="#0b65cc",
    accent_hover="#0a58b3",
    on_accent="#ffffff",
    accent_soft="#e7f0fc",
    good="#1a7a36",
    warning="#8a5200",
    danger="#c02727",
)
DARK = Tokens(
    dark=True,
    high_contrast=False,
    motion=True,
    window="#171a21",
    panel="#1e222b",
    card="#222731",
    card_hover="#2a303c",
    border="#343b49",
    control_border="#7a8599",
    text="#eef1f6",
    muted="#a6b0c0",
    disabled="#939dae",
    accent="#57aaf5",
    accent_hover="#7cbdf8",
    on_accent="#0b1522",
    accent_soft="#1d3045",
    good="#4cc38a",
    warning="#e7b659",
    danger="#ff8f86",
)
STRONG_LIGHT = replace(
    LIGHT,
    high_contrast=True,
    window="#ffffff",
    panel="#ffffff",
    card_hover="#e6eeff",
    border="#000000",
    control_border="#000000",
    text="#000000",
    muted="#1f1f1f",
    disabled="#404040",
    accent="#003a9e",
    accent_hover="#002a75",
    accent_soft="#e6eeff",
    good="#005a1e",
    warning="#6a3d00",
    danger="#9c0000",
)
STRONG_DARK = replace(
    DARK,
    high_contrast=True,
    window="#000000",
    panel="#000000",
    card="#000000",
    card_hover="#1a1a1a",
    border="#ffffff",
    control_border="#ffffff",
    text="#ffffff",
    muted="#e8e8e8",
    disabled="#c8c8c8",
    accent="#7cc4ff",
    accent_hover="#b0dcff",
    on_accent="#000000",
    accent_soft="#00264a",
    good="#62e6a5",
    warning="#ffd479",
    danger="#ffaaa3",
)

_current = LIGHT


def tokens() -> Tokens:
    """Return the look in force; ask again at each paint."""
    return _current


def choose_tokens(*, dark: bool, strong: bool, scale: float, motion: bool) -> Tokens:
    """Return the tokens for these wishes; pure.

    Args:
        dark: Light words on dark ground.
        strong: The high-contrast set.
        scale: Text scale, 1.0 to 3.0.
        motion: Whether things may move.
    """
    chosen = (STRONG_DARK if strong else DARK) if dark else (STRONG_LIGHT if strong else LIGHT)
    return replace(
        chosen,
        motion=motion,
        scale=scale,
        small=round(13 * scale),
        body=round(15 * scale),
        large=round(20 * scale),
        title=round(28 * scale),
    )


def apply_theme(
    app: QApplication, *, scheme: Scheme = Scheme.SYSTEM, text_scale: float = 1.0, reduced_motion: bool = False
) -> None:
    """Give the whole program its look; call again when the system or a setting changed.

    Args:
        app: The application.
        scheme: Which look; `SYSTEM` follows the system.
        text_scale: What the person chose on top of the system's own text size, 1.0 to 2.0.
        reduced_motion: The person's own wish; the system's wish counts as well.
    """
    global _current
    system_size = QFontInfo(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)).pixelSize()
    scale = max(1.0, system_size / BODY) * text_scale
    dark = scheme is Scheme.DARK or (scheme is Scheme.SYSTEM and app.styleHints().colorScheme() is Qt.ColorScheme.Dark)
    wanted = choose_tokens(
        dark=dark,
        strong=_system_wants_contrast(app),
        scale=scale,
        motion=not (reduced_motion or _system_wants_less_motion()),
    )
    # What moves is asked at each paint; giving every widget its style anew takes a third of a second.
    same = wanted == replace(_current, motion=wanted.motion) and bool(app.styleSheet())
    _current = wanted
    if same:
        return
    app.setStyle("Fusion")
    font = QFont(app.font())
    font.setPixelSize(wanted.small)
    app.setFont(font)
    app.setPalette(palette(wanted))
    app.setStyleSheet(style_sheet(wanted))


def _system_wants_contrast(app: QApplication) -> bool:
    """Whether the system asks for high contrast; Qt knows since 6.10."""
    hints = getattr(app.styleHints(), "accessibility", None)
    if hints is None:
        return False
    return bool(getattr(hints().contrastPreference(), "name", "") == "HighContrast")


def _system_wants_less_motion() -> bool:
    """Whether the system asks for less motion; known on Windows ("Animation effects") only."""
    windll = getattr(ctypes, "windll", None)  # there only on Windows
    if windll is None:
        return False
    animated = ctypes.c_int(1)
    spi_get_client_area_animation = 0x1042
    known = windll.user32.SystemParametersInfoW(spi_get_client_area_animation, 0, ctypes.byref(animated), 0)
    return bool(known) and not animated.value


def palette(look: Tokens) -> QPalette:
    """Return the palette for everything the style sheet does not name."""
    made = QPalette()
    role = QPalette.ColorRole
    for target, name in (
        (role.Window, "window"),
        (role.Base, "card"),
        (role.AlternateBase, "panel"),
        (role.Button, "card"),
        (role.ToolTipBase, "card"),
        (role.WindowText, "text"),
        (role.Text, "text"),
        (role.ButtonText, "text"),
        (role.ToolTipText, "text"),
        (role.BrightText, "danger"),
        (role.Link, "accent"),
        (role.LinkVisited, "accent"),
        (role.Highlight, "accent"),
        (role.HighlightedText, "on_accent"),
        (role.PlaceholderText, "muted"),
        (role.Accent, "accent"),
    ):
        made.setColor(target, look.colour(name))
    for target in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, target, look.colour("disabled"))
    return made


def style_sheet(look: Tokens) -> str:
    """Return the style sheet. Widgets choose a look by the dynamic property `kind`."""
    focus = 3 if look.high_contrast else 2
    pad = look.px(6)
    mark = look.px(16)
    chevron = paths.resource("style/chevron-dark.svg" if look.dark else "style/chevron-light.svg").as_posix()
    tick = paths.resource("style/tick-on-dark.svg" if look.dark else "style/tick-on-light.svg").as_posix()
    fixed = QFontInfo(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)).family()
    return f"""
* {{ outline: none; }}
QToolTip {{ background: {look.card}; color: {look.text}; border: 1px solid {look.control_border}; padding: 4px; }}
QLabel {{ background: transparent; }}
QLabel[kind="title"] {{ font-size: {look.title}px; font-weight: 700; }}
QLabel[kind="heading"] {{ font-size: {look.large}px; font-weight: 600; }}
QLabel[kind="lead"] {{ font-size: {look.body}px; }}
QLabel[kind="strong"] {{ font-size: {look.body}px; font-weight: 600; }}
QLabel[kind="section"] {{ color: {look.muted}; font-weight: 600; }}
QLabel[kind="muted"] {{ color: {look.muted}; }}
QLabel[kind="warning"] {{ color: {look.warning}; }}
QLabel[kind="danger"] {{ color: {look.danger}; }}
QLabel[kind="good"] {{ color: {look.good}; }}
QLabel[kind="accent"] {{ color: {look.accent}; font-weight: 600; }}
QLabel[kind="disabled"] {{ color: {look.disabled}; }}
QLabel[kind="good-word"] {{ color: {look.good}; font-weight: 600; }}
QLabel[kind="muted-word"] {{ color: {look.muted}; font-weight: 600; }}
QLabel[kind="warning-word"] {{ color: {look.warning}; font-weight: 600; }}
QLabel[kind="danger-word"] {{ color: {look.danger}; font-weight: 600; }}
QLabel[kind="accent-word"] {{ color: {look.accent}; font-weight: 600; }}
QLabel[kind="slot-name"] {{ font-weight: 600; }}
QLabel[kind="number"] {{
    background: {look.accent_soft}; color: {look.accent}; font-weight: 700; border-radius: {look.px(13)}px;
    border: {"1px solid " + look.border if look.high_contrast else "none"};
}}
QLabel[kind="mark"] {{
    background: {look.accent_soft}; color: {look.accent}; font-weight: 600; border-radius: {look.px(10)}px;
    border: {"1px solid " + look.border if look.high_contrast else "none"}; padding: {look.px(2)}px {look.px(8)}px;
}}
QLabel[kind="mono"], QPlainTextEdit[kind="mono"] {{ font-family: "{fixed}"; font-size: {look.small}px; }}
QLabel[kind="card-title"] {{ font-size: {look.body}px; font-weight: 600; }}
QLabel[kind="card-title-off"] {{ font-size: {look.body}px; font-weight: 600; color: {look.disabled}; }}

QWidget[kind="page"], QScrollArea, QScrollArea > QWidget > QWidget[kind="page"] {{ background: {look.window}; }}
QScrollArea {{ border: none; }}
QWidget[kind="panel"], QScrollArea[kind="panel"] {{ background: {look.panel}; }}
QFrame[kind="panel-frame"] {{ background: {look.panel}; border: none; border-right: 1px solid {look.border}; }}
QFrame[kind="side-frame"] {{ background: {look.panel}; border: none; border-left: 1px solid {look.border}; }}
QFrame[kind="card"] {{ background: {look.card}; border: 1px solid {look.border}; border-radius: {look.radius}px; }}
QFrame[kind="hero"] {{
    background: {look.accent_soft}; border: 1px solid {look.accent}; border-radius: {look.radius}px;
}}
QFrame[kind="chip"] {{ background: {look.accent_soft}; border: none; border-radius: {look.px(12)}px; }}
QFrame[kind="banner"] {{ background: {look.accent_soft}; border: none; border-bottom: 1px solid {look.accent}; }}
QFrame[kind="account-bar"] {{ background: {look.panel}; border: none; border-bottom: 1px solid {look.border}; }}
QFrame[kind="line"] {{ background: {look.border}; border: none; }}
QFrame[kind="good-box"] {{
    background: {look.card}; border: 1px solid {look.good}; border-radius: {look.radius}px;
}}
QFrame[kind="drop-zone"] {{
    background: transparent; border: 2px dashed {look.control_border}; border-radius: {look.radius}px;
}}
QFrame[kind="warning-box"] {{
    background: {look.card}; border: 1px solid {look.warning}; border-radius: {look.radius}px;
}}
QFrame[kind="danger-box"] {{
    background: {look.card}; border: 1px solid {look.danger}; border-radius: {look.radius}px;
}}

QPushButton, QToolButton {{
    background: {look.card}; color: {look.text}; border: 1px solid {look.control_border};
    border-radius: 6px; padding: {pad}px {look.px(14)}px;
}}
QPushButton:hover, QToolButton:hover {{ background: {look.card_hover}; border-color: {look.accent}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {look.accent_soft}; }}
QPushButton:checked, QToolButton:checked {{ background: {look.accent_soft}; border-color: {look.accent}; }}
QPushButton:focus, QToolButton:focus {{
    border: {focus}px solid {look.accent}; padding: {pad - focus + 1}px {look.px(14) - focus + 1}px;
}}
QPushButton:disabled, QToolButton:disabled {{ color: {look.disabled}; border-color: {look.border}; }}
QPushButton[kind="primary"] {{
    background: {look.accent}; color: {look.on_accent}; border: 1px solid {look.accent}; font-weight: 600;
}}
QPushButton[kind="primary"]:hover {{ background: {look.accent_hover}; }}
QPushButton[kind="primary"]:focus {{ border: {focus}px solid {look.text}; }}
QPushButton[kind="primary"]:disabled {{
    background: {look.card}; color: {look.disabled}; border: 1px solid {look.border};
}}
QPushButton[kind="small"], QToolButton[kind="small"] {{ padding: {look.px(2)}px {look.px(8)}px; }}
QPushButton[kind="small"]:focus {{
    padding: {max(0, look.px(2) - focus + 1)}px {look.px(8) - focus + 1}px;
}}
QPushButton[kind="link"] {{
    background: transparent; border: 1px solid transparent; color: {look.accent}; padding: 2px 4px; text-align: left;
}}
QPushButton[kind="link"]:hover {{ text-decoration: underline; }}
QPushButton[kind="link"]:focus {{ border: {focus}px solid {look.accent}; padding: 1px 3px; }}
QPushButton[kind="side"] {{ text-align: left; }}
QPushButton[kind="card"] {{
    background: {look.card}; border: 1px solid {look.border}; border-radius: {look.radius}px; padding: 0px;
}}
QPushButton[kind="card"]:hover {{ background: {look.card_hover}; border-color: {look.accent}; }}
QPushButton[kind="card"]:focus {{ border: {focus}px solid {look.accent}; padding: 0px; }}
QPushButton[kind="card"]:checked {{ border: {focus}px solid {look.accent}; background: {look.accent_soft}; }}
QPushButton[kind="card"]:disabled {{ border: 1px {"dashed" if look.high_contrast else "solid"} {look.border}; }}
QPushButton[kind="slot"] {{
    background: transparent; border: {focus}px solid transparent; border-radius: {look.radius}px; padding: 0px;
}}
QPushButton[kind="slot"]:hover {{ background: {look.card_hover}; }}
QPushButton[kind="slot"]:focus {{ border: {focus}px solid {look.accent}; padding: 0px; }}
QPushButton[kind="fold"] {{
    background: transparent; border: {focus}px solid transparent; border-radius: 6px; color: {look.muted};
    font-weight: 600; text-align: left; padding: 2px {SPACE // 2}px 2px {look.px(16) + SPACE}px;
}}
QPushButton[kind="fold"]:hover {{ background: {look.card_hover}; }}
QPushButton[kind="fold"]:focus {{
    border: {focus}px solid {look.accent};
    padding: 2px {SPACE // 2}px 2px {look.px(16) + SPACE}px;
}}
QPushButton[kind="board-button"]:pressed {{ background: {look.accent}; color: {look.on_accent}; }}

QLineEdit, QPlainTextEdit, QComboBox, QSpinBox {{
    background: {look.card}; color: {look.text}; border: 1px solid {look.control_border};
    border-radius: 6px; padding: {pad}px {look.px(8)}px; selection-background-color: {look.accent};
    selection-color: {look.on_accent};
}}
QLineEdit:focus, QPlainTextEdit:focus, QComboBox:focus, QSpinBox:focus {{ border: {focus}px solid {look.accent}; }}
QComboBox::drop-down {{ border: none; width: {look.px(24)}px; }}
QComboBox::down-arrow {{ image: url("{chevron}"); width: {look.px(14)}px; height: {look.px(14)}px; }}
QCheckBox, QRadioButton {{ spacing: 8px; padding: 2px; border: {focus}px solid transparent; border-radius: 4px; }}
QCheckBox:focus, QRadioButton:focus {{ border: {focus}px solid {look.accent}; }}
QCheckBox::indicator, QRadioButton::indicator {{
    width: {mark}px; height: {mark}px; background: {look.card}; border: 1px solid {look.control_border};
}}
QCheckBox::indicator {{ border-radius: 4px; }}
QRadioButton::indicator {{ border-radius: {mark // 2 + 1}px; }}
QCheckBox::indicator:checked {{ background: {look.accent}; border-color: {look.accent}; image: url("{tick}"); }}
QRadioButton::indicator:checked {{
    background: {look.on_accent}; border: {mark // 3}px solid {look.accent};
    width: {mark + 2 - 2 * (mark // 3)}px; height: {mark + 2 - 2 * (mark // 3)}px;
}}
QListView, QListWidget, QTreeWidget, QTableWidget {{
    background: {look.card}; border: 1px solid {look.border}; border-radius: 6px;
}}
QListView:focus, QListWidget:focus, QTreeWidget:focus, QTableWidget:focus {{ border: {focus}px solid {look.accent}; }}
QProgressBar {{
    background: {look.border if not look.high_contrast else look.card};
    border: {"1px solid " + look.border if look.high_contrast else "none"};
    border-radius: 4px; min-height: 8px; max-height: 8px;
}}
QProgressBar::chunk {{ background: {look.accent}; border-radius: 4px; }}
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar::handle:vertical {{
    background: {look.control_border}; border-radius: 4px; min-height: 32px; margin: 2px;
}}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle:horizontal {{
    background: {look.control_border}; border-radius: 4px; min-width: 32px; margin: 2px;
}}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
