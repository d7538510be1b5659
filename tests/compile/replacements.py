"""Every replacement that is named to users, as code: an operator that the quantizer does not know, and what works.

``python -m tests.compile.replacements`` compiles all that works, and prints what of it stays on the CPU.
`x` is 1x4x8x8 and `s` 1x4x16, both made by a convolution.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

CASES: tuple[tuple[str, str, str], ...] = (
    # operator, what users write, what works
    ("aten.relu6", "F.relu6(x)", "F.hardtanh(x, 0, 6)"),
    ("aten.relu6", "F.relu6(x)", "nn.ReLU6()(x)"),
    ("aten.mish", "F.mish(x)", "x * torch.tanh(torch.log1p(torch.exp(x)))"),
    ("aten.softplus", "F.softplus(x)", "torch.log1p(torch.exp(x))"),
    ("aten.rrelu", "F.rrelu(x)", "F.leaky_relu(x, (1 / 8 + 1 / 3) / 2)"),
    ("aten.hardshrink", "F.hardshrink(x)", "torch.where(x.abs() > 0.5, x, torch.zeros_like(x))"),
    ("aten.softshrink", "F.softshrink(x)", "x - x.clamp(-0.5, 0.5)"),
    ("aten.log_sigmoid", "F.logsigmoid(x)", "torch.log(torch.sigmoid(x))"),
    ("aten.threshold", "F.threshold(x, 0.1, 0.5)", "torch.where(x > 0.1, x, torch.full_like(x, 0.5))"),
    (
        "aten.heaviside",
        "torch.heaviside(x, torch.zeros(1))",
        "torch.where(x > 0, torch.full_like(x, 1.0), torch.zeros_like(x))",
    ),
    ("aten.clamp_min", "x.clamp_min(0.1)", "x.clamp(min=0.1)"),
    ("aten.clamp_max", "x.clamp_max(0.1)", "x.clamp(max=0.1)"),
    ("aten.clip", "torch.clip(x, -1, 1)", "x.clamp(-1, 1)"),
    ("aten.erfc", "torch.erfc(x)", "1 - torch.erf(x)"),
    ("aten.log2", "torch.log2(x.abs() + 1)", "torch.log(x.abs() + 1) * 1.442695"),
    ("aten.exp2", "torch.exp2(x)", "torch.exp(x * 0.693147)"),
    ("aten.pow.Scalar", "3.0**x", "torch.exp(x * math.log(3.0))"),
    ("aten.pow.Tensor_Tensor", "(x.abs() + 1) ** x", "torch.exp(x * torch.log(x.abs() + 1))"),
    ("aten.square", "torch.square(x)", "x * x"),
    ("aten.trunc", "torch.trunc(x)", "torch.sign(x) * torch.floor(x.abs())"),
    ("aten.frac", "torch.frac(x)", "x - torch.sign(x) * torch.floor(x.abs())"),
    ("aten.fmod.Scalar", "torch.fmod(x.abs(), 2.0)", "torch.remainder(x.abs(), 2.0)"),
    ("aten.positive", "torch.positive(x) * 2", "x * 2"),
    ("aten.sgn", "torch.sgn(x)", "torch.sign(x)"),
    ("aten.deg2rad", "torch.deg2rad(x)", "x * 0.01745329"),
    ("aten.hypot", "torch.hypot(x, x)", "torch.sqrt(x * x + x * x)"),
    ("aten.logaddexp", "torch.logaddexp(x, x * 2)", "torch.log(torch.exp(x) + torch.exp(x * 2))"),
    ("aten.sinc", "torch.sinc(x.abs() + 1)", "torch.sin(math.pi * (x.abs() + 1)) / (math.pi * (x.abs() + 1))"),
    ("aten.addcmul", "torch.addcmul(x, x, x)", "x + x * x"),
    ("aten.addcdiv", "torch.addcdiv(x, x, x.abs() + 1)", "x + x / (x.abs() + 1)"),
    ("aten.lerp.Scalar", "torch.lerp(x, x * 2, 0.3)", "x + 0.3 * (x * 2 - x)"),
    ("aten.lerp.Tensor", "torch.lerp(x, x * 2, x)", "x + x * (x * 2 - x)"),
    ("aten.max.other", "torch.max(x, x * 2)", "torch.maximum(x, x * 2)"),
    ("aten.min.other", "torch.min(x, x * 2)", "torch.minimum(x, x * 2)"),
    ("aten.fmax", "torch.fmax(x, x * 2)", "torch.maximum(x, x * 2)"),
    ("aten.fmin", "torch.fmin(x, x * 2)", "torch.minimum(x, x * 2)"),
    ("aten.max", "x.max()", "torch.amax(x)"),
    ("aten.min", "x.min()", "torch.amin(x)"),
    ("aten.aminmax", "x.aminmax(dim=1).max", "torch.amax(x, 1)"),
    ("aten.max_pool1d", "F.max_pool1d(s, 2)", "F.max_pool2d(s.unsqueeze(2), (1, 2)).squeeze(2)"),
    ("aten.avg_pool1d", "F.avg_pool1d(s, 2)", "F.avg_pool2d(s.unsqueeze(2), (1, 2)).squeeze(2)"),
    ("aten.adaptive_avg_pool1d", "F.adaptive_avg_pool1d(s, 1)", "s.mean(2, keepdim=True)"),
    (
        "aten.adaptive_avg_pool1d",
        "F.adaptive_avg_pool1d(s, 4)",
        "F.adaptive_avg_pool2d(s.unsqueeze(2), (1, 4)).squeeze(2)",
    ),
    ("aten.adaptive_max_pool1d", "F.adaptive_max_pool1d(s, 1)", "s.amax(2, keepdim=True)"),
    ("aten.adaptive_max_pool2d", "F.adaptive_max_pool2d(x, 1)", "x.amax((2, 3), keepdim=True)"),
    ("aten.adaptive_max_pool2d", "F.adaptive_max_pool2d(x, 4)", "F.max_pool2d(x, 2)"),
    ("aten.instance_norm", "F.instance_norm(x)", "F.group_norm(x, 4)"),
    ("aten.rms_norm", "F.rms_norm(x, (8,), eps=0.001)", "x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 0.001)"),
    (
        "aten.upsample_nearest1d.vec",
        "F.interpolate(s, scale_factor=2.0)",
        "F.interpolate(s.unsqueeze(2), scale_factor=(1.0, 2.0)).squeeze(2)",
    ),
    (
        "aten.upsample_linear1d.vec",
        'F.interpolate(s, scale_factor=2.0, mode="linear")',
        'F.interpolate(s.unsqueeze(2), scale_factor=(1.0, 2.0), mode="bilinear").squeeze(2)',
    ),
    (
        "aten.upsample_bicubic2d.vec",
        'F.interpolate(x, scale_factor=2.0, mode="bicubic")',
        'F.interpolate(x, scale_factor=2.0, mode="bilinear")',
    ),
    (
        "aten._upsample_nearest_exact2d.vec",
        'F.interpolate(x, scale_factor=2.0, mode="nearest-exact")',
        'F.interpolate(x, scale_factor=2.0, mode="nearest")',
    ),
    (
        "aten.conv_transpose1d",
        "F.conv_transpose1d(s, self.w, stride=2)",
        "F.conv_transpose2d(s.unsqueeze(2), self.w.unsqueeze(2), stride=(1, 2)).squeeze(2)",
    ),
    ("aten.conv1d.padding", 'F.conv1d(s, self.w3, padding="same")', "F.conv1d(s, self.w3, padding=1)"),
    ("aten.bilinear", "F.bilinear(x, x, self.b)", 'torch.einsum("abci,oij,abcj->abco", x, self.b, x)'),
    ("aten.channel_shuffle", "F.channel_shuffle(x, 2)", "x.reshape(1, 2, 2, 64).transpose(1, 2).reshape(1, 4, 8, 8)"),
    ("aten.feature_dropout", "F.dropout2d(x, training=False) * 2", "F.dropout(x, training=False) * 2"),
    ("aten.alpha_dropout", "F.alpha_dropout(x) * 2", "F.dropout(x, training=False) * 2"),
    ("aten.feature_alpha_dropout", "F.feature_alpha_dropout(x) * 2", "x * 2"),
    ("aten.roll", "torch.roll(x, 1, 2) * 2", "torch.cat((x[:, :, -1:], x[:, :, :-1]), 2) * 2"),
    ("aten.rot90", "torch.rot90(x, 1, (2, 3)) * 2", "x.transpose(2, 3).flip(2) * 2"),
    ("aten.swapaxes", "x.swapaxes(1, 2) * 2", "x.transpose(1, 2) * 2"),
    ("aten.mT", "x.mT * 2", "x.transpose(-2, -1) * 2"),
    ("aten.expand_as", "x.mean(1, keepdim=True).expand_as(x) * 2", "x.mean(1, keepdim=True).expand(1, 4, 8, 8) * 2"),
    (
        "aten.broadcast_to",
        "x.mean(1, keepdim=True).broadcast_to(1, 4, 8, 8) * 2",
        "x.mean(1, keepdim=True).expand(1, 4, 8, 8) * 2",
    ),
    ("aten.narrow", "x.narrow(1, 0, 2) * 2", "x[:, 0:2] * 2"),
    ("aten.hstack", "torch.hstack((x, x)) * 2", "torch.cat((x, x), 1) * 2"),
    ("aten.reshape_as", "x.reshape(1, 256).reshape_as(x) * 2", "x.reshape(1, 256).reshape(1, 4, 8, 8) * 2"),
    ("aten.diff", "x.diff(dim=2)", "x[:, :, 1:] - x[:, :, :-1]"),
    ("aten.ones_like", "x + torch.ones_like(x)", "x + torch.full_like(x, 1.0)"),
    (
        "aten.new_zeros",
        "torch.cat((x, x.new_zeros(1, 4, 8, 8)), 1) * 2",
        "torch.cat((x, torch.zeros(1, 4, 8, 8)), 1) * 2",
    ),
    ("aten.new_ones", "torch.cat((x, x.new_ones(1, 4, 8, 8)), 1) * 2", "torch.cat((x, torch.ones(1, 4, 8, 8)), 1) * 2"),
    ("aten.type_as", "x.type_as(s) * 2", "x * 2"),
    ("aten.fill_.Tensor", "self.assigned(x) * 2", "torch.cat((torch.zeros(1, 1, 8, 8), x[:, 1:]), 1) * 2"),
    ("aten.std.dim", "x.std(1)", "torch.sqrt(x.var(1))"),
    ("aten.logsumexp", "x.logsumexp(1)", "torch.log(torch.exp(x).sum(1))"),
    ("aten.var_mean.dim", "torch.var_mean(x, 1)[0]", "x.var(1)"),
    ("aten.nansum", "x.nansum(1)", "x.sum(1)"),
    ("aten.baddbmm", "torch.baddbmm(x[0], x[0], x[0])", "x[0] + torch.bmm(x[0], x[0])"),
    ("aten.mv", "torch.mv(x[0, 0], x[0, 0, 0])", "(x[0, 0] @ x[0, 0, 0][:, None]).squeeze(1)"),
    ("aten.dot", "torch.dot(x[0, 0, 0], x[0, 0, 1])", "(x[0, 0, 0] * x[0, 0, 1]).sum()"),
    ("aten.outer", "torch.outer(x[0, 0, 0], x[0, 0, 1])", "x[0, 0, 0][:, None] * x[0, 0, 1][None, :]"),
    ("aten.pairwise_distance", "F.pairwise_distance(x, x * 2)", "torch.linalg.vector_norm(x - x * 2, dim=-1)"),
    ("aten.gru_cell", "self.gru_cell(x[:, 0, 0])", "self.gru(x[:, :1, 0])[0]"),
    ("aten.rnn_tanh_cell", "self.rnn_cell(x[:, 0, 0])", "self.rnn(x[:, :1, 0])[0]"),
    (
        "aten.logical_and",
        "torch.where(torch.logical_and(x > 0, x < 1), x, torch.zeros_like(x))",
        "torch.where(x > 0, torch.where(x < 1, x, torch.zeros_like(x)), torch.zeros_like(x))",
    ),
    ("aten.where.ScalarSelf", "torch.where(x > 0, 0.5, x)", "torch.where(x > 0, torch.full_like(x, 0.5), x)"),
    (
        "aten.where.Scalar",
        "torch.where(x > 0, 1.0, 0.5) * 2",
        "torch.where(x > 0, torch.full_like(x, 1.0), torch.full_like(x, 0.5)) * 2",
    ),
    ("aten.where.ScalarOther", "torch.where(x > 0, x, 0.5)", "torch.where(x > 0, x, torch.full_like(x, 0.5))"),
    (
        "aten.logical_not",
        "torch.where(torch.logical_not(x > 0), x, torch.zeros_like(x))",
        "torch.where(x > 0, torch.zeros_like(x), x)",
    ),
    ("aten.ne.Scalar", "torch.where(x != 0, x, torch.zeros_like(x))", "torch.where(x == 0, torch.zeros_like(x), x)"),
    ("aten.mul.Tensor", "x * (x > 0)", "torch.where(x > 0, x, torch.zeros_like(x))"),
    ("aten.to.dtype", "(x > 0).float() * 3", "torch.where(x > 0, torch.full_like(x, 1.0), torch.zeros_like(x)) * 3"),
    ("aten.abs_", "(x.abs() + 0.5).abs_()", "(x.abs() + 0.5).abs()"),
    ("aten.exp_", "(x.abs() + 0.5).exp_()", "(x.abs() + 0.5).exp()"),
    ("aten.floor_", "(x.abs() + 0.5).floor_()", "(x.abs() + 0.5).floor()"),
    ("aten.neg_", "(x.abs() + 0.5).neg_()", "(x.abs() + 0.5).neg()"),
    ("aten.reciprocal_", "(x.abs() + 0.5).reciprocal_()", "(x.abs() + 0.5).reciprocal()"),
    ("aten.round_", "(x.abs() + 0.5).round_()", "(x.abs() + 0.5).round()"),
    ("aten.rsqrt_", "(x.abs() + 0.5).rsqrt_()", "(x.abs() + 0.5).rsqrt()"),
    ("aten.sigmoid_", "(x.abs() + 0.5).sigmoid_()", "(x.abs() + 0.5).sigmoid()"),
    ("aten.sqrt_", "(x.abs() + 0.5).sqrt_()", "(x.abs() + 0.5).sqrt()"),
    ("aten.tanh_", "(x.abs() + 0.5).tanh_()", "(x.abs() + 0.5).tanh()"),
    ("aten.clamp_", "(x * 2).clamp_(0, 1)", "(x * 2).clamp(0, 1)"),
    ("aten.celu_", "F.celu(x * 2, inplace=True)", "F.celu(x * 2)"),
    ("aten.elu_", "F.elu(x * 2, inplace=True)", "F.elu(x * 2)"),
    ("aten.selu_", "F.selu(x * 2, inplace=True)", "F.selu(x * 2)"),
    ("aten.hardsigmoid_", "F.hardsigmoid(x * 2, inplace=True)", "F.hardsigmoid(x * 2)"),
)

UNLIKE = {"aten.upsample_bicubic2d.vec", "aten.upsample_linear1d.vec", "aten.gru_cell", "aten.rnn_tanh_cell"}
"""Operators whose replacement computes another value, or has weights of its own."""

COND = "self.mixed(x, torch.sigmoid(x), x * 2)"
"""The replacement for torch.cond."""

HEAD = """
import math

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.two, self.one = nn.Conv2d(4, 4, 1), nn.Conv1d(4, 4, 1)
        self.w, self.w3, self.b = (nn.Parameter(torch.randn(s)) for s in ((4, 4, 2), (4, 4, 3), (3, 8, 8)))
        self.gru_cell, self.gru = nn.GRUCell(8, 8), nn.GRU(8, 8, batch_first=True)
        self.rnn_cell, self.rnn = nn.RNNCell(8, 8), nn.RNN(8, 8, batch_first=True)

    def assigned(self, x):
        y = x.clone()
        y[:, 0] = 0.0
        return y

    def mixed(self, x, a, b):
        s = x.sum((1, 2, 3), keepdim=True)
        m = torch.where(s > 0, torch.full_like(s, 1.0), torch.zeros_like(s))
        return a * m + b * (1 - m)

    def forward(self, x, s):
        x, s = self.two(x), self.one(s)
        return (
"""
TAIL = """
        )


