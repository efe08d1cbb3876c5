"""Text files by their lines, with errors that name file, line, and what was expected there."""

import contextlib

import numpy as np

BELOW = {int: 2**31, float: np.inf}  # bounds on the size of numbers; species are 32-bit integers
EXPECTED = {int: "an integer below 2^31", float: "a finite number"}


class Lines:
    """The lines of a text file; line numbers in messages count from one.

    Attributes:
        path: of the file.
        all: the lines without their ends.
    """

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            whole = file.read()
        try:
            text = whole.decode()
        except UnicodeDecodeError as error:
            at = whole.count(b"\n", 0, error.start)
            raise self.error(
                at, f"expected text, found the byte {whole[error.start]:#04x}"
            ) from error
        # str.splitlines would also cut at what a damaged byte may become, a form feed for example
        self.all = [line.rstrip("\r") for line in text.rstrip().split("\n")]

    def error(self, at, problem):
        """A ValueError about the line with an index."""
        return ValueError(f"{self.path}, line {at + 1}: {problem}")

    def numbers(self, at, words, kind, what):
        """Words of the line with an index as finite numbers of a kind."""
        return [self._number(at, word, kind, what) for word in words]

    def column(self, begin, words, kind, what):
        """Words of consecutive lines, an array with one row a line, as finite numbers of a kind."""
        try:
            values = words.astype(kind)
        except (ValueError, OverflowError):
            values = None
        if values is None or not np.all(np.abs(values) < BELOW[kind]):
            for k, row in enumerate(words.reshape(len(words), -1)):
                self.numbers(begin + k, row, kind, what)
        return values

    def _number(self, at, word, kind, what):
        try:
            value = kind(word)
        except ValueError:
            value = np.inf
        if not abs(value) < BELOW[kind]:
            raise self.error(at, f"expected {EXPECTED[kind]} as {what}, found {str(word)!r}")
        return value

    def rows(self, begin, count, width, what):
        """The words of consecutive lines, of which each must have at least ``width``."""
        rows = [line.split() for line in self.all[begin : begin + count]]
        if len(rows) < count:
            raise self.error(
                len(self.all) - 1,
                f"the file is truncated: it promises {count} {what} and holds {len(rows)}",
            )
        for k, row in enumerate(rows):
            if len(row) < width:
                raise self.error(begin + k, f"expected {width} columns, found {len(row)}")
        return rows

    @contextlib.contextmanager
    def making(self, begin):
        """Names the file and the line where a frame begins in errors about the glass it holds."""
        try:
            yield
        except (ValueError, np.linalg.LinAlgError) as error:
            raise self.error(begin, f"what begins here is no glass: {error}") from error
