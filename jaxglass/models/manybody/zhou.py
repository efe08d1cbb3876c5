"""Embedded atoms of copper and zirconium in the analytic form of X. W. Zhou, R. A. Johnson and
H. N. G. Wadley, Phys. Rev. B 69, 144113 (2004); lengths in angstrom, energies in eV.

The numbers are those of LAMMPS' database of this form; they give 3.54 and 6.36 eV an atom for the
crystals, as published. Densities and pair energies have no end of their own and are switched off,
with three continuous derivatives, between 6.5 and 7.1. Pairs of unlike atoms follow from those of
like ones, weighted with the densities.
"""

import jax.numpy as jnp

from .embedded import embedded_atom
from .model import ManyBodyModel

ELEMENTS = ("Cu", "Zr")
# One number an element. F0 ... F3: of the cubic below 0.85 rho_e; G0, G2, G3 of that up to 1.15
# rho_e, whose linear term is zero; F_e and eta beyond.
PARAMETERS = {
    "r_e": (2.556162, 3.199978),
    "f_e": (1.554485, 2.230909),
    "rho_e": (21.175871, 30.879991),
    "rho_s": (21.175395, 30.879991),
    "alpha": (8.127620, 8.559190),
    "beta": (4.334731, 4.564902),
    "A": (0.396620, 0.424667),
    "B": (0.548085, 0.640054),
    "kappa": (0.308782, 0.5),
    "lambda": (0.756515, 1.0),
    "F0": (-2.170269, -4.485793),
    "F1": (-0.263788, -0.293129),
    "F2": (1.088878, 0.990148),
    "F3": (-0.817603, -3.202516),
    "G0": (-2.19, -4.51),
    "G1": (0.0, 0.0),
    "G2": (0.561830, 0.928602),
    "G3": (-2.100595, -0.981870),
    "eta": (0.310490, 0.597133),
    "F_e": (-2.186568, -4.509025),
}
START, END = 6.5, 7.1  # of the switch


def _switch(r, p):
    y = jnp.clip((r - p["start"]) / (p["cutoff"] - p["start"]), 0.0, 1.0)
    return 1.0 - y**4 * (35.0 - 84.0 * y + 70.0 * y**2 - 20.0 * y**3)


def _bare_density(r, p, of):
    x = r / p["r_e" + of]
    return p["f_e" + of] * jnp.exp(-p["beta" + of] * (x - 1)) / (1 + (x - p["lambda" + of]) ** 20)


def _bare_pair(r, p, of):
    x = r / p["r_e" + of]
    near = p["A" + of] * jnp.exp(-p["alpha" + of] * (x - 1)) / (1 + (x - p["kappa" + of]) ** 20)
    far = p["B" + of] * jnp.exp(-p["beta" + of] * (x - 1)) / (1 + (x - p["lambda" + of]) ** 20)
    return near - far


def _pair(r, p):
    """phi; of unlike atoms (f_b / f_a phi_aa + f_a / f_b phi_bb) / 2, which is phi of like ones."""
    ratio = _bare_density(r, p, "_2") / _bare_density(r, p, "_1")
    mean = 0.5 * (ratio * _bare_pair(r, p, "_1") + _bare_pair(r, p, "_2") / ratio)
    return mean * _switch(r, p)


def _density(r, p):
    return _bare_density(r, p, "") * _switch(r, p)


def _function(rho, p):
    cubic = lambda c, y: p[c + "0"] + y * (p[c + "1"] + y * (p[c + "2"] + y * p[c + "3"]))
    inner = cubic("F", rho / (0.85 * p["rho_e"]) - 1)
    middle = cubic("G", rho / p["rho_e"] - 1)
    x = jnp.where(rho > 0, rho, 1.0) / p["rho_s"]
    outer = p["F_e"] * (1 - p["eta"] * jnp.log(x)) * x ** p["eta"]
    low, high = rho < 0.85 * p["rho_e"], rho < 1.15 * p["rho_e"]
    return jnp.where(low, inner, jnp.where(high, middle, outer))


def copper_zirconium() -> ManyBodyModel:
    """Copper (species 0) and zirconium (1)."""
    return embedded_atom(
        _pair,
        _density,
        _function,
        {**PARAMETERS, "start": START},
        cutoff=END,
        species=len(ELEMENTS),
        contacts=45.0,
        name="cuzr",
    )
