"""What came back from the platform against what PyTorch computed: the stage ``check``, and the spec's limits."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from tui import bundled, tensors
from tui.figures import Accuracy, Check, LimitResult, OutputCheck, decibel
from tui.spec import Limits
from tui.state import State, npu_ms
from tui.tensors import Manifest, NDArray, TensorInfo

FLOAT_TOLERANCE = 1e-3
"""Absolute and relative tolerance of an output that was never quantized: the defaults of ExecuTorch's own tests."""

ROUNDING = 1 + 1e-4
"""Steps a dequantized output may be away from PyTorch's quantized model."""
KINDS = {
    "tosa": ("float", "quantized", "tosa"),
    "quantized": ("float", "quantized"),
    "float": ("float", "quantized"),
    "bundle": ("bundle",),
}
"""What a run's references are of, by the one its outputs are held to."""

TOP = 5
"""Largest elements of an output that are kept for views."""

PRINTED = 1e-6
"""Largest error of a fraction with six decimals."""

EXACT = 1e-4
"""Steps it may be away from the exact reference: the rounding of one multiplication in float32, no step."""


def _tolerance(info: TensorInfo, expected: NDArray, reference: str) -> float:
    """Largest error of a match: see `EXACT`, `ROUNDING` and `FLOAT_TOLERANCE`."""
    if info.step is not None:
        # Two values one step apart differ by a rounding error more than the step itself.
        return info.step * (EXACT if reference == "tosa" else ROUNDING)
    if expected.dtype.kind != "f":
        return 0.0
    return FLOAT_TOLERANCE * (1 + float(np.max(np.abs(expected), initial=0.0)))


def _sqnr_db(signal: NDArray, got: NDArray) -> float | None:
    exact, noisy = signal.astype(np.float64), got.astype(np.float64)
    return decibel(float(np.sum(exact**2)), float(np.sum((exact - noisy) ** 2)))


def _cosine(a: NDArray, b: NDArray) -> float | None:
    """Of the angle between two outputs; None where one is zero, or has what is no number."""
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / lengths if 0 < lengths < math.inf else None


def _same_top1(expected: list[NDArray], got: list[NDArray]) -> float:
    """Share of rows whose largest element is the same."""
    return float(np.mean(np.stack(expected).argmax(-1) == np.stack(got).argmax(-1)))


def _worst(expected: NDArray, got: NDArray) -> float:
    """Largest absolute difference; infinite where one is a number and the other is not."""
    a, b = expected.astype(np.float64), got.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return float(np.max(np.nan_to_num(error, nan=math.inf, posinf=math.inf), initial=0.0))


def _top(output: NDArray) -> tuple[tuple[int, float], ...]:
    """Places and values of the largest elements, where the output is one row of them."""
    row = output.ravel()
    if row.size != output.shape[-1] or not np.all(np.isfinite(row)):
        return ()
    return tuple((int(at), float(row[at])) for at in np.argsort(-row, kind="stable")[:TOP])


def _one(
    info: TensorInfo,
    references: dict[str, list[NDArray]],
    got: list[NDArray],
    reference: str,
) -> OutputCheck:
    """One output over all inferences."""
    expected = references[reference]
    ranked = bool(info.shape) and info.shape[-1] > 1
    return OutputCheck(
        shape=info.shape,
        dtype=info.dtype,
        max_abs_error=max(map(_worst, expected, got)),
        tolerance=max(_tolerance(info, e, reference) for e in expected),
        quantized_max_abs_error=max(map(_worst, references["quantized"], got)),
        sqnr_db=_sqnr_db(np.stack(references["float"]), np.stack(got)),
        cosine=_cosine(np.stack(references["float"]), np.stack(got)),
        top1_match=_same_top1(expected, got) == 1 if ranked else None,
        top1_float=_same_top1(references["float"], got) if ranked else None,
        top1_quantized=_same_top1(references["quantized"], got) if ranked else None,
        top=_top(got[-1]) if ranked else (),
    )


def _bundled(info: TensorInfo, expected: list[NDArray], got: list[NDArray]) -> OutputCheck:
    """One output over all inferences, by ExecuTorch's rule for bundled programs; its error is the worst element's."""
    found = [bundled.deviation(e.ravel(), g.ravel()) for e, g in zip(expected, got, strict=True)]
    error, allowed = max(found, key=lambda one: one[0] - one[1])
    return OutputCheck(shape=info.shape, dtype=info.dtype, max_abs_error=error, tolerance=allowed)


