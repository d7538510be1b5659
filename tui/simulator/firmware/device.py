"""The registers that the driver is told the NPU by when it starts: its ID and CONFIG, in memory instead of the NPU."""

import struct
from collections.abc import Sequence

from tui.simulator.delegate import EthosU
from tui.simulator.firmware.memory import GuestMemory
from tui.toolchain.qemu import DDR, DDR_BYTES

DEVICE = DDR + DDR_BYTES - (1 << 12)
"""Address of the driver's ``struct ethosu_device``, which begins with the address of the registers: a page that the
firmware does not use."""

_REGISTERS = DEVICE + 16
_ID, _CONFIG = 0x00, 0x28
"""Offsets of registers."""


def place(memory: GuestMemory, delegates: Sequence[EthosU]) -> None:
    """Have an NPU of the kind the delegates are for; without one, a kind of NPU that there is not."""
    memory.place(DEVICE, struct.pack("<I", _REGISTERS))
    for delegate in delegates[:1]:
        memory.place(_REGISTERS + _ID, struct.pack("<I", delegate.stream.identity))
        memory.place(_REGISTERS + _CONFIG, struct.pack("<I", delegate.stream.config))
