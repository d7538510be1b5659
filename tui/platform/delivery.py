"""Delivery of inputs to a runner and of outputs from it: as files, as memory, or as text on the console.

All names are those of files in the platform's working folder.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tui.model.tensors import TensorInfo
from tui.platform import dialects, lines, report
from tui.platform.printed import Printed
from tui.platform.runner import Kind

OUTPUT = "out"
"""The semihosting runner writes out-0.bin, out-1.bin and so on."""

MEMORY_INPUT, MEMORY_OUTPUT = "inputs.bin", "outputs.bin"
"""Files of all tensors one after the other, as Arm's inference runner has them in memory."""

PRINTED = re.compile(
    r"Output\[(?P<output>\d{1,6})\]\[(?P<element>\d{1,9})\]: (?:\((?P<kind>int|float|char|bool)\) )?"
    r"(?:(?P<whole>-?\d{1,11})|(?P<fraction>-?\d{1,40}\.\d{6}|-?nan|-?inf)"
    r"|(?P<truth>true|false) {0,2}\(0x[0-9a-f]+\))\s*$"
)
"""An element of an output as a runner without files prints it (arm_executor_runner.cpp, print_outputs); older ones say
no type. A fraction has six decimals: what has fewer is torn."""

_OUTPUT_FILE = re.compile(rf"{OUTPUT}-(\d{{1,6}})\.bin")
_NO_TENSOR = re.compile(r"Output\[(\d{1,6})\]: Not Tensor\s*$")
DTYPES = {"int": "int32", "float": "float32", "char": "int8", "bool": "bool"}
_SEMIHOSTING = "a semihosting runner writes outputs to files: --runner ELF"


@dataclass(frozen=True)
class Taken:
    """The outputs of an inference, or why they are not there and what to do."""

    outputs: list[bytes] | None
    why: str = ""
    hint: str = ""
    absent: bool = False
    """True if nothing was printed that could be outputs."""


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


def take(kind: Kind, folder: Path, infos: Sequence[TensorInfo], console: bytes) -> Taken:
    """The outputs of the inference that has ended. `console` is what was printed since the platform's start."""
    if kind == "semihosting":
        return _written(folder, infos)
    if kind == "mlek":
        return _dumped(folder / MEMORY_OUTPUT, infos)
    return _printed(console, infos)


def _written(folder: Path, infos: Sequence[TensorInfo]) -> Taken:
    # Outputs that are no tensors have a number, and no file.
    names = (_OUTPUT_FILE.fullmatch(path.name) for path in folder.iterdir())
    numbers = sorted(int(name[1]) for name in names if name)
    if len(numbers) < len(infos):
        missing = min(set(range(len(infos))) - set(numbers))
        why = f"{OUTPUT}-{missing}.bin was not written"
        return Taken(None, why, "check that -C does not override the runner's semihosting-cwd")
    outputs: list[bytes] = []
    for number, info in zip(numbers, infos, strict=False):
        file = folder / f"{OUTPUT}-{number}.bin"
        content = file.read_bytes()
        if len(content) != info.nbytes:
            why = f"{file.name} has {len(content)} bytes, the output {info.nbytes}"
            return Taken(None, why, "it may be incomplete: check the log and the free space on the disk")
        outputs.append(content)
    return Taken(outputs)


def _dumped(path: Path, infos: Sequence[TensorInfo]) -> Taken:
    hint = "the platform writes the memory to a file when it ends: see the end of the log"
    if not path.exists():
        return Taken(None, f"the memory of the outputs was not written to {path.name}", hint)
    data = path.read_bytes()
    sizes = [info.nbytes for info in infos]
    if len(data) < sum(sizes):
        return Taken(None, f"{path.name} has {len(data)} bytes, the outputs {sum(sizes)}", hint)
    ends = np.cumsum(sizes)
    return Taken([data[end - size : end] for end, size in zip(ends, sizes, strict=True)])


