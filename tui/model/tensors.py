"""The tensors that go in and out of a program, as raw bytes in files, and what is needed to read those.

The compile worker writes a run's inputs and references; the run process hands the inputs to the platform and compares
what comes back. Bytes are in the tensor's memory order: that is what the runner reads and writes.
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
"""Outputs of the float and the quantized model and of the lowered program on the TOSA reference model, where it could
be run, for each sample: ``float_k_j``, ``quantized_k_j``, ``tosa_k_j``, in logical order."""

NDArray = npt.NDArray[Any]


class TensorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor of a program's signature."""

    dtype: str
    """numpy's name of the element type."""
    shape: tuple[int, ...]
    dim_order: tuple[int, ...]
    """Dimensions from the outermost to the innermost in memory."""
    step: float | None = None
    """Quantization step of an output that was dequantized; None where it was not."""
    rounding: float | None = None
    """How far rounding alone may take an output from PyTorch's quantized model, in units of the output
    (`tui.compile.links.rounding`); None of a model that is not quantized, or was not compiled here."""

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


class ModelState(msgspec.Struct, frozen=True, kw_only=True):
    """The buffers of a model that make an inference depend on those before it, each with where it is changed."""

    buffers: tuple[str, ...]
    lost: tuple[str, ...] = ()
    """The buffers that the program does not keep."""
    unset: tuple[str, ...] = ()
    """The buffers it keeps, but that it does not hold the first value of."""
    needed_from: int | None = None
    """First inference whose outputs are others without state, by the float model; None where there is none."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A program's signature and the inferences prepared for it."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    inferences: int
    samples: int = 1
    """Different inputs there are; inference k takes sample k modulo this."""
    labels: tuple[int, ...] = ()
    """The right answer of each sample; empty where there is none."""
    source: str = ""
    """Where the inputs came from, in a few words."""
    unchecked: str | None = None
    """Why no output can be compared with a reference, whatever it is; None where it can."""
    state: ModelState | None = None
    """What the model carries from one inference to the next; each inference then has a sample of its own."""


FLOAT32 = 1 + 1e-4
"""Of an allowed error: two values some steps apart differ by a rounding error more than the steps themselves."""


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
    """Largest absolute difference; infinite where one is a number and the other is not."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, np.abs(x - y))
    return float(np.max(np.nan_to_num(error, nan=math.inf, posinf=math.inf), initial=0.0))


def excess(error: float, allowed: float) -> float:
    """An error as a multiple of what is allowed; infinite where nothing is."""
    return error / allowed if allowed else (math.inf if error else 0.0)


def decibel(signal: float, noise: float) -> float | None:
    """Signal to noise in dB from the powers of both; None where one is not there, or no number."""
    return 10 * math.log10(signal / noise) if 0 < signal < math.inf and 0 < noise < math.inf else None


def sqnr_db(signal: NDArray, got: NDArray) -> float | None:
    """Signal to noise of `got` in dB; None without noise or signal."""
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
                found = f"{array.dtype} {array.shape}"
                raise UsageError(f"input {at}, {path}: {found}, the program takes {info.dtype} {info.shape}")
            data = to_bytes(array, info.dim_order)
        else:
            data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    size = int(np.prod(info.shape, dtype=np.int64)) * np.dtype(info.dtype).itemsize
    if len(data) != size:
        raise UsageError(f"input {at}, {path}: {len(data)} bytes, the program takes {size} ({info.dtype} {info.shape})")
    return np.frombuffer(data, dtype=np.uint8)
