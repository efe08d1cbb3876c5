"""Nested dissection against dense inverses, on graphs of every shape with shuffled labels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxglass.linalg import nested, nested_inverse
from jaxglass.linalg.nested_tree import Plan, dissect, exact_plan, usual_plan


class Case:
    """A random network on a torus: n particles, their nearest pairs, positive blocks."""

    def __init__(self, n, dim, contacts, seed=0, free=True):
        r = np.random.default_rng(seed)
        self.n, self.d, self.width = n, dim, (1.0,) * dim
        u = r.random((n, dim))
        apart = u[:, None] - u[None]
        apart = np.sum((apart - np.round(apart)) ** 2, axis=-1)
        i, j = np.triu_indices(n, 1)
        near = np.argsort(apart[i, j])[: contacts * n // 2]
        turned = r.random(near.size) < 0.5
        i, j = i[near], j[near]
        i, j = np.where(turned, j, i), np.where(turned, i, j)
        k = r.normal(size=(i.size, dim, dim))
        k = k @ np.swapaxes(k, 1, 2) + 0.1 * np.eye(dim)
        own = np.zeros((n, dim, dim)) + (0.0 if free else 0.3 * np.eye(dim))
        np.add.at(own, i, k)
        np.add.at(own, j, k)
        padded = lambda a, value: np.concatenate([a, np.full((3, *a.shape[1:]), value, a.dtype)])
        self.valid = padded(np.ones(i.size, bool), False)
        self.i, self.j, self.own, self.k = padded(i, 0), padded(j, 1), own, padded(-k, 7.0)
        self.graph = tuple(map(jnp.asarray, (u, self.i, self.j, self.valid)))
        self.blocks = jnp.asarray(self.own), jnp.asarray(self.k)

    def dense(self, own, k):
        matrix = np.zeros((self.n, self.d, self.n, self.d))
        particle = np.arange(self.n)
        matrix[particle, :, particle, :] += own
        for i, j, block in zip(self.i[self.valid], self.j[self.valid], np.asarray(k)[self.valid]):
            matrix[i, :, j, :] += block
            matrix[j, :, i, :] += block.T
        return matrix.reshape(self.n * self.d, -1)

    def seen(self, matrix):
        """The blocks of a dense matrix on pairs and on particles."""
        g = np.asarray(matrix).reshape(self.n, self.d, self.n, self.d)
        particle = np.arange(self.n)
        pairs = np.where(self.valid[:, None, None], g[self.i, :, self.j, :], 0.0)
        return pairs, g[particle, :, particle, :]

    @property
    def unit(self):
        return jnp.eye(self.n * self.d).reshape(self.n, self.d, -1)

    def direction(self, seed=1):
        r = np.random.default_rng(seed)
        own = r.normal(size=self.own.shape)
        return own + np.swapaxes(own, 1, 2), r.normal(size=self.k.shape)


@jax.jit
def everything(tree, blocks, unit, direction, shift):
    f = nested.factor(tree, *blocks, shift)
    return {
        "ok": f.ok,
        "pin": nested.pin(f, unit),
        "inverse": nested.solve(f, unit),
        "halves": nested.solve_upper(f, nested.solve_lower(f, unit)),
        "selected": nested_inverse.selected(f),
        "change": nested_inverse.change_of_selected(f, *direction),
        "logdet": f.logdet,
        "free": nested.log_determinant(f),
    }


def close(a, b, tol=1e-11):
    for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True):
        x = np.asarray(x).reshape(np.shape(y))
        np.testing.assert_allclose(x, y, rtol=0, atol=tol * np.abs(y).max())


# Particles, dimensions, contacts: dense, a root alone, a line, disconnected, every depth.
SHAPES = [(2, 2, 2), (3, 2, 4), (50, 1, 4), (60, 2, 30), (150, 2, 3), (200, 2, 8), (170, 3, 12)]


@pytest.mark.parametrize("n, dim, contacts", SHAPES)
def test_everything_equals_dense_algebra(n, dim, contacts):
    case = Case(n, dim, contacts, free=False)
    tree = dissect(exact_plan(*case.graph, case.width), *case.graph)
    assert not bool(tree.overflow)
    direction = case.direction()
    for shift in (0.0, 0.4):
        found = everything(tree, case.blocks, case.unit, direction, shift)
        assert bool(found["ok"])
        matrix = case.dense(*case.blocks) + shift * np.eye(n * dim)
        matrix = matrix + np.asarray(found["pin"]).reshape(n * dim, -1)
        inverse = np.linalg.inv(matrix)
        close(found["inverse"], inverse)
        close(found["halves"], inverse)
        close(found["selected"], case.seen(inverse))
        close(found["change"], case.seen(-inverse @ case.dense(*direction) @ inverse))
        close(found["logdet"], np.linalg.slogdet(matrix)[1])
    indefinite = everything(tree, case.blocks, case.unit, direction, -1e3)
    assert not bool(indefinite["ok"]) and float(jnp.abs(indefinite["inverse"]).max()) == 0.0
    assert np.isfinite(np.concatenate([np.ravel(a) for a in indefinite["selected"]])).all()


def test_what_does_not_feel_translations():
    """Without a spring of its own the matrix is singular; the determinant is that of the rest."""
    case = Case(120, 2, 10)
    tree = dissect(exact_plan(*case.graph, case.width), *case.graph)
    found = everything(tree, case.blocks, case.unit, case.direction(), 0.0)
    values = np.linalg.eigvalsh(case.dense(*case.blocks))
    assert bool(found["ok"]) and values[2] > 1e-3
    assert float(found["free"]) == pytest.approx(np.log(values[2:]).sum(), rel=1e-12)
    b = jnp.asarray(np.random.default_rng(0).normal(size=(120, 2)))
    b = b - b.mean(axis=0)
    x = nested.solve(nested.factor(tree, *case.blocks), b)
    np.testing.assert_allclose(case.dense(*case.blocks) @ x.ravel(), b.ravel(), atol=1e-10)


def test_singular_matrices_are_not_ok():
    case = Case(90, 2, 8)
    tree = dissect(exact_plan(*case.graph, case.width), *case.graph)
    assert not bool(nested.factor(tree, *case.blocks, spring=0.0).ok)


def test_labels_and_the_order_of_pairs_do_not_matter():
    case = Case(150, 2, 8)
    u, i, j, valid = case.graph
    r = np.random.default_rng(4)
    label, order = r.permutation(case.n), r.permutation(i.size)
    old = np.argsort(label)
    graph = u[old], jnp.asarray(label)[i][order], jnp.asarray(label)[j][order], valid[order]
    tree = dissect(exact_plan(*graph, case.width), *graph)
    factor = nested.factor(tree, case.blocks[0][old], case.blocks[1][order])
    b = case.unit - case.unit.mean(axis=0)
    x = nested.solve(factor, b[old])[label]
    exact = np.linalg.pinv(case.dense(*case.blocks), rcond=1e-12)
    close(x - x.mean(axis=0), exact, 1e-9)


def test_coincident_coordinates():
    case = Case(130, 2, 8)
    graph = (jnp.zeros_like(case.graph[0]), *case.graph[1:])
    tree = dissect(exact_plan(*graph, case.width), *graph)
    factor = nested.factor(tree, *case.blocks, 0.4)
    x = nested.solve(factor, case.unit)
    pin = np.asarray(nested.pin(factor, case.unit)).reshape(260, -1)
    matrix = case.dense(*case.blocks) + 0.4 * np.eye(260) + pin
    close(x, np.linalg.inv(matrix))


def test_what_does_not_fit_is_told():
    case = Case(200, 2, 8)
    plan = exact_plan(*case.graph, case.width)
    assert bool(dissect(plan._replace(entries=plan.entries // 4), *case.graph).overflow)
    for level in range(plan.depth + 1):
        for which in ("own", "boundary"):
            sizes = list(getattr(plan, which))
            if which == "boundary" and level == 0:
                continue
            sizes[level] = sizes[level] // 2
            tree = dissect(plan._replace(**{which: tuple(sizes)}), *case.graph)
            assert bool(tree.overflow)
            assert not bool(nested.factor(tree, *case.blocks, 0.1).ok)


@pytest.mark.long
def test_derivatives_of_the_selected_inverse():
    """Forward, in reverse, and both a second time, against differences of dense inverses."""
    case = Case(70, 2, 6, free=False)
    tree = dissect(exact_plan(*case.graph, case.width), *case.graph)
    first, second = ([jnp.asarray(a) for a in case.direction(seed)] for seed in (1, 2))
    weight = [jnp.asarray(a) for a in case.direction(3)]

    moved = lambda s, t: [
        a + s * b + t * c for a, b, c in zip(case.blocks, first, second, strict=True)
    ]

    def value(s, t):
        matrix = moved(s, t)
        factor = nested.factor(tree, *jax.lax.stop_gradient(matrix), spring=1.0)
        pairs, particles = nested_inverse.inverse_blocks(factor, *matrix)
        return jnp.sum(weight[1] * pairs) + jnp.sum(weight[0] * particles)

    pin = np.asarray(nested.pin(nested.factor(tree, *case.blocks, spring=1.0), case.unit))

    def dense(s, t):
        pairs, particles = case.seen(
            np.linalg.inv(case.dense(*map(np.asarray, moved(s, t))) + pin.reshape(140, -1))
        )
        return np.sum(np.asarray(weight[1]) * pairs) + np.sum(np.asarray(weight[0]) * particles)

    h = 1e-4
    slope = (8 * (dense(h, 0) - dense(-h, 0)) - dense(2 * h, 0) + dense(-2 * h, 0)) / (12 * h)
    mixed = (dense(h, h) - dense(h, -h) - dense(-h, h) + dense(-h, -h)) / (4 * h * h)
    for derivative in (jax.jacfwd, jax.grad):
        assert float(derivative(value)(0.0, 0.0)) == pytest.approx(slope, rel=1e-8)
        for outer in (jax.jacfwd, jax.grad):
            found = float(jax.jit(outer(derivative(value), argnums=1))(0.0, 0.0))
            assert found == pytest.approx(mixed, rel=1e-4)


def test_a_batch_equals_one_by_one():
    cases = [Case(110, 2, 8, seed) for seed in range(3)]
    plan = usual_plan(110, (1.0, 1.0), cases[0].i.size)
    graphs, blocks = (
        jax.tree.map(lambda *a: jnp.stack(a), *(getattr(case, name) for case in cases))
        for name in ("graph", "blocks")
    )

    def run(graph, blocks):
        factor = nested.factor(dissect(plan, *graph), *blocks)
        return factor.ok, factor.logdet, nested_inverse.selected(factor)

    together = jax.jit(jax.vmap(run))(graphs, blocks)
    for k, case in enumerate(cases):
        close(jax.tree.map(lambda a, k=k: a[k] * 1.0, together), run(case.graph, case.blocks))


def test_subtrees_one_after_another_equal_all_levels_at_once(monkeypatch):
    """As large matrices are done; in chunks smaller and larger than what a subtree reads."""
    case = Case(300, 2, 8, free=False)
    tree = dissect(exact_plan(*case.graph, case.width), *case.graph)
    factor = nested.factor(tree, *case.blocks)
    assert tree.plan.depth >= 2 and bool(factor.ok)
    expected = nested_inverse.selected(factor)
    for subtree, chunk in ((1, 2048), (1, 7), (1e5, 7)):
        monkeypatch.setattr(nested_inverse, "CHUNK", chunk)
        close(nested_inverse.in_subtrees(factor, subtree), expected)


def test_similar_graphs_share_the_usual_plan_and_fit():
    for n, dim, contacts in ((64, 2, 7), (400, 2, 7), (400, 2, 20), (300, 3, 14)):
        plans = {usual_plan(n, (1.0,) * dim, Case(n, dim, contacts, s).i.size) for s in range(3)}
        assert len(plans) == 1
        (plan,) = plans
        assert isinstance(plan, Plan)
        assert max(plan.own) <= n


@pytest.mark.parametrize("columns", [(), (3,)])
def test_fields_and_columns(columns):
    case = Case(80, 2, 8)
    tree = dissect(exact_plan(*case.graph, case.width), *case.graph)
    factor = nested.factor(tree, *case.blocks, 0.2)
    b = jnp.asarray(np.random.default_rng(0).normal(size=(80, 2, *columns)))
    x = nested.solve(factor, b)
    inverse = np.asarray(nested.solve(factor, case.unit)).reshape(160, 160)
    assert x.shape == b.shape
    close(x, inverse @ np.asarray(b).reshape(160, -1))


def test_keys_beyond_their_range_get_a_sentence():
    from jaxglass.linalg import nested_tree

    with pytest.raises(ValueError, match="pairs must leave sort keys below 2"):
        nested_tree._check_keys(10**9, 10**10, 25)
