"""Figures of the delegation: what went to the NPU, what stayed on the CPU, and why."""

from collections import Counter
from collections.abc import Sequence

from tui.run.figures import Figure


class OperatorDelegation(Figure):
    """Numbers of nodes of an operator on the NPU and on the CPU."""

    op: str
    npu: int
    cpu: int
    reason: str | None = None
    """Cause of nodes on the CPU in ExecuTorch's words; None where there are none."""
    line: str | None = None
    """``FILE:LINE`` of the first node that stayed on the CPU."""


AT_BOUNDARY = "float at the program's boundary: converted on the CPU"
"""Reason of the conversions of a program's inputs and outputs."""


WHOLE_MODEL = "model"


class CpuOperator(Figure):
    """A node that stayed on the CPU."""

    op: str
    node: str
    """Its name in the exported program."""
    reason: str
    """Cause in ExecuTorch's words, where it has any."""
    hint: str | None = None
    """General advice; None where there is none."""
    inputs: tuple[str, ...] = ()
    """Type and shape of each: ``float32[1,512]``."""
    outputs: tuple[str, ...] = ()
    module: str | None = None
    """Path of the nn.Module; empty for the model itself, None where it is not known."""
    line: str | None = None
    """``FILE:LINE`` in the model's source."""
    conversion: bool = False
    """True if it only converts between float and integers, for a neighbour or the program's caller."""
    conversions: int = 0
    """Conversions beside it, which are there for its sake."""
    root: str | None = None
    """The operator that a chain in float begins with, and whose cause `reason` is; None where the chain has no other.

    It goes by the name it had when it was quantized, with its overload: ``aten.max.other``. `WHOLE_MODEL` where nothing
    was quantized.
    """
    root_line: str | None = None


class CpuCause(Figure):
    """A cause of operators on the CPU."""

    reason: str
    hint: str | None
    operators: tuple["Kernel", ...]
    """The operators, each with its number."""
    nodes: tuple[str, ...]
    """Their names in the exported program, as in `Delegation.left`."""
    root: str | None
    line: str | None
    """``FILE:LINE`` where it begins first."""
    places: int
    """Lines of the model's source where it begins."""
    conversions: int


class Kernel(Figure):
    """A CPU kernel that the emitted program really calls."""

    op: str
    calls: int


class Delegation(Figure):
    """Delegation to the NPU. Nodes are ExecuTorch's count; `kernels` are what the program calls."""

    subgraphs: int
    delegated_nodes: int
    non_delegated_nodes: int
    operators: tuple[OperatorDelegation, ...] = ()
    left: tuple[CpuOperator, ...] = ()
    """Each node that stayed on the CPU, in the program's order."""
    kernels: tuple[Kernel, ...] = ()

    @property
    def delegated_percent(self) -> float | None:
        """Nodes on the NPU, in percent of all; None of none."""
        nodes = self.delegated_nodes + self.non_delegated_nodes
        return 100 * self.delegated_nodes / nodes if nodes else None

    @property
    def kept(self) -> tuple[CpuOperator, ...]:
        """Operators that stayed on the CPU for a reason of their own."""
        return tuple(operator for operator in self.left if not operator.conversion)

    @property
    def causes(self) -> tuple[CpuCause, ...]:
        """Causes of the operators in `kept`, in the program's order."""
        groups: dict[tuple[str, str, str | None], list[CpuOperator]] = {}
        for operator in self.kept:
            groups.setdefault((operator.root or operator.op, operator.reason, operator.hint), []).append(operator)
        return tuple(_cause(same) for same in groups.values())


def _cause(same: Sequence[CpuOperator]) -> CpuCause:
    counts = Counter(operator.op for operator in same)
    lines = dict.fromkeys(line for operator in same if (line := operator.root_line or operator.line))
    return CpuCause(
        reason=same[0].reason,
        hint=same[0].hint,
        operators=tuple(Kernel(op=op, calls=count) for op, count in counts.items()),
        nodes=tuple(operator.node for operator in same),
        root=same[0].root,
        line=next(iter(lines), None),
        places=len(lines),
        conversions=sum(operator.conversions for operator in same),
    )
