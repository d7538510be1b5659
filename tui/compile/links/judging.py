"""The first two links of the check's chain: float model -> quantized model -> lowered program.

Both are judged on outputs that PyTorch and Arm's TOSA reference model computed, so that no platform is needed. A link
allows what honest rounding makes of an output and no more. How near sound models come to the limits, and how far beyond
them the compiler's known faults are, was measured: see docs/links.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from tui.compile.links.preparation import Change
from tui.model import tensors
from tui.model.tensors import Manifest, NDArray
from tui.run.check import Link, LinkName

QUANTIZED_STEPS = 8.0
"""Steps of an output that quantization may move it by, whatever its size: a small one is mostly noise."""

QUANTIZED_SHARE = 0.75
"""Share of the largest value of an output that quantization may move it by."""

QUANTIZED_DB = 3.0
"""Signal to noise from which on quantization has not lost an output, however far single elements are off: behind a
comparison or a sign, those next to the threshold are off by all there is."""

NOT_QUANTIZED = "the model is not quantized"
NO_REFERENCE = "the lowered program could not be run on the TOSA reference model"


@dataclass(frozen=True)
class _Judged:
    """One output of a link, over all samples."""

    output: int
    error: float
    allowed: float
    sqnr_db: float | None
    enough_db: float = math.inf
    """Signal to noise with which the output holds, whatever its largest error."""

    @property
    def holds(self) -> bool:
        """Whether this output breaks no link."""
        return self.excess <= tensors.FLOAT32 or (self.sqnr_db is not None and self.sqnr_db >= self.enough_db)

    @property
    def excess(self) -> float:
        """The error as a multiple of what is allowed."""
        return tensors.excess(self.error, self.allowed)


def judge(references: Mapping[str, NDArray], manifest: Manifest, *, quantized: bool) -> tuple[Link, Link]:
    """The links ``quantized`` and ``lowered`` of a compiled model; `references` are named as in ``references.npz``."""
    if manifest.unchecked is not None:
        return Link(name="quantized", status="skipped", reason=manifest.unchecked), _unlowered(manifest.unchecked)
    series = _Series(references, manifest)
    if not quantized:
        return Link(name="quantized", status="skipped", reason=NOT_QUANTIZED), _unlowered(NOT_QUANTIZED)
    outputs = range(len(manifest.outputs))
    first = _link("quantized", series, "quantized", [_quantization(series, j) for j in outputs])
    if not series.has("tosa"):
        return first, _unlowered(NO_REFERENCE)
    return first, _link("lowered", series, "tosa", [info.rounding or 0.0 for info in manifest.outputs])


def prepared(link: Link, found: Change) -> Link:
    """The link ``quantized``, broken before anything was rounded."""
    return msgspec.structs.replace(
        link,
        status="mismatch",
        max_abs_error=found.error,
        allowed=found.allowed,
        output=found.output,
        reason=f"preparing the model for quantization moved output {found.output} by {found.error:.4g}",
        operator=found.place.name if found.place is not None else None,
        line=found.place.line if found.place is not None else None,
        hint=found.hint,
    )


class _Series:
    """Each output of each model, over all samples."""

    def __init__(self, references: Mapping[str, NDArray], manifest: Manifest) -> None:
        self._references = references
        self.manifest = manifest
        self.samples = sum(name.startswith("float_") and name.endswith("_0") for name in references)

    def has(self, model: str) -> bool:
        return f"{model}_0_0" in self._references

    def of(self, model: str, output: int) -> NDArray:
        return np.stack([self._references[f"{model}_{k}_{output}"] for k in range(self.samples)])


def _quantization(series: _Series, output: int) -> float:
    """How far quantization may take an output."""
    step = series.manifest.outputs[output].step or 0.0
    return max(QUANTIZED_STEPS * step, QUANTIZED_SHARE * _peak(series.of("float", output)))


def _peak(values: NDArray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(np.max(finite, initial=0.0))


def _link(name: LinkName, series: _Series, model: str, allowed: Sequence[float]) -> Link:
    judged: list[_Judged] = []
    undecided = []
    for j, most in enumerate(allowed):
        exact, quantized, end = series.of("float", j), series.of("quantized", j), series.of(model, j)
        start = exact if name == "quantized" else quantized
        if start.shape != end.shape:
            return Link(name=name, status="mismatch", output=j, reason=f"output {j} has another shape")
        if start.dtype.kind != "f":
            # Whole numbers and truth values, such as the place of the largest element, have no step: two values that
            # are nearly the same may change places, and that is rounding, too.
            if not np.array_equal(start, end):
                undecided.append(f"{int(np.sum(start != end))} of {start.size} elements of output {j} differ")
            continue
        error = tensors.largest_difference(start, end)
        enough = QUANTIZED_DB if name == "quantized" else math.inf
        judged.append(_Judged(j, error, most, tensors.sqnr_db(exact, end), enough))
    return _conclude(name, judged, undecided)


def _conclude(name: LinkName, judged: Sequence[_Judged], undecided: Sequence[str]) -> Link:
    unsure = f"{'; '.join(undecided)}: whole numbers have no step to hold that to" if undecided else None
    if not judged:
        return Link(name=name, status="skipped" if undecided else "match", reason=unsure)
    worst = max(judged, key=lambda one: (not one.holds, one.excess))
    holds = worst.holds
    off = f"output {worst.output} is off by {worst.error:.4g}, allowed is {worst.allowed:.4g}"
    return Link(
        name=name,
        status="match" if holds else "mismatch",
        sqnr_db=min((one.sqnr_db for one in judged if one.sqnr_db is not None), default=None),
        max_abs_error=worst.error,
        allowed=worst.allowed,
        output=worst.output,
        reason=unsure if holds else off,
    )


def _unlowered(reason: str) -> Link:
    return Link(name="lowered", status="skipped", reason=reason)
