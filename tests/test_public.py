"""Every public function has a docstring with an example, and no catch-all arguments."""

import inspect

import pytest

import jaxglass as jg


def public():
    functions = {k: getattr(jg, k) for k in dir(jg) if not k.startswith("_")}
    functions |= {f"models.{k}": getattr(jg.models, k) for k in jg.models.__all__}
    functions |= {
        f"protocols.{k}": v
        for k, v in vars(jg.protocols).items()
        if inspect.isfunction(v) and v.__module__ == jg.protocols.__name__
    }
    return {
        k: f
        for k, f in functions.items()
        if inspect.isfunction(f) and not k.split(".")[-1].startswith("_")
    }


@pytest.mark.parametrize("name", sorted(public()))
def test_documented_with_an_example(name):
    text = public()[name].__doc__ or ""
    assert len(text.split("\n")[0]) > 20
    assert "Example" in text or name in {
        "describe",
        "read_xyz",
        "read_lammps_data",
        "read_lammps_dump",
    }


@pytest.mark.parametrize("name", sorted(public()))
def test_no_catch_all_arguments(name):
    kinds = {p.kind for p in inspect.signature(public()[name]).parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}


def test_wrong_jax_releases_are_refused():
    from jaxglass._requirements import refuse_wrong_jax

    for version in ("0.10.2", "0.11.0", "0.11.1", "0.6.2"):
        with pytest.raises(ImportError, match=version.replace(".", r"\.")):
            refuse_wrong_jax(version)
    refuse_wrong_jax("0.10.1")
    refuse_wrong_jax("0.12.0.1")
