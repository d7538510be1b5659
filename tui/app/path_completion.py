"""Completing the path of a file."""

import os
from pathlib import Path

from tui.model.catalogue import SUFFIXES

MOST = 200
"""Entries looked at for one answer: a folder may hold a million."""


def completions(text: str, suffixes: tuple[str, ...] = SUFFIXES) -> list[str]:
    """Folders, and files with one of `suffixes`, whose path begins with `text`; folders end with a slash.

    What is typed stays as it is typed: ``~/`` is understood, but not replaced.
    """
    typed_folder, slash, beginning = text.rpartition("/")
    folder = Path(os.path.expanduser(typed_folder + slash) or ".")  # noqa: PTH111  # keeps the trailing slash
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if not name.startswith(beginning) or (name.startswith(".") and not beginning.startswith(".")):
                    continue
                if entry.is_dir():
                    found.append(f"{typed_folder}{slash}{name}/")
                elif name.endswith(suffixes):
                    found.append(f"{typed_folder}{slash}{name}")
                if len(found) == MOST:
                    break
    except OSError:
        return []
    return sorted(found)


def common(candidates: list[str]) -> str:
    """The longest beginning that all candidates share."""
    if not candidates:
        return ""
    first, last = min(candidates), max(candidates)
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same]
