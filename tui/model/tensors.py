"""Tensors that a program takes and returns, as raw bytes in files, and the manifest needed to read them.

The compile worker writes a run's inputs and references; the run process hands the inputs to the platform and compares
the outputs. Bytes are in the tensor's memory order, as the runner reads and writes them.
"""

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tui.errors import UsageError

MANIFEST = "io.json"
INPUTS = "inputs.npz"
"""Input i of sample k under the key ``k_i``: a flat uint8 array of its bytes in memory order."""
REFERENCES = "references.npz"
"""Outputs of float model, quantized model and, if the TOSA reference model could run it, lowered program, for each
sample: ``float_k_j``, ``quantized_k_j``, ``tosa_k_j``, in logical order."""

NDArray = npt.NDArray[Any]


class TensorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor of a program's signature."""

    dtype: str
    """numpy's name of the element type."""
    shape: tuple[int, ...]
    dim_order: tuple[int, ...]
    """Dimensions from the outermost to the innermost in memory."""
    step: float | None = None
    """Quantization step of an output that is dequantized last; None for any other tensor."""
    rounding: float | None = None
    """Difference from PyTorch's quantized model that rounding alone explains, in units of the output
    (`tui.compile.links.rounding`); None for a model that is not quantized, or was not compiled here."""

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


class ModelState(msgspec.Struct, frozen=True, kw_only=True):
    """The buffers of a model that make an inference depend on earlier ones, each with the place where it is changed."""

    buffers: tuple[str, ...]
    lost: tuple[str, ...] = ()
    """The buffers that the program does not keep."""
    unset: tuple[str, ...] = ()
    """The buffers that it keeps without their initial value."""
    needed_from: int | None = None
    """First inference whose outputs differ without state, by the float model; None if there is none."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A program's signature and the inferences prepared for it."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    inferences: int
    samples: int = 1
    """Number of different inputs; inference k takes sample k modulo this."""
    first: int = 0
    """Place of the first sample in its data set."""
    labels: tuple[int, ...] = ()
    """The correct label of each sample; empty without labels."""
    source: str = ""
    """Source of the inputs, in a few words."""
    unchecked: str | None = None
    """The reason why no output can be compared with any reference; None if outputs can be compared."""
    undefined: str | None = None
    """The reason why the lowered program has no defined result for these inputs; None if it has."""
    state: ModelState | None = None
    """State from one inference to the next; each inference then has a sample of its own."""


FLOAT32 = 1 + 1e-4
"""Factor on an allowed error: two values some steps apart differ by the steps and a rounding error in float32."""


def sample_of(manifest: Manifest, inference: int) -> int:
    """The sample an inference takes."""
    return inference % manifest.samples


def to_bytes(array: NDArray, dim_order: tuple[int, ...]) -> bytes:
    """A tensor's bytes in memory order."""
    return np.ascontiguousarray(array.transpose(dim_order)).tobytes()


def from_bytes(data: bytes, info: TensorInfo) -> NDArray:
    """The tensor whose memory is `data`, in logical order.

    Raises:
        ValueError: `data` has another length than the tensor.
    """
    stored = tuple(info.shape[d] for d in info.dim_order)
    array = np.frombuffer(data, dtype=np.dtype(info.dtype)).reshape(stored)
    return array.transpose(np.argsort(info.dim_order) if info.dim_order else ())


def largest_difference(a: NDArray, b: NDArray) -> float:
    """Largest absolute difference; infinite where one is NaN and the other is not."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, np.abs(x - y))
    return float(np.max(np.nan_to_num(error, nan=math.inf, posinf=math.inf), initial=0.0))


def excess(error: float, allowed: float) -> float:
    """An error as a multiple of the allowed one; infinite if no error is allowed."""
    return error / allowed if allowed else (math.inf if error else 0.0)


def decibel(signal: float, noise: float) -> float | None:
    """Signal-to-noise ratio in dB from the powers of both; None if one is zero or not finite."""
    return 10 * math.log10(signal / noise) if 0 < signal < math.inf and 0 < noise < math.inf else None


def sqnr_db(signal: NDArray, got: NDArray) -> float | None:
    """Signal-to-noise ratio of `got` in dB; None without noise or signal."""
    exact, noisy = signal.astype(np.float64), got.astype(np.float64)
    return decibel(float(np.sum(exact**2)), float(np.sum((exact - noisy) ** 2)))


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write `manifest` into `folder`; its path."""
    path = folder / MANIFEST
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    return path


def read_manifest(folder: Path) -> Manifest:
    """The manifest in `folder`."""
    return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)


def read(path: Path, info: TensorInfo, at: int) -> NDArray:
    """Input number `at` of a program from a .npy or raw file, as a flat uint8 array of its bytes in memory order.

    Raises:
        UsageError: the file cannot be read or does not fit.
    """
    try:
        if path.suffix == ".npy":
            array = np.load(path, allow_pickle=False)
            if array.shape != info.shape or array.dtype != np.dtype(info.dtype):
                raise UsageError(
                    f"input {at}, {path}: {array.dtype} {array.shape}, the program takes {info.dtype} {info.shape}"
                )
            data = to_bytes(array, info.dim_order)
        else:
            data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    size = int(np.prod(info.shape, dtype=np.int64)) * np.dtype(info.dtype).itemsize
    if len(data) != size:
        raise UsageError(f"input {at}, {path}: {len(data)} bytes, the program takes {size} ({info.dtype} {info.shape})")
    return np.frombuffer(data, dtype=np.uint8)
