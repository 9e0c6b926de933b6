"""What a frozen program leaves out. Used by the PyInstaller specs; pure, so that tests can ask it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath

# Never reached by the program, and large; some would be taken along because a library could use them.
MODULES = (
    "IPython",
    "PySide6.QtDesigner",
    "PySide6.QtHelp",
    "PySide6.QtNetwork",
    "PySide6.QtOpenGL",
    "PySide6.QtOpenGLWidgets",
    "PySide6.QtPrintSupport",
    "PySide6.QtQml",
    "PySide6.QtQuick",
    "PySide6.QtSql",
    "PySide6.QtTest",
    "PySide6.QtUiTools",
    "PySide6.QtXml",
    "_pytest",
    "click",
    "doctest",
    "hypothesis",
    "lib2to3",
    "nis",
    "numpy",
    "pdb",
    "pip",
    "pkg_resources",
    "pydoc",
    "pygments",
    "pytest",
    "readline",
    "rich",
    "setuptools",
    "sqlite3",
    "test",
    "tkinter",
    "trio",
    "turtle",
    "unittest",
    "xmlrpc",
)

PLUGINS = {
    "iconengines": ("qsvgicon",),
    "imageformats": ("qsvg", "qjpeg", "qgif", "qico"),
    "platforms": ("qxcb", "qwayland", "qoffscreen", "qminimal", "qcocoa", "qwindows"),
    "platforminputcontexts": ("*composeplatforminputcontextplugin", "*ibusplatforminputcontextplugin"),
    "platformthemes": ("qxdgdesktopportal",),
    "styles": ("qmacstyle", "qmodernwindowsstyle"),
    "wayland-decoration-client": ("*bradient", "*adwaita"),
    "wayland-graphics-integration-client": ("*qt-plugin-wayland-egl",),
    "wayland-shell-integration": ("*xdg-shell",),
    "xcbglintegrations": (),
}
"""Folders of Qt's plugins, and what stays of each (names without `lib` and ending). Other folders go as a whole."""

LIBRARIES = (
    # The system's own: a graphics driver of the system asks for the newest, which is never the one of a bundle.
    "libstdc++.so.*",
    "libgcc_s.so.*",
    "libwayland-*.so.*",
    "libdrm.so.*",
    "libgbm.so.*",
    # The GTK theme's and what it drags in.
    "libgtk-3.so.*",
    "libgdk*.so.*",
    "libatk*.so.*",
    "libatspi.so.*",
    "libcairo*.so.*",
    "libpango*.so.*",
    "libepoxy.so.*",
    "libgio-2.0.so.*",
    "libharfbuzz.so.*",
    "libthai.so.*",
    "libdatrie.so.*",
    "libfribidi.so.*",
    "libtiff.so.*",
    "libwebp*.so.*",
    "libsqlite3.so.*",
    "libreadline.so.*",
    # Of the plugins that go.
    "libQt6EglFS*.so.*",
    "libQt6Pdf.so.*",
    "libQt6Network.so.*",
    "libQt6OpenGLWidgets.so.*",
    "libQt6PrintSupport.so.*",
    "libQt6Qml*.so.*",
    "libQt6Quick*.so.*",
    "libQt6Sql.so.*",
    "libQt6VirtualKeyboard*.so.*",
    "libpyside6qml*",
    "libcups.so.*",
)
LEFT_OUT = (
    "PySide6/Qt/qml/*",
    # The program speaks English only, so Qt's own dialogs do too.
    "PySide6/Qt/translations/*",
    "*.dist-info/RECORD",
    "*.dist-info/sboms/*",
    "PySide6/Qt/libexec/*",
    "PySide6/Qt/resources/*",
    "PySide6/Qt/metatypes/*",
    "PySide6/*.pyi",
    "*/tests/*",
    "certifi/py.typed",
)


def stays(name: str) -> bool:
    """Whether a file belongs into the frozen program.

    Args:
        name: Its path in the bundle, for example `PySide6/Qt/plugins/platforms/libqxcb.so`.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    parts = path.parts
    if "plugins" in parts[:-2]:
        folder = parts[parts.index("plugins") + 1]
        stem = path.name.removeprefix("lib").split(".")[0]
        return any(fnmatch(stem, pattern) for pattern in PLUGINS.get(folder, ()))
    if any(fnmatch(path.name, pattern) for pattern in LIBRARIES):
        return False
    return not any(fnmatch(str(path), pattern) for pattern in LEFT_OUT)


def slim(entries: Iterable[Sequence[str]]) -> list[tuple[str, str, str]]:
    """Return those entries of a PyInstaller table (name, file, kind) that stay, sorted by name."""
    return sorted((name, file, kind) for name, file, kind in entries if stays(name))


def closure(names: Iterable[str], needs: Callable[[str], Iterable[str]]) -> set[str]:
    """Return those binaries that something asks for.

    A library in the bundle's root (`libpixman-1.so.0`) is there only for another one, which may have gone.

    Args:
        names: Paths of all binaries in the bundle.
        needs: The file names of the libraries a binary asks for, by its path in the bundle.
    """
    everything = set(names)
    by_file: dict[str, list[str]] = {}
    for name in everything:
        by_file.setdefault(PurePosixPath(name).name, []).append(name)
    left = [name for name in everything if not _only_for_others(name)]
    kept: set[str] = set()
    while left:
        name = left.pop()
        if name in kept:
            continue
        kept.add(name)
        left += [found for file in needs(name) for found in by_file.get(file, ())]
    return kept


def _only_for_others(name: str) -> bool:
    path = PurePosixPath(name)
    in_root = len(path.parts) == 1 or path.parts[:-1] == ("PySide6", "Qt", "lib")
    return in_root and path.name.startswith("lib") and ".so" in path.name and not path.name.startswith("libpython")


def closure_target(name: str, link: str) -> str:
    """Return where a link leads, as a path in the bundle.

    Args:
        name: Its own path in the bundle.
        link: What is written in it.
    """
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
