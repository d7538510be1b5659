"""DMA_START: copies between regions or into LUT RAM - one block, rows, rows of rows, or rows picked by an index."""

import itertools

import numpy as np

from tui.simulator.ethosu.feature_map import address, stride
from tui.simulator.ethosu.memory import Memory
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command

INDEX = np.dtype("<i4")


def _index(command: Command, memory: Memory, outer: int, inner: int, inner_count: int) -> int:
    r = command.registers
    at = address(r.get("DMA0_IDX", 0)) + INDEX.itemsize * inner
    at += outer * (INDEX.itemsize * inner_count + stride(r.get("DMA0_IDX_SKIP1", 0)))
    value = int(memory.bytes_at(r.get("DMA0_IDX_REGION", 0), at, INDEX.itemsize).view(INDEX)[0])
    limit = address(r.get("DMA0_IDX_MAX", 0))
    if not 0 <= value <= limit:
        raise command.error(f"index {value} is outside 0..{limit}")
    return value


def run(command: Command, memory: Memory) -> None:
    """Execute DMA_START.

    Raises:
        CommandStreamError: a byte to copy lies outside its region, or an index is out of range.
    """
    r = command.registers
    source, destination = r.get("DMA0_SRC_REGION", 0), r.get("DMA0_DST_REGION", 0)
    length, mode = address(r.get("DMA0_LEN", 0)), bits(source, 9, 2)
    outer_count = r.get("DMA0_SIZE1", 1) if mode == 2 else 1
    inner_count = r.get("DMA0_SIZE0", 1) if mode or bits(source, 11) or bits(destination, 11) else 1
    memory.check_elements((outer_count, inner_count, max(length, 1)))
    src, dst = address(r.get("DMA0_SRC", 0)), address(r.get("DMA0_DST", 0))
    src0, src1 = stride(r.get("DMA0_SRC_STRIDE0", 0)), stride(r.get("DMA0_SRC_STRIDE1", 0))
    dst0, dst1 = stride(r.get("DMA0_DST_STRIDE0", 0)), stride(r.get("DMA0_DST_STRIDE1", 0))
    for outer, inner in itertools.product(range(outer_count), range(inner_count)):
        read_row = write_row = inner
        if bits(source, 11):
            read_row = _index(command, memory, outer, inner, inner_count)
        if bits(destination, 11):
            write_row = _index(command, memory, outer, inner, inner_count)
        at_src, at_dst = src + outer * src1 + read_row * src0, dst + outer * dst1 + write_row * dst0
        data = memory.place(bits(source, 0, 3), at_src, length, internal=bits(source, 8) == 1, write=False)
        target = memory.place(bits(destination, 0, 3), at_dst, length, internal=bits(destination, 8) == 1, write=True)
        target[:] = data
