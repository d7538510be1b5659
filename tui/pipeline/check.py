"""The stage ``check``: the platform's outputs against PyTorch's, and the spec's limits."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from tui.errors import Exit
from tui.model import bundled, tensors
from tui.model.tensors import Manifest, NDArray, TensorInfo
from tui.pipeline.record import Ended, Record
from tui.run import confusion, events
from tui.run.check import Check, Confusion, Doubt, LimitResult, Link, OutputCheck, why_broken
from tui.run.derived import npu_ms
from tui.run.spec import Limits
from tui.run.state import State

FLOAT_TOLERANCE = 1e-3
"""Absolute and relative tolerance of an output that was never quantized: the defaults of ExecuTorch's own tests."""

KINDS = {
    "tosa": ("float", "quantized", "tosa"),
    "quantized": ("float", "quantized"),
    "float": ("float", "quantized"),
    "litert": ("litert",),
    "bundle": ("bundle",),
}
"""Kinds of references that a run has, by the one its outputs are held to."""

TOP = 5
"""Largest elements of an output that are kept for views."""

PRINTED = 1e-6
"""Largest error of a fraction with six decimals."""

EXACT = 1e-4
"""Steps it may be away from the exact reference: the rounding of one multiplication in float32, no step."""


def _tolerance(info: TensorInfo, expected: NDArray, reference: str) -> float:
    """Largest error of a match: see `EXACT`, `tui.compile.links.rounding` and `FLOAT_TOLERANCE`."""
    if info.step is not None and reference == "tosa":
        return info.step * EXACT
    if info.rounding is not None and reference == "quantized" and expected.dtype.kind == "f":
        return info.rounding * tensors.FLOAT32
    if expected.dtype.kind != "f":
        return 0.0
    return FLOAT_TOLERANCE * (1 + float(np.max(np.abs(expected), initial=0.0)))


def _cosine(a: NDArray, b: NDArray) -> float | None:
    """Cosine of the angle between two outputs; None where one is zero, or has what is no number."""
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / lengths if 0 < lengths < math.inf else None


def _same_top1(expected: list[NDArray], got: list[NDArray]) -> float:
    """Share of rows whose largest element is the same."""
    return float(np.mean(np.stack(expected).argmax(-1) == np.stack(got).argmax(-1)))


def is_ranking(outputs: list[NDArray]) -> bool:
    """Return True for one row of probabilities, or of their logarithms: nothing else is known to be a choice."""
    rows = np.stack(outputs).astype(np.float64)
    if rows.ndim < 2 or rows.shape[-1] < 2 or rows[0].size != rows.shape[-1]:
        return False
    with np.errstate(over="ignore"):
        likely = (rows, np.exp(rows))
    return any(bool(np.all(p >= 0) and np.allclose(p.sum(-1), 1, atol=1e-3)) for p in likely)


def top(output: NDArray, most: int = TOP) -> tuple[tuple[int, float], ...]:
    """Places and values of the largest elements, where the output is one row of them."""
    row = output.ravel()
    if row.size != output.shape[-1] or not np.all(np.isfinite(row)):
        return ()
    return tuple((int(at), float(row[at])) for at in np.argsort(-row, kind="stable")[:most])


def _one(
    info: TensorInfo,
    references: dict[str, list[NDArray]],
    got: list[NDArray],
    reference: str,
    *,
    labelled: bool,
) -> OutputCheck:
    """Check an output over all inferences; of `labelled` inputs the place of its largest element is the answer."""
    expected = references[reference]
    # A network comes without the model it was quantized from.
    exact, quantized = references.get("float"), references.get("quantized")
    ranked = labelled or is_ranking(exact or expected)
    return OutputCheck(
        shape=info.shape,
        dtype=info.dtype,
        max_abs_error=max(map(tensors.largest_difference, expected, got)),
        tolerance=max(_tolerance(info, e, reference) for e in expected),
        quantized_max_abs_error=max(map(tensors.largest_difference, quantized, got)) if quantized else None,
        sqnr_db=tensors.sqnr_db(np.stack(exact), np.stack(got)) if exact else None,
        cosine=_cosine(np.stack(exact), np.stack(got)) if exact else None,
        top1_match=_same_top1(expected, got) == 1 if ranked else None,
        top1_float=_same_top1(exact, got) if ranked and exact else None,
        top1_quantized=_same_top1(quantized, got) if ranked and quantized else None,
        top=top(got[-1]) if ranked else (),
    )


