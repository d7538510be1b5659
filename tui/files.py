"""Files that are written while others read them."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a write for which there is no room: on the disk, in the user's share of it, in a file."""


def no_room(error: BaseException | None, beside: Path) -> str | None:
    """Describe an error that comes of a full disk; the disk is that of `beside`, where the error names no file."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            named = error.filename2 or error.filename or (beside if _is_full(beside) else None)
            return f"no room to write{f' to {named}' if named else ''}: {error.strerror}"
        error = error.__cause__ or error.__context__
    return None


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < LITTLE_BYTES
    except OSError:
        return False


LITTLE_BYTES = 1 << 20
"""A disk with less is full: what could not be written may be larger."""


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file and its folder, and return its path: readers find the old content or the new one, never a part.

    Raises:
        OSError: it cannot be written; nothing has changed.
    """
    return write_parts(path, (content,))


def write_parts(path: Path, parts: Iterable[bytes]) -> Path:
    """Write a file whole, as `write_whole` does, for content too large to be held in memory at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as file:
            file.writelines(parts)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path


class Growing:
    """A file that another process writes; one that does not exist is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def more(self) -> bytes:
        """Read what has come since the last time."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            return b""
        self._read += len(data)
        return data


def last_line(path: Path) -> str | None:
    """The last line of a file of text that has something in it; None where there is none, or no file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return None
    return next((line.strip() for line in reversed(lines) if line.strip()), None)


@contextlib.contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """Make a folder in a block, which gets the place where it is made: others see the whole of it, or nothing.

    Where another process was first, with the same, its folder stays.

    Raises:
        OSError: it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        yield building
        try:
            building.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
