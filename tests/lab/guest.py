"""Boot a guest kernel (User-Mode Linux, or Debian's own in QEMU), run one command in it, come back with its output.

The guest sees the whole host file system read-only with a memory file system on top, so checkout and virtual
environment are there and nothing is written but into the run folder, which appears as `/run/lab` in the guest.
"""

from __future__ import annotations

import enum
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.prepare import Lab

PROJECT = Path(__file__).resolve().parents[2]
GUEST_FOLDER = "/run/lab"
GUEST_MEMORY = "1024M"


class Engine(enum.Enum):
    """Which kernel runs the guest."""

    UML = "uml"  # User-Mode Linux: fast, every day
    QEMU = "qemu"  # the distribution's unmodified kernel: the cross-check


@dataclass(frozen=True)
class GuestRun:
    """How a guest ended.

    Attributes:
        exit_status: Of the command; None when the guest died or was stopped before the command ended.
        timed_out: Whether the time limit ended it.
        seconds: From start to power-off.
        output: What the command printed.
        kernel_log: What the kernel printed.
    """

    exit_status: int | None
    timed_out: bool
    seconds: float
    output: str
    kernel_log: str


class Guest:
    """One boot of a guest kernel around one command."""

    def __init__(
        self,
        lab: Lab,
        engine: Engine,
        folder: Path,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        core: int | None = None,
    ) -> None:
        """Write what the guest needs into its run folder.

        Args:
            lab: The prepared pieces.
            engine: Which kernel.
            folder: The run folder on the host; exists and is writable.
            command: What to run, in the project's folder.
            environment: Added to the command's small standard environment.
            core: The processor core to stay on; User-Mode Linux that wanders is several times slower.
        """
        self.folder = folder
        self._lab = lab
        self._engine = engine
        self._core = core
        self._script = _command_script(command, environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def start(self) -> None:
        """Power on."""
        (self.folder / "command").write_text(self._script, "utf-8")
        arguments = self._uml() if self._engine is Engine.UML else self._qemu()
        self._started = time.monotonic()
        with (self.folder / "kernel.log").open("wb") as log:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": str(memory_folder())},
                preexec_fn=self._stay_on_core,
                start_new_session=True,
            )

    def wait(self, limit: float) -> GuestRun:
        """Wait for power-off, at most `limit` seconds since the start; then the guest is killed."""
        assert self._process is not None
        timed_out = False
        try:
            self._process.wait(max(0.0, self._started + limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            timed_out = True
        self.kill()
        return GuestRun(
            exit_status=self._exit_status(),
            timed_out=timed_out,
            seconds=time.monotonic() - self._started,
            output=self._text("output"),
            kernel_log=self._text("kernel.log"),
        )

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End every process of this guest that is left; harmless when there is none."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def _exit_status(self) -> int | None:
        text = self._text("status").strip()
        return int(text) if text.isdigit() else None

    def _text(self, name: str) -> str:
        try:
            return (self.folder / name).read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def _stay_on_core(self) -> None:
        if self._core is not None:
            os.sched_setaffinity(0, {self._core})

    # --- User-Mode Linux

    def _uml(self) -> list[str]:
        init = self.folder / "init"
        share = f"mount -t hostfs none $NEW{GUEST_FOLDER} -o {shlex.quote(str(self.folder))}"
        init.write_text(_init_script(prepare="", lower="/", share=share, off="poweroff -f"), "utf-8")
        init.chmod(0o755)
        return [
            self._lab.uml,
            f"mem={GUEST_MEMORY}",
            "root=none",
            "rootfstype=hostfs",
            "rootflags=/",
            "ro",
            f"init={init}",
            "con0=null,fd:1",
            "con=null",
            "panic=-1",
            f"umid=rekindle-{os.getpid()}-{self.folder.name}",
            f"uml_dir={self.folder}/",
        ]

    # --- QEMU

    def _qemu(self) -> list[str]:
        tree = self.folder / "initrd.tree"
        for name in ("bin", "dev", "proc", "lower", "mnt", "modules"):
            (tree / name).mkdir(parents=True, exist_ok=True)
        (tree / "bin/busybox").write_bytes(Path("/bin/busybox").read_bytes())
        (tree / "bin/busybox").chmod(0o755)
        loads = []
        for module in self._lab.modules:
            name = Path(module).name
            (tree / "modules" / name).write_bytes(Path(module).read_bytes())
            loads.append(f"insmod /modules/{name}")
        nine_p = "trans=virtio,version=9p2000.L,msize=262144"
        loads.append(f"mount -t 9p -o ro,{nine_p},cache=loose root /lower")
        share = f"mount -t 9p -o {nine_p},cache=none run $NEW{GUEST_FOLDER}"
        # The write to port 0xf4 ends QEMU at once; a status that QEMU itself never gives shows a clean end.
        off = r"mknod /dev/port c 1 4; printf '\020' | dd of=/dev/port bs=1 seek=244 2>/dev/null; poweroff -f"
        init = tree / "init"
        init.write_text(_init_script(prepare="\n".join(loads), lower="/lower", share=share, off=off), "utf-8")
        init.chmod(0o755)
        names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
        packed = subprocess.run(
            ["/bin/busybox", "cpio", "-o", "-H", "newc"],
            cwd=tree,
            input=names.encode(),
            capture_output=True,
            check=True,
            timeout=60,
        )
        initrd = self.folder / "initrd"
        initrd.write_bytes(packed.stdout)
        return [
            "qemu-system-x86_64",
            *("-machine", "q35", "-accel", "tcg,thread=single", "-cpu", "max", "-m", GUEST_MEMORY),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *("-kernel", self._lab.vmlinux, "-initrd", str(initrd)),
            *("-append", "console=ttyS0 quiet panic=-1 tsc=reliable mitigations=off random.trust_cpu=on"),
            *("-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"),
            *("-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"),
            *("-device", "virtio-9p-pci,fsdev=root,mount_tag=root"),
            *("-fsdev", f"local,id=run,path={self.folder},security_model=none"),
            *("-device", "virtio-9p-pci,fsdev=run,mount_tag=run"),
        ]


def memory_folder() -> Path:
    """Where files that are memory belong: a memory file system when there is one."""
    shm = Path("/dev/shm")
    return shm if os.access(shm, os.W_OK) else Path(os.environ.get("TMPDIR") or "/tmp")


def _command_script(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What runs inside, once all file systems are there."""
    variables = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/run/home",
        "TMPDIR": "/run/tmp",
        "XDG_RUNTIME_DIR": "/run/user",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONFAULTHANDLER": "1",
        **environment,
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    folders = "/run/home /run/tmp /run/user"
    return "\n".join(
        [*lines, f"mkdir -p {folders}", f"cd {shlex.quote(str(PROJECT))}", f"exec {shlex.join(command)}", ""]
    )


def _init_script(*, prepare: str, lower: str, share: str, off: str) -> str:
    return f"""#!/bin/busybox sh
# Process 1 of the guest: build the file systems, run the command, note its exit status, power off.
export PATH=/none
busybox() {{ /bin/busybox "$@"; }}
for name in mount mkdir chroot insmod poweroff mknod dd printf sync ip cat; do
  alias $name="/bin/busybox $name"
done
{prepare}
NEW=/mnt/root
mount -t tmpfs -o size=512m tmpfs /mnt
mkdir /mnt/upper /mnt/work $NEW
mount -t overlay -o lowerdir={lower},upperdir=/mnt/upper,workdir=/mnt/work overlay $NEW
mount -t proc proc $NEW/proc
mount -t sysfs sysfs $NEW/sys
mount -t devtmpfs devtmpfs $NEW/dev
mkdir -p $NEW/dev/pts $NEW/dev/shm
mount -t devpts -o ptmxmode=0666 devpts $NEW/dev/pts
mount -t tmpfs tmpfs $NEW/dev/shm
mount -t tmpfs tmpfs $NEW/run
mkdir -p $NEW{GUEST_FOLDER}
{share}
ip link set lo up
# Ask a new device for its descriptors in the order that needs one bus reset less.
echo Y > $NEW/sys/module/usbcore/parameters/old_scheme_first
chroot $NEW /bin/busybox setsid /bin/sh {GUEST_FOLDER}/command > $NEW{GUEST_FOLDER}/output 2>&1 < $NEW/dev/null
echo $? > $NEW{GUEST_FOLDER}/status
sync
{off}
"""