def _bundled(info: TensorInfo, expected: list[NDArray], got: list[NDArray]) -> OutputCheck:
    """Check an output by ExecuTorch's rule for bundled programs; its error is that of the worst element."""
    deviations = [bundled.deviation(e.ravel(), g.ravel()) for e, g in zip(expected, got, strict=True)]
    error, allowed = max(deviations, key=lambda one: one[0] - one[1])
    return OutputCheck(shape=info.shape, dtype=info.dtype, max_abs_error=error, tolerance=allowed)


def _confusion(
    manifest: Manifest, samples: Sequence[int], references: dict[str, list[NDArray]], got: list[NDArray]
) -> Confusion:
    """Count the answers of each model. The quantized one's are those of the exact reference, where there is one."""
    labels = [manifest.labels[k] for k in samples]
    outputs = (references["float"], references.get("tosa") or references["quantized"], got)
    by_float, by_quantized, by_platform = ([int(a.argmax()) for a in one] for one in outputs)
    doubts = [
        Doubt(item=manifest.first + k, label=label, answer=answer, margin=_margin(output, label))
        for k, label, answer, output in zip(samples, labels, by_platform, got, strict=True)
    ]
    return confusion.counted(labels, (by_float, by_quantized, by_platform), doubts)


def _margin(output: NDArray, label: int) -> float | None:
    """Score of the label less the best other one; None where there are no two scores, or one is no number."""
    scores = output.astype(np.float64).ravel()
    if scores.size < 2 or not 0 <= label < scores.size:
        return None
    margin = float(scores[label] - np.delete(scores, label).max())
    return margin if math.isfinite(margin) else None


def _reference(data: Mapping[str, NDArray]) -> Literal["tosa", "quantized", "float", "bundle", "litert"]:
    if "bundle_0_0" in data:
        return "bundle"
    if "tosa_0_0" in data:
        return "tosa"
    if "litert_0_0" in data:
        return "litert"
    same = all(np.array_equal(data[name], data[name.replace("float", "quantized")]) for name in data if "float" in name)
    return "float" if same else "quantized"


def compare(
    artifacts: Path,
    manifest: Manifest,
    samples: Sequence[int],
    outputs: Sequence[Sequence[bytes]],
    *,
    links: Sequence[Link] = (),
    printed: bool = False,
) -> Check:
    """Compare `outputs` (for each inference, the bytes of each output) with the references in `artifacts`.

    `samples` are the numbers of the inputs those inferences were given; `links` are those of the compiled model, which
    lead up to the reference. Fractions that were `printed` on a console have lost what is beyond their sixth decimal.
    """
    platform = _platform(artifacts, manifest, samples, outputs, printed=printed)
    worst = max(platform.outputs, key=_excess, default=None)
    link = Link(
        name="platform",
        status=platform.status,
        sqnr_db=platform.sqnr_db,
        max_abs_error=worst.max_abs_error if worst is not None else None,
        allowed=worst.tolerance if worst is not None else None,
        output=platform.outputs.index(worst) if worst is not None else None,
        reason=platform.reason,
    )
    chain = (*links, link)
    result = msgspec.structs.replace(platform, links=chain)
    if (why := why_broken(chain)) is not None:
        return msgspec.structs.replace(result, status="mismatch", reason=why)
    unknown = [one for one in links[: LEADING[platform.reference]] if one.status == "skipped"]
    if platform.status == "match" and unknown:
        # The platform is right about a program of which nobody knows whether it is the user's model.
        return msgspec.structs.replace(result, status="skipped", reason=f"{unknown[0].name}: {unknown[0].reason}")
    return result


LEADING = {"tosa": 2, "quantized": 1, "float": 0, "bundle": 0, "litert": 0, None: 0}
"""Number of links from the float model to the platform's reference."""


def _excess(output: OutputCheck) -> float:
    return tensors.excess(output.max_abs_error or 0.0, output.tolerance or 0.0)


