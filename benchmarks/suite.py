"""All benchmarks, each table in a process of its own, kept in benchmarks/results/DEVICE.md after
every table.

python benchmarks/suite.py              everything, about an hour on two cores
python benchmarks/suite.py --missing    only tables that the file does not hold yet
python benchmarks/suite.py modes        one file's tables
"""

import argparse
import ast
import os
import re
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The threads of LAPACK wait in a busy loop and take the cores from those of XLA.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
HERE = Path(__file__).parent
FILES = (
    "foundation", "preparation", "solvers", "thermal", "modes", "shear", "manybody", "indicators",
    "waves", "liquids", "throughput",
)  # fmt: skip


def parts(name):
    """Functions that the benchmark hands to measure.run, read without running the file."""
    tree = ast.parse((HERE / f"{name}.py").read_text())
    calls = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "run"
    )
    return [
        element.id for element in next(call for call in calls if len(call.args) == 2).args[1].elts
    ]


def tables():
    """Names of all tables in order, file.part."""
    return [f"{file}.{part}" for file in FILES for part in parts(file)]


def machine():
    code = (
        "import jax; jax.config.update('jax_enable_x64', True); "
        "from measure import machine; print(machine())"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, check=True
    ).stdout.strip()


def sections(path):
    """Tables that a results file holds, by name."""
    if not path.exists():
        return {}
    pieces = re.split(r"<!-- ([\w.]+) -->\n", path.read_text())[1:]
    return dict(zip(pieces[::2], (text.strip() for text in pieces[1::2]), strict=True))


def write(path, where, found):
    path.parent.mkdir(exist_ok=True)
    text = f"# Benchmarks\n\n{where}\n"
    for name in tables():
        if name in found:
            text += f"\n<!-- {name} -->\n{found[name]}\n"
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "files",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join(FILES)}, or single tables such as modes.catalogue; all by default",
    )
    parser.add_argument(
        "--missing", action="store_true", help="leave tables that the results file holds"
    )
    args = parser.parse_args()
    where = machine()
    path = HERE / "results" / (re.sub(r"\W+", "-", where.split(";")[0].lower()).strip("-") + ".md")
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        where += ". First calls: with programs from a cache where it held them."
    found, failed = sections(path), []
    names = tables()
    if unknown := set(args.files) - {*FILES, *names}:
        parser.error(
            f"NAME must be one of {', '.join((*FILES, *names))}, found {', '.join(sorted(unknown))}"
        )
    for name in names:
        if (args.files and not {name, name.split(".")[0]} & set(args.files)) or (
            args.missing and name in found
        ):
            continue
        file, part = name.split(".")
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, f"{file}.py", "--only", part], cwd=HERE, capture_output=True, text=True
        )
        print(f"{name}: {time.perf_counter() - begin:.0f} s", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stderr[-2000:], flush=True)
            continue
        found[name] = done.stdout.strip()
        print(found[name], flush=True)
        write(path, where, found)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
