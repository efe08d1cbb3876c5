"""Programs are dropped, with a warning, before their memory maps run out, and not otherwise."""

import jax
import jax.numpy as jnp
import pytest

from jaxglass.host import programs


@pytest.fixture
def tables(tmp_path, monkeypatch):
    maps, limit = tmp_path / "maps", tmp_path / "limit"
    maps.write_text("a map\n" * 90)
    monkeypatch.setattr(programs, "MAPS", maps)
    monkeypatch.setattr(programs, "LIMIT", limit)
    monkeypatch.setattr(programs, "_last_look", [float("-inf")])
    monkeypatch.setattr(programs, "EVERY", 1e6)  # no second look, however slow the machine
    return limit


def test_a_full_table_is_emptied_with_a_warning_and_not_looked_at_again_at_once(tables):
    tables.write_text("100")
    double = jax.jit(lambda x: 2 * x)
    double(1.0)
    with pytest.warns(UserWarning, match="hold 90 of the 100 memory maps"):
        programs.drop_programs_in_time()
    assert double._cache_size() == 0 and double(jnp.float64(2.0)) == 4
    programs.drop_programs_in_time()
    assert double._cache_size() == 1


def test_a_table_with_room_is_left_alone(tables):
    tables.write_text("1000")
    double = jax.jit(lambda x: 2 * x)
    double(1.0)
    programs.drop_programs_in_time()
    assert double._cache_size() == 1
