"""The blob of the Ethos-U backend (``vela_bin_stream``): its blocks, and how it is packed.

It is a row of blocks: 16-byte name, u32 size, u8 external flag, 11 reserved bytes, data padded to 16. An external block
holds the key of the program's named data. Source: ExecuTorch's backends/arm/arm_vela.py.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

BACKEND = "EthosUBackend"
HEADER = struct.Struct("<16sIB11s")
ALIGNMENT = 16
FIRST, LAST = "vela_bin_stream", "vela_end_stream"
PORT = struct.Struct("<9i")
AXES = 6


@dataclass(frozen=True)
class Place:
    """Place of an input or output in the NPU's memory: elements, bytes of each, byte offset, region."""

    elements: int
    element_bytes: int
    offset: int
    region: int


def pack(
    commands: bytes | memoryview,
    weights: bytes | memoryview,
    scratch_bytes: int,
    inputs: Sequence[Place],
    outputs: Sequence[Place],
) -> bytes:
    """Pack what Vela made into a blob."""
    blocks = {
        FIRST: b"",
        "cmd_data": commands,
        "weight_data": weights,
        "scratch_size": struct.pack("<I", scratch_bytes),
        "inputs": _places(inputs),
        "outputs": _places(outputs),
        LAST: b"",
    }
    return b"".join(_block(name, data) for name, data in blocks.items())


def _block(name: str, data: bytes | memoryview) -> bytes:
    return HEADER.pack(name.encode(), len(data), 0, b"") + bytes(data) + bytes(-len(data) % ALIGNMENT)


def _places(places: Sequence[Place]) -> bytes:
    packed = (PORT.pack(*[1] * (AXES - 1), p.elements, p.element_bytes, p.offset, p.region) for p in places)
    return struct.pack("<i", len(places)) + b"".join(packed)
