"""Status bits have sentences, and require raises with the count and the first failure."""

from types import SimpleNamespace

import numpy as np
import pytest

import jaxglass as jg


def test_every_bit_has_a_sentence():
    assert all(len(jg.describe(bit)) > 20 for bit in jg.Status if bit)


def test_require_names_count_and_first_sample():
    result = SimpleNamespace(status=np.array([0, 0, int(jg.Status.RATTLERS), 1]))
    with pytest.raises(
        RuntimeError, match="2 of 4 samples failed, first sample 2: some particles touch nothing"
    ):
        jg.require(result)


def test_require_accepts_what_it_is_told_to():
    result = SimpleNamespace(status=np.array([int(jg.Status.RATTLERS)]))
    assert jg.require(result, accept=jg.Status.RATTLERS) is result
