"""DMA_START on U55 and U65: copies between regions or into SHRAM, one block at a time.

Bits 0..7 of a REGION register are the region, bit 8 stands for SHRAM, 9..10 for rows; no stream with rows was seen.
Source: ethos_u65_interface.hpp, ethos_u55_register_cs_generator.cpp of Vela's regor.
"""

from tui.simulator.ethosu.feature_map import address
from tui.simulator.ethosu.memory import Memory
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command


def run(command: Command, memory: Memory) -> None:
    """Execute DMA_START.

    Raises:
        CommandStreamError: a byte to copy lies outside its region, or the copy is of rows.
    """
    r = command.registers
    source, destination = r.get("DMA0_SRC_REGION", 0), r.get("DMA0_DST_REGION", 0)
    if bits(source, 9, 2) or bits(destination, 9, 2):
        raise command.error("a transfer of rows is not known")
    length = address(r.get("DMA0_LEN", 0))
    at = address(r.get("DMA0_DST", 0))
    to_shram, shram = bits(destination, 8) == 1, len(memory.internal)
    if to_shram and at + length > shram:
        raise command.error(
            f"a table is loaded to bytes {at}..{at + length}, beyond the {shram} bytes of SHRAM: Vela 5.1's fault on"
            " a small NPU where an operator has both a table and a transpose"
        )
    start = address(r.get("DMA0_SRC", 0))
    data = memory.place(bits(source, 0, 8), start, length, internal=bits(source, 8) == 1, write=False)
    memory.place(bits(destination, 0, 8), at, length, internal=to_shram, write=True)[:] = data