def _platform(
    artifacts: Path, manifest: Manifest, samples: Sequence[int], outputs: Sequence[Sequence[bytes]], *, printed: bool
) -> Check:
    """Check the platform's link by itself."""
    if (obstacle := _obstacle(artifacts, manifest, samples, outputs)) is not None:
        return Check(status="skipped", reason=obstacle)
    with np.load(artifacts / tensors.REFERENCES) as packed:
        data = dict(packed)
    reference = _reference(data)
    checks: list[OutputCheck] = []
    answers = None
    for j, info in enumerate(manifest.outputs):
        kinds = [kind for kind in KINDS[reference] if f"{kind}_0_{j}" in data]
        expected = {kind: [data[f"{kind}_{k}_{j}"] for k in samples] for kind in kinds}
        got = _decoded(j, info, outputs[: len(samples)], expected[reference])
        if isinstance(got, str):
            return Check(status="mismatch", reason=got, reference=reference, outputs=tuple(checks))
        labelled = j == 0 and bool(manifest.labels)
        if reference == "bundle":
            one = _bundled(info, expected[reference], got)
        else:
            one = _one(info, expected, got, reference, labelled=labelled)
        if printed and one.tolerance is not None and got[0].dtype.kind == "f":
            one = msgspec.structs.replace(one, tolerance=max(one.tolerance, PRINTED))
        checks.append(one)
        if labelled:
            answers = _confusion(manifest, samples, expected, got)
    excess = _first_excess(checks)
    return Check(
        status="match" if excess is None else "mismatch",
        reason=excess,
        reference=reference,
        outputs=tuple(checks),
        accuracy=confusion.accuracy(answers) if answers is not None else None,
        confusion=answers,
    )


def _obstacle(
    artifacts: Path, manifest: Manifest, samples: Sequence[int], outputs: Sequence[Sequence[bytes]]
) -> str | None:
    """Reason why outputs cannot be checked at all; None where they can."""
    if manifest.unchecked is not None or manifest.undefined is not None:
        return manifest.unchecked or manifest.undefined
    if not (artifacts / tensors.REFERENCES).exists():
        return "no reference: the model is a ready program"
    if len(outputs) < len(samples):
        return f"{len(outputs)} of {len(samples)} inferences gave outputs"
    return None


def _decoded(
    j: int, info: TensorInfo, outputs: Sequence[Sequence[bytes]], expected: Sequence[NDArray]
) -> list[NDArray] | str:
    """Output `j` of each inference as a tensor, or why it is no such tensor."""
    try:
        got = [tensors.from_bytes(inference[j], info) for inference in outputs]
    except (ValueError, IndexError):
        return f"output {j} does not have the size of {info.dtype} {info.shape}"
    if any(e.shape != g.shape for e, g in zip(expected, got, strict=True)):
        return f"output {j} differs in shape from the reference"
    return got


def _first_excess(checks: Sequence[OutputCheck]) -> str | None:
    """The first output beyond its tolerance, in words; None where there is none."""
    for j, one in enumerate(checks):
        error, allowed = one.max_abs_error or 0.0, one.tolerance or 0.0
        if error > allowed:
            return f"output {j} is off by {error:.4g}, allowed is {allowed:.4g}"
    return None


def limits(spec_limits: Limits, state: State) -> tuple[LimitResult, ...]:
    """Check each limit of the spec. A figure that is not known breaks its limit."""
    cycles = [i.npu_cycles for i in state.inferences if i.npu_cycles is not None]
    npu = max(cycles) if cycles else None
    estimate, delegation = state.estimate, state.delegation
    percent = delegation.delegated_percent if delegation is not None else None
    sram = estimate.sram_kib if estimate else None
    most = [
        ("npu_cycles", spec_limits.npu_cycles, npu),
        ("inference_ms", spec_limits.inference_ms, npu_ms(state, npu)),
        ("sram_kib", spec_limits.sram_kib, sram),
    ]
    results = [
        LimitResult(name=name, limit=limit, value=value, ok=value is not None and value <= limit)
        for name, limit, value in most
        if limit is not None
    ]
    if spec_limits.delegated_percent is not None:
        limit = spec_limits.delegated_percent
        ok = percent is not None and percent >= limit
        results.append(LimitResult(name="delegated_percent", limit=limit, value=percent, ok=ok))
    if spec_limits.match:
        matched = state.check is not None and state.check.status == "match"
        results.append(LimitResult(name="match", limit=1, value=float(matched), ok=matched))
    return tuple(results)


def check_limits(record: Record) -> None:
    """Check the spec's limits, and end the run where one is exceeded.

    Raises:
        Ended: one is exceeded.
    """
    results = limits(record.spec.limits, record.state)
    if not results:
        return
    record.emit(events.LimitsChecked(limits=results))
    broken = [limit for limit in results if not limit.ok]
    if broken:
        compared = record.state.check is not None and record.state.check.status != "skipped"
        raise Ended("limits not met: " + "; ".join(_excess_words(one, compared) for one in broken), Exit.LIMIT)


def _excess_words(broken: LimitResult, compared: bool) -> str:
    if broken.name == "match":
        what = "the outputs do not match" if compared else "no outputs were compared"
        return f"{what} (--require-match)"
    return broken.words
