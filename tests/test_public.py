"""Every public function has a docstring with an example, and no catch-all arguments."""

import inspect

import pytest

import jaxglass as jg


def public():
    """Every public function by the name under which a user finds it."""
    found = {}
    for name in jg.__all__:
        value = getattr(jg, name)
        if inspect.ismodule(value):
            found |= {f"{name}.{k}": getattr(value, k) for k in value.__all__}
        found[name] = value
    ours = lambda f: inspect.isfunction(f) and f.__module__.startswith("jaxglass.")
    return {k: f for k, f in found.items() if ours(f)}


# Readers of files of other programs, and what is shown elsewhere.
WITHOUT = {"describe", "io.read_xyz", "io.read_lammps_data", "io.read_lammps_dump"}


@pytest.mark.parametrize("name", sorted(public()))
def test_documented_with_an_example(name):
    text = public()[name].__doc__ or ""
    assert len(text.split("\n")[0]) > 20
    assert "Example" in text or name in WITHOUT


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
