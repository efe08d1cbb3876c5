"""Memory of the first device, or of this machine for the CPU."""

from pathlib import Path

import jax

UNKNOWN = 4e9  # bytes taken for granted where nothing tells


def whole_memory() -> float:
    """Bytes that this process may ever hold; the same from call to call."""
    stats = _of_device()
    if "bytes_limit" in stats:
        return stats["bytes_limit"]
    return min(_of_machine("MemTotal"), _granted())


def free_memory() -> float:
    """Bytes free now."""
    stats = _of_device()
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    return min(_of_machine("MemAvailable"), _granted())


def _of_device():
    """What the device accounts for; nothing on CPUs."""
    return jax.local_devices()[0].memory_stats() or {}


def _of_machine(entry):
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(entry))
    except (OSError, StopIteration):
        return UNKNOWN


def _granted():
    """What the system grants the container or the job of a queue, unlimited elsewhere."""
    try:
        return float(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return float("inf")
