"""How a Hessian is factored along a branch: on a tree for a glass, densely for a few particles."""

import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct, static
from ..landscape import dissection
from ..linalg import nested
from ..linalg.lapack import cholesky, cholesky_solve
from ..linalg.nested_tree import Tree


class OnTree(Struct):
    """Nested dissection; a spring holds the translations."""

    tree: Tree

    def factor(self, e, shift):
        """What ``solve`` needs, and whether M + shift is positive."""
        inside = dissection.factor(e, self.tree, shift)
        return inside, inside.ok

    def solve(self, inside, b):
        """(M + shift)^-1 b of columns (n, d, c)."""
        return nested.solve(inside, b)


class Dense(Struct):
    """The block of the first particles, those that are free."""

    free: Array
    room: int = static()

    def factor(self, e, shift):
        """What ``solve`` needs, and whether M + shift is positive."""
        matrix = self.matrix(e) + shift * jnp.eye(self.room * e.position.shape[-1])
        lower = cholesky(matrix)
        positive = jnp.isfinite(lower[-1, -1])  # what fails is not finite from there on
        return jnp.where(positive, lower, jnp.eye(len(matrix))), positive

    def solve(self, inside, b):
        """(M + shift)^-1 b of columns (n, d, c)."""
        n, d, c = b.shape
        x = cholesky_solve(inside, b[: self.room].reshape(-1, c))
        return jnp.pad(x.reshape(self.room, d, c), ((0, n - self.room), (0, 0), (0, 0)))

    def matrix(self, e):
        """M of the free particles, one where there is room for more."""
        d, m = e.position.shape[-1], self.room
        own, pairs = e.blocks
        own = jnp.where(self.free[:m, None, None], own[:m], jnp.eye(d))
        i, j = e.bonds.i, e.bonds.j
        both = e.bonds.valid & self.free[i] & self.free[j]
        beyond = m * m  # blocks that have no place are dropped
        place = jnp.concatenate(
            [
                jnp.arange(m) * (m + 1),
                jnp.where(both, i * m + j, beyond),
                jnp.where(both, j * m + i, beyond),
            ]
        )
        block = jnp.concatenate([own, pairs, jnp.swapaxes(pairs, -1, -2)]).reshape(-1, d * d)
        matrix = jnp.zeros((m * m, d * d)).at[place].add(block, mode="drop")
        return matrix.reshape(m, m, d, d).swapaxes(1, 2).reshape(m * d, m * d)
