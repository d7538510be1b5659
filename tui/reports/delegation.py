"""Delegation as text: what went to the NPU, what stayed on the CPU, why, and what that costs."""

from collections.abc import Iterator

from tui.reports.format import UNKNOWN, labelled, table
from tui.run.delegation import AT_BOUNDARY, CpuCause, CpuOperator, Delegation
from tui.run.state import State
from tui.text import clean, counted


def delegation_lines(state: State) -> Iterator[str]:
    """Nodes on either side, the kernels that are called, and the causes of CPU fallback."""
    delegation = state.delegation
    if delegation is None:
        return
    npu = f"NPU {counted(delegation.delegated_nodes, 'node')} in {counted(delegation.subgraphs, 'partition')}"
    calls = counted(sum(kernel.calls for kernel in delegation.kernels), "kernel call")
    yield labelled("Delegation", f"{npu}; CPU {counted(delegation.non_delegated_nodes, 'node')}, {calls}")
    yield from table([[f"  {clean(kernel.op, 60)}", f"x{kernel.calls}"] for kernel in delegation.kernels])
    if cost := fallback_cost(delegation):
        yield f"  {cost}"
    for cause in delegation.causes:
        yield f"  {cause_line(cause)}"
        yield f"    {cause_details(delegation, cause)}"
        if cause.hint:
            yield f"    try: {cause.hint}"


def fallback_cost(delegation: Delegation) -> str:
    """The price of operators on the CPU beside their own time; empty where there are none."""
    if not delegation.kept:
        return ""
    operators = counted(len(delegation.kept), "operator")
    if 1 < len(delegation.causes) < len(delegation.kept):
        operators += f" with {counted(len(delegation.causes), 'cause')}"
    costs = [operators]
    if conversions := sum(one.conversion and one.reason != AT_BOUNDARY for one in delegation.left):
        costs.append(f"adds {counted(conversions, 'conversion')}")
    if delegation.subgraphs > 1:
        costs.append(f"splits the graph into {counted(delegation.subgraphs, 'partition')}")
    return f"CPU fallback: {', '.join(costs)}"


def cause_line(cause: CpuCause) -> str:
    """Operators on the CPU, how many, why, and the first place in the model."""
    more = f" and {counted(cause.places - 1, 'more line')}" if cause.places > 1 else ""
    place = f"  {clean(cause.line)}{more}" if cause.line else ""
    return f"{cause_operators(cause)} on the CPU: {clean(cause.reason)}{place}"


def cause_operators(cause: CpuCause) -> str:
    """``aten.relu x4, aten.view_copy``."""
    return ", ".join(f"{clean(k.op, 60)}{f' x{k.calls}' if k.calls > 1 else ''}" for k in cause.operators)


def cause_details(delegation: Delegation, cause: CpuCause) -> str:
    """Inputs and outputs of a single operator; of several, their number and the conversions they add."""
    if len(cause.nodes) == 1:
        return next(_operator(operator) for operator in delegation.kept if operator.node == cause.nodes[0])
    added = f", {_added(cause.conversions)}" if cause.conversions else ""
    return f"{counted(len(cause.nodes), 'operator')}{added}"


def _operator(operator: CpuOperator) -> str:
    """Inputs and outputs, place in the model, and the conversions it adds."""
    inputs = ", ".join(map(clean, operator.inputs)) or UNKNOWN
    outputs = ", ".join(map(clean, operator.outputs)) or UNKNOWN
    words = [f"{inputs} to {outputs}"]
    if operator.module:
        words.append(f"in {clean(operator.module, 60)}")
    if operator.conversions:
        words.append(_added(operator.conversions))
    return "  ".join(words)


def _added(conversions: int) -> str:
    return f"adds {counted(conversions, 'conversion')}"
