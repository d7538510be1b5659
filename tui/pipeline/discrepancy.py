"""Reasons why the simulator's cycles differ from Vela's estimate of the same program."""

from collections.abc import Mapping, Sequence

from tui.model import pte
from tui.model.vela_blob import BACKEND
from tui.run.figures import Estimate, Operator
from tui.simulator import cycle_model
from tui.simulator.delegate import EthosU

TABLES_SHARE = 0.05
"""Share of all cycles from which on the load of tables explains why two estimates differ."""

APART = 0.1
"""Share of Vela's total from which on it is said why the simulator's differs."""


def reasons(program: pte.Program, velas: Estimate | None, operators: Sequence[Operator]) -> tuple[str, ...]:
    """Reasons, in a sentence each, why the simulator's cycles differ from Vela's total.

    `operators` have Vela's cycles, and their commands.

    Raises:
        DelegateError: a partition is malformed.
        CommandStreamError: its commands cannot be understood.
    """
    delegates = {
        number: EthosU(delegate, program.named_data)
        for number, delegate in enumerate(program.main.delegates)
        if delegate.backend == BACKEND
    }
    waits = [cycle_model.waiting_for_tables(delegate) for delegate in delegates.values()]
    waited, total = sum(wait for wait, _ in waits), sum(cycles for _, cycles in waits)
    notes = []
    if waited >= TABLES_SHARE * total > 0:
        notes.append(
            f"{waited:,} of the simulator's {total:,} NPU cycles wait for activation tables to be loaded into the NPU,"
            " a byte a cycle as in Vela's memory model; Vela's total leaves that out for a table fused into an operator"
        )
    theirs = None if velas is None or velas.source != "vela" else velas.total_cycles
    if total and theirs and abs(total - waited - theirs) > APART * theirs:
        notes.append(f"the simulator's {total:,} NPU cycles are {total / theirs:.2f} of Vela's total of {theirs:,}")
        notes[-1] += _furthest(delegates, operators)
    return tuple(notes)


def _furthest(delegates: Mapping[int, EthosU], operators: Sequence[Operator]) -> str:
    """The operator about which the simulator and Vela differ most, and why; empty where no single one is known.

    Where waiting for an operator's weights has a part in its figure, Vela 5.1 takes the cycles that it estimated before
    it placed the feature maps: they follow the latency of the external memory, which its count of bytes has at none.
    """
    costs = {
        (number, cost.command.offset): cost
        for number, delegate in delegates.items()
        if isinstance(modelled := cycle_model.modelled(delegate), cycle_model.Modelled)
        for cost in modelled.costs
    }
    pairs = []
    for operator in operators:
        own = [costs[key] for offset in operator.commands if (key := (operator.partition, offset)) in costs]
        if own and operator.total_cycles is not None:
            pairs.append((sum(cost.total for cost in own), operator.total_cycles, operator, own))
    if not pairs:
        return ""
    ours, theirs, operator, own = max(pairs, key=lambda pair: abs(pair[0] - pair[1]))
    words = f", most of it for {operator.name} ({operator.op}): {ours:,} against {theirs:,}"
    staged = all(transfer.port.name == cycle_model.ON_CHIP for cost in own for transfer in cost.traffic)
    if theirs > ours and staged and cycle_model.has_cache(delegates[operator.partition]):
        words += ", where Vela's figure is from before it moved the feature maps from external memory to SRAM"
    return words
