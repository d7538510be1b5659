"""Every replacement that is named to users of an Ethos-U55 or U65, as code, for what those NPUs lack beside an U85.

``python -m tests.compile.u55_replacements`` compiles all that works for an Ethos-U55, with those for every NPU.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.compile import replacements
from tests.compile.replacements import CASES as FOR_ALL
from tui.compile.diagnostics import u55_hints

TARGET = "ethos-u55-128"

HEAD = replacements.HEAD.replace(
    "    def assigned",
    """        self.k4, self.k3 = nn.Parameter(torch.randn(4, 4, 4, 4)), nn.Parameter(torch.randn(4, 1, 3, 3, 3))
        self.table = nn.Embedding(4, 8)
        self.register_buffer("lower", torch.ones(8, 8).tril())
        self.register_buffer("causal", torch.full((8, 8), -100.0).triu(1))
        line = torch.tensor([0.25, 0.75, 0.75, 0.25])
        self.register_buffer("smooth", torch.eye(4)[:, :, None, None] * (line[:, None] * line))

    def m(self, y):
        return torch.sigmoid(y * 1000)

    def assigned""",
    1,
)

CASES: tuple[tuple[str, str, str], ...] = (
    # operator or reason, what users write, what works
    ("aten.gt", "torch.where(x > 0.2, x * 2, x)", "x + x * torch.sigmoid((x - 0.2) * 1000)"),
    ("aten.ge", "torch.where(x >= 0.2, x * 2, x)", "x + x * torch.sigmoid((x - 0.2) * 1000)"),
    ("aten.lt", "torch.where(x < 0.2, x * 2, x)", "x + x * torch.sigmoid((0.2 - x) * 1000)"),
    ("aten.le", "torch.where(x <= 0.2, x * 2, x)", "x + x * torch.sigmoid((0.2 - x) * 1000)"),
    ("aten.eq", "torch.where(x == 0.5, x * 2, x)", "x + x * (1 - torch.tanh((x - 0.5).abs() * 1000))"),
    ("aten.ne", "torch.where(x != 0.5, x * 2, x)", "x + x * torch.tanh((x - 0.5).abs() * 1000)"),
    (
        "aten.where",
        "torch.where(x > x.flip(2), x, x * 2)",
        "x * torch.sigmoid((x - x.flip(2)) * 1000) + x * 2 * (1 - torch.sigmoid((x - x.flip(2)) * 1000))",
    ),
    ("aten.masked_fill", "x.masked_fill(x > 0, 0.5) * 2", "(x * self.m(-x) + 0.5 * self.m(x)) * 2"),
    (
        "aten.masked_fill",
        "F.softmax(x.masked_fill(self.lower < 0.5, -100.0), -1)",
        "F.softmax(x + self.causal, -1)",
    ),
    (
        "aten.scaled_dot_product_attention",
        "F.scaled_dot_product_attention(x, x, x, is_causal=True)",
        "F.scaled_dot_product_attention(x, x, x, attn_mask=self.causal)",
    ),
    ("aten.tril", "x.tril() * 2", "x * self.lower * 2"),
    ("aten.triu", "x.triu() * 2", "x * self.lower.T * 2"),
    ("aten.logical_and", "torch.where((x > 0) & (x < 1), x, x * 2)", "x * (2 - self.m(x) * self.m(1 - x))"),
    ("aten.bitwise_and", "torch.where((x > 0) & (x < 1), x, x * 2)", "x * (2 - self.m(x) * self.m(1 - x))"),
    (
        "aten.logical_or",
        "torch.where(torch.logical_or(x > 1, x < 0), x, x * 2)",
        "x * (2 - torch.maximum(self.m(x - 1), self.m(-x)))",
    ),
    (
        "aten.bitwise_or",
        "torch.where((x > 1) | (x < 0), x, x * 2)",
        "x * (2 - torch.maximum(self.m(x - 1), self.m(-x)))",
    ),
    (
        "aten.logical_xor",
        "torch.where(torch.logical_xor(x > 0, x < 1), x, x * 2)",
        "x * (2 - (self.m(x) - self.m(1 - x)).abs())",
    ),
    (
        "aten.bitwise_xor",
        "torch.where((x > 0) ^ (x < 1), x, x * 2)",
        "x * (2 - (self.m(x) - self.m(1 - x)).abs())",
    ),
    ("aten.logical_not", "torch.where(torch.logical_not(x > 0), x, x * 2)", "x * (2 - (1 - self.m(x)))"),
    ("aten.bitwise_not", "torch.where(~(x > 0), x, x * 2)", "x * (2 - (1 - self.m(x)))"),
    ("aten.any", "torch.where((x > 0).any(1, keepdim=True), x, x * 2)", "x * (2 - self.m(x).amax(1, keepdim=True))"),
    ("aten.all", "torch.where((x > 0).all(1, keepdim=True), x, x * 2)", "x * (2 - self.m(x).amin(1, keepdim=True))"),
    ("aten.sign", "torch.sign(x)", "torch.tanh(x * 1000)"),
    ("aten.sgn", "torch.sgn(x)", "torch.tanh(x * 1000)"),
    ("aten.trunc", "torch.trunc(x)", "torch.floor(torch.relu(x)) - torch.floor(torch.relu(-x))"),
    ("aten.frac", "torch.frac(x)", "x - (torch.floor(torch.relu(x)) - torch.floor(torch.relu(-x)))"),
    ("aten.hardshrink", "F.hardshrink(x)", "x * torch.sigmoid((x.abs() - 0.5) * 1000)"),
    ("aten.threshold", "F.threshold(x, 0.1, 0.5)", "x * self.m(x - 0.1) + 0.5 * (1 - self.m(x - 0.1))"),
    ("aten.heaviside", "torch.heaviside(x, torch.zeros(1))", "torch.sigmoid(x * 1000)"),
    ("aten.mul", "x * (x > 0)", "x * torch.sigmoid(x * 1000)"),
    ("Output dtype", "(x > 0).float() * 2", "torch.sigmoid(x * 1000) * 2"),
    ("aten.upsample_nearest1d", "F.interpolate(s, scale_factor=2.0)", "s.repeat_interleave(2, 2)"),
    (
        "aten.upsample_linear1d",
        'F.interpolate(s, scale_factor=2.0, mode="linear")',
        "F.conv_transpose2d(s.unsqueeze(2), self.smooth[:, :, 1:2], stride=(1, 2), padding=(0, 1)).squeeze(2)",
    ),
    (
        "aten.upsample_bilinear2d",
        'F.interpolate(x, scale_factor=2.0, mode="bilinear")',
        "F.conv_transpose2d(x, self.smooth, stride=2, padding=1)",
    ),
    (
        "aten.upsample_bicubic2d",
        'F.interpolate(x, scale_factor=2.0, mode="bicubic")',
        'F.interpolate(x, scale_factor=2.0, mode="nearest")',
    ),
    ("aten.index", "x[:, [0, 2]] * 2", "torch.cat((x[:, 0:1], x[:, 2:3]), 1) * 2"),
    (
        "aten.index_select",
        "torch.index_select(x, 1, torch.tensor([0, 2])) * 2",
        "torch.cat((x[:, 0:1], x[:, 2:3]), 1) * 2",
    ),
    ("aten.gather", "torch.gather(x, 1, torch.zeros(1, 1, 8, 8, dtype=torch.int64)) * 2", "x[:, 0:1] * 2"),
    ("aten.embedding", "self.table(x[0, 0, 0, :4].argmax()) * x", "x[:, :, :, :4].softmax(-1) @ self.table.weight * x"),
    (
        "aten.select_scatter",
        "torch.select_scatter(x, x[:, 0], 1, 2) * 2",
        "torch.cat((x[:, :2], x[:, :1], x[:, 3:]), 1) * 2",
    ),
    (
        "aten.grid_sampler",
        "F.grid_sample(x, torch.zeros(1, 16, 16, 2), align_corners=False) * 2",
        "F.interpolate(x, scale_factor=2.0) * 2",
    ),
    (
        "aten.conv3d",
        "F.conv3d(x.unsqueeze(0), self.k3) * 2",
        "torch.stack([sum(F.conv2d(x[:, d + k][None], self.k3[:, :, k]) for k in (0, 1, 2)) for d in (0, 1)], 2) * 2",
    ),
    (
        "cond",
        "torch.cond(x.sum() > 0, lambda y: y * 2, lambda y: y * 3, (x,))",
        "x * 2 * self.m(x.sum((1, 2, 3), keepdim=True)) + x * 3 * (1 - self.m(x.sum((1, 2, 3), keepdim=True)))",
    ),
    ("flip", "x.flip(3) * 2", "x.transpose(2, 3).flip(2).transpose(2, 3) * 2"),
    ("flip", "x.flip((1, 2)) * 2", "x.flip(1).flip(2) * 2"),
    ("resize", "F.interpolate(x, scale_factor=3.0)", "x.repeat_interleave(3, 2).repeat_interleave(3, 3)"),
    ("resize", "F.interpolate(x, size=(16, 8))", "x.repeat_interleave(2, 2)"),
    (
        "stride, pad",
        "F.conv2d(x, self.k4, stride=4, padding=1)",
        "F.conv2d(F.pad(x, (1, 1, 1, 1)), self.k4, stride=4)",
    ),
    (
        "Unsupported stride",
        "F.conv_transpose2d(x, self.k4, stride=4)",
        "F.conv_transpose2d(F.conv_transpose2d(x, self.k4, stride=2), self.k4, stride=2)",
    ),
    (
        "Unsupported stride",
        "F.conv_transpose2d(x, self.k4, stride=(1, 2))",
        "F.conv2d(x.repeat_interleave(2, 3), self.k4)",
    ),
    ("is not supported in dim_order_ops", "torch.floor(x * 3).to(torch.int32)", "torch.floor(x * 3)"),
    ("Avgpool2d needs stride", "F.avg_pool2d(x, 4)", "F.avg_pool2d(F.avg_pool2d(x, 2), 2)"),
    ("Avgpool2d needs stride", "F.avg_pool2d(x, 8)", "x.mean((2, 3), keepdim=True)"),
    (
        "Maxpool2d needs stride",
        "F.max_pool2d(x, 5, stride=4) * 2",
        "F.max_pool2d(x, 5, stride=2)[:, :, ::2, ::2] * 2",
    ),
    (
        "Avgpool2d with padding",
        "F.avg_pool2d(x, 9, stride=1, padding=4, count_include_pad=False)",
        "F.avg_pool2d(x, 9, stride=1, padding=4)",
    ),
    (
        "Avgpool2d with padding",
        "F.avg_pool2d(F.pad(x, (0, 0, 8, 9)), (24, 8))",
        "F.pad(x, (0, 0, 8, 9))[:, :, :24].mean((2, 3), keepdim=True)",
    ),
)
"""`x` is 1x4x8x8 and `s` 1x4x16, both made by a convolution; ``m`` is a mask: 1 where its argument is above 0."""

UNLIKE = {
    "aten.upsample_linear1d",
    "aten.upsample_bilinear2d",
    "aten.upsample_bicubic2d",
    "aten.embedding",
    "aten.grid_sampler",
    "Unsupported stride",
    "Avgpool2d with padding",
}
"""Operators whose replacement computes another value, or only all but the border."""


BATCH = 40
"""Expressions in a model: Vela's process dies on one with all of them."""


def main() -> int:
    """Compile all that works, and print what is left to the CPU; the exit status is 1 if anything is."""
    works = [text for _, _, text in CASES]
    works += [
        text
        for operator, _, text in FOR_ALL
        if u55_hints.replacement(operator) is None and u55_hints.refused(operator) is None
    ]
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, len(works), BATCH):
            written = replacements.write(Path(folder) / f"after{first}.py", works[first : first + BATCH], HEAD)
            command = [sys.executable, "-m", "tui", "compile", str(written.file), "--target", TARGET, "--json"]
            state = json.loads(subprocess.run(command, check=False, stdout=subprocess.PIPE).stdout)
            left = state["delegation"] and state["delegation"]["causes"]
            run = state["run"]
            sys.stdout.write(f"{first} to {first + BATCH}: {run['status']}, {run['reason']}, left: {left}\n")
            if left != []:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
