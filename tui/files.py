"""Writing files that are read by others at any moment."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file, and its folder: whoever reads it finds the old content or the new one, never a part. Its path.

    Raises:
        OSError: it cannot be written; nothing has changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return path
