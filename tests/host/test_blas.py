"""Threads of BLAS."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxglass.host import blas
from jaxglass.host.parallel import side_by_side


@pytest.fixture
def threads():
    """A function that tells how many threads the BLAS of SciPy has now; two before and after."""
    library = blas._openblas()
    if library is None:
        pytest.skip("SciPy brings no OpenBLAS here")
    before = library.scipy_openblas_get_num_threads()
    library.scipy_openblas_set_num_threads(2)
    yield library.scipy_openblas_get_num_threads
    library.scipy_openblas_set_num_threads(before)


def test_one_inside_and_as_before_behind(threads):
    if threads() != 2:
        pytest.skip("this BLAS has one thread")
    with blas.one_blas_thread():
        assert threads() == 1
    with pytest.raises(KeyboardInterrupt), blas.one_blas_thread():
        raise KeyboardInterrupt
    assert threads() == 2


def test_programs_side_by_side_have_one_each(threads):
    a = jnp.asarray(np.diag([4.0, 9.0]))
    found = list(side_by_side(lambda k: (threads(), jnp.linalg.cholesky(k * a)[1, 1]), [1, 4]))
    assert [n for n, _ in found] == [1, 1] and [float(x) for _, x in found] == [3.0, 6.0]


def test_nothing_to_tell_is_no_error(monkeypatch):
    monkeypatch.setattr(blas, "_openblas", lambda: None)
    with blas.one_blas_thread():
        pass
