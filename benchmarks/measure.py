"""Timing for all benchmarks: compile time apart from run time, peers in the same process, one
table.
"""

import argparse
import os
import platform
import resource
import time
from importlib.metadata import version

import jax


def timed(function, *args, repeat=5):
    """Seconds of the first call (compilation included) and of the best later one, with the last
    result.
    """
    start = time.perf_counter()
    result = jax.block_until_ready(function(*args))
    first = time.perf_counter() - start
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        result = jax.block_until_ready(function(*args))
        best = min(best, time.perf_counter() - start)
    return first, best, result


def side_by_side(ours, theirs, repeat=200):
    """Best seconds of two functions called in turn, so that a busy machine slows both."""
    best = [float("inf")] * 2
    for _ in range(repeat):
        for k, function in enumerate((ours, theirs)):
            start = time.perf_counter()
            jax.block_until_ready(function())
            best[k] = min(best[k], time.perf_counter() - start)
    return best


def peer(function, *args, repeat=5):
    """Seconds of the best call of something that does not compile, with the last result."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        result = function(*args)
        best = min(best, time.perf_counter() - start)
    return best, result


def machine():
    """One line about where the numbers come from."""
    device = jax.devices()[0]
    names = ("jax", "jax-md", "optax", "numpy", "scipy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in open("/proc/cpuinfo")
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    kind = f"{cpu}, {os.cpu_count()} cores" if device.platform == "cpu" else device.device_kind
    return f"{kind}; Python {platform.python_version()}, {versions}"


def table(title, columns, rows):
    """A Markdown table."""
    lines = [f"## {title}", "", "| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""])


def peak_memory():
    """Largest memory held so far on the device, or by this process on a CPU, GB."""
    known = jax.devices()[0].memory_stats()
    return (
        known["peak_bytes_in_use"] / 1e9
        if known
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    )


def run(description, parts):
    """Prints the tables of a benchmark, one part after the other; benchmarks/suite.py
    keeps them.
    """
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--only", choices=[part.__name__ for part in parts], help="one table")
    args = parser.parse_args()
    for part in parts:
        if args.only in (None, part.__name__):
            print(part(), flush=True)
