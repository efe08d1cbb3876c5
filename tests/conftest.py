"""Reference glasses with exact values, shared by all tests, and a compilation cache that outlives the session."""

import functools
import os
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Tests compile far longer than they run: ask for little optimisation, here and in the examples that tests start.
# XLA_FLAGS= make test keeps the optimisation that users get.
QUICK = "--xla_backend_optimization_level=0"
if tuple(map(int, version("jaxlib").split(".")[:2])) < (
    0,
    11,
):  # newer ones end the process at a flag they do not know
    QUICK += " --xla_cpu_use_fusion_emitters=false"
os.environ.setdefault("XLA_FLAGS", QUICK)

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update(
    "jax_compilation_cache_dir",
    os.environ.get("JAXGLASS_TEST_CACHE", str(Path(__file__).parents[1] / ".cache/jax")),
)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)

import numpy as np
import pytest

import jaxglass as jg
from jaxglass.host.programs import drop_programs_in_time

DATA = Path(__file__).parent / "data"
NAMES = ("ipl2d_400", "ipl3d_512", "ipl4d_350", "kalj_500", "lj2d_400", "poly2d_400", "poly3d_500")


class Case:
    """A reference glass: the file's values, model, glass and expansion."""

    def __init__(self, name):
        self.name = name
        self.ref = dict(np.load(DATA / f"{name}.npz"))
        self.model = jg.models.get(name.split("_")[0])
        self.length = float(self.ref["length"])
        kind = self.ref["kind"]
        self.kind = {"diameter": kind} if kind.dtype.kind == "f" else {"species": kind}
        self.glass = jg.glass(self.ref["position"], self.length, **self.kind)
        self.expansion = jg.expand(self.model, self.glass)
        self.direction = jax.numpy.asarray(self.ref["direction"])

    def order(self):
        """Rows of the expansion's bonds in the reference's order."""
        bonds = self.expansion.bonds
        rows = {
            (int(i), int(j)): k
            for k, (i, j, v) in enumerate(zip(bonds.i, bonds.j, bonds.valid, strict=True))
            if v
        }
        return np.array(
            [
                rows[pair]
                for pair in zip(
                    self.ref["bond_i"].tolist(), self.ref["bond_j"].tolist(), strict=True
                )
            ]
        )


LONG = ("test_transformations", "test_readme", "test_examples")


def pytest_collection_modifyitems(items):
    """Long tests first: the processes that share the suite then end together."""
    items.sort(key=lambda item: not any(name in item.nodeid for name in LONG))


@pytest.fixture(autouse=True)
def few_compiled_programs():
    """The suite compiles more programs than one process may hold."""
    yield
    drop_programs_in_time()


@pytest.fixture(scope="session", params=NAMES)
def case(request):
    """Every reference glass in turn."""
    return made(request.param)


@pytest.fixture(scope="session", params=("poly2d_400", "kalj_500", "ipl4d_350"))
def some(request):
    """One glass of each dimension, with species and with diameters."""
    return made(request.param)


@functools.cache
def made(name):
    return Case(name)


@pytest.fixture(scope="session")
def ipl():
    """The small planar inverse-power-law glass."""
    return made("ipl2d_400")


@pytest.fixture(scope="session")
def poly():
    """The small polydisperse glass."""
    return made("poly2d_400")


@pytest.fixture(scope="session")
def eight(ipl):
    """Eight different glasses of 400 particles, stacked, with their expansions."""
    glasses = [
        jg.glass(
            ipl.glass.position
            + 0.15 * jax.random.normal(jax.random.key(k), ipl.glass.position.shape),
            ipl.length,
            **ipl.kind,
        )
        for k in range(8)
    ]
    quenched = jax.vmap(lambda g: jg.quench(ipl.model, g))(jg.stack(glasses))
    return (
        glasses,
        quenched,
        jax.vmap(lambda g: jg.expand(ipl.model, g, capacity=1600))(quenched.glass),
    )
