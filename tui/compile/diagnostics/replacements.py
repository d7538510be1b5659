"""Replacements for operators that the quantizer does not know; each of them runs on the NPU.

``tests/compile/test_replacements.py`` compiles every one of them. Needs neither torch nor executorch.
"""

_IN_PLACE = "abs celu clamp elu exp floor hardsigmoid neg reciprocal round rsqrt selu sigmoid sqrt tanh"
WITHOUT_INPLACE = {f"aten.{name}_": name for name in _IN_PLACE.split()}
"""Names of operators that the quantizer knows, by the in-place form that it does not know."""

_2D = "unsqueeze(2), the 2-d form with a height of 1, squeeze(2)"

WORKS: dict[str, str] = {
    "aten.relu6": "nn.ReLU6() or F.hardtanh(x, 0, 6)",
    "aten.mish": "x * torch.tanh(torch.log1p(torch.exp(x)))",
    "aten.softplus": "torch.log1p(torch.exp(x))",
    "aten.rrelu": "nn.LeakyReLU with the mean of both slopes: in eval mode that is what it computes",
    "aten.hardshrink": "torch.where(x.abs() > lambd, x, torch.zeros_like(x))",
    "aten.softshrink": "x - x.clamp(-lambd, lambd)",
    "aten.log_sigmoid": "torch.log(torch.sigmoid(x))",
    "aten.threshold": "torch.where(x > threshold, x, torch.full_like(x, value))",
    "aten.heaviside": "torch.where(x > 0, torch.full_like(x, 1.0), torch.zeros_like(x))",
    "aten.clamp_min": "x.clamp(min=low)",
    "aten.clamp_max": "x.clamp(max=high)",
    "aten.clip": "x.clamp(low, high)",
    "aten.erfc": "1 - torch.erf(x)",
    "aten.log2": "torch.log(x) * 1.442695",
    "aten.exp2": "torch.exp(x * 0.693147)",
    "aten.pow.Scalar": "torch.exp(x * math.log(base))",
    "aten.pow.Tensor_Tensor": "torch.exp(y * torch.log(x)), for a positive x",
    "aten.square": "x * x",
    "aten.trunc": "torch.sign(x) * torch.floor(x.abs())",
    "aten.frac": "x - torch.sign(x) * torch.floor(x.abs())",
    "aten.fmod.Scalar": "torch.remainder(x, y), the same for values of one sign",
    "aten.positive": "leave it out: it changes nothing",
    "aten.sgn": "torch.sign(x)",
    "aten.deg2rad": "x * 0.01745329",
    "aten.hypot": "torch.sqrt(x * x + y * y)",
    "aten.logaddexp": "torch.log(torch.exp(x) + torch.exp(y))",
    "aten.sinc": "torch.sin(math.pi * x) / (math.pi * x), where x is never 0",
    "aten.addcmul": "x + a * b",
    "aten.addcdiv": "x + a / b",
    "aten.lerp.Scalar": "x + w * (y - x)",
    "aten.lerp.Tensor": "x + w * (y - x)",
    "aten.max.other": "torch.maximum(x, y)",
    "aten.min.other": "torch.minimum(x, y)",
    "aten.fmax": "torch.maximum(x, y)",
    "aten.fmin": "torch.minimum(x, y)",
    "aten.max": "torch.amax(x)",
    "aten.min": "torch.amin(x)",
    "aten.aminmax": "torch.amin and torch.amax",
    "aten.max_pool1d": _2D,
    "aten.avg_pool1d": _2D,
    "aten.adaptive_avg_pool1d": "x.mean(2, keepdim=True) for a size of 1, else " + _2D,
    "aten.adaptive_max_pool1d": "x.amax(2, keepdim=True) for a size of 1",
    "aten.adaptive_max_pool2d": "x.amax((2, 3), keepdim=True) for a size of 1, else nn.MaxPool2d",
    "aten.instance_norm": "nn.GroupNorm(channels, channels)",
    "aten.rms_norm": "x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps) * weight",
    "aten.upsample_nearest1d.vec": _2D,
    "aten.upsample_linear1d.vec": _2D,
    "aten.upsample_bicubic2d.vec": 'mode="bilinear", whose values differ a little',
    "aten._upsample_nearest_exact2d.vec": 'mode="nearest", the same for whole factors',
    "aten.conv_transpose1d": _2D,
    "aten.conv1d.padding": "padding as a number: padding=1 for a kernel of 3",
    "aten.bilinear": "torch.einsum",
    "aten.channel_shuffle": "reshape to groups, transpose(1, 2), reshape back",
    "aten.feature_dropout": "nn.Dropout, or leave it out: in eval mode it does nothing",
    "aten.alpha_dropout": "nn.Dropout, or leave it out: in eval mode it does nothing",
    "aten.feature_alpha_dropout": "nn.Dropout, or leave it out: in eval mode it does nothing",
    "aten.roll": "torch.cat of two slices",
    "aten.rot90": "x.transpose(2, 3).flip(2)",
    "aten.swapaxes": "x.transpose(a, b)",
    "aten.mT": "x.transpose(-2, -1)",
    "aten.expand_as": "x.expand(shape)",
    "aten.broadcast_to": "x.expand(shape)",
    "aten.narrow": "a slice: x[:, begin:end]",
    "aten.hstack": "torch.cat",
    "aten.reshape_as": "x.reshape(shape)",
    "aten.diff": "the difference of two slices: x[:, 1:] - x[:, :-1]",
    "aten.ones_like": "torch.full_like(x, 1.0)",
    "aten.new_zeros": "torch.zeros(shape)",
    "aten.new_ones": "torch.ones(shape)",
    "aten.type_as": "leave it out where the types are the same",
    "aten.fill_.Tensor": "torch.cat of the parts, instead of writing into a slice",
    "aten.std.dim": "torch.sqrt(x.var(dim))",
    "aten.logsumexp": "torch.log(torch.exp(x).sum(dim))",
    "aten.var_mean.dim": "x.var(dim) and x.mean(dim)",
    "aten.nansum": "x.sum(dim)",
    "aten.baddbmm": "x + torch.bmm(a, b)",
    "aten.mv": "a @ b[:, None]",
    "aten.dot": "(a * b).sum()",
    "aten.outer": "a[:, None] * b[None, :]",
    "aten.pairwise_distance": "torch.linalg.vector_norm(x - y, dim=-1)",
    "aten.gru_cell": "nn.GRU over a sequence of one step",
    "aten.rnn_tanh_cell": "nn.RNN over a sequence of one step",
    "aten.logical_and": "torch.where inside torch.where, one for each mask",
    **dict.fromkeys(
        ("aten.where.ScalarOther", "aten.where.ScalarSelf", "aten.where.Scalar"),
        "torch.where of tensors: torch.zeros_like(x) or torch.full_like(x, value) instead of a number",
    ),
    "aten.logical_not": "the opposite comparison, or torch.where with its values exchanged",
    "aten.ne.Scalar": "x == value, and torch.where with its values exchanged",
}
"""Code to write instead, by operator; the default overload has no suffix."""

REFUSED: dict[str, str] = {
    "aten.mul.Tensor": "torch.where(mask, x, torch.zeros_like(x)) instead of a product with a mask",
    "aten.to.dtype": "torch.where(mask, torch.full_like(x, 1.0), torch.zeros_like(x)) instead of mask.float()",
}
"""Code to write instead of operators that it knows, but not for every type."""


def replacement(*operators: str) -> str | None:
    """The replacement for the first operator that has one."""
    for operator in operators:
        code = WORKS.get(operator) or REFUSED.get(operator) or WORKS.get(operator.removesuffix("_"))
        if code is not None:
            return code
        if operator in WITHOUT_INPLACE:
            return f"the out-of-place {WITHOUT_INPLACE[operator]}: inplace=False"
    return None
