"""The network as a ribbon: its operators in running order, each as wide as it is slow.

The order is the program's plan; within a partition it is the order in which the NPU runs its operators. Parts of
unknown time - all that the CPU does, and operators without an estimate - have one fixed width, which views must say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tui.reports.operators import entries
from tui.run.state import State

BOOKKEEPING = frozenset({"JumpIfFalse", "Move", "Free"})
"""Steps of the plan that are no work: they branch, and move and free values."""

Side = Literal["npu", "cpu", "both"]

CONVERSIONS = {"quantize_per_tensor": "q", "dequantize_per_tensor": "dq"}
"""Short labels of the conversions between float and integers."""


@dataclass(frozen=True)
class Part:
    """A piece of work in running order: an operator on the NPU with those fused into it, or a kernel on the CPU."""

    side: Side
    name: str
    kind: str
    """Vela's names of the operators, or the program's name of the kernel."""
    cycles: int | None = None
    """None for the CPU, whose time is not known, and where there is no estimate."""
    partition: int | None = None
    module: str | None = None
    operator: int | None = None
    """Place in `State.operators`; None on the CPU, and for a partition whose operators are not known."""
    step: int | None = None
    """Place in the program's plan of what the CPU does, and of a partition whose operators are not known."""
    again: bool = False
    """A further call of a partition, as one part: its cycles stand where it is called first, and count there."""


def parts(state: State) -> tuple[Part, ...]:
    """All parts in running order; without the program's plan only the NPU's, as the CPU's have no known place."""
    on_npu = _on_npu(state)
    steps = state.cpu.operators
    if not steps:
        return tuple(part for partition in sorted(on_npu) for part in on_npu[partition])
    found: list[Part] = []
    called = set()
    for at, step in enumerate(steps):
        if step.partition is not None:
            unseen = _unseen(state, step.partition, at)
            if step.partition in called:
                # The estimate counts it once, and whether the plan comes here is not known: it may be a branch.
                found.append(replace(unseen, cycles=None, again=True))
            else:
                called.add(step.partition)
                found += on_npu.get(step.partition) or [unseen]
        elif step.op not in BOOKKEEPING:
            found.append(Part("cpu", _kernel(step.op), step.op, module=step.module, step=at))
    return (*found, *(part for number in sorted(on_npu.keys() - called) for part in on_npu[number]))


def _on_npu(state: State) -> dict[int, list[Part]]:
    """Operators of each partition in running order."""
    found: dict[int, list[Part]] = {}
    running = entries(state.operators, "schedule")
    # A module's name is that of its operator of most work; the others go by what they do.
    by_work = sorted(running, key=lambda entry: (state.operators[entry.first].macs or 0, -entry.first))
    owners = {entry.label: entry.first for entry in by_work}
    for entry in running:
        operator = state.operators[entry.first]
        name = entry.label if owners[entry.label] == entry.first else operator.op
        found.setdefault(operator.partition, []).append(
            Part("npu", name, entry.kind, entry.cycles, operator.partition, operator.module, entry.first)
        )
    return found


def _unseen(state: State, partition: int, step: int) -> Part:
    """A partition as one part: its operators are not known, or stand elsewhere."""
    estimated = state.partitions[partition].total_cycles if partition < len(state.partitions) else None
    return Part("npu", f"P{partition}", "NPU", estimated, partition, step=step)


def _kernel(op: str) -> str:
    """``topk`` of ``aten::topk.values``."""
    name = op.rpartition("::")[2].partition(".")[0]
    return CONVERSIONS.get(name, name)


def unknown_words(found: Sequence[Part], *, planned: bool) -> str:
    """Say whose time is not known, for the legend; `planned` if the program's plan was known."""
    if not planned:
        return "CPU: its place in the program is not known"
    words = []
    if any(part.side == "cpu" for part in found):
        words.append("CPU, time not known")
    if any(part.side == "npu" and part.cycles is None and not part.again for part in found):
        words.append("NPU without an estimate: fixed width")
    if any(part.again for part in found):
        words.append("called again: counted once")
    return "; ".join(words)
