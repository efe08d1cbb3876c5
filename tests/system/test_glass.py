"""The glass builder checks its arguments; stacking pads and compares."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

X = np.array([[0.1, 0.2], [1.0, 1.5], [2.0, 0.3]])
BAD = {
    "position must be float64": (TypeError, lambda: jg.glass(X.astype(np.float32), 5.0)),
    "position must be finite": (ValueError, lambda: jg.glass(np.where(X == 1.5, np.nan, X), 5.0)),
    "position must be finite, found inf": (
        ValueError,
        lambda: jg.glass(np.where(X == 1.5, np.inf, X), 5.0),
    ),
    r"position must have shape": (ValueError, lambda: jg.glass(X[0], 5.0)),
    "position must hold at least one particle": (ValueError, lambda: jg.glass(X[:0], 5.0)),
    "particles 0 and 3 on the same point": (
        ValueError,
        lambda: jg.glass(np.vstack([X, X[:1]]), 5.0),
    ),
    r"species must have one entry per particle, shape \(3,\), found \(2,\)": (
        ValueError,
        lambda: jg.glass(X, 5.0, species=[0, 1]),
    ),
    "species must be integers": (TypeError, lambda: jg.glass(X, 5.0, species=[0.0, 1.0, 1.0])),
    "species must not be negative": (ValueError, lambda: jg.glass(X, 5.0, species=[0, -1, 1])),
    "diameter must be positive, found -1.0 at index 1": (
        ValueError,
        lambda: jg.glass(X, 5.0, diameter=[1.0, -1.0, 1.0]),
    ),
    "either species or diameter": (
        ValueError,
        lambda: jg.glass(X, 5.0, diameter=[1.0, 1.0, 1.0], species=[0, 0, 0]),
    ),
    "box must have positive edges": (ValueError, lambda: jg.glass(X, -5.0)),
    "box must be a cell of positive volume": (ValueError, lambda: jg.glass(X, np.ones((2, 2)))),
    "box must be one edge": (ValueError, lambda: jg.glass(X, [1.0, 2.0, 3.0])),
    "box must be finite": (ValueError, lambda: jg.glass(X, np.nan)),
    "stack needs at least one sample": (ValueError, lambda: jg.stack([])),
    r"equal particles and dimensions, found \(3, 2\) for sample 0 and \(2, 2\) for sample 1": (
        ValueError,
        lambda: jg.stack([jg.glass(X, 5.0), jg.glass(X[:2], 5.0)]),
    ),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_input_gets_a_sentence(sentence):
    kind, call = BAD[sentence]
    with pytest.raises(kind, match=sentence):
        call()


def test_thirty_two_bit_mode_is_refused_with_advice():
    with (
        jax.enable_x64(False) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64(False)
    ):
        with pytest.raises(TypeError, match="jax_enable_x64"):
            jg.glass(X, 5.0)


def test_positions_are_wrapped():
    assert float(jg.glass(X + 50.0, 5.0).position.max()) < 5.0


def test_stack_of_expansions_pads_to_the_largest(ipl, eight):
    glasses, _, _ = eight
    e = [ipl.expansion, jg.expand(ipl.model, ipl.glass, capacity=2000)]
    both = jg.stack(e)
    assert both.bonds.i.shape == (2, 2000)
    z = ipl.direction
    np.testing.assert_allclose(
        jax.vmap(lambda e: jg.hvp(e, z))(both)[0], jg.hvp(ipl.expansion, z), atol=1e-12
    )


def test_stacked_boxes_keep_their_own_cells():
    two = jg.stack([jg.glass(X, 5.0), jg.glass(X, 6.0)])
    np.testing.assert_allclose(two.box.volume, [25.0, 36.0])
    assert jnp.issubdtype(two.species.dtype, jnp.integer)
