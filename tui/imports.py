"""Importing much at once, and soon."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_garbage() -> Iterator[None]:
    """Do not look for garbage in this block: all that an import makes stays, and is never looked through again."""
    gc.disable()
    try:
        yield
    finally:
        settle()


def settle() -> None:
    """End a time without looking for garbage, if there is one: what was made in it is never looked through again."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
