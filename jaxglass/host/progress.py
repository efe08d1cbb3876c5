"""One line on stderr that says how far a long computation is."""

import sys
import time


class Progress:
    """Counts units of work; prints at most once a second, and a last line at the end.

    Example:
        >>> from jaxglass.host.progress import Progress
        >>> with Progress("annealing", 10, show=False) as bar:
        ...     bar.done(10)
    """

    def __init__(self, label, total, *, show=True):
        self.label, self.total, self.show = label, total, show
        self.begun = self.printed = time.perf_counter()
        self.at = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.show:
            self._print(end="\n")

    def done(self, amount):
        """Adds finished units."""
        self.at += amount
        if self.show and time.perf_counter() - self.printed > 1:
            self._print(end="")

    def _print(self, end):
        self.printed = time.perf_counter()
        spent = self.printed - self.begun
        share = self.at / self.total if self.total else 1.0
        left = f", {spent * (1 - share) / share:.0f} s left" if 0 < share < 1 else ""
        filled = int(24 * share)
        bar = f"[{'#' * filled}{'.' * (24 - filled)}]"
        line = f"\r{self.label:<22} {bar} {share:4.0%} {spent:6.1f} s{left}   "
        print(line, end=end, file=sys.stderr, flush=True)
