"""Judge the first two links of the check: float model -> quantized model -> lowered program.

Both are judged on outputs that PyTorch and Arm's TOSA reference model computed, so that no platform is needed. A link
allows the errors of correct rounding and no more. docs/links.md tells how close correct models come to the limits, and
how far the compiler's known faults exceed them.
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
"""Steps by which quantization may move an output of any size: a small output is mostly noise."""

QUANTIZED_SHARE = 0.75
"""Share of its largest value by which quantization may move an output."""

QUANTIZED_DB = 3.0
"""Signal-to-noise ratio with which an output holds, however far single elements are off: after a comparison or a sign,
elements next to the threshold jump from one end of the range to the other."""

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
    """Signal-to-noise ratio with which the output holds, whatever its largest error."""

    @property
    def holds(self) -> bool:
        """True if this output breaks no link."""
        return self.excess <= tensors.FLOAT32 or (self.sqnr_db is not None and self.sqnr_db >= self.enough_db)

    @property
    def excess(self) -> float:
        """The error as a multiple of what is allowed."""
        return tensors.excess(self.error, self.allowed)


def judge(references: Mapping[str, NDArray], manifest: Manifest, *, quantized: bool) -> tuple[Link, Link]:
    """Judge the links ``quantized`` and ``lowered``; `references` are those of ``references.npz``."""
    if manifest.unchecked is not None:
        return Link(name="quantized", status="skipped", reason=manifest.unchecked), _unlowered(manifest.unchecked)
    series = _Series(references, manifest)
    if not quantized:
        return Link(name="quantized", status="skipped", reason=NOT_QUANTIZED), _unlowered(NOT_QUANTIZED)
    outputs = range(len(manifest.outputs))
    first = _link("quantized", series, "quantized", [_quantization(series, j) for j in outputs])
    if manifest.undefined is not None:
        return first, Link(name="lowered", status="mismatch", reason=manifest.undefined)
    if not series.has("tosa"):
        return first, _unlowered(NO_REFERENCE)
    return first, _link("lowered", series, "tosa", [info.rounding or 0.0 for info in manifest.outputs])


def prepared(link: Link, change: Change) -> Link:
    """The link ``quantized``, broken before anything was rounded."""
    return msgspec.structs.replace(
        link,
        status="mismatch",
        max_abs_error=change.error,
        allowed=change.allowed,
        output=change.output,
        reason=f"preparing the model for quantization moved output {change.output} by {change.error:.4g}",
        operator=change.place.name if change.place is not None else None,
        line=change.place.line if change.place is not None else None,
        hint=change.hint,
    )


class _Series:
    """The outputs of each model, over all samples."""

    def __init__(self, references: Mapping[str, NDArray], manifest: Manifest) -> None:
        self._references = references
        self.manifest = manifest
        self.samples = sum(name.startswith("float_") and name.endswith("_0") for name in references)

    def has(self, model: str) -> bool:
        return f"{model}_0_0" in self._references

    def of(self, model: str, output: int) -> NDArray:
        return np.stack([self._references[f"{model}_{k}_{output}"] for k in range(self.samples)])


def _quantization(series: _Series, output: int) -> float:
    """The error that quantization may cause in an output."""
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
            # Integers and booleans, such as the index of the largest element, have no step: two values that are nearly
            # equal may change places by rounding, too.
            if not np.array_equal(start, end):
                undecided.append(f"{int(np.sum(start != end))} of {start.size} elements of output {j} differ")
            continue
        error = tensors.largest_difference(start, end)
        enough = QUANTIZED_DB if name == "quantized" else math.inf
        judged.append(_Judged(j, error, most, tensors.sqnr_db(exact, end), enough))
    return _conclude(name, judged, undecided)


def _conclude(name: LinkName, judged: Sequence[_Judged], undecided: Sequence[str]) -> Link:
    unsure = f"{'; '.join(undecided)}: integers have no quantization step to judge by" if undecided else None
    if not judged:
        return Link(name=name, status="skipped" if undecided else "match", reason=unsure)
    worst = max(judged, key=lambda output: (not output.holds, output.excess))
    holds = worst.holds
    off = f"output {worst.output} is off by {worst.error:.4g}, allowed is {worst.allowed:.4g}"
    return Link(
        name=name,
        status="match" if holds else "mismatch",
        sqnr_db=min((output.sqnr_db for output in judged if output.sqnr_db is not None), default=None),
        max_abs_error=worst.error,
        allowed=worst.allowed,
        output=worst.output,
        reason=unsure if holds else off,
    )


def _unlowered(reason: str) -> Link:
    return Link(name="lowered", status="skipped", reason=reason)