def _printed(console: bytes, infos: Sequence[TensorInfo]) -> Taken:
    """The outputs printed last; an element whose line is torn is not there."""
    for j, info in enumerate(infos):
        if info.dtype not in DTYPES.values():
            return Taken(None, f"the runner prints no {info.dtype}, the type of output {j}", _SEMIHOSTING, absent=True)
    sizes = [int(np.prod(info.shape, dtype=np.int64)) for info in infos]
    arrays = [np.zeros(size, np.dtype(info.dtype)) for size, info in zip(sizes, infos, strict=True)]
    seen = [np.zeros(size, bool) for size in sizes]
    printed = 0
    for output, element, value in _elements(console, infos):
        printed += 1
        if element < sizes[output]:
            arrays[output][element] = value
            seen[output][element] = True
    if not printed:
        why = "the runner prints none: there is nothing to check"
        return Taken(None, why, f"build it with ET_LOG_DUMP_OUTPUT=ON; {_SEMIHOSTING}", absent=True)
    for j, whole in enumerate(seen):
        if not whole.all():
            why = f"{int(whole.sum())} of {sizes[j]} elements of output {j} are readable on the console"
            return Taken(None, why, f"other output broke its lines; {_SEMIHOSTING}")
    return Taken([array.tobytes() for array in arrays])


def printed_infos(console: bytes) -> tuple[TensorInfo, ...]:
    """Outputs that a console prints, as flat tensors: of a program that nobody knows, only this tells of them."""
    sizes: dict[int, int] = {}
    kinds: dict[int, str] = {}
    printed = Printed()
    for line in lines.split(console):
        for message in lines.messages(line):
            if match := PRINTED.match(printed.canonical(message.text)):
                output = int(match["output"])
                sizes[output] = max(sizes.get(output, 0), int(match["element"]) + 1)
                kinds.setdefault(output, DTYPES[match["kind"]] if match["kind"] else _dtype(match))
    if sorted(sizes) != list(range(len(sizes))) or max(sizes.values(), default=0) > MOST_PRINTED:
        return ()
    return tuple(TensorInfo(dtype=kinds[at], shape=(sizes[at],), dim_order=(0,)) for at in range(len(sizes)))


MOST_PRINTED = 1 << 24
"""Most elements of a printed output: the number of one that is larger is damaged."""


def _dtype(match: re.Match[str]) -> str:
    """Type of an output whose elements are printed without one."""
    return "bool" if match["truth"] else "int32" if match["whole"] else "float32"


def _elements(console: bytes, infos: Sequence[TensorInfo]) -> Iterator[tuple[int, int, float]]:
    """(output, element, value) of each line that is whole."""
    waiting: tuple[int, int, float] | None = None
    others = 0  # outputs before this one that are no tensors
    printed = Printed()
    for line in lines.split(console):
        said = lines.messages(line)
        if not said:
            continue
        text = printed.canonical(said[0].text)
        match = PRINTED.match(text)
        # A whole number ends its line, and may be half a number: see `report.Reading`.
        complete = text.startswith("Output[") or said[0].letter or dialects.is_programs(text) or report.read_pool(text)
        if waiting is not None and complete:
            yield waiting
            waiting = None
        elif waiting is not None and report.may_be_rest(text):
            waiting = None
        if _NO_TENSOR.match(text):
            others += 1
        elif text.startswith("Output[0]"):
            others = 0
        if match is None or (one := _element(match, infos, others)) is None:
            continue
        if match["whole"] is None:
            yield one
        elif said[0].ended:
            waiting = one
    if waiting is not None and console.endswith(b"\n"):
        yield waiting


def _element(match: re.Match[str], infos: Sequence[TensorInfo], others: int) -> tuple[int, int, float] | None:
    """An element as its type has it; None where it is not of the output's type."""
    output, kind = int(match["output"]) - others, match["kind"]
    if not 0 <= output < len(infos) or (kind is not None and DTYPES[kind] != infos[output].dtype):
        return None
    dtype = np.dtype(infos[output].dtype)
    if match["truth"] is not None:
        value = float(match["truth"] == "true")
        return (output, int(match["element"]), value) if dtype.kind == "b" else None
    text = match["whole"] if dtype.kind == "i" else match["fraction"]
    if text is None or dtype.kind == "b":
        return None
    value = float(text)
    if dtype.kind == "i" and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        return None
    return output, int(match["element"]), value
