"""Compressed archives in memory, as they travel between this machine and workers."""

import io
import tarfile
from collections.abc import Container, Iterable
from pathlib import Path

LEVEL = 1
"""The fastest compression: what travels is made for one way."""


def packed(base: Path, files: Iterable[Path]) -> bytes:
    """Pack files and whole folders, by their paths below `base`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=LEVEL) as archive:
        for file in files:
            archive.add(file, arcname=file.relative_to(base))
    return out.getvalue()


def unpack(data: bytes, folder: Path, only: Container[str] | None = None) -> None:
    """Unpack an archive into a folder; with `only`, no more of it than what lies in folders of these names.

    Raises:
        OSError: it cannot be written.
        tarfile.TarError: the archive is damaged, or has a member that would lie elsewhere.
    """
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        wanted = [one for one in archive.getmembers() if only is None or Path(one.name).parts[0] in only]
        archive.extractall(folder, wanted, filter="data")
