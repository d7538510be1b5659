"""Reading a command's inputs, wherever they are: memory, a chain buffer, or the scalar register."""

import numpy as np

from tui.simulator.ethosu import feature_map
from tui.simulator.ethosu.inputs import Input
from tui.simulator.ethosu.memory import Memory, NDArray
from tui.simulator.ethosu.registers import Storage
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu85 import precision

Chains = dict[int, NDArray]


def read(command: Command, which: str, memory: Memory, chains: Chains, shape: tuple[int, int, int]) -> Input:
    """The input ``IFM`` or ``IFM2`` of a command with (height, width, channels).

    Raises:
        CommandStreamError: it is out of bounds, or the chain buffer holds nothing of that shape.
    """
    fm = precision.feature_map(command, which)
    memory.check_elements(shape)
    if fm.storage == Storage.CHAINED:
        chained = chains.get(fm.region)
        if chained is None:
            raise command.error(f"chain buffer {fm.region} is empty")
        if chained.shape != shape:
            raise command.error(f"chain buffer {fm.region} holds {chained.shape}, not {shape}")
        return Input(chained, fm)
    if fm.storage == Storage.NONE:
        raw = command.registers.get("OP_SCALAR", 0) & 0xFFFFFFFF
        value = np.array(raw, np.uint32).astype(np.int64)
        if fm.dtype.kind == "i":
            value = np.array(raw - ((raw >> 31) << 32), np.int64)
        return Input(np.broadcast_to(value, shape), fm)
    return Input(feature_map.read(memory, fm, *shape), fm)
