"""What went wrong while compiled code ran: bits OR-ed along a computation, a sentence for each.

Nothing raises inside compiled code. A result carries an integer ``status``, zero when all is well;
``require`` raises on the host with the sentences that belong to the bits.
"""

import enum
from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np
from jax import Array

T = TypeVar("T")


class Status(enum.IntFlag):
    """Bits of a result's ``status``."""

    OK = 0
    NOT_CONVERGED = 1
    NEIGHBOUR_OVERFLOW = 2
    BOND_OVERFLOW = 4
    BEYOND_REACH = 8
    BOX_TOO_SMALL = 16
    NOT_A_MINIMUM = 32
    RATTLERS = 64
    NOT_FINITE = 128
    UNKNOWN_SPECIES = 256
    BOX_CHANGED = 512
    SEPARATOR_OVERFLOW = 1024
    NEGATIVE_QUARTIC = 2048
    FOREIGN_FACTOR = 4096
    CROWDED = 8192
    DRIFT = 16384
    TOO_SHORT = 32768
    NO_EVENT = 65536
    LOST_BRANCH = 131072
    KINK = 262144
    NO_DECAY = 524288
    FEW_MODES = 1048576


SENTENCES = {
    Status.NOT_CONVERGED: "an iteration or a search stopped at its limit; "
    "raise the limit or loosen the tolerance",
    Status.NEIGHBOUR_OVERFLOW: "a neighbour list was too small and pairs were left out; "
    "call the function outside jit and vmap, where it retries, or raise the model's `contacts`",
    Status.BOND_OVERFLOW: "there were more bonds than room for them; "
    "raise the model's `contacts`, or the `capacity` of expand",
    Status.BEYOND_REACH: "an interaction reaches beyond the model's static bound `reach`; "
    "rebuild the model with its new sizes, or raise the bound",
    Status.BOX_TOO_SMALL: "the box is narrower than two cutoffs, "
    "so a pair interacts through two images",
    Status.NOT_A_MINIMUM: "the configuration is not a minimum of the energy: "
    "negative curvature was met",
    Status.RATTLERS: "some particles touch nothing, "
    "so the Hessian is singular beyond the translations",
    Status.NOT_FINITE: "a value that is not finite appeared",
    Status.UNKNOWN_SPECIES: "a species index lies outside the model's tables",
    Status.BOX_CHANGED: "the box became narrower than its neighbour grid allows; "
    "give `deformed` more room, or build the glass anew",
    Status.SEPARATOR_OVERFLOW: "the direct engine had no room for all that it must eliminate; "
    "call factorise outside jit and vmap, where its sizes are made to fit",
    Status.NEGATIVE_QUARTIC: "the quartic coefficient along a mode is negative, "
    "so that the mode is no minimum of its cost",
    Status.FOREIGN_FACTOR: "the factor is that of another Hessian; "
    "make one with factorise of this expansion",
    Status.CROWDED: "there are more modes of equal frequency than vectors in the iteration, "
    "so that some may be missing; call it outside jit and vmap, where it takes more, "
    "or use method='filter'",
    Status.DRIFT: "what the motion must conserve drifted by more than a twentieth of the kinetic "
    "energy; take a smaller time step dt",
    Status.TOO_SHORT: "the run was shorter than five of its own relaxation times, "
    "or had not arrived at equilibrium; run longer",
    Status.NO_EVENT: "no plastic event was met below max_strain; raise it to find one",
    Status.LOST_BRANCH: "the elastic branch could not be followed to its end: derivatives jump, "
    "as those of contact models do where a contact opens",
    Status.KINK: "the event was bracketed by bisection, as contacts have no folds: "
    "its strain is good to 1e-9 and has no derivative",
    Status.NO_DECAY: "the energy of the wave did not fall by a factor of e within the times; "
    "give later times or more periods, or a larger box",
    Status.FEW_MODES: "fewer than fifteen modes share the line of the wave, so that it beats and "
    "its rate depends on the size of the box; average correlations over directions and samples "
    "and fit once, or take a larger box",
}


def flag(condition: Any, bit: int) -> Array:
    """The bit where the condition holds, zero elsewhere."""
    return jnp.where(condition, jnp.int32(bit), jnp.int32(0))


def or_nan(status, value) -> Array:
    """The value where the status is clean, NaN elsewhere: for results that carry no status."""
    return jnp.where(status == 0, value, jnp.nan)


def describe(status: Any) -> str:
    """The sentences of a status, joined; an empty string when nothing is wrong."""
    return "; ".join(SENTENCES[bit] for bit in Status if bit and int(status) & bit)


def require(result: T, *, accept: Status = Status.OK) -> T:
    """Returns the result if its status is clean, otherwise raises.

    Args:
        result: anything with a ``status``, of one sample or of many; or a dict with the key
            "status".
        accept: bits that are not an error here.

    Raises:
        RuntimeError: with the number of failed samples, the first of them, and what went wrong
        there.

    Example:
        >>> class Result: status = jnp.int32(0)
        >>> _ = jg.require(Result())
    """
    bits = result["status"] if isinstance(result, dict) else getattr(result, "status")  # noqa: B009
    status = np.atleast_1d(np.asarray(bits)) & ~int(accept)
    failed = np.flatnonzero(status)
    if failed.size:
        where = (
            ""
            if status.size == 1
            else f"{failed.size} of {status.size} samples failed, first sample {failed[0]}: "
        )
        raise RuntimeError(where + describe(status.reshape(-1)[failed[0]]))
    return result
