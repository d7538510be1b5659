"""Reading a command's inputs, wherever they are: memory, a chain buffer, or the scalar register."""

from dataclasses import dataclass

import numpy as np

from tui.simulator.ethosu85 import feature_map
from tui.simulator.ethosu85.feature_map import FeatureMap
from tui.simulator.ethosu85.memory import Memory, NDArray
from tui.simulator.ethosu85.registers import Broadcast, Storage
from tui.simulator.ethosu85.stream import Command

Chains = dict[int, NDArray]


@dataclass(frozen=True)
class Input:
    """Values in their element type, and the zero point to take from them."""

    values: NDArray
    fm: FeatureMap

    @property
    def zero_point(self) -> int:
        """The zero point of the feature map."""
        return self.fm.zero_point

    def centred(self) -> NDArray:
        """Values less their zero point, in int64."""
        return self.values.astype(np.int64) - self.zero_point


def read(command: Command, which: str, memory: Memory, chains: Chains, shape: tuple[int, int, int]) -> Input:
    """The input ``IFM`` or ``IFM2`` of a command with (height, width, channels).

    Raises:
        CommandStreamError: it is out of bounds, or the chain buffer holds nothing of that shape.
    """
    fm = feature_map.from_registers(command, which)
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


def broadcast_shape(command: Command, which: str, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The shape of an elementwise input: that of the OFM, with extent 1 along broadcast axes."""
    mode = command.registers.get(f"{which}_BROADCAST", 0)
    height, width, channels = shape
    return (
        1 if mode & (Broadcast.H | Broadcast.SCALAR) else height,
        1 if mode & (Broadcast.W | Broadcast.SCALAR) else width,
        1 if mode & (Broadcast.C | Broadcast.SCALAR) else channels,
    )
