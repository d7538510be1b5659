"""A bundled test case against what a method makes of it, in the words of ExecuTorch's runner (verify_result)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tui.model import bundled, pte
from tui.model.bundled import Case, NDArray
from tui.simulator.interpreter import Method

NO_EXPECTATION, DIFFERENT, UNFIT = 0x10, 0x20, 0x12
"""ExecuTorch's errors NotSupported, NotFound and InvalidArgument: what its comparison ends with."""

LEAST_DIVISOR = float(np.float32(1e-8))
"""Below it a number counts as this large, so that the relative error of zeros is not endless."""


@dataclass(frozen=True)
class Verdict:
    """Result of a test case, with the console's lines on it, each with its level."""

    good: bool
    lines: tuple[tuple[str, str], ...]


def load(case: Case, method: Method) -> None:
    """Give the method's tensors the inputs of a test case that fits it."""
    for tensor, value in zip(method.inputs, case.inputs, strict=True):
        if tensor is not None and isinstance(value, pte.Tensor):
            tensor.bytes[:] = np.frombuffer(value.data or b"", np.uint8)


def _statistics(pairs: Sequence[tuple[NDArray, NDArray]]) -> list[str]:
    """Mean and largest errors over all elements of all outputs."""
    absolute, relative = [np.zeros(0)], [np.zeros(0)]
    for expected, got in pairs:
        with np.errstate(invalid="ignore", over="ignore"):
            a, b = expected.astype(np.float64), got.astype(np.float64)
            error = np.abs(a - b)
            absolute.append(error)
            relative.append(error / np.maximum(np.maximum(np.abs(a), np.abs(b)), LEAST_DIVISOR))
    figures = []
    for errors in (np.concatenate(absolute), np.concatenate(relative)):
        figures += [float(np.mean(errors)), float(np.max(errors))] if errors.size else [0.0, 0.0]
    return [
        f" mean_absolute_error: {figures[0]:f}",
        f" max_absolute_error:  {figures[1]:f}",
        f" mean_relative_error: {figures[2]:f}",
        f" max_relative_error:  {figures[3]:f}",
    ]


def verify(number: int, case: Case, method: Method) -> Verdict:
    """Compare a method's outputs with those that test case `number` expects."""
    unfit = bundled.misfit(case.outputs, method.plan, method.plan.outputs, "output")
    lines: list[tuple[str, str]] = []
    if unfit is None:
        expected = [bundled.array(value) for value in case.outputs if isinstance(value, pte.Tensor)]
        got = [tensor.bytes.view(tensor.meta.dtype) for tensor in method.outputs]
        pairs = list(zip(expected, got, strict=True))
        texts = [f"=== Error stats for testset {number} ===", *_statistics(pairs)]
        status = 0 if all(error <= allowed for error, allowed in map(bundled.deviation, expected, got)) else DIFFERENT
        why = "Method's output data mismatched the expected one."
    else:
        texts = [f"=== Error calculating stats for testset {number} ERROR:{UNFIT} ==="]
        status = DIFFERENT if case.outputs else NO_EXPECTATION
        why = unfit if case.outputs else "No bundled expected outputs, so we can't verify the method outputs."
    lines = [("I", text) for text in texts]
    if status == 0:
        lines.append(("I", "Model output match expected BundleIO bpte ref data."))
        lines.append(("I", f"TEST: BundleIO index[{number}] Test_result: PASS"))
    else:
        tolerances = f"rtol={bundled.RTOL:f} atol={bundled.ATOL:f}"
        lines.append(("E", why))
        lines.append(("E", f"Model output don't match expected BundleIO bpte ref data. {tolerances}"))
        lines.append(("E", f"TEST: BundleIO index[{number}] Test_result: FAIL"))
        lines.append(("E", f"Bundle verification failed with status 0x{status:x}"))
    return Verdict(status == 0, tuple(lines))
