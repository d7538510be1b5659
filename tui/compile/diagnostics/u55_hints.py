"""Hints for what the operator set of Ethos-U55 and U65 lacks, which ExecuTorch calls the u55 subset of TOSA.

It has no comparisons, booleans, choices or lookups, resizes only by 2, 4 or 8 to the nearest, and bounds strides. All
code named here runs on such an NPU: ``tests/compile/u55_replacements.py`` holds it. A factor of 1000 makes a sigmoid so
steep that, quantized, it is 0 or 1. Needs neither torch nor executorch.
"""

import re

_COMPARE = "the NPU cannot compare: torch.sigmoid((x - y) * 1000) is 1 where x > y, else 0"
_CHOOSE = "the NPU cannot choose: a * m + b * (1 - m), with m = torch.sigmoid((x - y) * 1000) for x > y"
_MASKS = "with masks of 0.0 and 1.0: a * b is and, torch.maximum(a, b) or, (a - b).abs() xor, 1 - a not"
_LOOK_UP = "slices and torch.cat for fixed places; for others, a product with a one-hot matrix: one_hot @ table"
_WRITE = "torch.cat of slices, for places that are fixed"
_SMOOTH = 'nn.ConvTranspose2d with a stride of 2 and the weights of a bilinear filter, or mode="nearest" by 2, 4 or 8'
_TRIANGLE = "a product with a constant: register_buffer('mask', torch.ones(n, n).tril()) in __init__"

WORKS: dict[str, str] = {
    **dict.fromkeys(("aten.gt", "aten.ge", "aten.lt", "aten.le"), _COMPARE),
    "aten.eq": "the NPU cannot compare: 1 - torch.tanh((x - y).abs() * 1000) is 1 where they are equal, else 0",
    "aten.ne": "the NPU cannot compare: torch.tanh((x - y).abs() * 1000) is 1 where they differ, else 0",
    "aten.where": _CHOOSE,
    "aten.masked_fill": "x * (1 - m) + value * m, with a mask of 0.0 and 1.0; or add a buffer of 0 and -100 to x",
    "aten.scaled_dot_product_attention": "attn_mask as a buffer of 0.0 and -100.0, in place of is_causal or booleans",
    **dict.fromkeys(("aten.tril", "aten.triu"), _TRIANGLE),
    **dict.fromkeys((f"aten.logical_{name}" for name in ("and", "or", "xor", "not")), _MASKS),
    **dict.fromkeys((f"aten.bitwise_{name}" for name in ("and", "or", "xor", "not")), _MASKS),
    "aten.any": "torch.amax of a mask of 0.0 and 1.0",
    "aten.all": "torch.amin of a mask of 0.0 and 1.0",
    **dict.fromkeys(("aten.sign", "aten.sgn"), "torch.tanh(x * 1000)"),
    "aten.trunc": "torch.floor(torch.relu(x)) - torch.floor(torch.relu(-x))",
    "aten.frac": "x less its whole part, which is torch.floor(torch.relu(x)) - torch.floor(torch.relu(-x))",
    "aten.hardshrink": "x * torch.sigmoid((x.abs() - lambd) * 1000)",
    "aten.threshold": "x * m + value * (1 - m), with m = torch.sigmoid((x - threshold) * 1000)",
    "aten.heaviside": "torch.sigmoid(x * 1000)",
    "aten.upsample_nearest1d": "x.repeat_interleave(factor, 2)",
    "aten.upsample_linear1d": f"unsqueeze(2), {_SMOOTH}",
    **dict.fromkeys(("aten.upsample_bilinear2d", "aten.upsample_bicubic2d"), _SMOOTH),
    **dict.fromkeys(("aten.index", "aten.index_select", "aten.gather", "aten.embedding"), _LOOK_UP),
    **dict.fromkeys(("aten.index_put", "aten.scatter", "aten.select_scatter", "aten.scatter_add"), _WRITE),
    **dict.fromkeys(
        ("aten.grid_sampler_2d", "aten.grid_sampler"),
        'sample in the application; by 2, 4 or 8, F.interpolate with mode="nearest"',
    ),
    "aten.conv3d": "a Conv2d for each step of the kernel's depth, and their sum",
    "cond": "compute both branches and blend them: a * m + b * (1 - m), with m = torch.sigmoid(s * 1000) for s > 0",
}
"""Code to write instead, by operator without its overload."""

REFUSED: dict[str, str] = {
    "aten.mul": "x * torch.sigmoid(y * 1000) instead of a product with the mask y > 0",
    "aten.to": "torch.sigmoid(y * 1000) instead of (y > 0).float()",
}
"""Code to write instead of operators that the quantizer refuses for booleans."""

_REASONS: tuple[tuple[str, str], ...] = (
    (
        r"flip support",
        "x.flip(1) and x.flip(2) run on it, one at a time; x.transpose(2, 3).flip(2).transpose(2, 3) for x.flip(3)",
    ),
    (
        r"resize requires (equal|a) 2x",
        "x.repeat_interleave(n, 2).repeat_interleave(n, 3), or factors of 2, 4 or 8, the same in both directions",
    ),
    (r"Failed condition on stride", "F.pad before it, and padding=0: then a stride above 3 runs on the NPU"),
    (
        r"Unsupported stride of",
        "a stride of 2 in both directions, twice for 4; or repeat_interleave and a convolution",
    ),
    (
        r"Avgpool2d needs stride",
        "avg_pool2d(x, 2) twice for avg_pool2d(x, 4); over all of it x.mean((2, 3), keepdim=True)",
    ),
    (
        r"Maxpool2d needs stride",
        "max_pool2d(x, k, stride=2)[:, :, ::2, ::2] for a stride of 4; over all of it x.amax((2, 3), keepdim=True)",
    ),
    # A window that does not fit evenly is cut by a negative padding, which counts as one.
    (
        r"Avgpool2d with padding",
        "count_include_pad=True if it pads; if it leaves rows over, slice them off first, and of a single window take"
        " x.mean((2, 3), keepdim=True)",
    ),
    (
        r"Output dtype torch\.float32 is not supported in dim_order_ops",
        "float from the beginning: torch.sigmoid(y * 1000) instead of (y > 0).float(), or an input in float32",
    ),
    (
        r"Input dtype torch\.float32 is not supported in dim_order_ops",
        "the NPU does not convert to integers: return torch.floor(x) in float; of integers, n >> 1 in place of n // 2",
    ),
    (r"Casting from torch\.int32", "make it an input of the model in float32: the NPU does not convert integers"),
    (
        r"unsupported dtype torch\.int16 \(Supports int8\)",
        "--quantize int8: this NPU multiplies matrices of activations in 8 bits only",
    ),
)


def replacement(operator: str) -> str | None:
    """The code to write instead of an operator, with or without its overload, that this set of operators lacks."""
    return WORKS.get(_base(operator))


def refused(operator: str) -> str | None:
    """The code to write instead of an operator that the quantizer refuses, where that is due to booleans."""
    return REFUSED.get(_base(operator))


def for_reason(reason: str) -> str | None:
    """The advice for an operator that this set has, but not as it is used."""
    return next((words for pattern, words in _REASONS if re.search(pattern, reason)), None)


def _base(operator: str) -> str:
    """An operator without its overload, and without the mark of one that works in place: ``aten.gt.Scalar``."""
    return ".".join(operator.split(".")[:2]).removesuffix("_")
