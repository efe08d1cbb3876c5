"""Planar periodic pictures: particles, fields on bonds, displacement fields."""

from typing import Any

import numpy as np

from ..models import diameters
from ..system.glass import Glass
from .style import apply_style


def particles(glass: Glass, *, model: Any = None, color: Any = "0.85", ax: Any = None) -> Any:
    """Particles as discs of their own size.

    Args:
        glass: planar Glass.
        model: PairModel; gives the sizes of species. Without it all discs are alike.
        color: one colour, or one value per particle for the colour map.
        ax: matplotlib axes to draw on.

    Returns:
        The axes.

    Example:
        >>> len(jg.plot.particles(glass, model=model).collections)
        1
    """
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Circle

    ax = _axes(glass, ax)
    size = _sizes(glass, model)
    patches = PatchCollection(
        [Circle(p, 0.5 * s) for p, s in zip(np.asarray(glass.position), size, strict=True)],
        linewidths=0,
    )
    if isinstance(color, str):
        patches.set_facecolor(color)
    else:
        patches.set_array(np.asarray(color))
    patches.set_zorder(1)
    ax.add_collection(patches)
    return ax


def bond_field(
    e,
    value: Any,
    *,
    scale: float | None = None,
    signed: bool = True,
    label: str | None = None,
    ax: Any = None,
) -> Any:
    """One number per bond as colour and thickness, red negative and dark positive.

    Args:
        e: Expansion of a planar glass.
        value: (b,), padding ignored.
        scale: value drawn at full strength, by default the 99.5th percentile of the magnitude.
        signed: two colours for the two signs; one otherwise.
        label: of the colour bar; none without it.
        ax: matplotlib axes.

    Returns:
        The axes.

    Example:
        >>> ax = jg.plot.bond_field(e, e.energy, label="energy of bonds")
        >>> len(ax.collections[0].get_segments()) == int(e.bonds.count)
        True
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    ax = _axes(e.glass, ax)
    valid = np.asarray(e.bonds.valid)
    value = np.asarray(value)[valid]
    start = np.asarray(e.position)[np.asarray(e.bonds.i)[valid]]
    scale = np.percentile(np.abs(value), 99.5) if scale is None else scale
    strength = np.clip(np.abs(value) / scale, 0, 1)
    order = np.argsort(strength)
    segments = np.stack([start, start + np.asarray(e.two.separation)[valid]], axis=1)[order]
    colors = LinearSegmentedColormap.from_list(
        "signed", ["#b3261e", "#f4f1ea", "#15304f"] if signed else ["#f4f1ea", "#15304f"]
    )
    norm = Normalize(-scale if signed else 0, scale)
    lines = LineCollection(
        list(segments),
        colors=colors(norm(value[order])),
        linewidths=0.3 + 2.7 * strength[order],
        capstyle="round",
    )
    lines.set_zorder(2)
    ax.add_collection(lines)
    if label:
        ax.figure.colorbar(ScalarMappable(norm, colors), ax=ax, label=label, shrink=0.75, pad=0.02)
    return ax


def displacement_field(
    glass: Glass,
    z: Any,
    *,
    longest: float = 2.0,
    least: float = 0.0,
    color: str = "C1",
    ax: Any = None,
) -> Any:
    """A field as arrows, the longest of them ``longest`` particle spacings.

    Args:
        glass: planar Glass, or one in space, seen along its last axis.
        z: (n, d).
        longest: length of the longest arrow in mean distances of particles.
        least: arrows shorter than this share of the longest are left out.
        color: of the arrows.
        ax: matplotlib axes.

    Returns:
        The axes.

    Example:
        >>> ax = jg.plot.displacement_field(glass, jg.lowest_modes(e, 1).vector[0])
        >>> len(ax.collections[0].U)
        64
    """
    ax = _axes(glass, ax, most=3)
    x, z = np.asarray(glass.position), np.asarray(z)
    if z.shape != x.shape:
        raise ValueError(f"z must be a field of shape {x.shape}, found {z.shape}")
    x, z = x[:, :2], z[:, :2]
    length = np.linalg.norm(z, axis=1)
    largest = length.max()
    x, z = x[length >= least * largest], z[length >= least * largest]
    z = z * longest * float(glass.spacing) / (largest if largest > 0 else 1)
    ax.quiver(
        *x.T, *z.T, angles="xy", scale_units="xy", scale=1, width=0.0022, color=color, zorder=3
    )
    return ax


def scalar_field(
    glass: Glass, field: Any, *, spots: Any = None, label: str | None = None, ax: Any = None
) -> Any:
    """A field on a grid of bins, for example a softness field, with its soft spots ringed.

    Args:
        glass: planar Glass.
        field: (m, m) values, the first axis along the first cell vector.
        spots: (k, 2) positions to ring, numbered in their order.
        label: of the colour bar; none without it.
        ax: matplotlib axes.

    Returns:
        The axes.

    Example:
        >>> field = jg.softness_field(e, e.energy, bins=8, threshold=0.0)
        >>> spots = jg.softness_peaks(glass, field).position
        >>> len(jg.plot.scalar_field(glass, field, spots=spots).lines) > len(spots)
        True
    """
    ax = _axes(glass, ax)
    field, cell = np.asarray(field), np.asarray(glass.box.cell)
    lines = [np.linspace(0, 1, m + 1) for m in field.shape]
    corner = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1) @ cell.T
    mesh = ax.pcolormesh(
        corner[..., 0], corner[..., 1], field, cmap="cividis", zorder=0.5, rasterized=True
    )
    if label:
        ax.figure.colorbar(mesh, ax=ax, label=label, shrink=0.75, pad=0.02)
    for k, place in enumerate(np.empty((0, 2)) if spots is None else np.asarray(spots)):
        ax.plot(
            *place,
            "o",
            markersize=11,
            markerfacecolor="none",
            markeredgecolor="#b3261e",
            markeredgewidth=1.2,
            zorder=4,
        )
        ax.annotate(
            str(k + 1),
            place,
            xytext=(7, 5),
            textcoords="offset points",
            color="#b3261e",
            fontsize=8,
            zorder=4,
        )
    return ax


def marks(glass: Glass, particle: Any, *, color: str = "#b3261e", ax: Any = None) -> Any:
    """Numbered marks at particles, such as those where plastic events begin, in their order.

    Args:
        glass: planar Glass.
        particle: (k,) indices.
        color: of the marks.
        ax: matplotlib axes.

    Returns:
        The axes.

    Example:
        >>> len(jg.plot.marks(glass, [3, 9]).texts)
        2
    """
    ax = _axes(glass, ax)
    place = np.asarray(glass.box.wrap(glass.position))[np.asarray(particle)]
    for k, core in enumerate(place, 1):
        box = {"boxstyle": "circle", "facecolor": color, "edgecolor": "white", "pad": 0.2}
        inside = {"ha": "center", "va": "center", "color": "white", "fontsize": 9}
        ax.annotate(str(k), core, bbox=box, zorder=5, **inside)
    return ax


def _axes(glass, ax, most=2):
    if glass.dim > most:
        raise ValueError(f"glass must be planar for a picture, found {glass.dim} dimensions")
    if ax is None:
        ax = apply_style().subplots()[1]
    cell = np.asarray(glass.box.cell)[:2]
    corners = np.array([[0, 0], cell[:, 0], cell[:, 0] + cell[:, 1], cell[:, 1]])
    ax.set_xlim(corners[:, 0].min(), corners[:, 0].max())
    ax.set_ylim(corners[:, 1].min(), corners[:, 1].max())
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.plot(*np.vstack([corners, corners[:1]]).T, color="0.6", linewidth=0.6, zorder=0)
    return ax


def _sizes(glass, model):
    if model is not None:
        return np.asarray(diameters(model, glass))
    if glass.diameter is not None:
        return np.asarray(glass.diameter)
    return np.full(glass.count, 0.9 * float(glass.density) ** -0.5)
