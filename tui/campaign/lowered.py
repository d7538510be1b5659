"""Lowered graphs that travel: what a worker's compile cache has got anew, for the caches of others.

A worker lowers a model once; the next one that gets a cell with the same graphs finds them in its own cache, where its
Python and libraries lie in the same place. Where they do not, it lowers again: slower, and never wrong.
"""

from tui import config
from tui.campaign import archives

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
    return archives.packed(config.cache_folder(), (config.cache_folder() / name for name in new))


def unpack(data: bytes) -> None:
    """Put entries into the cache, and nothing else. What is damaged or cut off is found when it is used.

    Raises:
        OSError: the cache cannot be written.
        tarfile.TarError: the archive is damaged, or has a member that would lie elsewhere.
    """
    config.cache_folder().mkdir(parents=True, exist_ok=True)
    archives.unpack(data, config.cache_folder(), FOLDERS)
