"""E4 = kappa^2 / chi, stationary where M z = (kappa / chi) U'''':zzz.

Its parts: a = M:zz, s = U'''':zzzz, g = U'''':zzz.
"""

from ..core.status import Status
from .cost import Cost, plus, ray_along, square_along, times


def drive(e, z):
    """U'''' : z z z."""
    return e.fourth(z)


def along(e, z, d):
    """s_b = 3 F_2 (z.z)^2 + 6 F_3 (r.z)^2 z.z + F_4 (r.z)^4."""
    square, ray, f = square_along(z, d), ray_along(e, z, d), e.derivative[:, :, None]
    rays = times(ray, ray)
    return plus(
        (3 * f[2], times(square, square)),
        (6 * f[3], times(rays, square)),
        (f[4], times(rays, rays)),
    )


QUARTIC = Cost(
    "quartic", 2, 1, ("higher",), drive=drive, along=along, negative=Status.NEGATIVE_QUARTIC
)
