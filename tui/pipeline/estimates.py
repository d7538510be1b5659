"""Estimates by the cycle model, operator by operator, for a .pte that was compiled elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tui.model import pte
from tui.run.figures import Estimate, Operator, whole
from tui.simulator import cycle_model
from tui.simulator.delegate import BACKEND, DelegateError, EthosU
from tui.simulator.ethosu import timeline
from tui.simulator.ethosu.costs import Cost
from tui.simulator.ethosu.errors import CommandStreamError

TABLES_SHARE = 0.05
"""Share of all cycles from which on the load of tables explains why two estimates differ."""

APART = 0.1
"""Share of Vela's total from which on it is said why the simulator's differs."""


@dataclass(frozen=True)
class Estimates:
    """Figures of the whole program, of each partition, and of its operators in the order they run."""

    whole: Estimate | None
    """None where the NPU has no part in it."""
    partitions: tuple[Estimate, ...]
    operators: tuple[Operator, ...]
    notes: tuple[str, ...]
    """Reasons for what is not known."""


def _operator(cost: Cost, partition: int) -> Operator:
    return Operator(
        name=f"command {partition}.{cost.command.index}",
        op=cost.operation,
        npu_cycles=cost.cycles,
        total_cycles=cost.total,
        macs=cost.macs,
        utilization=cost.utilization,
        partition=partition,
        commands=tuple(command.offset for command in cost.commands),
    )


def _partition(delegate: EthosU, number: int) -> tuple[Estimate, tuple[Operator, ...]]:
    """Raises:
    DelegateError: there is no figure; one line says why.
    """
    modelled = cycle_model.modelled(delegate)
    if isinstance(modelled, str):
        raise DelegateError(modelled)
    # A copy runs beside the passes: it is none of the operators, and its time is in the total only.
    passes = [cost for cost in modelled.costs if cost.command.name != "DMA_START"]
    total = timeline.end(delegate.stream, modelled.costs)
    estimate = Estimate(
        source="simulator",
        npu_cycles=sum(cost.cycles for cost in passes),
        total_cycles=total,
        inference_ms=total / modelled.clock_hz * 1e3,
        inferences_per_s=modelled.clock_hz / total if total else None,
        macs=sum(cost.macs for cost in passes),
        core_clock_hz=modelled.clock_hz,
    )
    return estimate, tuple(_operator(cost, number) for cost in passes)


def differences(program: pte.Program, velas: Estimate | None, operators: Sequence[Operator]) -> tuple[str, ...]:
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
        (number, command.offset): cost
        for number, delegate in delegates.items()
        if isinstance(modelled := cycle_model.modelled(delegate), cycle_model.Modelled)
        for cost in modelled.costs
        for command in cost.commands[:1]
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


def of_program(data: bytes) -> Estimates:
    """Figures of the NPU's part of a .pte; all null where a delegate is not one the model understands.

    Raises:
        PteError: it is no program.
    """
    program = pte.parse(data)
    parts: list[Estimate] = []
    operators: list[Operator] = []
    notes: list[str] = []
    for number, delegate in enumerate(program.main.delegates):
        try:
            if delegate.backend != BACKEND:
                raise DelegateError(f"its backend is {delegate.backend}")
            estimate, partition_operators = _partition(EthosU(delegate, program.named_data), number)
        except (DelegateError, CommandStreamError) as error:
            notes.append(f"no estimate for partition {number}: {error}")
            parts.append(Estimate(source="simulator"))
            continue
        parts.append(estimate)
        operators += partition_operators
    if not parts:
        notes.append("no estimate: nothing of the program runs on the NPU")
    return Estimates(whole(parts), tuple(parts), tuple(operators), tuple(notes))
