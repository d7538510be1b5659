"""The NPU as the driver sees it: jobs on the guest's memory, and counters that grow with them by the cycle model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tui.simulator import npu
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.memory import Bytes
from tui.simulator.ethosu.sequencer import FAST_SCRATCH
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.swd import Decoder
from tui.simulator.executor_runner import Estimate
from tui.simulator.firmware.memory import GuestMemory, GuestMemoryError
from tui.toolchain.boards import PmuEvents

NPU_ACTIVE = 0x05
"""Event, by its number in the firmware's driver, of which there is one in each cycle: in the model the NPU is active
from begin to end."""


def events(pmu: PmuEvents) -> dict[int, str]:
    """Names of the other events that the firmware's driver counts, by its numbers: port 0 is that of the SRAM."""
    return {
        0x28: pmu.sram_reads,  # AXI0_RD_DATA_BEAT_RECEIVED
        0x2D: pmu.sram_writes,  # AXI0_WR_DATA_BEAT_WRITTEN
        0x3E: pmu.external_reads,  # AXI1_RD_DATA_BEAT_RECEIVED
    }


WORD_MASK = 0xFFFF_FFFF


class NpuError(Exception):
    """A job that the NPU cannot do; one line."""


@dataclass(frozen=True)
class Job:
    """Request of the driver: a COP1 container, and for each region its address and size in bytes."""

    commands: tuple[int, int]
    regions: tuple[tuple[int, int], ...]


class Accelerator:
    """The NPU model around the guest's memory."""

    def __init__(
        self,
        memory: GuestMemory,
        delegates: Sequence[EthosU],
        pmu: PmuEvents,
        estimate: Estimate,
        observe: Callable[[EthosU, Command], None] | None,
    ) -> None:
        self._memory = memory
        self._delegates = {delegate.command_data: delegate for delegate in delegates}
        self._names = events(pmu)
        self._estimate = estimate
        self._observe = observe
        self._npus: dict[Job, npu.Npu] = {}
        self._decoder = Decoder()
        self._selected: dict[int, int] = {}
        self._events: dict[str, int] = {}
        self.cycles = 0
        """Cycles of all jobs, by the cycle model."""
        self.seconds: float | None = None
        """NPU time of all jobs by the cycle model; None where that has no figure."""
        self.unknown: str | None = None
        """Reason the cycle model has no figure for a job."""

    def run(self, job: Job) -> None:
        """Execute a job.

        Raises:
            NpuError: it cannot be executed; what was written until then stays written.
        """
        try:
            commands = self._memory.view(*job.commands).tobytes()
            stream = npu.parse(commands)
            fast_scratch = npu.memory(stream).sram_bytes
            regions = [self._region(number, *place, fast_scratch) for number, place in enumerate(job.regions)]
            if len(regions) < 2:
                raise NpuError(f"a job with {len(regions)} regions has no constants or no scratch")
            if job not in self._npus:
                self._npus[job] = npu.load(stream, regions[0], self._decoder)
            delegate = self._delegates.get(commands)
            self._npus[job].run(regions[1], regions[2] if regions[2:] else None, observe=self._observer(delegate))
        except (CommandStreamError, GuestMemoryError) as error:
            raise NpuError(str(error)) from error
        self._count(delegate)

    def _region(self, number: int, address: int, size: int, fast_scratch: int) -> Bytes:
        # Fast scratch lies in SRAM, which is not shared, and this firmware was built without any: nobody but the NPU
        # looks at it, so that it has some of its own, as much as with the interpreter.
        if number == FAST_SCRATCH:
            return np.zeros(fast_scratch, np.uint8)
        return self._memory.view(address, size)

    def _observer(self, delegate: EthosU | None) -> Callable[[Command], None] | None:
        observe = self._observe
        if observe is None or delegate is None:
            return None
        return lambda command: observe(delegate, command)

    def _count(self, delegate: EthosU | None) -> None:
        figures = "the command stream is none of the program's" if delegate is None else self._estimate(delegate)
        if isinstance(figures, str):
            self.unknown = figures
            return
        self.cycles += figures.npu
        self.seconds = (self.seconds or 0.0) + figures.seconds
        for name, count in figures.events.items():
            self._events[name] = self._events.get(name, 0) + count

    def select(self, counter: int, event: int) -> None:
        """Have a counter count an event, by its number in the driver."""
        self._selected[counter] = event

    def counter(self, number: int) -> int:
        """Value of a counter: 32 bits, which wrap around. One of an event without a figure stands still."""
        event = self._selected.get(number)
        if event is None:
            return 0
        count = self.cycles if event == NPU_ACTIVE else self._events.get(self._names.get(event, ""), 0)
        return count & WORD_MASK
