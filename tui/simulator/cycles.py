"""Cycle figures of a delegate: the NPU's cycle model on the memory system the delegate was compiled for."""

from tui import vela
from tui.simulator import parameters
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu85 import CommandStreamError, cycles
from tui.simulator.ethosu85.cycles import Port
from tui.simulator.parameters import Settings
from tui.simulator.runner import Cycles, Estimate


def _port(area: vela.MemoryArea) -> Port:
    return Port(area.read_latency, area.write_latency, area.burst_length, area.bandwidth)


def _estimate(delegate: EthosU) -> Cycles | str:
    """NPU cycles of one execution of a delegate, or why there are none."""
    flags = delegate.compile_flags
    try:
        system = vela.memory_system(flags["--system-config"], flags["--memory-mode"])
        ports = {0: _port(system.constants), 1: _port(system.arena), 2: _port(system.cache)}
        costs = cycles.estimate(delegate.stream, ports)
    except KeyError as error:
        return f"the program does not say its {error.args[0]}"
    except (vela.VelaMissing, CommandStreamError) as error:
        return str(error)
    total = sum(cost.cycles for cost in costs)
    return Cycles(npu=total, events={}, seconds=total / system.core_clock_hz)


def model(settings: Settings) -> Estimate:
    """The cycle model for a simulation's settings; with ``--fast`` there is none."""
    if "--fast" in settings.text(parameters.EXTRA_ARGS).split():
        return lambda _: "--fast leaves out the cycle model"
    known: dict[int, Cycles | str] = {}

    def estimate(delegate: EthosU) -> Cycles | str:
        # It follows from the commands alone: the same for every inference.
        if id(delegate) not in known:
            known[id(delegate)] = _estimate(delegate)
        return known[id(delegate)]

    return estimate
