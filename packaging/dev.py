#!/usr/bin/env python3
"""Set everything up on a fresh machine, then start Rekindle or run its tests. Standard library only.

Usage: python3 packaging/dev.py COMMAND [ARGUMENTS]

run [arguments of rekindle]    start the program
test [arguments of pytest]     lint, types, and all tests with the USB lab, many combinations of each case
test --every [arguments]       the same with every combination, before a release
quick [arguments of pytest]    the unit and virtual tests only, a few combinations of each case, for every day
setup                          only set up
package [SYSTEM ...]           build what people download: linux, windows, macos, all (default: this system)

Setting up also gets the real firmware images; see packaging/rescue_pack.py.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "packaging" / "requirements.lock"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "rekindle-stamp"
# Compiling the tests takes every worker five seconds: it is kept, also where nothing may be written beside the sources.
COMPILED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(VENV / "compiled")}
OLDEST = (3, 11)

# Shared libraries Qt opens, and the Debian package each comes from. A probe is faster than asking the package manager.
OFFSCREEN = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
REAL_WINDOW = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
FONT = (Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"), "fonts-dejavu-core")


NOTHING_CHOSEN = 5  # exit status of pytest when its arguments fit no test
MEMORY_FOR_TESTS = 4 << 30  # bytes; pytest keeps the folders of its last three runs


def say(sentence: str) -> None:
    """Tell the person what happens now; on the error stream, so that a program's output stays clean."""
    print(f"[rekindle] {sentence}", file=sys.stderr, flush=True)


def call(command: Sequence[str | Path], **environment: str) -> int:
    """Run a command in the checkout and return its exit status."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, env={**os.environ, **environment}).returncode


def must(command: Sequence[str | Path], **environment: str) -> None:
    """Run a command that has to succeed; end with its exit status otherwise."""
    demand(call(command, **environment), [str(part) for part in command])


class Aside:
    """A command that works while something else is done; leaving the context ends it where it is not needed any more.

    What it prints is shown when it is waited for.
    """

    def __init__(self, *command: str | Path) -> None:
        self._command = [str(part) for part in command]

    def __enter__(self) -> Aside:
        self._output = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGTERM)  # what it started too
            else:
                self._process.terminate()
            self._process.wait()
        self._output.close()

    def must(self) -> None:
        """Wait for its end and show what it printed; it has to succeed."""
        status = self._process.wait()
        self._output.seek(0)
        print(self._output.read().decode("utf-8", "replace"), end="", flush=True)
        demand(status, self._command)


def demand(status: int, command: Sequence[str]) -> None:
    """End with the exit status of a command that failed."""
    if status:
        say(f"This failed with exit status {status}: {' '.join(command)}")
        raise SystemExit(status)


def opens(library: str) -> bool:
    """Whether the system's loader finds the library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def install_system_packages() -> None:
    """On Debian and its children install the libraries Qt needs, if one is missing."""
    if not sys.platform.startswith("linux"):
        return
    missing = [package for library, package in {**OFFSCREEN, **REAL_WINDOW}.items() if not opens(library)]
    if not FONT[0].exists() and not Path("/usr/share/fonts").exists():
        missing.append(FONT[1])
    if not PYTHON.exists() and not shutil.which("uv"):
        try:
            import ensurepip  # noqa: F401 - Debian cuts it out of python3 and puts it into python3-venv
        except ImportError:
            missing.append("python3-venv")
    if not missing:
        return
    if not shutil.which("apt-get"):
        say("These libraries are missing; install them with your package manager: " + " ".join(missing))
        return
    say("Installing system packages: " + " ".join(missing))
    become_root = [] if os.geteuid() == 0 else ["sudo"]
    must([*become_root, "apt-get", "-q", "update"])
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y", "--no-install-recommends"]
    must([*become_root, *install, *missing])


def stamp() -> str:
    """A fingerprint of everything the virtual environment depends on."""
    digest = hashlib.sha256(repr((sys.version_info[:2], str(ROOT))).encode())
    for path in (ROOT / "pyproject.toml", LOCK):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make_environment() -> None:
    """Make `.venv` with everything the program and its tests need, or leave it alone when it is up to date."""
    wanted = stamp()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return
    say("Setting up the virtual environment (once; about half a minute)")
    uv = shutil.which("uv")
    if uv:
        must([uv, "venv", "-q", "--allow-existing", "--python", sys.executable, VENV])
        pip: list[str | Path] = [uv, "pip"]
        into: list[str | Path] = ["--python", PYTHON]
    else:
        must([sys.executable, "-m", "venv", VENV])
        pip, into = [PYTHON, "-m", "pip", "--disable-pip-version-check"], []
    must([*pip, "install", "-q", *into, "--require-hashes", "-r", LOCK])
    must([*pip, "install", "-q", *into, "--no-deps", "--no-build-isolation", "-e", ROOT])
    STAMP.write_text(wanted)


