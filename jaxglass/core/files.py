"""Files that are written whole or not at all."""

import contextlib
import os


@contextlib.contextmanager
def whole_file(path):
    """A name beside the path to write to; it takes the path's place when all is on disk, and is removed otherwise."""
    part = f"{os.fspath(path)}.part{os.getpid()}"
    try:
        yield part
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)
