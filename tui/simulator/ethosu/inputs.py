"""Inputs of a command: values with their zero point, and the shape of one that is broadcast."""

from dataclasses import dataclass

import numpy as np

from tui.simulator.ethosu.feature_map import FeatureMap
from tui.simulator.ethosu.memory import NDArray
from tui.simulator.ethosu.registers import Broadcast
from tui.simulator.ethosu.stream import Command


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


def broadcast_shape(command: Command, which: str, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The shape of an elementwise input: that of the OFM, with extent 1 along broadcast axes."""
    mode = command.registers.get(f"{which}_BROADCAST", 0)
    height, width, channels = shape
    return (
        1 if mode & (Broadcast.H | Broadcast.SCALAR) else height,
        1 if mode & (Broadcast.W | Broadcast.SCALAR) else width,
        1 if mode & (Broadcast.C | Broadcast.SCALAR) else channels,
    )
