"""Bytes that a pass moves to and from each memory.

Where Vela 5.1's own figures are not what the stream does, these differ: Vela takes every element for a byte, counts no
IFM2 of a matrix multiplication, and has scales that were copied to a staging buffer read from where they came from.
The bus time of an IFM that is transposed is Vela's, which reads it anew for each block of the result; beats are not.
"""

from collections.abc import Iterator

from tui.simulator.ethosu import output_stage, transfers
from tui.simulator.ethosu.feature_map import address
from tui.simulator.ethosu.inputs import broadcast_shape
from tui.simulator.ethosu.memory_ports import Ports, Shape
from tui.simulator.ethosu.passes import Pass
from tui.simulator.ethosu.registers import bits
from tui.simulator.ethosu.stream import Command
from tui.simulator.ethosu.transfers import Channel, Transfer
from tui.simulator.ethosu85 import passes, precision
from tui.simulator.ethosu85.registers import Transpose
from tui.simulator.ethosu85.weights import stream_registers


def _written(ports: Ports, command: Command, block: Shape, cores: int) -> Iterator[Transfer]:
    """Writing the OFM of a command."""
    shape = passes.in_memory(command, output_stage.size(command))
    yield from transfers.written(ports, precision.feature_map(command, "OFM"), block, shape, cores)


def _windowed(p: Pass, ports: Ports) -> Iterator[Transfer]:
    """Reads of an operation that moves a window over its IFM."""
    r = p.command.registers
    transposes = precision.output_format(p.command).transpose != Transpose.HWC
    # Each element goes to one place.
    yield from transfers.windows(p, ports, once=p.kernel.is_point and not p.reduces and transposes)
    if (second := passes.second_input(p.command)) is not None:
        fm, shape = second
        yield from transfers.read(ports, fm, p.ifm_block, shape, Channel.STREAMED, transfers.places(p))
    elif p.has_constants:
        fast = bits(r.get("WEIGHT_FORMAT", 0), 0) == 1
        length = sum(size for _, size in stream_registers(p.command, p.cores, fast=fast))
        channel = Channel.FAST_WEIGHTS if fast else Channel.WEIGHTS
        yield from transfers.constants(p, ports, channel, length, address(r.get("SCALE_LENGTH", 0)))


def _elementwise(command: Command, block: Shape, ports: Ports) -> Iterator[Transfer]:
    """Reads of an operation that takes each element of its inputs once."""
    shape = output_stage.size(command)
    first = broadcast_shape(command, "IFM", shape) if command.name == "ELEMENTWISE" else shape
    fm = passes.input_map(command)
    yield from transfers.read(ports, fm, block, first, Channel.STREAMED)
    if (second := passes.second_input(command)) is not None:
        fm, other = second
        yield from transfers.read(ports, fm, block, other, Channel.STREAMED)


def _resized(p: Pass, ports: Ports) -> Iterator[Transfer]:
    r = p.command.registers
    # The kernel registers hold the extent of the IFM that is read.
    shape = r.get("KERNEL_HEIGHT_M1", 0) + 1, r.get("KERNEL_WIDTH_M1", 0) + 1, r.get("IFM_DEPTH_M1", 0) + 1
    yield from transfers.read(ports, p.ifm, p.ifm_block, shape, Channel.STREAMED)


def of_pass(p: Pass, ports: Ports) -> tuple[Transfer, ...]:
    """Transfers of a pass.

    Raises:
        KeyError: a region that is not in `ports`.
    """
    moved: list[Transfer] = []
    if p.command.name == "RESIZE":
        moved += _resized(p, ports)
    elif p.uses_macs:
        moved += _windowed(p, ports)
    else:
        moved += _elementwise(p.command, p.ifm_block, ports)
    for member in p.commands[1:]:
        moved += _elementwise(member, p.ifm_block, ports)
    for member in p.commands:
        moved += _written(ports, member, p.ofm_block, p.cores)
    return tuple(moved)
