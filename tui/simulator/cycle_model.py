"""Cycle figures of a delegate: the NPU's cycle model on the memory system the delegate was compiled for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tui.simulator import npu
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu import timeline
from tui.simulator.ethosu.costs import Cost
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.memory_ports import LUT_RAM, Port, Ports
from tui.simulator.executor_runner import Cycles, Estimate
from tui.simulator.parameters import Settings
from tui.toolchain import vela
from tui.toolchain.boards import Npu

FAST = "--fast leaves out the cycle model"
ON_CHIP = "Sram"
"""The memory behind the NPU's SRAM ports in vela.ini; what is behind the others is external."""

BEATS = {
    (True, False): "sram_reads",
    (True, True): "sram_writes",
    (False, False): "external_reads",
    (False, True): "external_writes",
}
"""Events by (SRAM, write), in the order of ExecuTorch's performance monitor."""

MAC_ACTIVE = "mac_active"

FOUR = ("sram_reads", "external_reads", "sram_writes", MAC_ACTIVE)
"""Events where there are no more counters; the monitor has writes to SRAM only, too, and idling for the last."""


@dataclass(frozen=True, eq=False)
class Modelled:
    """Costs of a delegate by the cycle model, and the NPU's clock."""

    costs: tuple[Cost, ...]
    clock_hz: float


def _port(area: vela.MemoryArea) -> Port:
    return Port(
        area.read_latency,
        area.write_latency,
        area.burst_length,
        area.bandwidth,
        area.name,
        area.ports,
        area.max_reads,
        area.max_writes,
        area.port_bytes,
    )


def ports(system: vela.MemorySystem) -> Ports:
    """The memory behind each region of a delegate: constants, arena and cache."""
    return {0: _port(system.constants), 1: _port(system.arena), 2: _port(system.cache)}


# Of the command stream alone: the report of every inference asks for it again, and so does the trace.
@lru_cache(maxsize=16)
def modelled(delegate: EthosU) -> Modelled | str:
    """The cost of each of a delegate's passes, or why there is none."""
    flags = delegate.compile_flags
    try:
        system = vela.memory_system(flags["--system-config"], flags["--memory-mode"])
        costs = npu.estimate(delegate.stream, ports(system))
    except KeyError as error:
        return f"the program does not say its {error.args[0]}"
    except (vela.VelaMissing, CommandStreamError) as error:
        return str(error)
    return Modelled(tuple(costs), system.core_clock_hz)


def _events(kind: Npu, costs: Sequence[Cost]) -> dict[str, int]:
    """PMU events, where the model has a figure: it has none of idling and of the weight decoder."""
    counts = dict.fromkeys([*BEATS.values(), MAC_ACTIVE], 0)
    for transfer in (t for cost in costs for t in cost.traffic if t.port != LUT_RAM):
        counts[BEATS[transfer.port.name == ON_CHIP, transfer.write]] += transfer.beats
    counts[MAC_ACTIVE] = sum(cost.work.mac_cycles for cost in costs)
    events = tuple(counts) if len(counts) <= kind.counters else FOUR
    return {getattr(kind.pmu, event): counts[event] for event in events}


def has_cache(delegate: EthosU) -> bool:
    """Return True if feature maps are placed in SRAM as far as they fit, and in external memory else."""
    flags = delegate.compile_flags
    system = vela.memory_system(flags["--system-config"], flags["--memory-mode"])
    return system.cache.name == ON_CHIP != system.arena.name


def waiting_for_tables(delegate: EthosU) -> tuple[int, int]:
    """(cycles that loading tables adds to an execution, cycles of the execution); zeros where there is no estimate.

    Vela 5.1's total counts such a load where the table is an operator of its own, and not where it belongs to another.
    """
    outcome = modelled(delegate)
    if isinstance(outcome, str):
        return 0, 0
    at_once = [
        replace(cost, copy_cycles=0, access={}) if any(t.port == LUT_RAM for t in cost.traffic) else cost
        for cost in outcome.costs
    ]
    total = timeline.end(delegate.stream, outcome.costs)
    return total - timeline.end(delegate.stream, at_once), total


def _estimate(delegate: EthosU) -> Cycles | str:
    """NPU cycles of one execution of a delegate with waiting for memory, or why there are none."""
    outcome = modelled(delegate)
    if isinstance(outcome, str):
        return outcome
    total = timeline.end(delegate.stream, outcome.costs)
    return Cycles(npu=total, events=_events(npu.kind(delegate.stream), outcome.costs), seconds=total / outcome.clock_hz)


def model(settings: Settings) -> Estimate:
    """The cycle model for a simulation's settings; with ``--fast`` there is none."""
    return (lambda _: FAST) if settings.extra_args().fast else _estimate
