"""Lowered graphs that travel: what a worker's compile cache has got anew, for the caches of others.

A worker lowers a model once; the next one that gets a cell with the same graphs finds them in its own cache, where its
Python and libraries lie in the same place. Where they do not, it lowers again: slower, and never wrong.
"""

import io
import tarfile
from pathlib import Path

from tui import config

FOLDERS = ("compiled", "lowered")
"""Folders of the cache: entries, and their names by what was lowered (`tui.compile.cache`)."""


def names() -> set[str]:
    """The entries that are there."""
    places = (config.cache_folder() / folder for folder in FOLDERS)
    return {f"{at.name}/{one.name}" for at in places if at.is_dir() for one in at.iterdir() if one.name[0] != "."}


def packed(before: set[str]) -> bytes | None:
    """Pack the entries that were not there `before`; None where nothing was lowered."""
    new = sorted(names() - before)
    if not any(name.startswith("lowered/") for name in new):
        return None
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
        for name in new:
            archive.add(config.cache_folder() / name, arcname=name)
    return out.getvalue()


def unpack(data: bytes) -> None:
    """Put entries into the cache. What is damaged or cut off is found when it is used.

    Raises:
        OSError: the cache cannot be written.
        tarfile.TarError: the archive is damaged, or holds what no cache does.
    """
    config.cache_folder().mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        wanted = [member for member in archive.getmembers() if Path(member.name).parts[0] in FOLDERS]
        archive.extractall(config.cache_folder(), wanted, filter="data")
