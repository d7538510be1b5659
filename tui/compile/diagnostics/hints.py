"""Hints for operators that ExecuTorch keeps on the CPU, by its reason and by the operator.

Reasons are those that ExecuTorch 1.5 reports for an Ethos-U. An unlisted reason gets no hint rather than a vague one.
What the smaller NPUs lack has hints of its own, which go first: `u55_hints`.
"""

import re

from tui.compile.diagnostics import u55_hints
from tui.compile.diagnostics.replacements import replacement

NOT_SUPPORTED = re.compile(
    r"Not included in BaseTOSASupportList|is not supported\.?$|Op is not supported|Had torch\.bool"
)
"""The NPU lacks the operator; all other reasons are about how it is used."""

NOT_THERE = "the NPU has no such operator: build it from others, or move it to the model's first or last step"

_OPERATORS: tuple[tuple[str, str], ...] = (
    (
        r"topk|sort|argsort|kthvalue|msort",
        "the NPU cannot sort: let the application pick from the outputs, or use amax or argmax",
    ),
    (r"argmax|argmin", "return the scores, and let the application pick the largest: it gets few values"),
    (r"nonzero|unique|masked_select", "its output has no fixed size, which the NPU needs: keep it outside the model"),
    (r"atan2", "atan(y / x) runs on the NPU if the ratio stays positive; else return y and x as outputs"),
    (
        r"cumsum|cumprod|logcumsumexp",
        "a product with a triangular matrix of ones runs on the NPU, for short axes",
    ),
    (r"einsum", "matmul and permute in its place may run on the NPU"),
    (r"embedding", "pass the index as int32: the lookup itself runs on the NPU"),
    (r"grid_sampl|affine_grid", "sample in the application, or at fixed places with interpolate"),
    (r"roll", "two slices and a cat run on the NPU"),
    (
        r"\bcond\b",
        "compute both branches and blend them: a * m + b * (1 - m), with m from"
        " torch.where(s > 0, torch.full_like(s, 1.0), torch.zeros_like(s))",
    ),
    (r"nms|roi_align", "leave it to the application, after the outputs"),
    (r"complex|fft|stft", "compute the spectrum in the application"),
    (r"rand|native_dropout|bernoulli", "the model draws random numbers: call eval() on it, or make them an input"),
)
IN_FLOAT = re.compile(r"not marked as quantized|(inputs|outputs) were not quantized|non-quantized|had fp dtype")
"""An operator is in float, which is a consequence of the actual reason."""

INTO_BUFFER = ("aten.index_copy_", "aten.index_put_")
"""Operators that write to a buffer at indices known only when the model runs."""
CACHE = "make the cache an input, write to it with index_copy, and return k and v: the application keeps the cache"

TYPES = "cast to a supported type, or quantize the model"
QUANTIZE = "--quantize int8 or a16w8"
_REASONS: tuple[tuple[str, str], ...] = (
    # Such a reason also names the input's type, which need not be at fault.
    (r"(?i)^output dtype", TYPES),
    (r"int64", "cast to int32 with .to(torch.int32): the NPU has no 64-bit integers"),
    (r"int32 range|exceeds int32", "keep its values within 32 bits"),
    (
        r"(?i)max supported rank|rank .*unsupported|unsupported dim/rank",
        "flatten or reshape to fewer dimensions around it",
    ),
    (
        r"needs dims < 65536|rest dims <= 65536|\[1;65536\]|<= 65536",
        "reduce or pool in two steps, each over fewer elements",
    ),
    (r"N ?== ?1|batch size", "use a batch of 1, or fold the batch into a spatial dimension"),
    (r"(?i)kernel", "use a smaller kernel: two in a row cover as much as a large one"),
    (r"(?i)stride", "use a smaller stride, and a second step if that is not enough"),
    (r"indices output", "use only the values: amax instead of max, max_pool2d without return_indices"),
    (r"(?i)transpose conv.*dilation", "use a larger kernel without dilation"),
    (r"(?i)out_pad|output padding", "interpolate and a convolution give the same without output padding"),
    (r"(?i)grouped transpose", "use one group, or interpolate and a grouped convolution"),
    (r"(?i)symbolic|unresolved tensor shapes|static", "export with fixed shapes, which the NPU needs"),
    (r"(?i)control flow", "take the branch when the model is exported, not when it runs"),
    (r"(?i)mixed floating", "use one floating-point type throughout the model"),
    (r"fully partitioned", "an operator inside the branch is on the CPU: fix that one first"),
    (r"boolean mask|bool-mask|Boolean", "torch.where with the mask runs on the NPU"),
    (r"uint8 model IO", "use int8 or float inputs and outputs"),
    (r"(?i)dtype", TYPES),
    (r"None \(from slice", "index, and unsqueeze after it"),
    (r"storage offsets|not contiguous", "call contiguous() before it"),
)


def hint(*operators: str, reason: str, u55: bool = False) -> str | None:
    """A way to move an operator to the NPU, or to do without it; None where no general advice exists.

    `operators` are its names: of the exported operator it comes from, and its own. `u55` is the smaller set.
    """
    unsupported = NOT_SUPPORTED.search(reason) is not None
    for number, operator in enumerate(operators):
        # Of another operator than the model's own, only what the NPU lacks is of interest.
        if u55 and (unsupported or number == 0) and (code := u55_hints.replacement(operator)) is not None:
            return code
        if unsupported and (code := replacement(operator)) is not None:
            return code
    if u55 and (words := u55_hints.for_reason(reason)) is not None:
        return words
    if (words := _by_operator(*operators)) is not None:
        return words
    words = next((words for pattern, words in _REASONS if re.search(pattern, reason)), None)
    return NOT_THERE if words is None and unsupported else words


def of_float(*operators: str, u55: bool = False) -> str | None:
    """A hint for an operator that the quantizer left in float."""
    for operator in operators if u55 else ():
        if code := u55_hints.replacement(operator) or u55_hints.refused(operator):
            return code
    return replacement(*operators) or _by_operator(*operators)


def _by_operator(*operators: str) -> str | None:
    names = " ".join(operators)
    return next((words for pattern, words in _OPERATORS if re.search(pattern, names)), None)
