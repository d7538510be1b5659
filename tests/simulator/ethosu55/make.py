"""``python -m tests.simulator.ethosu55.make``: compile the fixtures of this folder again.

ExecuTorch lowers each model once for a family and Vela compiles it for several of its accelerators: NAME.tosa is the
graph, NAME-ACCELERATOR.pte the program. The models are as small as reaches what they are for.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from executorch.backends.arm.ethosu import EthosUCompileSpec
from torch import nn

from tui.compile import lowering
from tui.compile.quantization import quantize

FOLDER = Path(__file__).parent
SYSTEMS = {
    "ethos-u55": ("Ethos_U55_High_End_Embedded", "Shared_Sram"),
    "ethos-u65": ("Ethos_U65_High_End", "Dedicated_Sram_384KB"),
}
"""System config and memory mode of each family: ExecuTorch's defaults."""

ALL = ("ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u65-512")
SOME = ("ethos-u55-128", "ethos-u65-512")
SMALLEST = ("ethos-u55-32", "ethos-u55-64", "ethos-u55-128")
"""Those with a SHRAM of 16 KiB, and one with more."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A model: its forward function, of inputs and layers, and what it is compiled for."""

    forward: Callable[..., Any]
    inputs: tuple[Shape, ...]
    layers: tuple[Callable[[], nn.Module], ...] = ()
    accelerators: tuple[str, ...] = SOME
    quantization: str = "int8"


def one(kind: Callable[..., nn.Module], *arguments: Any, **options: Any) -> tuple[Callable[[], nn.Module], ...]:
    """A layer that is made when it is needed, from a seed."""
    return (lambda: kind(*arguments, **options),)


MAP = (1, 4, 5, 6)

CASES = {
    "conv": Case(lambda x, c: F.relu(c(x)), ((1, 5, 9, 8),), one(nn.Conv2d, 5, 19, 3, padding=1), ALL),
    "conv_deep": Case(lambda x, c: c(x), ((1, 70, 3, 3),), one(nn.Conv2d, 70, 13, 1), ALL),
    "conv_large": Case(lambda x, c: c(x), ((1, 2, 12, 13),), one(nn.Conv2d, 2, 9, 11, padding=5), ALL),
    "conv_dilated": Case(lambda x, c: c(x), ((1, 9, 11, 12),), one(nn.Conv2d, 9, 6, 3, stride=1, dilation=2), ALL),
    "depthwise": Case(lambda x, c: c(x), ((1, 21, 7, 9),), one(nn.Conv2d, 21, 21, 3, groups=21, stride=2), ALL),
    "transposed": Case(lambda x, c: c(x), ((1, 6, 4, 5),), one(nn.ConvTranspose2d, 6, 7, 3, stride=2), ALL),
    "linear": Case(lambda x, c: c(x), ((3, 37),), one(nn.Linear, 37, 29), ALL),
    "conv_wide": Case(lambda x, c: c(x), ((1, 19, 5, 6),), one(nn.Conv2d, 19, 11, 3), ALL, "a16w8"),
    "depthwise_wide": Case(lambda x, c: c(x), ((1, 9, 6, 6),), one(nn.Conv2d, 9, 9, 3, groups=9), ALL, "a16w8"),
    "add": Case(lambda a, b: a + b * 0.3, (MAP, (1, 4, 5, 1))),
    "subtract": Case(lambda a: 1.5 - a, (MAP,)),
    "multiply": Case(lambda a, b: a * b, (MAP, (6,))),
    "extremes": Case(lambda a, b: torch.maximum(torch.minimum(a, b), a.abs() * 0.2), (MAP, MAP)),
    "pools": Case(
        lambda x: F.max_pool2d(x, 3, 2, 1) + F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), ((1, 6, 9, 9),)
    ),
    "mean": Case(lambda x: x.mean((2, 3)), ((1, 6, 8, 8),)),
    "softmax": Case(lambda x: torch.softmax(x, -1), ((2, 3, 7),)),
    "gelu": Case(lambda x: F.gelu(x), ((2, 3, 7),)),
    "permuted": Case(lambda x: x.permute(0, 3, 1, 2) + 1, (MAP,)),
    "nearest": Case(lambda x: F.interpolate(x, scale_factor=2, mode="nearest"), (MAP,)),
    "matmul": Case(lambda a, b: torch.bmm(a, b), ((2, 3, 8), (2, 8, 4))),
    "tanh_permuted": Case(lambda x: torch.tanh(x.permute(0, 2, 1, 3)), ((1, 5, 4, 6),), (), SMALLEST),
    "add_wide": Case(lambda a, b: a + b * 0.3, (MAP, MAP), quantization="a16w8"),
    "tanh_wide": Case(lambda x: torch.tanh(x.permute(0, 2, 1, 3)), (MAP,), (), SMALLEST, "a16w8"),
}


class Model(nn.Module):
    """A case as a module."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList(make() for make in case.layers)
        self._forward = case.forward

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The case's own."""
        return self._forward(*inputs, *self.layers)


def make(name: str, case: Case) -> None:
    """Write the files of a case."""
    model = Model(case).eval()
    samples = tuple(tuple(torch.randn(shape) for shape in case.inputs) for _ in range(2))
    program = torch.export.export(model, samples[0])
    for accelerator in case.accelerators:
        system, mode = SYSTEMS[accelerator.rpartition("-")[0]]
        spec = EthosUCompileSpec(accelerator, system_config=system, memory_mode=mode)
        with tempfile.TemporaryDirectory() as folder:
            spec.dump_intermediate_artifacts_to(folder)
            quantized = quantize(program, spec, case.quantization, samples, samples[0])
            lowered = lowering.lower(quantized.program, spec, Path(folder), lambda: None)
            (graph,) = lowering.tosa_graphs(lowered).values()
        (FOLDER / f"{name}.tosa").write_bytes(graph)
        (FOLDER / f"{name}-{accelerator}.pte").write_bytes(lowering.emit(lowered.edge).buffer)


def main() -> None:
    """All of them."""
    for name, case in CASES.items():
        make(name, case)


if __name__ == "__main__":
    main()
