"""Descriptions: the same in every process, changed by what the numbers depend on, and readable."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.core.struct import Struct
from jaxglass.host.identity import describe, difference

ROOT = Path(__file__).parents[2]

SCRIPT = """
import json
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import jaxglass as jg
from jaxglass.host.identity import describe

scale, glass = jnp.arange(40.0), jg.random_glass(jax.random.key(0), "ipl2d", 16)
kinds = {"soft", "hard", "other", "more"}


class Settings:
    count = 3


def helper(x):
    return scale * x if "soft" in kinds or x in {"a", "b", "c"} else Settings.count


@jax.jit
def analysis(x):
    return (lambda y: helper(y) + glass.position[0])(x)


mine = jg.models.pair(lambda x, p: x**-8 + Settings.count, sigma=1.0, cutoff=1.5)
print(json.dumps([describe(v) for v in (jg.models.get("ipl2d"), mine, analysis, jax.vmap(helper))]))
"""


def said(script, seed):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_two_processes_give_the_same_description():
    first, second = said(SCRIPT, "1"), said(SCRIPT, "2")
    assert first == second and len(first) > 1000
    assert " at 0x" not in first


def test_a_model_is_described_in_words():
    model = jg.models.get("ipl2d")
    assert describe(model) == describe(jg.models.get("ipl2d"))
    assert describe(model)["shape"] == {"function": "jaxglass.models.shapes.power:inverse_power"}
    assert describe(model)["parameters"] == {"exponent": "float64 10.0"}
    other = describe(model.replace(sigma=1.01 * model.sigma))
    assert "sigma is 'float64 [[1.0, 1.18], [1.18, 1.4]]' there" in difference(
        describe(model), other
    )


class Holder(Struct):
    value: object


def power(exponent, table=None):
    return lambda x, shift=0.0: (x + shift) ** exponent if table is None else table


def summed(x):
    return x * TABLE[0].value.sum() + jg.coefficients.__doc__.count("x")


TABLE = [Holder(jnp.ones(30))]


def written(text):
    space = {"__name__": "__main__", "jnp": jnp, "TABLE": TABLE}
    exec(compile(text, "user.py", "exec"), space)
    return space["f"]


CHANGES = {
    "closed-over number": (power(2), power(3)),
    "closed-over array": (power(2, jnp.ones(99)), power(2, jnp.ones(99).at[50].set(2))),
    "closed-over struct": (power(2, Holder(1.0)), power(2, Holder(2.0))),
    "arguments of partial": (functools.partial(power, 2), functools.partial(power, 3)),
    "axes of vmap": (jax.vmap(summed), jax.vmap(summed, in_axes=1)),
    "wrapped by jit": (jax.jit(power(2)), jax.jit(power(3))),
    "constants": (written("def f(x): return x + 1"), written("def f(x): return x + 2")),
    "names": (written("def f(x): return jnp.sin(x)"), written("def f(x): return jnp.cos(x)")),
    "defaults": (written("def f(x, a=1): return a"), written("def f(x, a=2): return a")),
    "numpy functions": (written("f = jnp.add"), written("f = jnp.multiply")),
    "constants inside": (
        written("def f(x): return (lambda y: y in (1, 2))(x)"),
        written("def f(x): return (lambda y: y in (1, 3))(x)"),
    ),
    "what a helper does": (
        written("def g(x): return x\ndef f(x): return g(x)"),
        written("def g(x): return -x\ndef f(x): return g(x)"),
    ),
    "attributes of classes": (
        written("class C:\n    a = 1\ndef f(x): return C.a"),
        written("class C:\n    a = 2\ndef f(x): return C.a"),
    ),
    "attributes of objects": (
        written("class C:\n    pass\nc = C(); c.a = 1\ndef f(x): return c.a"),
        written("class C:\n    pass\nc = C(); c.a = 2\ndef f(x): return c.a"),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_a_result_changes_the_description(what):
    one, other = CHANGES[what]
    assert describe(one) == describe(one)
    assert difference(describe(one), describe(other)) is not None


def test_where_code_stands_and_what_it_does_not_read_leave_the_description():
    text = "def f(x): return x + TABLE[0].value"
    moved = f"# a comment\n\nunused = 7\n{text}"
    assert describe(written(text)) == describe(written(moved))


def test_globals_are_read_when_asked(monkeypatch):
    before = describe(summed)
    monkeypatch.setitem(globals(), "TABLE", [Holder(jnp.full(30, 2.0))])
    assert difference(before, describe(summed)).startswith("reads.TABLE.0.value is 'float64 (30,)")


def test_functions_and_objects_that_hold_themselves_end():
    loop = written("def g(x): return f(x)\ndef f(x): return g(x)")
    assert describe(loop)["reads"]["g"]["reads"] == {"f": {"as above": 0}}
    circle = written("class C: pass\nc = C(); c.me = c\ndef f(): return c")
    assert "as above" in str(describe(circle))


def test_odd_values_have_descriptions():
    values = [float("inf"), 1j, b"x", {2, 1}, np.float32(2), np.array(["a"], object), jnp.int32]
    assert describe(values) == [
        float("inf"), "1j", "b'x'", [1, 2], "float32 2.0", ["a"], {"type": "jax.numpy:int32"},
    ]  # fmt: skip
    assert describe(jax.random.key(3)) == "key threefry2x32 uint32 [0, 3]"


def test_a_difference_names_the_first_entry():
    assert difference({"a": [1, 2]}, {"a": [1, 2]}) is None
    assert difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == "a.1.b is 2 there, 3 here"
    assert difference({"a": 1}, {"a": 1, "b": 2}) == "b is absent there, 2 here"
    assert difference([1], [1, 2]) == "it is [1] there, [1, 2] here"
    assert difference(1, True) == "it is 1 there, True here"
    assert difference({"a": float("nan")}, {"a": float("nan")}) is None