ModelUnderTest = Net().eval()
ModelInputs = (torch.randn(1, 4, 8, 8), torch.randn(1, 4, 16))
"""


@dataclass(frozen=True)
class Written:
    """A model's file with one expression a line."""

    file: Path
    first: int
    """The line of the first."""


def write(file: Path, expressions: Sequence[str], head: str = HEAD) -> Written:
    """A model that computes all of them side by side."""
    file.write_text(head + "\n".join(f"            {text}," for text in expressions) + TAIL)
    return Written(file, head.count("\n") + 1)


def computed(file: Path, expressions: Sequence[str], head: str = HEAD) -> tuple[torch.Tensor, ...]:
    """What a model of them computes, with weights and inputs that are the same each time."""
    written = write(file, expressions, head)
    torch.manual_seed(0)
    module: dict[str, Any] = {}
    exec(compile(written.file.read_text(), str(written.file), "exec"), module)
    torch.manual_seed(1)
    outputs: tuple[torch.Tensor, ...] = module["ModelUnderTest"](torch.randn(1, 4, 8, 8), torch.randn(1, 4, 16))
    return outputs


def main() -> int:
    """Compile all that works; the exit status is that of the compilation."""
    with tempfile.TemporaryDirectory() as folder:
        written = write(Path(folder) / "after.py", [COND, *(works for _, _, works in CASES)])
        return subprocess.run(
            [sys.executable, "-m", "tui", "compile", str(written.file), "--min-delegated", "99"], check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
