"""What came back from the platform against what PyTorch computed: the stage ``check``, and the spec's limits."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tui import tensors
from tui.figures import Accuracy, Check, LimitResult, OutputCheck
from tui.spec import Limits
from tui.state import State, npu_ms
from tui.tensors import Manifest, NDArray, TensorInfo

FLOAT_TOLERANCE = 1e-3
"""Absolute and relative tolerance of an output that was never quantized: the defaults of ExecuTorch's own tests."""

ROUNDING = 1 + 1e-4


def _tolerance(info: TensorInfo, expected: NDArray) -> float:
    if info.step is not None:
        # Two values one step apart differ by a rounding error more than the step itself.
        return info.step * ROUNDING
    if expected.dtype.kind != "f":
        return 0.0
    return FLOAT_TOLERANCE * (1 + float(np.max(np.abs(expected), initial=0.0)))


def _sqnr_db(signal: NDArray, got: NDArray) -> float | None:
    noise = float(np.sum((signal.astype(np.float64) - got.astype(np.float64)) ** 2))
    power = float(np.sum(signal.astype(np.float64) ** 2))
    return 10 * math.log10(power / noise) if noise > 0 and power > 0 and math.isfinite(noise) else None


def _worst(expected: NDArray, got: NDArray) -> float:
    """Largest absolute difference; infinite where one is a number and the other is not."""
    a, b = expected.astype(np.float64), got.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return float(np.max(np.nan_to_num(error, nan=math.inf, posinf=math.inf), initial=0.0))


def _one(
    info: TensorInfo, exact: Sequence[NDArray], expected: Sequence[NDArray], got: Sequence[NDArray]
) -> OutputCheck:
    """One output over all inferences."""
    worst = max(_worst(e, g) for e, g in zip(expected, got, strict=True))
    top1 = None
    if len(info.shape) >= 1 and info.shape[-1] > 1:
        top1 = all(np.array_equal(e.argmax(-1), g.argmax(-1)) for e, g in zip(expected, got, strict=True))
    return OutputCheck(
        shape=info.shape,
        dtype=info.dtype,
        max_abs_error=worst,
        tolerance=max(_tolerance(info, e) for e in expected),
        sqnr_db=_sqnr_db(np.stack(exact), np.stack(got)),
        top1_match=top1,
    )


def _accuracy(
    labels: Sequence[int], exact: Sequence[NDArray], expected: Sequence[NDArray], got: Sequence[NDArray]
) -> Accuracy:
    answers = [np.array([int(a.argmax()) for a in outputs]) for outputs in (exact, expected, got)]
    truth = np.array(labels)
    right = [int((a == truth).sum()) for a in answers]
    return Accuracy(
        inputs=len(labels),
        float_correct=right[0],
        quantized_correct=right[1],
        platform_correct=right[2],
        agree=int((answers[1] == answers[2]).sum()),
    )


def compare(artifacts: Path, manifest: Manifest, outputs: Sequence[Sequence[bytes]]) -> Check:
    """Compare `outputs` (for each inference, the bytes of each output) with the references in `artifacts`."""
    references = artifacts / tensors.REFERENCES
    if not references.exists():
        return Check(status="skipped", reason="there is no reference: the model was given as a ready program")
    if len(outputs) < manifest.inferences:
        reason = f"{len(outputs)} of {manifest.inferences} inferences gave outputs"
        return Check(status="skipped", reason=reason)
    inferences = range(manifest.inferences)
    found: list[OutputCheck] = []
    accuracy = None
    with np.load(references) as data:
        for j, info in enumerate(manifest.outputs):
            exact = [data[f"float_{k}_{j}"] for k in inferences]
            expected = [data[f"quantized_{k}_{j}"] for k in inferences]
            try:
                got = [tensors.from_bytes(outputs[k][j], info) for k in inferences]
            except (ValueError, IndexError):
                reason = f"output {j} has not the size of {info.dtype} {info.shape}"
                return Check(status="mismatch", reason=reason, outputs=tuple(found))
            if any(e.shape != g.shape for e, g in zip(expected, got, strict=True)):
                return Check(status="mismatch", reason=f"output {j} has another shape than the model's")
            found.append(_one(info, exact, expected, got))
            if j == 0 and manifest.labels:
                accuracy = _accuracy(manifest.labels, exact, expected, got)
    wrong = [j for j, o in enumerate(found) if (o.max_abs_error or 0.0) > (o.tolerance or 0.0)]
    if wrong:
        first = found[wrong[0]]
        reason = f"output {wrong[0]} is off by {first.max_abs_error:.6g}, allowed is {first.tolerance:.6g}"
        return Check(status="mismatch", reason=reason, outputs=tuple(found), accuracy=accuracy)
    return Check(status="match", outputs=tuple(found), accuracy=accuracy)


def limits(wanted: Limits, state: State) -> tuple[LimitResult, ...]:
    """Each limit of the spec against what the run came to. A figure that could not be had breaks its limit."""
    cycles = [i.npu_cycles for i in state.inferences if i.npu_cycles is not None]
    npu = max(cycles) if cycles else None
    estimate, delegation = state.estimate, state.delegation
    percent = None
    if delegation is not None:
        nodes = delegation.delegated_nodes + delegation.non_delegated_nodes
        percent = 100 * delegation.delegated_nodes / nodes if nodes else None
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
