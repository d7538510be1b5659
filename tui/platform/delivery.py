"""How inputs reach a runner and its outputs come back: as files, as memory, or as text on the console.

All names are those of files in the platform's working folder.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tui.platform.firmware import Kind
from tui.tensors import TensorInfo

OUTPUT = "out"
"""The semihosting runner writes out-0.bin, out-1.bin and so on."""

MEMORY_INPUT, MEMORY_OUTPUT = "inputs.bin", "outputs.bin"
"""All tensors one after the other, as Arm's inference runner has them in memory."""

PRINTED = re.compile(rb"^Output\[(\d{1,6})\]\[(\d{1,9})\]: \((int|float|char|bool)\) (\S+)", re.MULTILINE)
"""How a runner without files prints an element of an output (arm_executor_runner.cpp, print_outputs)."""

DTYPES = {b"int": "int32", b"float": "float32", b"char": "int8", b"bool": "bool"}


def input_names(kind: Kind, count: int) -> list[str]:
    """The files that hold the inputs of a program with `count` of them."""
    if kind == "semihosting":
        return [f"i{i}.bin" for i in range(count)]
    return [MEMORY_INPUT] if kind == "mlek" else []


def put(kind: Kind, folder: Path, inputs: Sequence[bytes]) -> None:
    """Write an inference's inputs, and take away the outputs of the one before."""
    for stale in (*folder.glob(f"{OUTPUT}-*.bin"), folder / MEMORY_OUTPUT):
        stale.unlink(missing_ok=True)
    parts = inputs if kind == "semihosting" else [b"".join(inputs)]
    for name, content in zip(input_names(kind, len(inputs)), parts, strict=False):
        (folder / name).write_bytes(content)


def take(kind: Kind, folder: Path, infos: Sequence[TensorInfo], console: Path) -> list[bytes] | None:
    """The outputs of the inference that has ended, None where they are not all there."""
    if kind == "semihosting":
        files = [folder / f"{OUTPUT}-{j}.bin" for j in range(len(infos))]
        return [file.read_bytes() for file in files] if all(file.exists() for file in files) else None
    if kind == "mlek":
        path = folder / MEMORY_OUTPUT
        return _split(path.read_bytes(), infos) if path.exists() else None
    return _printed(console.read_bytes(), infos)


def _split(data: bytes, infos: Sequence[TensorInfo]) -> list[bytes] | None:
    sizes = [info.nbytes for info in infos]
    if len(data) < sum(sizes):
        return None
    ends = np.cumsum(sizes)
    return [data[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _printed(console: bytes, infos: Sequence[TensorInfo]) -> list[bytes] | None:
    """The outputs printed last. Fractions have six decimals; a type that the runner does not print has no outputs."""
    sizes = [int(np.prod(info.shape, dtype=np.int64)) for info in infos]
    arrays = [np.zeros(size, np.dtype(info.dtype)) for size, info in zip(sizes, infos, strict=True)]
    seen = [np.zeros(size, bool) for size in sizes]
    for output, element, kind, value in PRINTED.findall(console):
        at, index = int(output), int(element)
        if at >= len(infos) or index >= sizes[at] or DTYPES[kind] != infos[at].dtype:
            continue
        try:
            arrays[at][index] = value == b"true" if kind == b"bool" else float(value)
        except (ValueError, OverflowError):
            continue
        seen[at][index] = True
    return [array.tobytes() for array in arrays] if all(found.all() for found in seen) else None
