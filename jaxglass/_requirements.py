"""Refuses the JAX releases that compute wrong numbers, at import."""

import jax

OLDEST = (0, 10, 1)  # the first release that all tests were run with
WRONG = {
    "0.10.2": "returns wrong sums on CPU under jit and vmap above 16,384 rows",
    "0.11.0": "has faults of its own that this package's tests meet",
    "0.11.1": "has faults of its own that this package's tests meet",
}


def refuse_wrong_jax(version):
    """Raises ImportError for a JAX release known to be wrong or too old."""
    if version in WRONG:
        raise ImportError(
            f"jaxglass does not run on JAX {version}, which {WRONG[version]}; "
            "install 0.10.1 or 0.12 and later"
        )
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ImportError(f"jaxglass needs JAX {oldest} or later, found {version}")


refuse_wrong_jax(jax.__version__)
