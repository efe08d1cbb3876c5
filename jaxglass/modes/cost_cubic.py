"""E3 = kappa^3 / tau^2, stationary where M z = (kappa / tau) U''':zz.

Its parts: a = M:zz, s = U''':zzz, g = U''':zz.
"""

from .cost import Cost, plus, ray_along, square_along, times


def drive(e, z):
    """U''' : z z."""
    return e.third(z, z)


def along(e, z, d):
    """s_b = 3 F_2 (r.z) z.z + F_3 (r.z)^3."""
    square, ray, f = square_along(z, d), ray_along(e, z, d), e.derivative[:, :, None]
    return plus((3 * f[2], times(ray, square)), (f[3], times(ray, times(ray, ray))))


CUBIC = Cost("cubic", 3, 2, ("higher",), drive=drive, along=along)
