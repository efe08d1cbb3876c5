"""Periodic cells: minimum image by brute force over images, wrapping, third derivatives."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.system.box import face_distance, fractional, make_box, minimum_image, wrap

CELLS = {
    "cubic2": 3.0,
    "rectangular3": np.array([3.0, 4.0, 5.0]),
    "sheared2": np.array([[3.0, 1.4], [0.0, 3.2]]),
    "triclinic3": np.array([[4.0, 0.7, -0.9], [0.3, 3.5, 1.1], [0.0, 0.2, 3.8]]),
    "cubic4": 2.5,
}


def dimension(name):
    return int(name[-1])


@pytest.mark.parametrize("name", CELLS)
def test_minimum_image_is_the_nearest_of_all_images_within_half_a_width(name):
    d = dimension(name)
    box = make_box(CELLS[name], d)
    r = jax.random.normal(jax.random.key(0), (500, d)) * 5
    images = np.array(list(itertools.product(range(-9, 10) if d < 4 else range(-1, 2), repeat=d)))
    r = minimum_image(box, r) if d == 4 else r
    nearest = np.array(
        [
            (v - images @ np.asarray(box.cell).T)[
                np.argmin(np.sum((v - images @ np.asarray(box.cell).T) ** 2, 1))
            ]
            for v in np.asarray(r)
        ]
    )
    close = np.linalg.norm(nearest, axis=1) < float(jnp.min(face_distance(box.cell))) / 2
    assert close.sum() > 50
    np.testing.assert_allclose(np.asarray(minimum_image(box, r))[close], nearest[close], atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_wrapped_positions_lie_in_the_cell_and_differ_by_lattice_vectors(name):
    d = dimension(name)
    box = make_box(CELLS[name], d)
    x = jax.random.normal(jax.random.key(1), (200, d)) * 10
    s = fractional(box, wrap(box, x))
    assert float(s.min()) >= -1e-15 and float(s.max()) < 1
    shift = fractional(box, x - wrap(box, x))
    np.testing.assert_allclose(shift, jnp.round(shift), atol=1e-11)


def test_third_derivative_in_a_sheared_cell_is_right():
    box = make_box(CELLS["triclinic3"], 3)
    f = lambda t: (
        jnp.sum(
            minimum_image(box, jnp.array([3.1, -2.0, 1.7]) + t * jnp.array([0.3, 0.5, -0.2])) ** 2
        )
        ** -2.0
    )
    third = jax.jvp(jax.grad(jax.grad(f)), (0.0,), (1.0,))[1]
    errors = [
        abs((f(2 * h) - 2 * f(h) + 2 * f(-h) - f(-2 * h)) / (2 * h**3) - third)
        for h in (2e-2, 1e-2)
    ]
    assert abs(np.log2(errors[0] / errors[1]) - 2) < 0.1


def test_volume_and_its_derivative_with_respect_to_strain():
    box = make_box(CELLS["sheared2"], 2)
    assert float(box.volume) == pytest.approx(9.6)
    grown = lambda s: box.replace(cell=(1 + s) * box.cell).volume
    assert float(jax.grad(grown)(0.0)) == pytest.approx(2 * 9.6)


@pytest.mark.parametrize("name", ["rectangular3", "triclinic3"])
def test_a_box_without_particles_is_that_of_a_glass(name):
    box, of_glass = jg.box(CELLS[name]), jg.glass(np.zeros((1, 3)), CELLS[name]).box
    assert jax.tree.structure(box) == jax.tree.structure(of_glass)
    np.testing.assert_array_equal(box.cell, of_glass.cell)
    r = jax.random.normal(jax.random.key(2), (50, 3)) * 9
    np.testing.assert_array_equal(box.minimum_image(r), minimum_image(of_glass, r))
    np.testing.assert_array_equal(box.wrap(r), wrap(of_glass, r))


def test_a_box_of_one_number_is_refused():
    with pytest.raises(ValueError, match="edges must be .* found one number 4"):
        jg.box(4.0)


@pytest.mark.parametrize("name", CELLS)
def test_bounds_hold_and_are_close(name):
    box = make_box(CELLS[name], dimension(name))
    distance = np.asarray(face_distance(box.cell))
    assert np.all(np.array(box.width) <= distance)
    assert box.least_volume <= float(box.volume)
    looser = 1.0201 if box.orthogonal else 1.5  # in other boxes they allow for shear
    assert np.all(np.array(box.width) * looser > distance)
