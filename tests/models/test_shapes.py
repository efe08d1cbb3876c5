"""Published constants, smoothness where pieces meet and at the cutoff, and derivatives of every
order.
"""

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from shared import along

import jaxglass as jg
from jaxglass.models import shapes
from jaxglass.models.pair import energy_of, scales_of

PUBLISHED = {
    "kalj": [0.322042855424, -0.11564551766016, 0.014774794872422, -0.0006556954772111],
    "poly2d": [-1.924145348608, 2.111062325330, -0.591097451092],
}
SMOOTHED = ("ipl2d", "ipl3d", "ipl4d", "kalj", "poly2d", "poly3d")
BOTTOM = 2 ** (1 / 6)


def radial(model, order, r, a=0, b=0):
    """Derivatives in the distance itself, by automatic differentiation of the energy."""
    scales = scales_of(model, jnp.array([a]), jnp.array([b]))
    f = lambda r: energy_of(model)(jnp.atleast_1d(0.5 * r * r), scales)[0]
    for _ in range(order):
        f = jax.grad(f)
    return float(f(jnp.float64(r)))


@pytest.mark.parametrize("name", PUBLISHED)
def test_smoothing_coefficients_to_all_printed_digits(name):
    ours = np.asarray(jg.models.smoothing_coefficients(jg.models.get(name)))
    # The published kalj row is in units of epsilon, the Lennard-Jones factor 4 included.
    digits = {"kalj": [12, 14, 15, 16], "poly2d": [12, 12, 12]}[name]
    for value, printed, places in zip(ours, PUBLISHED[name], digits, strict=True):
        assert abs(value - printed) <= 0.51 * 10.0**-places


@pytest.mark.parametrize("n,xc,q", [(10, 1.48, 3), (12, 1.25, 2), (10, 1.4, 3), (6, 2.0, 4)])
def test_inverse_power_coefficients_match_the_closed_form(n, xc, q):
    def double(k):
        return float(np.prod(np.arange(k, 0, -2))) if k > 0 else 1.0

    closed = [
        (-1) ** (l + 1)
        / (double(2 * q - 2 * l) * double(2 * l))
        * double(n + 2 * q)
        / (double(n - 2) * (n + 2 * l))
        * xc ** -(n + 2.0 * l)
        for l in range(q + 1)
    ]
    model = jg.models.inverse_power(exponent=float(n), cutoff=xc, smoothing=q)
    np.testing.assert_allclose(jg.models.smoothing_coefficients(model), closed, rtol=1e-12)


@pytest.mark.parametrize("name", SMOOTHED)
def test_energy_and_q_derivatives_vanish_at_the_cutoff_and_the_next_does_not(name):
    model = jg.models.get(name)
    for k in range(model.smoothing + 2):
        scale = abs(along(model, k, 0.8 * model.cutoff, 1, 1)[0])
        if model.sigma is not None:
            end = float(model.cutoff * model.sigma[1, 1])
        else:
            end = float(model.cutoff)
        at_end = abs(along(model, k, end, 1, 1)[0])
        assert (at_end < 1e-12 * scale) == (k <= model.smoothing)


def test_lj2d_tail_is_twice_continuously_differentiable():
    model = jg.models.get("lj2d")
    sigma = float(model.sigma[0, 1])
    for k in range(3):
        below, above, end = along(model, k, sigma * np.array([2 - 1e-9, 2 + 1e-9, 2.5]), 0, 1)
        assert below == pytest.approx(above, abs=1e-6)
        assert end == pytest.approx(0.0, abs=1e-13)
    assert along(model, 0, sigma, 0, 1)[0] == pytest.approx(
        oracle.lj2d().radial(np.array([1.0]), 1.0, 1.0)[0]
    )


def sticky_by_powers_of_x(end):
    """(a, b, c_0, c_2, c_4, c_6) from value and two derivatives in x at both ends, as six
    equations.
    """
    powers, signs = (-12, -6, 0, 2, 4, 6), np.array([1, -1, 1, 1, 1, 1])
    d = lambda p, k, x: np.prod([p - m for m in range(k)]) * x ** float(p - k)
    rows = [[d(p, k, x) for p in powers] for x in (BOTTOM, end) for k in range(3)]
    core = [4 * (d(-12, k, BOTTOM) - d(-6, k, BOTTOM)) for k in range(3)]
    return np.linalg.solve(np.array(rows) * signs, core + [0, 0, 0]), np.linalg.cond(rows)


