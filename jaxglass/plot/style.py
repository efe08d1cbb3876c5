"""The one style of all pictures."""

from pathlib import Path
from typing import Any

STYLE = Path(__file__).with_name("jaxglass.mplstyle")


def apply_style() -> Any:
    """Imports matplotlib with the package's style and returns pyplot.

    Example:
        >>> figure, ax = jg.plot.apply_style().subplots()
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("pictures need matplotlib: install jaxglass[plot]") from error
    plt.style.use(STYLE)
    return plt
