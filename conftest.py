"""What every test and every example in a docstring finds: double precision, a cache of compiled
programs, a small glass.
"""

import os
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
# Threads of LAPACK that wait take the cores of the tests beside them: a hundred times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Tests compile far longer than they run: ask for little optimisation, here and in the examples that
# tests start. XLA_FLAGS= make test keeps the optimisation that users get.
QUICK = "--xla_backend_optimization_level=0"
# Newer ones end the process at a flag they do not know.
if tuple(map(int, version("jaxlib").split(".")[:2])) < (0, 11):
    QUICK += " --xla_cpu_use_fusion_emitters=false"
os.environ.setdefault("XLA_FLAGS", QUICK)
# In the environment: the processes that tests start find the same programs.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent / ".cache/jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.host.programs import drop_programs_in_time

# The longest first: the processes that share the suite then end together.
LONG = ("test_transformations", "test_readme", "test_examples", "test_spots", "test_elasticity")
# Examples in docstrings that compile for long, of functions whose own tests compile the like.
LONG_EXAMPLES = (
    "avalanches", "compress", "follow_modes", "map_until", "modes_of_events", "relax_sizes",
    "reversals",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not any(name in item.nodeid for name in LONG))
    for item in items:
        if type(item).__name__ == "DoctestItem" and item.name.endswith(LONG_EXAMPLES):
            item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def few_compiled_programs():
    """The suite compiles more programs than one process may hold."""
    yield
    drop_programs_in_time()


@pytest.fixture(scope="session")
def small():
    """A planar glass of 64 particles, its model and its expansion."""
    model = jg.models.get("ipl2d")
    glass = jg.require(jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64))).glass
    return model, glass, jg.require(jg.expand(model, glass))


@pytest.fixture(autouse=True)
def names_of_docstrings(request, doctest_namespace):
    """In the examples of docstrings ``e`` is the expansion of ``glass``, a quenched one of 64
    particles of ``model``.
    """
    if type(request.node).__name__ != "DoctestItem":
        return
    model, glass, e = request.getfixturevalue("small")
    doctest_namespace.update(jax=jax, jnp=jnp, np=np, jg=jg, model=model, glass=glass, e=e)