def _accuracy(labels: Sequence[int], references: dict[str, list[NDArray]], got: list[NDArray]) -> Accuracy:
    """Right answers of each. The quantized model's are those of the exact reference, where there is one."""
    quantized = references.get("tosa") or references["quantized"]
    answers = [np.array([int(a.argmax()) for a in outputs]) for outputs in (references["float"], quantized, got)]
    right = [int((a == np.array(labels)).sum()) for a in answers]
    return Accuracy(
        inputs=len(labels),
        float_correct=right[0],
        quantized_correct=right[1],
        platform_correct=right[2],
        agree=int((answers[1] == answers[2]).sum()),
    )


def _reference(data: Mapping[str, NDArray]) -> Literal["tosa", "quantized", "float", "bundle"]:
    if "bundle_0_0" in data:
        return "bundle"
    if "tosa_0_0" in data:
        return "tosa"
    same = all(np.array_equal(data[name], data[name.replace("float", "quantized")]) for name in data if "float" in name)
    return "float" if same else "quantized"


def compare(
    artifacts: Path,
    manifest: Manifest,
    samples: Sequence[int],
    outputs: Sequence[Sequence[bytes]],
    *,
    printed: bool = False,
) -> Check:
    """Compare `outputs` (for each inference, the bytes of each output) with the references in `artifacts`.

    `samples` are the numbers of the inputs those inferences were given. Fractions that were `printed` on a console have
    lost what is beyond their sixth decimal.
    """
    path = artifacts / tensors.REFERENCES
    if not path.exists():
        return Check(status="skipped", reason="there is no reference: the model was given as a ready program")
    if len(outputs) < len(samples):
        reason = f"{len(outputs)} of {len(samples)} inferences gave outputs"
        return Check(status="skipped", reason=reason)
    with np.load(path) as packed:
        data = dict(packed)
    reference = _reference(data)
    found: list[OutputCheck] = []
    accuracy = None
    for j, info in enumerate(manifest.outputs):
        kinds = KINDS[reference]
        expected = {kind: [data[f"{kind}_{k}_{j}"] for k in samples] for kind in kinds}
        try:
            got = [tensors.from_bytes(outputs[k][j], info) for k in range(len(samples))]
        except (ValueError, IndexError):
            reason = f"output {j} has not the size of {info.dtype} {info.shape}"
            return Check(status="mismatch", reason=reason, reference=reference, outputs=tuple(found))
        if any(e.shape != g.shape for e, g in zip(expected[reference], got, strict=True)):
            reason = f"output {j} has another shape than the reference's"
            return Check(status="mismatch", reason=reason, reference=reference, outputs=tuple(found))
        bundle = reference == "bundle"
        one = _bundled(info, expected[reference], got) if bundle else _one(info, expected, got, reference)
        if printed and one.tolerance is not None and got[0].dtype.kind == "f":
            one = msgspec.structs.replace(one, tolerance=max(one.tolerance, PRINTED))
        found.append(one)
        if j == 0 and manifest.labels:
            accuracy = _accuracy([manifest.labels[k] for k in samples], expected, got)
    wrong = [j for j, o in enumerate(found) if (o.max_abs_error or 0.0) > (o.tolerance or 0.0)]
    why: str | None = None
    if wrong:
        first = found[wrong[0]]
        why = f"output {wrong[0]} is off by {first.max_abs_error:.6g}, allowed is {first.tolerance:.6g}"
    return Check(
        status="mismatch" if wrong else "match",
        reason=why,
        reference=reference,
        outputs=tuple(found),
        accuracy=accuracy,
    )


def limits(wanted: Limits, state: State) -> tuple[LimitResult, ...]:
    """Each limit of the spec against what the run came to. A figure that could not be had breaks its limit."""
    cycles = [i.npu_cycles for i in state.inferences if i.npu_cycles is not None]
    npu = max(cycles) if cycles else None
    estimate, delegation = state.estimate, state.delegation
    percent = delegation.delegated_percent if delegation is not None else None
    sram = estimate.sram_kib if estimate else None
    most = [
        ("npu_cycles", wanted.npu_cycles, npu),
        ("inference_ms", wanted.inference_ms, npu_ms(state, npu)),
        ("sram_kib", wanted.sram_kib, sram),
    ]
    found = [
        LimitResult(name=name, limit=limit, value=value, ok=value is not None and value <= limit)
        for name, limit, value in most
        if limit is not None
    ]
    if wanted.delegated_percent is not None:
        limit = wanted.delegated_percent
        ok = percent is not None and percent >= limit
        found.append(LimitResult(name="delegated_percent", limit=limit, value=percent, ok=ok))
    if wanted.match:
        matched = state.check is not None and state.check.status == "match"
        found.append(LimitResult(name="match", limit=1, value=float(matched), ok=matched))
    return tuple(found)
