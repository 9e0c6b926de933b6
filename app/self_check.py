"""Whether everything the program came with is there and works: for installers, and for whoever helps."""

from __future__ import annotations

import platform
import ssl
import sys
from collections.abc import Callable, Mapping

from app import log, paths
from app.faults import Fault
from app.terminal import DONE, FAULT, Terminal


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
        except (OSError, ImportError, AttributeError, ValueError, RuntimeError) as error:
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
    "network": _adapters,
    "practice boards": _practice,
    "pictures": _pictures,
}
