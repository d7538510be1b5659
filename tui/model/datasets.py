"""Data sets on disk: inputs, with labels or without. Needs no torch.

A folder with one file for each sample (.npy, or .pt as torch saves it), or with such files in folders named after their
labels; an .npz with an array ``inputs``, one row a sample, and optionally an array ``labels``; or a single file.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tui.errors import UsageError
from tui.model.tensors import NDArray

SUFFIXES = (".npy", ".pt", ".pth")


@dataclass(frozen=True)
class Item:
    """A sample."""

    file: Path
    row: NDArray | None = None
    """A row of an .npz; None if the whole file is the sample."""
    label: int | None = None


def items(path: Path) -> list[Item]:
    """All samples; those of a folder are sorted by file name.

    Raises:
        UsageError: there are none, or the file cannot be read.
    """
    if path.is_dir():
        samples = _folder(path)
        if not samples:
            raise UsageError(f"no .npy or .pt files in {path}")
        return samples
    return _rows(path) if path.suffix == ".npz" else [Item(path)]


def _folder(path: Path) -> list[Item]:
    files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES)
    names = {file.relative_to(path).parts[0] for file in files if file.parent != path}
    if any(file.parent == path for file in files):
        return [Item(file) for file in files]
    # The usual layout of image data sets; unless all names are numbers, labels number the sorted names.
    order = sorted(names, key=int) if all(map(str.isdecimal, names)) else sorted(names)
    labels = {name: int(name) if name.isdecimal() else at for at, name in enumerate(order)}
    return [Item(file, label=labels[file.relative_to(path).parts[0]]) for file in files]


def _rows(path: Path) -> list[Item]:
    try:
        with np.load(path, allow_pickle=False) as packed:
            inputs = packed["inputs"]
            labels = packed["labels"].tolist() if "labels" in packed else [None] * len(inputs)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"cannot read {path}: {error}", "it must have an array inputs, and may have an array labels"
        ) from error
    if len(labels) != len(inputs) or not len(inputs):
        raise UsageError(f"{path}: {len(inputs)} inputs and {len(labels)} labels")
    return [Item(path, row, None if label is None else int(label)) for row, label in zip(inputs, labels, strict=True)]
