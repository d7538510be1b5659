"""Read the flatbuffer of a .tflite with the readers that Vela brings (generated from TensorFlow Lite's schema).

The file is untrusted, and those readers check nothing: each count is held against the file's size, and the bytes read
in total are bounded. Whatever they raise on damaged bytes becomes a `TfliteError`.
"""

import math
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from tui.model.flatbuffer import SHARING, Budget, DamagedError
from tui.model.pte.reader import PteError
from tui.model.tflite import options
from tui.model.tflite.graph import Network, Operator, Quantization, Tensor

IDENTIFIER = b"TFL3"
MAX_DIMENSIONS = 8
"""Most that TensorFlow Lite's kernels take."""
MAX_ELEMENTS = 1 << 31
PLAN = "OfflineMemoryAllocation"
"""Metadata with the places of tensors in the arena: version, subgraph, number of tensors, and an offset for each."""

DTYPES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    9: "int8",
    10: "float64",
    12: "uint64",
    15: "uint32",
    16: "uint16",
}
"""numpy's names of the schema's TensorType."""

DAMAGE = (struct.error, ValueError, TypeError, IndexError, OverflowError, AttributeError, UnicodeDecodeError)
"""Errors of the generated readers on bytes that are not as they expect."""


class TfliteError(PteError):
    """The bytes are no network that can be read; one line."""


def is_tflite(data: bytes) -> bool:
    """True if `data` has the file identifier of a .tflite."""
    return data[4:8] == IDENTIFIER


def read(data: bytes) -> Network:
    """Read the network in `data`.

    Raises:
        TfliteError: it is none, or is damaged.
    """
    if not is_tflite(data):
        raise TfliteError(f"its identifier is {bytes(data[4:8])!r}, expected {IDENTIFIER!r}")
    try:
        return _Reader(data).network()
    except DamagedError as error:
        raise TfliteError(str(error)) from error
    except DAMAGE as error:
        raise TfliteError("it is cut short or damaged: a table lies outside of the file") from error


@cache
def _names() -> dict[int, str]:
    from ethosu.vela.tflite.BuiltinOperator import BuiltinOperator

    return {code: name for name, code in vars(BuiltinOperator).items() if isinstance(code, int)}


