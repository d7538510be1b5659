"""Transposes that a program spends cycles on: those of the layout of its inputs and outputs, and the model's own.

Ethos-U85 has a command for one. For Ethos-U55 and U65 Vela makes each exchange of two axes an operator of its own, of a
command for each row or column; from PyTorch's layout to the NPU's takes two such operators.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from tui.run.figures import Operator
from tui.text import counted
from tui.toolchain.boards import Npu

Shape = tuple[int, ...]


def of_layout(operators: Sequence[Operator], npu: Npu) -> list[Operator]:
    """Transposes of inputs to the NPU's layout; for U55 and U65 those that a program begins and ends with."""
    if npu.profile != "u55":
        return [o for o in operators if _is_transpose(o) and _to_nhwc(o.ifm_shape, o.ofm_shape)]
    first = list(takewhile(_is_transpose, operators))
    last = list(takewhile(_is_transpose, reversed(operators[len(first) :])))[::-1]
    return [
        *_whole(first, lambda run: _to_nhwc(run[0].ifm_shape, run[-1].ofm_shape)),
        *_whole(last, lambda run: _to_nhwc(run[-1].ofm_shape, run[0].ifm_shape)),
    ]


def within(operators: Sequence[Operator], npu: Npu) -> list[Operator]:
    """All other transposes, for U55 and U65."""
    if npu.profile != "u55":
        return []
    layout = {id(o) for o in of_layout(operators, npu)}
    return [o for o in operators if _is_transpose(o) and id(o) not in layout]


def longest(operators: Sequence[Operator]) -> Operator:
    """The one of most cycles."""
    return max(operators, key=lambda o: o.cycles or 0)


def described(operators: Sequence[Operator]) -> str:
    """Transposes in words: ``5 transposes in 66 NPU commands (counted), the longest of 1x24x32x8``."""
    size = "x".join(map(str, longest(operators).ifm_shape))
    counts = [o.npu_commands for o in operators if o.cycles]
    known = [count for count in counts if count is not None]
    several = len(known) == len(counts) and sum(known) > len(known)
    commands = f" in {counted(sum(known), 'NPU command')} (counted)" if several else ""
    if len(operators) == 1:
        return f"transposing {size}{commands}"
    return f"{counted(len(operators), 'transpose')}{commands}, the longest of {size}"


def _whole(run: Sequence[Operator], changes_layout: Callable[[Sequence[Operator]], bool]) -> Iterator[Operator]:
    """Transposes of a run that alone, or two together, change the layout of a tensor."""
    at = 0
    while at < len(run):
        count = next((n for n in (1, 2) if at + n <= len(run) and changes_layout(run[at : at + n])), 0)
        yield from run[at : at + count]
        at += count or 1


def _is_transpose(operator: Operator) -> bool:
    return operator.op == "Transpose"


def _to_nhwc(before: Shape, after: Shape) -> bool:
    """Tell if an NCHW map, of fewer channels than elements in each, has become NHWC."""
    if len(before) != 4 or not after:
        return False
    n, c, h, w = before
    return after == (n, h, w, c) and 1 < c < h * w
