"""Whether everything the program came with is there and works: for installers, and for whoever helps."""

from __future__ import annotations

import importlib
import platform
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping

from app import log, paths
from app.faults import Fault
from app.terminal import DONE, FAULT, Terminal

FAILURES = (OSError, ImportError, AttributeError, ValueError, RuntimeError, subprocess.SubprocessError)
"""What a part that is missing or broken may raise."""


def check(terminal: Terminal, parts: Mapping[str, Callable[[], str]] | None = None) -> int:
    """Try each part and print a line about it.

    Args:
        terminal: Gets the lines.
        parts: Name -> what tries it and says what it found; None for all of this program.

    Returns:
        The exit code: 0 everything works, 1 something does not.
    """
    status = DONE
    for name, look in (PARTS if parts is None else parts).items():
        try:
            terminal.say(f"ok      {name}: {look()}")
        except Fault as fault:
            terminal.say(f"FAILED  {name}: {fault.cause.english()}")
            status = FAULT
        except FAILURES as error:
            terminal.say(f"FAILED  {name}: {type(error).__name__}: {error}")
            status = FAULT
    return status


def _program() -> str:
    how = "frozen" if getattr(sys, "frozen", False) else "from source"
    return f"{log.version()}, {how}, Python {platform.python_version()}, {platform.machine()}"


def _resources() -> str:
    return str(paths.resource("udev/70-rekindle.rules").parent.parent)


def _pack() -> str:
    from app.firmware.pack import PACK, PackState, RescuePack

    folder = paths.bundled_pack()
    if folder is None:
        raise OSError("none came with this program")
    bad = [item.file.name for item in RescuePack(folder).items() if item.state is not PackState.PRESENT]
    if bad:
        raise OSError(f"missing or damaged: {', '.join(bad)}")
    return f"{len(PACK)} files, each as its SHA-256 says"


def _usb() -> str:
    from app.transports.usb_bus import library_name

    return library_name()


def _serial() -> str:
    from app.transports.serial_bus import SerialBus

    return f"{len(SerialBus().ports())} there now"


def _keys() -> str:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    key.public_key().verify(key.sign(b"check", ec.ECDSA(hashes.SHA256())), b"check", ec.ECDSA(hashes.SHA256()))
    return "a key made, a signature verified"


def _downloads() -> str:
    import httpx
    import socksio  # the proxies of some networks
    import truststore

    truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return f"httpx {httpx.__version__}, socksio {socksio.__version__}, {ssl.OPENSSL_VERSION}"


STORES = {
    "win32": ("Windows", ("win32ctypes.pywin32.win32cred",)),
    "darwin": ("macOS", ("keyring.backends.macOS.api",)),
    "linux": ("SecretService", ("secretstorage", "jeepney")),
}
"""The store for passwords that comes with each system: keyring's name for what reaches it, and what that one loads."""


def _passwords() -> str:
    from importlib.metadata import entry_points

    from app.cloud.tokens import system_store

    name, needs = STORES.get(sys.platform, STORES["linux"])
    for module in needs:
        importlib.import_module(module)
    found = [entry for entry in entry_points(group="keyring.backends") if entry.value.endswith(f".{name}")]
    if not found:
        raise OSError(f"keyring does not know of {name}")
    found[0].load()
    store = system_store()
    if store is None:
        return "this computer has none that could be used: sign-ins last until the program ends"
    return type(store).__module__


def _account() -> str:
    from app.cloud.client import make_http
    from app.cloud.profiles import PARTICLE

    with make_http(PARTICLE):
        return f"ready to ask {PARTICLE.host} over TLS, certificates are judged by the system"


TOOL_S = 10.0
"""A tool that only says its version takes a moment."""


def _wifi_scan() -> str:
    from app.transports.wifi_host import installed_tools, tools_environment

    said = []
    for tool in installed_tools(sys.platform):
        # Those of Linux load the system's libraries, and must not be given the program's own.
        if sys.platform == "linux":
            done = subprocess.run([tool, "--version"], env=tools_environment(), capture_output=True, timeout=TOOL_S)
            if done.returncode:
                raise OSError(f"{tool} ends with {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
        said.append(tool)
    return ", ".join(said) or "this computer has no tool for it: the name of a network is typed"


def _adapters() -> str:
    import psutil

    return f"{len(psutil.net_if_addrs())} network adapters"


def _practice() -> str:
    from app.clock import RealClock
    from app.firmware.pack import RescuePack
    from app.practice import practice_board
    from app.virtual.catalogue import PRACTICE_BOARDS

    pack = RescuePack(paths.pack_folder(), paths.bundled_pack())
    for name in PRACTICE_BOARDS:
        practice_board(name, RealClock(), pack)
    return f"{len(PRACTICE_BOARDS)} boards"


def _pictures() -> str:
    from app.ui.pictures import drawn

    return drawn()


PARTS: Mapping[str, Callable[[], str]] = {
    "program": _program,
    "resources": _resources,
    "rescue pack": _pack,
    "libusb": _usb,
    "serial ports": _serial,
    "keys": _keys,
    "downloads": _downloads,
    "password store": _passwords,
    "account": _account,
    "Wi-Fi scan": _wifi_scan,
    "network": _adapters,
    "practice boards": _practice,
    "pictures": _pictures,
}