def set_up_system() -> None:
    """Have what the virtual environment needs; nothing to do when nothing is missing."""
    if sys.version_info < OLDEST:
        say(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this one is {sys.version.split()[0]}.")
        raise SystemExit(2)
    install_system_packages()


def set_up() -> None:
    """Do whatever is missing; nothing when nothing is."""
    set_up_system()
    make_environment()


def get_images() -> bool:
    """Have the real firmware images in `resources/pack`; say loudly what goes on without them."""
    if call([PYTHON, "packaging/rescue_pack.py"]) == 0:
        return True
    say(
        "WITHOUT FIRMWARE IMAGES: every test that writes a real image is SKIPPED, and the program has to download them."
    )
    return False


def run(arguments: list[str]) -> int:
    """Start the program."""
    return call([PYTHON, "-m", "app", *arguments])


def in_memory() -> dict[str, str]:
    """Let pytest make its folders in memory where there is plenty: thousands of files are safely on the disk else."""
    memory = Path("/dev/shm")
    plenty = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_FOR_TESTS
    return {"PYTEST_DEBUG_TEMPROOT": str(memory)} if plenty else {}


def hear(command: Sequence[str | Path], **environment: str) -> tuple[int, str]:
    """Run a command in the checkout and return its exit status and what it printed."""
    with tempfile.TemporaryFile() as output:
        status = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        ).returncode
        output.seek(0)
        return status, output.read().decode("utf-8", "replace")


def quick(arguments: list[str]) -> int:
    """Run the tests that need neither a window nor the lab, each with a part of what `test` tries."""
    folders = ["tests/unit", "tests/virtual", "tests/contract"]
    return call([PYTHON, "-m", "pytest", "-n", "auto", *folders, *arguments], **COMPILED, **in_memory())


def test(arguments: list[str]) -> int:
    """Set up and run every check. The first failure is the end.

    The kernel of the USB lab is built meanwhile, on a fresh machine; it takes minutes.
    """
    every = "--every" in arguments
    environment = {"REKINDLE_TESTS": "every" if every else os.environ.get("REKINDLE_TESTS") or "many"}
    environment |= {"QT_QPA_PLATFORM": "offscreen", **COMPILED}
    arguments = [argument for argument in arguments if argument != "--every"]
    set_up_system()
    with ExitStack() as asides:
        lab = None
        if sys.platform.startswith("linux"):
            environment["REKINDLE_LAB"] = os.environ.get("REKINDLE_LAB", "run")
            lab = asides.enter_context(Aside("nice", sys.executable, "tests/lab/prepare.py"))
        make_environment()
        if not get_images() and os.environ.get("REKINDLE_LAB") == "require":
            say("Nothing may be skipped here (REKINDLE_LAB=require).")
            return 1
        must([PYTHON, "-m", "ruff", "check", "."])
        must([PYTHON, "-m", "ruff", "format", "--check", "."])
        types = asides.enter_context(Aside(PYTHON, "-m", "mypy"))
        if any((ROOT / argument.split("::")[0]).exists() for argument in arguments):
            types.must()
            if lab is not None:
                lab.must()
            return call([PYTHON, "-m", "pytest", *arguments], **environment)
        return test_all(arguments, environment, types, lab)


def test_all(arguments: list[str], environment: dict[str, str], types: Aside, lab: Aside | None) -> int:
    """Run all tests; pytest comes last, so that its closing line is the last one.

    First those that need no lab, with every core; then the lab, which has its own way to use every core. What the first
    ones printed is shown behind it, for their closing line counts most of the tests.
    """
    pytest: list[str | Path] = [PYTHON, "-m", "pytest", *arguments]
    folders = sorted(path for path in (ROOT / "tests").iterdir() if any(path.glob("test_*.py")) and path.name != "lab")
    rest = [*pytest, "-n", "auto", *folders]
    if lab is None:
        say("SKIPPED: the USB lab runs on Linux only.")
        types.must()
        return call(rest, **environment)
    say("First the tests that need no USB lab; what they print comes last, or at once if one fails.")
    status, printed = hear(rest, **environment, **in_memory())
    if status not in (0, NOTHING_CHOSEN):
        print(printed, end="", flush=True)
        return status
    say(f"Without the USB lab: {printed.splitlines()[-1].strip('= ')}")
    types.must()
    lab.must()
    in_lab = call([*pytest, "tests/lab"], **environment)
    if in_lab not in (0, NOTHING_CHOSEN) or status == NOTHING_CHOSEN:
        return in_lab
    print(printed, end="", flush=True)
    return status


def package(arguments: list[str]) -> int:
    """Build installers; see packaging/package.py."""
    return call([PYTHON, "packaging/package.py", *arguments])


def main() -> int:
    """Read the command, set up, and do it."""
    commands: dict[str, Callable[[list[str]], int]] = {
        "run": run,
        "test": test,
        "quick": quick,
        "setup": lambda _: 0,
        "package": package,
    }
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        print(__doc__)
        return 2
    if sys.argv[1] != "test":  # which does that while something else is built
        set_up()
        get_images()
    return commands[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    raise SystemExit(main())
