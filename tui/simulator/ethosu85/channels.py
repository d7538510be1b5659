"""The U85's channels to memory: how fast each moves bytes. Estimates of the compiler's (Vela 5.1, regor)."""

from tui.simulator.ethosu.memory_ports import Port
from tui.simulator.ethosu.transfers import Channel

USABLE = 0.8
"""Share of what could be outstanding, and of the bandwidth that makes, which is reckoned with."""

READ_BUFFERS = {
    128: (64, 64, 128, 128, 104, 16),
    256: (104, 104, 128, 128, 128, 16),
    512: (128, 128, 256, 256, 128, 16),
    1024: (256, 256, 416, 208, 256, 16),
    2048: (256, 256, 512, 256, 256, 16),
}
"""Read buffer of each channel in beats, by MACs; writes have none."""


def speed(port: Port, channel: Channel, macs: int) -> float:
    """Bytes a cycle that one channel of an NPU with `macs` gets from a memory."""
    write = channel == Channel.WRITE
    latency = port.write_latency if write else port.read_latency
    under_way = (port.writes if write else port.reads) * port.ports * USABLE
    if latency <= 0 or under_way <= 0:
        return port.bandwidth
    if not write:
        under_way = min(under_way, READ_BUFFERS[macs][channel] / max(port.burst // port.beat, 1))
    return min(port.bandwidth, port.burst * under_way / latency * USABLE)
