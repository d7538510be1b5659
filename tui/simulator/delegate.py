"""The Ethos-U backend: a delegate's blob (`tui.model.vela_blob`), and copying tensors to and from the NPU's memory."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tui.model.pte import Delegate, DelegateCall, Program
from tui.model.vela_blob import ALIGNMENT, BACKEND, FIRST, HEADER, LAST, PORT
from tui.simulator import npu
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.memory import Bytes
from tui.simulator.ethosu.stream import Command, Stream
from tui.simulator.ethosu.swd import Decoder


class DelegateError(Exception):
    """A delegate that cannot be loaded or executed; one line."""


@dataclass(frozen=True)
class Port:
    """Place of an input or output in the NPU's scratch; `shape` has six axes."""

    shape: tuple[int, ...]
    element_bytes: int
    offset: int
    region: int

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.element_bytes


def _blocks(blob: memoryview, named_data: Mapping[str, memoryview]) -> dict[str, memoryview]:
    blocks: dict[str, memoryview] = {}
    at = 0
    while at + HEADER.size <= len(blob):
        name_bytes, size, external, _ = HEADER.unpack_from(blob, at)
        name = name_bytes.rstrip(b"\0").decode("ascii", "replace")
        at += HEADER.size
        if at + size > len(blob):
            raise DelegateError(f"Malformed vela_bin_stream found: block {name!r} goes beyond its end")
        data = blob[at : at + size]
        if external:
            key = bytes(data).decode("ascii", "replace")
            if key not in named_data:
                raise DelegateError(f"Malformed vela_bin_stream found: no named data {key!r} for block {name!r}")
            data = named_data[key]
        blocks[name] = data
        if name == LAST:
            break
        at += -(-size // ALIGNMENT) * ALIGNMENT
    if FIRST not in blocks or LAST not in blocks:
        raise DelegateError("Malformed vela_bin_stream found: it has no beginning or no end")
    return blocks


def _ports(block: memoryview | None, what: str) -> tuple[Port, ...]:
    if block is None or len(block) < 4:
        raise DelegateError(f"Malformed vela_bin_stream found: no {what}")
    (count,) = struct.unpack_from("<i", block)
    if count < 0 or 4 + count * PORT.size > len(block):
        raise DelegateError(f"Malformed vela_bin_stream found: {count} {what} announced")
    ports = []
    for n in range(count):
        *shape, element_bytes, offset, region = PORT.unpack_from(block, 4 + n * PORT.size)
        if any(extent < 0 for extent in shape) or element_bytes < 1:
            raise DelegateError(f"Malformed vela_bin_stream found: {what} {n} has the shape {tuple(shape)}")
        ports.append(Port(tuple(shape), element_bytes, offset, region))
    return tuple(ports)


def scratch_bytes(delegate: Delegate, named_data: Mapping[str, memoryview]) -> int:
    """Bytes a delegate asks the runner's temporary allocator for at each execution.

    Raises:
        DelegateError: the backend is another, or the blob is malformed.
    """
    return _scratch_bytes(_own_blocks(delegate, named_data))


def _own_blocks(delegate: Delegate, named_data: Mapping[str, memoryview]) -> dict[str, memoryview]:
    if delegate.backend != BACKEND:
        raise DelegateError(f"Backend {delegate.backend} is not registered.")
    return _blocks(delegate.data, named_data)


def _scratch_bytes(blocks: Mapping[str, memoryview]) -> int:
    lacking = [name for name in ("cmd_data", "weight_data", "scratch_size") if name not in blocks]
    if lacking or len(blocks["scratch_size"]) < 4:
        raise DelegateError(f"Malformed vela_bin_stream found: no {', '.join(lacking) or 'scratch_size'}")
    (size,) = struct.unpack_from("<I", blocks["scratch_size"])
    return int(size)


@dataclass(frozen=True)
class Lost:
    """A partition that gives back fewer tensors than the program takes from it."""

    partition: int
    given: int
    taken: int


def lost_outputs(program: Program) -> list[Lost]:
    """The partitions of a program that lack outputs: Vela 5.1 drops one that the partition also reads inside.

    Raises:
        DelegateError: a blob is malformed.
    """
    lost = []
    for call in program.main.instructions:
        if isinstance(call, DelegateCall):
            delegate = program.main.delegates[call.delegate]
            if delegate.backend != BACKEND:
                continue
            blocks = _own_blocks(delegate, program.named_data)
            outputs = len(_ports(blocks.get("outputs"), "outputs"))
            taken = len(call.args) - len(_ports(blocks.get("inputs"), "inputs"))
            if outputs < taken:
                lost.append(Lost(call.delegate, outputs, taken))
    return lost


class EthosU:
    """A loaded delegate."""

    def __init__(
        self, delegate: Delegate, named_data: Mapping[str, memoryview], decoder: Decoder | None = None
    ) -> None:
        """Load it; the delegates of a program share a `decoder` of weights.

        Raises:
            DelegateError: the backend is another, or the blob is malformed.
        """
        blocks = _own_blocks(delegate, named_data)
        self.scratch_bytes = _scratch_bytes(blocks)
        self.inputs = _ports(blocks.get("inputs"), "inputs")
        self.outputs = _ports(blocks.get("outputs"), "outputs")
        self.command_data = bytes(blocks["cmd_data"])
        """The COP1 container, as the driver is given it."""
        try:
            self.stream: Stream = npu.parse(self.command_data)
        except CommandStreamError as error:
            raise DelegateError(f"Malformed vela_bin_stream found: {error}") from error
        memory = npu.memory(self.stream)
        if self.scratch_bytes > memory.ddr_bytes:
            raise DelegateError(f"Failed to allocate scratch buffer of {self.scratch_bytes} bytes from temp_allocator")
        self._fast_scratch_bytes = memory.sram_bytes
        specs = dict(delegate.compile_specs)
        words = specs.get("compile_flags", b"").decode("utf-8", "replace").split()
        self.compile_flags = dict(word.split("=", 1) for word in words if "=" in word)
        """Vela's options the delegate was compiled with, such as ``--memory-mode``."""
        self._npu = npu.load(self.stream, blocks["weight_data"], decoder)

    def execute(
        self,
        inputs: Sequence[Bytes],
        outputs: Sequence[Bytes],
        observe: Callable[[Command], None] | None = None,
        arena: Bytes | None = None,
    ) -> None:
        """Run the NPU on `inputs` and fill `outputs`: flat views of the tensors' bytes, in memory order.

        It works in the `arena`, where they lie already, or in memory of its own, which they are copied to and from.

        Raises:
            DelegateError: a tensor does not fit its port, or the command stream cannot be executed.
        """
        if (len(inputs), len(outputs)) != (len(self.inputs), len(self.outputs)):
            raise DelegateError(
                f"the delegate has {len(self.inputs)} inputs and {len(self.outputs)} outputs,"
                f" the program gives {len(inputs)} and takes {len(outputs)}:"
                " Vela 5.1 drops an output that another operator also reads"
            )
        if arena is not None and len(arena) < self.scratch_bytes:
            raise DelegateError(f"the NPU's scratch has {self.scratch_bytes} bytes, the arena {len(arena)}")
        scratch = np.zeros(self.scratch_bytes, np.uint8) if arena is None else arena
        regions = {1: scratch, 2: np.zeros(self._fast_scratch_bytes, np.uint8)}
        for n, (tensor, port) in enumerate(zip(inputs, self.inputs, strict=True)):
            self._place(regions, port, tensor, f"Input {n}")[:] = tensor
        try:
            self._npu.run(scratch, regions[2], observe=observe)
        except CommandStreamError as error:
            raise DelegateError(str(error)) from error
        for n, (tensor, port) in enumerate(zip(outputs, self.outputs, strict=True)):
            tensor[:] = self._place(regions, port, tensor, f"Output {n}")

    @staticmethod
    def _place(regions: Mapping[int, Bytes], port: Port, tensor: Bytes, what: str) -> Bytes:
        if port.nbytes != len(tensor):
            raise DelegateError(f"{what}: the tensor has {len(tensor)} bytes, the delegate {port.nbytes}")
        region = regions.get(port.region)
        if region is None or port.offset < 0 or port.offset + port.nbytes > len(region):
            raise DelegateError(f"{what} lies outside the NPU's memory")
        return region[port.offset : port.offset + port.nbytes]
