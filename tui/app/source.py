"""The text of a line that a failure names."""

from pathlib import Path

LARGEST = 4 << 20
"""Size of a source file, in bytes, beyond which it is not read."""


def text(line: str, before: float | None) -> str:
    """The text at ``FILE:LINE``; empty where there is no such line, or the file was written `before` or later.

    `before` is the Unix time at which somebody else read it.
    """
    name, _, number = line.rpartition(":")
    try:
        path = Path(name)
        if not path.is_file():  # a device or a pipe may have no end
            return ""
        found = path.stat()
        if found.st_size > LARGEST or (before is not None and found.st_mtime >= before):
            return ""
        return path.read_text(encoding="utf-8", errors="replace").split("\n")[int(number) - 1].strip()
    except (OSError, ValueError, IndexError):
        return ""
