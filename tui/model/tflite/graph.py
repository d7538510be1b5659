"""A TensorFlow Lite network: its main subgraph."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

ETHOS_U = "ethos-u"
"""Custom operator that stands for a part of the network which Vela compiled for the NPU."""


@dataclass(frozen=True)
class Quantization:
    """Scales and zero points: one of each for the tensor, or one for each slice along `axis`."""

    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int64]
    axis: int = 0


@dataclass(frozen=True)
class Tensor:
    """A tensor; `data` is its constant content, None where it is computed or given."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    quantization: Quantization | None = None
    data: memoryview | None = None
    variable: bool = False
    """True if it keeps its content from one inference to the next."""

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


@dataclass(frozen=True)
class Operator:
    """An operator by TensorFlow Lite's name, such as ``CONV_2D``, or the name of a custom one.

    An input of -1 is left out.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A call of an operator, for its kernel: its options, and the tensors that it takes and gives, without contents."""

    options: Mapping[str, Any]
    inputs: tuple[Tensor | None, ...]
    """None for an input that is left out."""
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class Network:
    """The main subgraph of a file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    offsets: tuple[int, ...] = ()
    """Byte offset of each tensor in the arena, -1 where it has none; empty where nobody has planned the memory."""

    @property
    def is_compiled(self) -> bool:
        """True if Vela compiled a part of it."""
        return any(operator.name == ETHOS_U for operator in self.operators)