@pytest.mark.parametrize("end", [1.2 * BOTTOM, 1.5 * BOTTOM])
def test_sticky_coefficients_solve_the_conditions_in_x(end):
    direct, condition = sticky_by_powers_of_x(end)
    ours = shapes.sticky_coefficients(end)
    np.testing.assert_allclose(ours, direct, rtol=condition * 2e-15)


@pytest.mark.parametrize("factor", [1.2, 1.3])  # 1.3: the tail follows the cutoff leaf
def test_sticky_spheres_are_twice_continuously_differentiable_at_both_ends(factor):
    model = jg.models.get("sticky").replace(cutoff=jnp.float64(factor * BOTTOM))
    sigma, end = 1.18, 1.18 * factor * BOTTOM
    assert along(model, 0, sigma * BOTTOM, 0, 1)[0] == pytest.approx(-1.0, abs=1e-12)
    step = 1e-9
    for k in range(4):
        scale = abs(radial(model, k, 0.9 * sigma, 0, 1))
        below, above = (radial(model, k, sigma * BOTTOM + s, 0, 1) for s in (-step, step))
        before = radial(model, k, end - step, 0, 1)
        smooth = abs(above - below) < 1e-6 * scale, abs(before) < 1e-6 * scale
        assert smooth == ((True, True) if k < 3 else (False, False))
    between = along(model, 0, np.linspace(sigma * BOTTOM, end, 50), 0, 1)
    assert np.all(np.diff(between) > 0)  # one well, no barrier


def test_sticky_core_is_lennard_jones():
    r = np.linspace(0.8, 1.0, 5) * BOTTOM
    np.testing.assert_allclose(
        along(jg.models.get("sticky"), 0, r), 4 * (r**-12 - r**-6), rtol=1e-12
    )


@pytest.mark.parametrize(
    "a,b,sigma,epsilon,end",
    [(0, 0, 1.0, 1.0, 1.5), (0, 1, 0.8, 1.5, 2.5), (1, 1, 0.88, 0.5, 1.5)],
)
def test_mblj_ends_with_energy_and_force_at_the_cutoff_of_each_pair(a, b, sigma, epsilon, end):
    model = jg.models.get("mblj")
    lj = [
        lambda x: 4 * (x**-12 - x**-6),
        lambda x: 4 * (-12 * x**-13 + 6 * x**-7),
        lambda x: 4 * (156 * x**-14 - 42 * x**-8),
    ]
    x = 1.1
    expected = epsilon * (lj[0](x) - lj[0](end) - (x - end) * lj[1](end))
    assert along(model, 0, x * sigma, a, b)[0] == pytest.approx(expected, rel=1e-13)
    at_end = [radial(model, k, end * sigma, a, b) for k in range(3)]
    assert at_end[:2] == pytest.approx([0, 0], abs=1e-13)
    assert at_end[2] == pytest.approx(epsilon / sigma**2 * lj[2](end), rel=1e-12)


def test_hertz_is_jax_mds_soft_sphere():
    from jax_md import energy

    r = jnp.array([0.8, 0.95])
    theirs = 2.5 * energy.soft_sphere(
        r, sigma=jnp.float64(1.0), epsilon=jnp.float64(1.0), alpha=jnp.float64(2.5)
    )
    np.testing.assert_allclose(along(jg.models.get("hertz"), 0, r), theirs, rtol=1e-12)


@pytest.mark.parametrize("name", ["kalj", "mblj", "sticky", "lj2d", "poly2d", "poly3d", "hertz"])
def test_derivatives_of_all_orders_are_those_of_the_energy(name):
    """Central differences of each order give the next, with an error that falls as the square of
    the step.
    """
    model = jg.models.get(name)
    r = 0.95 if name in ("hertz", "harmonic") else 1.06
    s = 0.5 * r * r
    kind = 1.0 if model.sigma is None else 0
    at = lambda k, s: along(model, k, np.sqrt(2 * s), kind, kind)
    steps = np.array([4e-3, 2e-3])
    for k in range(4):
        exact = at(k + 1, s)[0]
        ahead, behind = (at(k, s + sign * steps) for sign in (1, -1))
        coarse, fine = abs((ahead - behind) / (2 * steps) - exact)
        scale = abs(exact) + abs(ahead[0])
        assert fine < 0.3 * coarse + 1e-9 * scale and fine < 0.1 * scale
