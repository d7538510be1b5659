"""Bytes that a pass of a U55 or U65 moves to and from each memory.

Bus times are Vela 5.1's: an element counts as a byte, and an IFM2 that is broadcast, but for a scalar, as if it were
not. Bytes and beats are those of the stream.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tui.simulator.ethosu import transfers
from tui.simulator.ethosu.feature_map import FeatureMap, address
from tui.simulator.ethosu.memory_ports import Port, Ports
from tui.simulator.ethosu.passes import Pass, elements
from tui.simulator.ethosu.transfers import Channel, Transfer
from tui.simulator.ethosu55 import passes
from tui.simulator.ethosu55.weights import stream_registers


def speed(port: Port, _: Channel) -> float:
    """Bytes a cycle that a channel gets from a memory: all there are."""
    return port.bandwidth


def _by_element(fm: FeatureMap, moved: Iterable[Transfer]) -> Iterator[Transfer]:
    for one in moved:
        yield replace(one, bus=one.bus // fm.dtype.itemsize)


def _second(p: Pass, ports: Ports, *, repeats: bool) -> Iterator[Transfer]:
    """Reading IFM2; one that is broadcast `repeats` for each row and column."""
    found = passes.second_input(p.command)
    if found is None:
        return
    fm, shape = found
    (once,) = transfers.read(ports, fm, p.ifm_block, shape, Channel.STREAMED)
    if repeats and elements(shape) > 1:
        (all_,) = transfers.read(ports, fm, p.ifm_block, p.ofm_shape, Channel.STREAMED)
        once = replace(once, bus=all_.bus)
    yield from _by_element(fm, (once,))


def of_pass(p: Pass, ports: Ports, *, repeats: bool = True) -> Iterator[Transfer]:
    """Transfers of a pass; the IFM2 of one that `repeats` is read anew where it is broadcast.

    Raises:
        KeyError: a region that is not in `ports`.
    """
    r = p.command.registers
    if p.uses_macs:
        yield from _by_element(p.ifm, transfers.windows(p, ports))
    else:
        yield from _by_element(p.ifm, transfers.read(ports, p.ifm, p.ifm_block, p.ofm_shape, Channel.STREAMED))
        yield from _second(p, ports, repeats=repeats)
    if p.has_constants:
        weights = sum(length for _, length in stream_registers(p.command, p.cores))
        scales = sum(address(r.get(name, 0)) for name in ("SCALE_LENGTH", "SCALE1_LENGTH")[: p.cores])
        yield from transfers.constants(p, ports, Channel.WEIGHTS, weights, scales)
    yield from _by_element(p.ofm, transfers.written(ports, p.ofm, p.ofm_block, p.ofm_shape, p.cores))
