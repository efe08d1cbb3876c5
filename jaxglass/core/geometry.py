"""Unit balls in any dimension."""

import math


def ball(dim):
    """Volume of the unit ball: 2, pi, 4 pi / 3 in one to three dimensions."""
    return math.pi ** (dim / 2) / math.gamma(dim / 2 + 1)


def sphere(dim):
    """Surface of the unit ball: 2, 2 pi, 4 pi."""
    return 2 * math.pi ** (dim / 2) / math.gamma(dim / 2)
