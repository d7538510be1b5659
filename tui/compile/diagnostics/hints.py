"""What to do about an operator that ExecuTorch keeps on the CPU, by its reason and by the operator.

Reasons are those ExecuTorch 1.5 reports for an Ethos-U85; one that is not known here gets no hint, not a vague one.
"""

import re

from tui.compile.diagnostics.replacements import replacement

NOT_SUPPORTED = re.compile(r"Not included in BaseTOSASupportList|is not supported\.?$|Op is not supported")
"""The NPU has no such operator; all other reasons are about how it is used."""

NOT_THERE = "the NPU has no such operator: build it from others, or move it to the model's first or last step"

_OPERATORS: tuple[tuple[str, str], ...] = (
    (
        r"topk|sort|argsort|kthvalue|msort",
        "the NPU cannot sort: let the application pick from the outputs, or use amax or argmax",
    ),
    (r"argmax|argmin", "return the scores, and let the application pick the largest: it gets few values"),
    (r"nonzero|unique|masked_select", "its output has no fixed size, which the NPU needs: keep it outside the model"),
    (r"atan2", "of a ratio that stays positive, atan(y / x) runs on the NPU; else return y and x as outputs"),
    (
        r"cumsum|cumprod|logcumsumexp",
        "as a product with a triangular matrix of ones it runs on the NPU, for short axes",
    ),
    (r"einsum", "written as matmul and permute it may run on the NPU"),
    (r"embedding", "give its index as int32: the look-up itself runs on the NPU"),
    (r"grid_sampl|affine_grid", "sample in the application, or at fixed places with interpolate"),
    (r"roll", "as two slices and a cat it runs on the NPU"),
    (
        r"\bcond\b",
        "compute both branches, and mix them: a * m + b * (1 - m), m from torch.where(s > 0, torch.full_like(s, 1.0),"
        " torch.zeros_like(s))",
    ),
    (r"nms|roi_align", "leave it to the application, behind the outputs"),
    (r"complex|fft|stft", "compute the spectrum in the application"),
    (r"rand|native_dropout|bernoulli", "the model draws random numbers: call eval() on it, or give them as an input"),
)
IN_FLOAT = re.compile(r"not marked as quantized|(inputs|outputs) were not quantized|non-quantized|had fp dtype")
"""An operator is in float, which is no reason but the consequence of one."""

INTO_BUFFER = ("aten.index_copy_", "aten.index_put_")
"""Operators that write to places of a buffer that are known only when the model runs."""
CACHE = "take the cache as an input, write to that with index_copy, and return k and v: the application keeps the cache"

QUANTIZE = "--quantize int8 or a16w8"
_REASONS: tuple[tuple[str, str], ...] = (
    (r"int64", "cast to int32 with .to(torch.int32): the NPU has no 64-bit integers"),
    (r"int32 range|exceeds int32", "keep its values within 32 bits"),
    (
        r"(?i)max supported rank|rank .*unsupported|unsupported dim/rank",
        "flatten or reshape to fewer dimensions around it",
    ),
    (
        r"needs dims < 65536|rest dims <= 65536|\[1;65536\]|<= 65536",
        "reduce or pool in two steps, so that each sees less at a time",
    ),
    (r"N ?== ?1", "a batch of 1, or the batch folded into a spatial dimension"),
    (r"(?i)kernel", "a smaller kernel: two in a row see as far as a large one"),
    (r"(?i)stride", "a smaller stride, and a second step where more is needed"),
    (r"indices output", "use the values only: amax in the place of max, max_pool2d without return_indices"),
    (r"(?i)transpose conv.*dilation", "without dilation, with a larger kernel"),
    (r"(?i)out_pad|output padding", "interpolate and a convolution do the same without output padding"),
    (r"(?i)grouped transpose", "one group, or interpolate and a grouped convolution"),
    (r"(?i)symbolic|unresolved tensor shapes|static", "export with fixed shapes: the NPU needs them all"),
    (r"(?i)control flow", "take the branch when the model is exported, not when it runs"),
    (r"(?i)mixed floating", "one floating-point type throughout the model"),
    (r"fully partitioned", "something inside the branch is on the CPU: that one's cause comes first"),
    (r"boolean mask|bool-mask|Boolean", "torch.where with the mask runs on the NPU"),
    (r"uint8 model IO", "int8 inputs and outputs, or float ones"),
    (r"(?i)dtype", "cast to a type it supports, or let it be quantized"),
    (r"None \(from slice", "index, and unsqueeze after it"),
    (r"storage offsets|not contiguous", "call contiguous() before it"),
)


def hint(*operators: str, reason: str) -> str | None:
    """What may bring an operator to the NPU, or spare it; None where nothing general can be said.

    `operators` are its names: of the exported operator it was made from, and its own.
    """
    unknown = NOT_SUPPORTED.search(reason) is not None
    if unknown and (known := replacement(*operators)) is not None:
        return known
    if (words := _by_operator(*operators)) is not None:
        return words
    if unknown:
        return NOT_THERE
    return next((words for pattern, words in _REASONS if re.search(pattern, reason)), None)


def of_float(*operators: str) -> str | None:
    """The same of an operator that the quantizer left in float."""
    return replacement(*operators) or _by_operator(*operators)


def _by_operator(*operators: str) -> str | None:
    names = " ".join(operators)
    return next((words for pattern, words in _OPERATORS if re.search(pattern, names)), None)
