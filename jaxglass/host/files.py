"""Files that are written whole or not at all, and that know when a byte of them has changed.

A sealed file begins with SEAL bytes of text that name its kind and the sha256 of all bytes after
them.
"""

import contextlib
import hashlib
import os

SEAL = 512  # bytes; the smallest block that HDF5 leaves to others at the head of its files


@contextlib.contextmanager
def whole_file(path):
    """A name beside the path to write to; it takes the path's place once on disk, or is removed."""
    part = f"{os.fspath(path)}.part{os.getpid()}"
    try:
        yield part
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)


def seal(path, kind):
    """Fills the first SEAL bytes of a file with its kind and the digest of the other bytes."""
    with open(path, "r+b") as file:
        text = _seal_text(file, kind)
        file.seek(0)
        file.write(text)


def is_sealed(path, kind):
    """Whether a file begins as a sealed one of this kind does."""
    with open(path, "rb") as file:
        return file.read(len(kind)) == kind.encode()


def check_seal(path, kind):
    """Raises ValueError unless every byte of a file is as it was sealed."""
    with open(path, "rb") as file:
        found = file.read(SEAL)
        if found != _seal_text(file, kind):
            raise ValueError(
                f"{path} is damaged, truncated, or was changed by another program: "
                "its bytes do not have the digest that was written with them"
            )


def _seal_text(file, kind):
    file.seek(SEAL)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    text = f"{kind}\nsha256 of all bytes from byte {SEAL} on: {digest}\n".encode()
    return text + b" " * (SEAL - 1 - len(text)) + b"\n"
