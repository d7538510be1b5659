"""Inputs of a network that Vela reads by itself: from files, from a data set, or drawn at random from a fixed seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tui.errors import UsageError
from tui.model import datasets, tensors
from tui.model.tensors import NDArray, TensorInfo
from tui.model.tflite.graph import Quantization
from tui.run.spec import Spec
from tui.text import counted

MOST_SAMPLES = 64
"""Different random inputs of a run: further inferences take them once more."""


@dataclass(frozen=True)
class Input:
    """An input of a network, and what its integers mean, where that is known."""

    info: TensorInfo
    quantization: Quantization | None = None


@dataclass(frozen=True)
class Samples:
    """The different inputs of a run, which its inferences take in turn."""

    inputs: tuple[tuple[NDArray, ...], ...]
    source: str
    first: int = 0


def for_run(spec: Spec, inputs: Sequence[Input]) -> Samples:
    """Take the samples of a run.

    Raises:
        UsageError: a file does not fit, or the data set ends before.
    """
    if spec.inputs:
        if len(spec.inputs) != len(inputs):
            raise UsageError(f"the network takes {counted(len(inputs), 'input')}, not {len(spec.inputs)}")
        files = tuple(_file(Path(f), one, at) for at, (f, one) in enumerate(zip(spec.inputs, inputs, strict=True)))
        return Samples((files,), f"{len(spec.inputs)} file(s)")
    if spec.dataset is not None:
        return _of_data_set(spec, spec.dataset, inputs)
    if spec.first:
        raise UsageError("--first needs a data set", "--dataset PATH")
    count = min(spec.inferences, MOST_SAMPLES)
    drawn = tuple(tuple(_drawn(one, number, at) for at, one in enumerate(inputs)) for number in range(count))
    seeds = "seed 0" if count == 1 else f"seeds 0 to {count - 1}"
    return Samples(drawn, f"random numbers, {seeds}: a network brings no inputs, give --input FILE or --dataset PATH")


def _of_data_set(spec: Spec, dataset: str, inputs: Sequence[Input]) -> Samples:
    items = datasets.items(Path(dataset))
    if spec.first >= len(items):
        raise UsageError(f"--first {spec.first} is beyond the data set, which has {len(items)} items")
    if len(inputs) != 1:
        raise UsageError(f"a data set is for one input, the network takes {len(inputs)}", "--input FILE for each")
    taken = items[spec.first :][: spec.inferences]
    rows = [
        (_fitted(item.row, inputs[0], str(item.file)) if item.row is not None else _file(item.file, inputs[0], 0),)
        for item in taken
    ]
    named = f"items {spec.first} to {spec.first + len(taken) - 1} of a " if spec.first else ""
    # Correct answers are counted against a float model, too, which a network does not come with.
    labels = "" if all(item.label is None for item in taken) else ", whose labels are not looked at"
    return Samples(tuple(rows), f"{named}data set of {len(items)} in {dataset}{labels}", spec.first)


def _file(path: Path, to: Input, at: int) -> NDArray:
    if path.suffix != ".npy":
        return tensors.from_bytes(tensors.read(path, to.info, at).tobytes(), to.info)
    try:
        return _fitted(np.load(path, allow_pickle=False), to, f"input {at}, {path}")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error


def _fitted(array: NDArray, to: Input, where: str) -> NDArray:
    """An array as the network takes it: with a batch of 1 where that lacks, and floats quantized for integers.

    Raises:
        UsageError: its shape or type is another.
    """
    info = to.info
    if array.shape == info.shape[1:] and info.shape[:1] == (1,):
        array = array[None]
    if array.shape != info.shape:
        raise UsageError(f"{where}: shape {array.shape}, the network takes {info.dtype} {info.shape}")
    dtype = np.dtype(info.dtype)
    if array.dtype == dtype:
        return array
    if array.dtype.kind == dtype.kind == "f":
        return array.astype(dtype)
    if array.dtype.kind == "f" and to.quantization is not None and len(to.quantization.scales) == 1:
        limits = np.iinfo(dtype)
        steps = np.rint(array / to.quantization.scales[0]) + to.quantization.zero_points[0]
        quantized: NDArray = np.clip(np.nan_to_num(steps), limits.min, limits.max).astype(dtype)
        return quantized
    raise UsageError(f"{where}: {array.dtype}, the network takes {info.dtype} {info.shape}")


def _drawn(to: Input, seed: int, at: int) -> NDArray:
    """Numbers drawn from a seed: all that an integer of 8 or 16 bits can be, few of more bits, and normal floats."""
    random, dtype = np.random.default_rng((seed, at)), np.dtype(to.info.dtype)
    if dtype.kind == "f":
        return random.standard_normal(to.info.shape).astype(dtype)
    if dtype.kind == "b":
        return random.integers(0, 2, to.info.shape).astype(dtype)
    if dtype.itemsize > 2:
        return random.integers(0, 8, to.info.shape).astype(dtype)
    limits = np.iinfo(dtype)
    drawn: NDArray = random.integers(limits.min, int(limits.max) + 1, to.info.shape).astype(dtype)
    return drawn
