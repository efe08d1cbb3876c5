"""Matrices in and out: what makes no Hessian of free particles is refused with a sentence."""

import numpy as np
import pytest

import jaxglass as jg

CHAIN = np.kron(np.array([[1.0, -1, 0], [-1, 2, -1], [0, -1, 1]]), np.eye(2))


def changed(**entries):
    matrix = CHAIN.copy()
    for place, value in entries.items():
        i, j = map(int, place[1:].split("_"))
        matrix[i, j] = value
    return matrix


BAD = {
    "matrix must be square with a multiple of dim = 4": lambda: jg.from_hessian(CHAIN, 4),
    "matrix must be symmetric": lambda: jg.from_hessian(changed(m0_2=-2.0), 2),
    "matrix must be finite": lambda: jg.from_hessian(changed(m0_0=np.nan), 2),
    # Held at one end, by a spring of its own.
    "matrix must not feel a translation": lambda: jg.from_hessian(changed(m0_0=3.0), 2),
    # Three components a particle instead of two.
    "is dim = 3 right": lambda: jg.from_hessian(CHAIN, 3),
    "pairs must be": lambda: jg.from_hessian(CHAIN, 2, pairs=[[0, 7]]),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_input_gets_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        BAD[sentence]()


def test_a_hessian_goes_out_and_comes_back(ipl):
    matrix = jg.to_scipy(ipl.expansion)
    for given in (matrix, matrix.toarray(), matrix.tocsc()):
        again = jg.from_hessian(given, 2)
        assert int(again.bonds.count) == int(ipl.expansion.bonds.count)
        np.testing.assert_allclose(
            jg.hvp(again, ipl.direction), jg.hvp(ipl.expansion, ipl.direction), atol=1e-10
        )


def test_two_of_them_stack():
    import jax

    two = jg.stack([jg.from_hessian(CHAIN, 2), jg.from_hessian(2 * CHAIN, 2)])
    lowest = jax.vmap(lambda e: jg.lowest_modes(e, 1).frequency[0])(two)
    np.testing.assert_allclose(lowest, [1.0, np.sqrt(2.0)], rtol=1e-12)