class _Reader:
    """The reading of one file."""

    def __init__(self, data: bytes) -> None:
        from ethosu.vela.tflite.Model import Model

        self._data = memoryview(data)
        self._budget = Budget(SHARING * len(data))
        self._model = Model.GetRootAs(data, 0)

    def network(self) -> Network:
        model = self._model
        if not self._count(model.SubgraphsLength(), 4):
            raise DamagedError("it has no subgraph")
        graph = model.Subgraphs(0)
        buffers = [model.Buffers(at) for at in range(self._count(model.BuffersLength(), 4))]
        codes = [self._code(model.OperatorCodes(at)) for at in range(self._count(model.OperatorCodesLength(), 4))]
        tensors = tuple(self._tensor(graph.Tensors(at), buffers) for at in range(self._count(graph.TensorsLength(), 4)))
        count = self._count(graph.OperatorsLength(), 4)
        operators = tuple(self._operator(graph.Operators(at), codes) for at in range(count))
        network = Network(
            tensors=tensors,
            operators=operators,
            inputs=self._numbers(graph, "Inputs"),
            outputs=self._numbers(graph, "Outputs"),
            offsets=self._offsets(buffers, len(tensors)),
        )
        _check_indices(network)
        return network

    def _count(self, count: int, size: int) -> int:
        """The length of a vector whose elements have `size` bytes in the file, at least."""
        if count * size > len(self._data):
            raise DamagedError(f"a list of {count} elements goes beyond the end of the file")
        self._budget.spend(count * size)
        return count

    def _array(self, table: Any, field: str) -> Any:
        count = getattr(table, f"{field}Length")()
        if not count:
            return np.zeros(0, np.int64)
        found = getattr(table, f"{field}AsNumpy")()
        self._count(count, found.itemsize)
        return found

    def _numbers(self, table: Any, field: str) -> tuple[int, ...]:
        return tuple(self._array(table, field).tolist())

    def _text(self, raw: bytes | None) -> str:
        """A name; of what cannot be printed, only that it was there."""
        name = (raw or b"").decode("utf-8", "replace")
        self._budget.spend(len(raw or b""))
        return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)

    def _code(self, code: Any) -> str:
        number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
        name = _names().get(number, f"operator {number}")
        return self._text(code.CustomCode()) or name if name == "CUSTOM" else name

    def _tensor(self, tensor: Any, buffers: list[Any]) -> Tensor:
        name, code = self._text(tensor.Name()), tensor.Type()
        if code not in DTYPES:
            raise DamagedError(f"tensor {name!r} has the element type {code}, which is not known here")
        shape = self._numbers(tensor, "Shape")
        if len(shape) > MAX_DIMENSIONS or any(n < 0 for n in shape) or math.prod(shape) > MAX_ELEMENTS:
            raise DamagedError(f"tensor {name!r} has the impossible shape {shape[: MAX_DIMENSIONS + 1]}")
        found = Tensor(name, np.dtype(DTYPES[code]), shape, self._quantization(tensor.Quantization()))
        data = self._content(found, tensor.Buffer(), buffers)
        return Tensor(name, found.dtype, shape, found.quantization, data, bool(tensor.IsVariable()))

    def _content(self, tensor: Tensor, number: int, buffers: list[Any]) -> memoryview | None:
        """Constant content of a tensor. Buffer 0 is a placeholder, and one without bytes is of a computed tensor."""
        if not 0 <= number < len(buffers):
            raise DamagedError(f"tensor {tensor.name!r} refers to buffer {number} of {len(buffers)}")
        buffer = buffers[number]
        if buffer.Offset() > 1:
            raise DamagedError(f"tensor {tensor.name!r} has its data outside of the flatbuffer, which is not read here")
        if number == 0 or not buffer.DataLength():
            return None
        data = buffer.DataAsNumpy()
        if len(data) != tensor.nbytes:
            raise DamagedError(f"tensor {tensor.name!r} takes {tensor.nbytes} bytes, its buffer has {len(data)}")
        return memoryview(data)

    def _quantization(self, table: Any) -> Quantization | None:
        if table is None:
            return None
        scales, zero_points = self._array(table, "Scale"), self._array(table, "ZeroPoint")
        if not len(scales):
            return None
        if len(zero_points) != len(scales):
            zero_points = np.zeros(len(scales), np.int64)
        return Quantization(scales, zero_points, table.QuantizedDimension())

    def _operator(self, operator: Any, codes: list[str]) -> Operator:
        number = operator.OpcodeIndex()
        if not 0 <= number < len(codes):
            raise DamagedError(f"an operator has the code {number} of {len(codes)}")
        name = codes[number]
        return Operator(
            name=name,
            inputs=self._numbers(operator, "Inputs"),
            outputs=self._numbers(operator, "Outputs"),
            options=options.read(name, operator.BuiltinOptions()),
        )

    def _offsets(self, buffers: list[Any], tensors: int) -> tuple[int, ...]:
        for at in range(self._count(self._model.MetadataLength(), 4)):
            entry = self._model.Metadata(at)
            if self._text(entry.Name()) == PLAN and 0 < entry.Buffer() < len(buffers):
                data = self._array(buffers[entry.Buffer()], "Data").tobytes()
                _version, _subgraph, count, *offsets = struct.unpack(f"<{len(data) // 4}i", data)
                if count == len(offsets) == tensors:
                    return tuple(offsets)
                raise DamagedError(f"the memory plan is of {count} tensors, there are {tensors}")
        return ()


def _used(network: Network) -> Iterator[tuple[int, int]]:
    """(tensor, least number it may have) of each reference to a tensor."""
    yield from ((at, 0) for at in (*network.inputs, *network.outputs))
    for operator in network.operators:
        yield from ((at, -1) for at in operator.inputs)
        yield from ((at, 0) for at in operator.outputs)


def _check_indices(network: Network) -> None:
    count = len(network.tensors)
    for at, least in _used(network):
        if not least <= at < count:
            raise DamagedError(f"an operator refers to tensor {at} of {count}")
