"""The Ethos-U85: what executes each operation, and what one run keeps between them."""

from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.sequencer import Execute, Sequencer
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu85 import conv, dma, elementwise, pool, resize
from tui.simulator.ethosu85.accumulators import Accumulators
from tui.simulator.ethosu85.inputs import Chains
from tui.simulator.ethosu85.registers import LUT_BYTES


class Npu(Sequencer):
    """A network loaded on an Ethos-U85."""

    @property
    def _table_bytes(self) -> int:
        return LUT_BYTES

    def _begin(self, memory: Memory) -> Execute:
        chains: Chains = {}
        accumulators = Accumulators()

        def execute(command: Command) -> NDArray | None:
            match command.name:
                case "CONV" | "DEPTHWISE":
                    return conv.run(command, self.stream, memory, chains, accumulators, self._cache)
                case "POOL":
                    return pool.run(command, memory, chains, accumulators)
                case "ELEMENTWISE":
                    return elementwise.run(command, memory, chains)
                case "RESIZE":
                    return resize.run(command, memory, chains)
                case "DMA_START":
                    dma.run(command, memory)
                    return None
            raise command.error("no such operation")

        return execute
