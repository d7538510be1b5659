"""Samples: the inputs that a run infers on, and those that quantization is calibrated on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from tui.compile.inputs import Inputs, leaves, mapped
from tui.compile.models import Model
from tui.errors import UsageError, one_line
from tui.model import datasets
from tui.model.datasets import Item
from tui.run.spec import Spec


@dataclass(frozen=True)
class Samples:
    """The different inputs of a run, which its inferences take in turn."""

    inputs: tuple[Inputs, ...]
    labels: tuple[int, ...]
    source: str
    first: int = 0
    """Place of the first one in its data set."""


def for_run(spec: Spec, model: Model) -> Samples:
    """Take the samples of a run from its input files, else its data set, else the model's, else the example inputs.

    Of a data set, as many as there are inferences, from the spec's first on.

    Raises:
        UsageError: a file does not fit the model, or the data set ends before.
    """
    if spec.inputs:
        return Samples((_from_files(spec.inputs, model.example),), (), f"{len(spec.inputs)} file(s)")
    if spec.dataset is not None:
        items = datasets.items(Path(spec.dataset))
        taken = _part(items, spec)
        labels = tuple(item.label for item in taken if item.label is not None)
        return Samples(
            tuple(_from_item(item, model.example) for item in taken),
            labels if len(labels) == len(taken) else (),
            f"{_named(spec, len(taken))}data set of {len(items)} in {spec.dataset}",
            spec.first,
        )
    if model.dataset:
        pairs = _part(model.dataset, spec)
        return Samples(
            tuple(inputs for inputs, _ in pairs),
            tuple(label for _, label in pairs),
            f"{_named(spec, len(pairs))}data set of {len(model.dataset)}",
            spec.first,
        )
    if spec.first:
        raise UsageError("--first needs a data set", "--dataset PATH, or ModelDataset in the model's file")
    return Samples((model.example,), (), "the model's example inputs")


_Item = TypeVar("_Item")


def _part(items: Sequence[_Item], spec: Spec) -> Sequence[_Item]:
    """The items of a data set that a run takes.

    Raises:
        UsageError: it ends before the first.
    """
    if spec.first >= len(items):
        raise UsageError(f"--first {spec.first} is beyond the data set, which has {len(items)} items")
    return items[spec.first :][: spec.inferences]


def _named(spec: Spec, count: int) -> str:
    """The words before a data set that is not taken from its beginning."""
    return f"items {spec.first} to {spec.first + count - 1} of a " if spec.first else ""


def ones(model: Model) -> Samples:
    """One sample of ones, which is what a runner without inputs infers on."""
    return Samples((mapped(torch.ones_like, model.example),), (), "ones: the runner cannot be given inputs")


def each_inference(samples: Samples, inferences: int) -> Samples:
    """A sample for each inference, for a model whose outputs depend on earlier inferences: the same inputs in turn."""
    numbers = [k % len(samples.inputs) for k in range(inferences)]
    labels = tuple(samples.labels[k] for k in numbers) if samples.labels else ()
    return Samples(tuple(samples.inputs[k] for k in numbers), labels, samples.source, samples.first)


def for_calibration(spec: Spec, model: Model) -> Sequence[Inputs]:
    """Take the calibration inputs from the path in the spec, else from the model, else its example inputs.

    Raises:
        UsageError: the path does not exist, or a file does not fit the model.
    """
    if spec.calibration is None:
        return model.calibration or [model.example]
    return [_from_item(item, model.example) for item in datasets.items(Path(spec.calibration))]


def _from_files(files: Sequence[str], example: Inputs) -> Inputs:
    expected = leaves(example)
    if len(files) != len(expected):
        raise UsageError(f"the model takes {len(expected)} input(s), got {len(files)} --input file(s)")
    values = [tensor for file, like in zip(files, expected, strict=True) for tensor in _read(Path(file), like)]
    return _fitting(values, example, files)


def _from_item(item: Item, example: Inputs) -> Inputs:
    """A sample of a data set, given the dimension of a batch of 1 where it lacks it."""
    values = [torch.from_numpy(item.row)] if item.row is not None else _read(item.file, None)
    batched = [
        value[None] if value.shape == like.shape[1:] and like.shape[:1] == (1,) else value
        for value, like in zip(values, leaves(example), strict=False)
    ]
    return _fitting([*batched, *values[len(batched) :]], example, [str(item.file)] * len(values))


def _fitting(values: Sequence[torch.Tensor], example: Inputs, names: Sequence[str]) -> Inputs:
    """Inputs with the example's structure and other tensors, which are in files called `names`.

    Raises:
        UsageError: their number, or the shape or type of one, differs from the example's.
    """
    expected = leaves(example)
    if len(values) != len(expected):
        raise UsageError(f"{names[0]}: {len(values)} tensor(s), the model takes {len(expected)}")
    for at, (file, value, like) in enumerate(zip(names, values, expected, strict=True)):
        if tuple(value.shape) != tuple(like.shape):
            raise UsageError(f"input {at}, {file}: shape {tuple(value.shape)}, the model takes {tuple(like.shape)}")
        if value.dtype != like.dtype:
            raise UsageError(f"input {at}, {file}: {value.dtype}, the model takes {like.dtype}")
    remaining = iter(values)
    return mapped(lambda _: next(remaining), example)


def _read(path: Path, like: torch.Tensor | None) -> list[torch.Tensor]:
    """The tensors in a file: .npy, .pt, or the raw bytes of a tensor shaped as `like`."""
    try:
        if path.suffix == ".npy":
            return [torch.from_numpy(np.load(path, allow_pickle=False))]
        if path.suffix in (".pt", ".pth"):
            return _saved(path)
        if like is None:
            raise UsageError(f"{path} is not a .npy, .npz or .pt file")
        flat = torch.frombuffer(bytearray(path.read_bytes()), dtype=like.dtype)
        return [flat.reshape(like.shape) if flat.numel() == like.numel() else flat]
    except (ValueError, OSError, RuntimeError, EOFError) as error:
        raise UsageError(f"cannot read {path}: {one_line(error)}") from error


def _saved(path: Path) -> list[torch.Tensor]:
    """The tensors that torch.save wrote."""
    try:
        value = torch.load(path, weights_only=True)
    except Exception as error:  # a damaged file raises whatever its parts raise
        raise UsageError(f"cannot read {path}: {one_line(error)}") from error
    tensors = leaves((value,))
    if not tensors:
        raise UsageError(f"{path} holds a {type(value).__name__}, not a tensor")
    return tensors
