"""The CPUs that this process may use: often fewer than the machine has, as under taskset."""

import os


def usable_cpus() -> tuple[int, ...]:
    """Return the CPUs this process may be pinned to; none where the system does not pin: macOS, Windows."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def usable_cpu_count() -> int:
    """Return how many CPUs this process may use, at least 1.

    Python 3.13 knows it, and takes another number from its users: `-X cpu_count` or PYTHON_CPU_COUNT.
    """
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    return len(usable_cpus()) or os.cpu_count() or 1
