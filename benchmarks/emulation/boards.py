"""The devices that firmware is built for and emulated on: one table that names them all.

A new board of a known kind is one row. A row whose compiler needs a package that is not in `TOOL_PACKAGES`
yet is one line more there.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from ...runtime.errors import unknown

ALL = "emulated"
HOST = "host"

TOOL_PACKAGES = {
    "gcc": ("gcc", "libc6-dev"),
    "clang": ("clang", "libclang-rt-dev", "libc6-dev"),
    "arm-none-eabi-gcc": ("gcc-arm-none-eabi",),
    "aarch64-linux-gnu-gcc": ("gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"),
    "arm-linux-gnueabihf-gcc": ("gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross"),
    "riscv64-linux-gnu-gcc": ("gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross"),
    "s390x-linux-gnu-gcc": ("gcc-s390x-linux-gnu", "libc6-dev-s390x-cross"),
    "qemu-system-arm": ("qemu-system-arm",),
    "qemu-aarch64": ("qemu-user",),
    "qemu-arm": ("qemu-user",),
    "qemu-riscv64": ("qemu-user",),
    "qemu-s390x": ("qemu-user",),
}
"""The Debian packages of each program that a device needs."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Where a board's linker puts things.

    Attributes:
        flash_start: The address that the processor starts from, its vector table's.
        flash_bytes: How much may be used from there.
        ram_start: The address of the memory for variables and stack.
    """

    flash_start: int
    flash_bytes: int
    ram_start: int
    ram_bytes: int


@dataclass(frozen=True, slots=True)
class Device:
    """A processor, what compiles for it and what emulates it.

    Attributes:
        name: What `--target` takes.
        binutils: What the names of the compiler's `nm` and `size` begin with.
        flags: The compiler's options that choose the processor and how it optimizes.
        emulator: The emulator and the options that choose the machine; none where this machine runs it.
        memory: Where a board's linker puts things; None under an operating system.
        big_endian: Whether the first byte of a number is its most significant.
    """

    name: str
    title: str
    compiler: str
    binutils: str
    flags: tuple[str, ...]
    emulator: tuple[str, ...] = ()
    memory: Memory | None = None
    big_endian: bool = False

    @property
    def tools(self) -> tuple[str, ...]:
        """The programs that it needs; an emulated one also what compiles the emulator's plugin."""
        return (self.compiler, self.emulator[0], "gcc") if self.emulator else (self.compiler,)

    @property
    def missing(self) -> str:
        """What is not installed and how to install it, or ""."""
        absent = tuple(tool for tool in self.tools if shutil.which(tool) is None)
        if not absent:
            return ""
        packages = dict.fromkeys(package for tool in absent for package in TOOL_PACKAGES[tool])
        return (
            f"{' and '.join(absent)} not found."
            f" On Debian: apt-get install --no-install-recommends {' '.join(packages)}"
        )


_KB, _MB = 1024, 1024 * 1024
_OPTIMIZED = "-O2"


def _board(cpu: str, machine: str, memory: Memory, *more: str) -> Device:
    return Device(
        name=f"cortex-{cpu}",
        title=f"Cortex-{cpu.upper()}",
        compiler="arm-none-eabi-gcc",
        binutils="arm-none-eabi-",
        flags=(_OPTIMIZED, f"-mcpu=cortex-{cpu}", "-mthumb", *more),
        emulator=("qemu-system-arm", "-M", machine),
        memory=memory,
    )


def _linux(name: str, title: str, triplet: str, emulator: str, *, big_endian: bool = False) -> Device:
    flags = (_OPTIMIZED,)
    return Device(name, title, f"{triplet}-gcc", f"{triplet}-", flags, (emulator,), big_endian=big_endian)


_MPS2 = Memory(0, 4 * _MB, 0x2000_0000, 4 * _MB)
# Boards with TrustZone start in the secure state, which sees memory at addresses with bit 28 set.
_AN505 = Memory(0x1000_0000, 4 * _MB, 0x3800_0000, 2 * _MB)
_AN547 = Memory(0x1000_0000, 512 * _KB, 0x3000_0000, 512 * _KB)

DEVICES = {
    device.name: device
    for device in (
        _board("m0", "microbit", Memory(0, 256 * _KB, 0x2000_0000, 16 * _KB)),
        _board("m3", "mps2-an385", _MPS2),
        _board("m4", "mps2-an386", _MPS2),
        _board("m7", "mps2-an500", _MPS2),
        _board("m33", "mps2-an505", _AN505),
        _board("m55", "mps3-an547", _AN547, "-mfloat-abi=hard"),
        _linux("aarch64", "AArch64", "aarch64-linux-gnu", "qemu-aarch64"),
        _linux("arm", "32-bit Arm", "arm-linux-gnueabihf", "qemu-arm"),
        _linux("riscv64", "RISC-V, 64 bit", "riscv64-linux-gnu", "qemu-riscv64"),
        _linux("s390x", "s390x, big-endian", "s390x-linux-gnu", "qemu-s390x", big_endian=True),
    )
}


def find_devices(names: Iterable[str]) -> tuple[Device, ...]:
    """Return the devices of these names, each once; `ALL` stands for all of them, `HOST` for none.

    Raises:
        OptionError: There is no device of that name.
    """
    found: dict[str, Device] = {}
    for name in names:
        if name == ALL:
            found |= DEVICES
        elif name in DEVICES:
            found[name] = DEVICES[name]
        elif name != HOST:
            raise unknown("target", name, (HOST, *DEVICES, ALL))
    return tuple(found.values())
