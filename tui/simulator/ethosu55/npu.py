"""The Ethos-U55 or Ethos-U65: what executes each operation."""

from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.sequencer import Execute, Sequencer
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu55 import conv, dma, elementwise, pool
from tui.simulator.ethosu55.registers import Configuration, configuration


class Npu(Sequencer):
    """A network loaded on an Ethos-U55 or Ethos-U65."""

    @property
    def _configuration(self) -> Configuration:
        found = configuration(self.stream.config)
        assert found is not None
        return found

    @property
    def _table_bytes(self) -> int:
        return self._configuration.shram_bytes

    def _begin(self, memory: Memory) -> Execute:
        size = self._configuration

        def execute(command: Command) -> NDArray | None:
            match command.name:
                case "CONV" | "DEPTHWISE":
                    return conv.run(command, memory, size, self._cache)
                case "POOL":
                    return pool.run(command, memory, size)
                case "ELEMENTWISE":
                    return elementwise.run(command, memory, size)
                case "DMA_START":
                    dma.run(command, memory)
                    return None
            raise command.error("no such operation")

        return execute
