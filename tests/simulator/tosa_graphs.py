"""TOSA graphs of one operator or two, compiled by Vela without ExecuTorch, on the simulator and the reference model.

ExecuTorch emits only part of what Vela can compile; graphs made here reach operators and settings beyond that.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tosa_reference_model
import tosa_serializer as ts
from ethosu.vela import vela

from tui.simulator import npu

Array = np.ndarray[Any, Any]
Shape = Sequence[int]

TYPES = {
    "bool": (ts.DType.BOOL, np.bool_),
    "int4": (ts.DType.INT4, np.int8),
    "int8": (ts.DType.INT8, np.int8),
    "int16": (ts.DType.INT16, np.int16),
    "int32": (ts.DType.INT32, np.int32),
    "int48": (ts.DType.INT48, np.int64),
}
SYSTEMS = {
    "ethos-u55": "Ethos_U55_High_End_Embedded",
    "ethos-u65": "Ethos_U65_High_End",
    "ethos-u85": "Ethos_U85_SYS_DRAM_Mid",
}
"""A system config of each family."""

FAST_SCRATCH_BYTES = 1 << 20


@dataclass(frozen=True)
class Tensor:
    """A named tensor of a graph, and the least and greatest value it may be given."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    limits: tuple[int, int] | None = None

    def random(self, seed: int) -> Array:
        """Values over all of the tensor's range."""
        random = np.random.default_rng(seed)
        if self.dtype == "bool":
            return random.integers(0, 2, self.shape).astype(np.bool_)
        numpy_type = TYPES[self.dtype][1]
        low, high = self.limits or (np.iinfo(numpy_type).min, np.iinfo(numpy_type).max)
        return random.integers(low, high, self.shape, numpy_type, endpoint=True)


def _serializer() -> Any:
    # The version ExecuTorch lowers to.
    return ts.TosaSerializer("", targetMajor=1, targetMinor=0, targetPatch=0, targetDraft=False)


@dataclass
class Graph:
    """A graph under construction."""

    serializer: Any = field(default_factory=_serializer)
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    count: int = 0

    def _name(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def input(self, shape: Shape, dtype: str, limits: tuple[int, int] | None = None) -> Tensor:
        """A tensor that is given."""
        tensor = Tensor(self._name(), tuple(shape), dtype, limits)
        self.serializer.addInputTensor(ts.TosaSerializerTensor(tensor.name, list(shape), TYPES[dtype][0], []))
        self.inputs.append(tensor)
        return tensor

    def const(self, values: Any, dtype: str) -> Tensor:
        """A constant tensor."""
        array = np.asarray(values, TYPES[dtype][1])
        name = self._name()
        self.serializer.addConst(list(array.shape), TYPES[dtype][0], array, name=name)
        return Tensor(name, array.shape, dtype)

    def shape(self, values: Sequence[int]) -> Tensor:
        """A constant shape."""
        name = self._name()
        self.serializer.addConst([len(values)], ts.DType.SHAPE, list(values), name=name)
        return Tensor(name, (len(values),), "shape")

    def add(self, op: str, inputs: Sequence[Tensor], shape: Shape, dtype: str, *attribute: Any) -> Tensor:
        """An operator; `attribute` is what its attribute is made of."""
        name, block = self._name(), self.serializer.currRegion.currBasicBlock
        made = ts.TosaSerializerAttribute()
        kind = op.removesuffix("2D").title().replace("_", "") + ("2d" if op.endswith("2D") else "")
        names = {"Argmax": "ArgMax", "Matmul": "MatMul", "Intdiv": "IntDiv"}
        getattr(made, f"{names.get(kind, kind)}Attribute")(*attribute)
        block.addTensor(name, list(shape), TYPES[dtype][0])
        self.serializer.addOperator(getattr(ts.Op, op), [i.name for i in inputs], [name], made)
        return Tensor(name, tuple(shape), dtype)

    def rescale(
        self,
        given: Tensor,
        dtype: str,
        multipliers: Sequence[int],
        shifts: Sequence[int],
        *,
        wide: bool = True,
        rounding: Any = ts.RoundingMode.SINGLE_ROUND,
        zero_points: tuple[int, int] = (0, 0),
        unsigned: tuple[bool, bool] = (False, False),
    ) -> Tensor:
        """RESCALE: for each channel where there are several multipliers. `wide` ones have 32 bits, others 16."""
        constants = [
            self.const(multipliers, "int32" if wide else "int16"),
            self.const(shifts, "int8"),
            self.const([zero_points[0]], given.dtype),
            self.const([zero_points[1]], dtype),
        ]
        return self.add(
            "RESCALE", [given, *constants], given.shape, dtype, wide, rounding, len(multipliers) > 1, *unsigned
        )

    def output(self, tensor: Tensor) -> "Graph":
        """Have the graph give `tensor`."""
        block = self.serializer.currRegion.currBasicBlock
        self.serializer.addOutputTensor(block.tensors[tensor.name])
        self.outputs.append(tensor)
        return self


@dataclass(frozen=True)
class Compiled:
    """What Vela made of a graph."""

    graph: bytes
    files: dict[str, Array]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def simulate(self, inputs: Sequence[Array]) -> list[Array]:
        """The outputs on the simulator."""
        engine = npu.load(npu.parse(self.files["cmd_data"].tobytes()), self.files["weight_data"])
        # Not zeros: an output that is not written must not look like one that is zero.
        scratch = np.full(int(self.files["scratch_shape"][0]), 0x5A, np.uint8)
        for array, offset in zip(inputs, self.files["input_offset"], strict=True):
            data = np.frombuffer(array.tobytes(), np.uint8)
            scratch[offset : offset + len(data)] = data
        engine.run(scratch, np.zeros(FAST_SCRATCH_BYTES, np.uint8))
        found = []
        for tensor, offset in zip(self.outputs, self.files["output_offset"], strict=True):
            dtype = np.dtype(TYPES[tensor.dtype][1])
            size = int(np.prod(tensor.shape)) * dtype.itemsize
            found.append(scratch[offset : offset + size].view(dtype).reshape(tensor.shape))
        return found

    def reference(self, inputs: Sequence[Array]) -> list[Array]:
        """The outputs on Arm's TOSA reference model."""
        results, status = tosa_reference_model.run(self.graph, list(inputs), verbosity="NONE")
        assert status == tosa_reference_model.GraphStatus.TOSA_VALID
        return list(results)


def compile_graph(graph: Graph, folder: Path, accelerator: str = "ethos-u85-256") -> Compiled:
    """Compile a graph for an accelerator, in `folder`."""
    data = bytes(graph.serializer.serialize())
    file = folder / "graph.tosa"
    file.write_bytes(data)
    system = SYSTEMS[accelerator.rpartition("-")[0]]
    options = ["--memory-mode=Sram_Only", f"--system-config={system}", "--output-format=raw"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        vela.main([str(file), f"--output-dir={folder}", f"--accelerator-config={accelerator}", *options])
    # Vela writes some names as Python objects; the file is our own.
    with np.load(folder / "graph_vela.npz", allow_pickle=True) as found:
        files = {name: found[name] for name in found.files}
    return Compiled(data, files, tuple(graph.inputs), tuple(graph.outputs))
