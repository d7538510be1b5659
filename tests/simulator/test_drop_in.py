"""fvp-sim under the FVPs' names: ExecuTorch's own `run_corstone` starts it, and does not know the difference."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conformance import suite

# Export and lowering need gigabytes: one worker is enough for all tests that load them.
pytestmark = [
    pytest.mark.xdist_group("torch"),
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

Tensors = tuple[torch.Tensor, ...]


class Classifier(torch.nn.Module):
    """Convolution, pooling, a matrix and a table: a small part of each of the NPU's units."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.linear = torch.nn.Linear(8, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = torch.relu(self.convolution(image)).mean(dim=(2, 3))
        return torch.sigmoid(self.linear(features))


class TwoOfEach(torch.nn.Module):
    """Two inputs and two outputs of different shapes: their order has to be kept on the way there and back."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> Tensors:
        return left - right, torch.matmul(left, right.transpose(1, 2))


MODELS = {
    "one input": (Classifier, ((1, 3, 16, 16),)),
    "two of each": (TwoOfEach, ((2, 5, 7), (2, 5, 7))),
}


def quantized(module: torch.nn.Module, inputs: Tensors, spec: Any) -> Any:
    """The module quantized to int8, exported."""
    from tui.compile import quantization

    return quantization.quantize(torch.export.export(module.eval(), inputs), spec, "int8", [inputs], inputs).program


def lowered(program: Any, partitioner: Any) -> Any:
    """The program with its delegate."""
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    return to_edge_transform_and_lower(
        program, partitioner=[partitioner], compile_config=EdgeCompileConfig(_check_ir_validity=False)
    )


TARGETS = {
    "corstone-320": ("ethos-u85-128", "Ethos_U85_SYS_DRAM_Mid", "Shared_Sram"),
    "corstone-300": ("ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram"),
    "corstone-300-u65": ("ethos-u65-256", "Ethos_U65_High_End", "Dedicated_Sram_384KB"),
}
"""What a program is compiled for, by the board's name in ExecuTorch's tests."""


@pytest.mark.parametrize(
    ("name", "board"),
    [(name, "corstone-320") for name in MODELS] + [("one input", name) for name in TARGETS if name != "corstone-320"],
)
def test_run_corstone_gets_the_outputs_of_the_tosa_reference_model(
    name: str, board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from executorch.backends.arm.ethosu import EthosUCompileSpec, EthosUPartitioner
    from executorch.backends.arm.test.runner_utils import TosaReferenceModelDispatch, run_corstone
    from executorch.backends.arm.tosa.compile_spec import TosaCompileSpec
    from executorch.backends.arm.tosa.partitioner import TOSAPartitioner

    torch.manual_seed(1)
    kind, shapes = MODELS[name]
    inputs = tuple(torch.randn(shape) for shape in shapes)
    target, system_config, memory_mode = TARGETS[board]
    spec = EthosUCompileSpec(target, system_config=system_config, memory_mode=memory_mode, extra_flags=[])
    program = quantized(kind(), inputs, spec)
    executable = lowered(program, EthosUPartitioner(spec)).to_executorch()
    reference = lowered(program, TOSAPartitioner(TosaCompileSpec(spec.tosa_spec))).exported_program().module()
    with TosaReferenceModelDispatch():
        expected = reference(*inputs)

    programs = tmp_path / "bin"
    suite.link_simulator(programs)
    # Nothing else on PATH: whatever answers, it is this.
    monkeypatch.setenv("PATH", str(programs))
    runner = tmp_path / "arm_executor_runner"
    runner.write_bytes(b"fvp-sim brings its own\n")
    found = run_corstone(executable, inputs, tmp_path / "run", board, runner)

    expected = expected if isinstance(expected, tuple) else (expected,)
    assert len(found) == len(expected)
    for have, want in zip(found, expected, strict=True):
        assert len(want.unique()) > 5
        torch.testing.assert_close(have, want, rtol=0, atol=0)
