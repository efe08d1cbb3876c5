"""Models of many bodies in files, and what identifies them."""

import jax
import numpy as np
import pytest
from manybody import DATA, at, reference, three_bodies

import jaxglass as jg
from jaxglass.host.identity import describe


def models():
    table = jg.models.read_eam(DATA / "lopsided.eam.fs")
    return jg.models.get("sw"), jg.models.get("cuzr"), table


def test_a_model_comes_back_with_its_glass(tmp_path):
    r = reference("sw")
    glass = at(r, r["position"])
    for model in models():
        jg.save(tmp_path / "glass.h5", glass, model=model)
        again = jg.load(tmp_path / "glass.h5").model
        assert jax.tree.structure(again) == jax.tree.structure(model)
        for here, there in zip(jax.tree.leaves(model), jax.tree.leaves(again), strict=True):
            np.testing.assert_array_equal(here, there)


def test_functions_of_ones_own_are_named_where_they_cannot_be_written(tmp_path):
    r = reference("sw")
    jg.save(tmp_path / "glass.h5", at(r, r["position"]), model=three_bodies())
    with pytest.warns(UserWarning, match="a function of the user's own"):
        assert jg.load(tmp_path / "glass.h5").model is None


def test_a_description_holds_no_address():
    for model in (*models(), three_bodies()):
        assert "0x" not in str(describe(model))
    assert describe(jg.models.get("sw")) != describe(jg.models.stillinger_weber(21.0))
