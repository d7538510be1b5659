"""Estimates by the cycle model, operator by operator, for a .pte that was compiled elsewhere."""

from dataclasses import dataclass

from tui.model import pte
from tui.model.vela_blob import BACKEND
from tui.run.figures import Estimate, Operator, whole
from tui.simulator import cycle_model
from tui.simulator.delegate import DelegateError, EthosU
from tui.simulator.ethosu import timeline
from tui.simulator.ethosu.costs import Cost
from tui.simulator.ethosu.errors import CommandStreamError


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
