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
# In the environment: the processes that tests start find the same programs. In the user's cache:
# other checkouts find them too, half of the time of a first run.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxglass/programs"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
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
    "avalanches", "compress", "dissipation", "follow_modes", "map_ensemble", "map_until",
    "modes_of_events", "position_series", "relax_sizes", "reversals", "saddles", "path.shear",
    "H5MDFile", "inherent_trajectory",
)  # fmt: skip
# Variants that take long and are like others of the same test, or tests like others of pairs.
LONG_VARIANTS = (
    "test_random_starts_reach_machine_precision[sw]",
    "test_random_starts_reach_machine_precision[poly2d]",
    "test_random_starts_reach_machine_precision[sticky]",
    "test_random_starts_reach_machine_precision[kalj]",
    "test_every_system_of_units_gives_the_same_glass[1000.0-1000000000000.0]",
    "test_the_tolerance_is_met_by_the_reference_glasses[poly3d_500]",
    "test_the_tolerance_is_met_by_the_reference_glasses[ipl3d_512]",
    "test_the_tolerance_is_met_by_the_reference_glasses[lj2d_400]",
    "test_the_tolerance_is_met_by_the_reference_glasses[kalj_500]",
    "test_a_perturbed_minimum_is_found_again[kalj_500]",
    "test_twenty_lowest_frequencies[kalj_500-filter]",
    "test_twenty_lowest_frequencies[kalj_500-dense]",
    "test_the_smallest_clusters_have_modes[3]",
    "test_the_smallest_clusters_have_modes[4]",
    "test_values_are_those_of_the_reference[sw-dense]",
    "test_there_is_a_minimum_before_the_event_and_none_behind[embedded]",
    "test_a_path_keeps_its_books[embedded]",
    "test_small_and_elongated_boxes[small]",
    "test_small_and_elongated_boxes[high]",
    "test_modes_reach_the_reference_or_lower[kalj_500-mapping]",
    "test_expansions_of_several_sizes_are_stacked[embedded]",
    "test_a_model_of_ones_own_has_the_derivatives_of_the_sum_over_everybody[embedded]",
    "test_forces_are_those_of_the_landscape[three dimensions-two]",
    "test_forces_are_those_of_the_landscape[species-sheared]",
    "test_forces_are_those_of_the_landscape[diameters-two]",
    "test_the_list_holds_every_pair_in_range_once[three dimensions-two]",
    "test_a_door_answers_or_says_what_it_needs[cubic_mode]",
    "test_a_path_goes_through_its_events[hertz]",
    "test_before_it_the_way_back_is_the_way_there_and_behind_it_is_not[hertz]",
    "test_dense_equals_direct[poly3d_500]",
    "test_samples_under_vmap_equal_single_ones[flow]",
    "test_derivatives_along_simple_shear[kalj_500-plane0]",
    "test_expected_contacts_are_those_of_a_glass[mblj]",
    "test_expected_contacts_are_those_of_a_glass[sticky]",
    "test_a_sample_moves_alike_in_any_company[as here]",
    "test_silicon_has_its_first_event",
    "test_probes_agree_within_their_errors",
    "test_fluctuations_of_dense_disks_have_soft_modes",
)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not any(name in item.nodeid for name in LONG))
    for item in items:
        example = type(item).__name__ == "DoctestItem" and item.name.endswith(LONG_EXAMPLES)
        if example or item.name in LONG_VARIANTS:
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
