"""Post-training quantization through ExecuTorch (pt2e), keeping why operators stay in float."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from executorch.backends.arm.ethosu import EthosUCompileSpec
from executorch.backends.arm.quantizer import (
    EthosUQuantizer,
    get_symmetric_a16w8_quantization_config,
    get_symmetric_quantization_config,
)
from torch.export import ExportedProgram
from torch.fx import GraphModule
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer import Quantizer

from tui.compile import executorch_api, mutation, progress
from tui.compile.diagnostics import causes, recurrent
from tui.compile.diagnostics.causes import Cause
from tui.compile.graph import provenance
from tui.compile.inputs import Inputs
from tui.compile.progress import Report, silent
from tui.run.spec import Quantization


@dataclass(frozen=True)
class Quantized:
    """A quantized model."""

    module: GraphModule
    """Computes the reference."""
    program: ExportedProgram
    float_module: GraphModule
    """The float model with the same layers; where the quantizer looked at values, it still has its observers."""
    in_float: Mapping[str, Cause]
    """Causes of operators left in float, by their names in the exported program."""
    unrolled: tuple[str, ...]
    """A sentence for each recurrent layer that was unrolled."""


def quantize(
    program: ExportedProgram,
    spec: EthosUCompileSpec,
    how: Quantization,
    calibration: Sequence[Inputs],
    example: Inputs,
    report: Report = silent,
) -> Quantized:
    """Quantize a program for an NPU, symmetric and per channel.

    `how` is "int8" or "a16w8" (16-bit activations, 8-bit weights).
    """
    return convert(program, quantizer_of(spec, how), calibration, example, report)


def quantizer_of(spec: EthosUCompileSpec, how: Quantization) -> EthosUQuantizer:
    """ExecuTorch's quantizer for an NPU."""
    quantizer = EthosUQuantizer(spec)
    config = get_symmetric_quantization_config if how == "int8" else get_symmetric_a16w8_quantization_config
    quantizer.set_global(config(is_per_channel=True))
    return quantizer


def prepare(program: ExportedProgram, quantizer: Quantizer) -> tuple[GraphModule, dict[str, Cause]]:
    """The model with its observers, and causes of operators without any, by their names in the exported program."""
    # With guards, torch 2.13 adds a call_module that ExecuTorch's decomposition passes refuse.
    module = program.module(check_guards=False)
    # The module shares its buffers with the model, and constant folding runs operators: counters would count.
    with provenance.kept(), mutation.undone(module, mutation.of_module(module)):
        prepared = prepare_pt2e(module, quantizer)
    rejections = executorch_api.rejected_patterns(quantizer)
    return prepared, {} if rejections is None else causes.left_in_float(prepared, rejections)


def convert(
    program: ExportedProgram,
    quantizer: Quantizer,
    calibration: Sequence[Inputs],
    example: Inputs,
    report: Report = silent,
) -> Quantized:
    """Prepare a program with `quantizer`, calibrate it and convert it."""
    buffers = [change.name for change in mutation.of_program(program).buffers]
    with provenance.shared(), progress.watching(report):
        prepared, in_float = prepare(program, quantizer)
        # In turn, as inferences follow each other: calibration sees what they leave in buffers, which is then undone.
        for done, _ in enumerate(mutation.run(prepared, calibration, buffers)):
            report("calibration inputs", done, len(calibration))
        # Conversion changes the graph in place; the weights are shared.
        float_module = GraphModule(prepared, copy.deepcopy(prepared.graph))
        mutation.separate(float_module, buffers)
        unrolled = tuple(recurrent.unrolled(program, prepared))
        _report_scales(prepared, report)
        with mutation.undone(prepared, buffers):
            quantized = convert_pt2e(prepared)
        return Quantized(quantized, torch.export.export(quantized, example), float_module, in_float, unrolled)


def _report_scales(prepared: GraphModule, report: Report) -> None:
    """Have each observer report when its scale is computed, which takes most of the time of a conversion."""
    observers = [module for module in prepared.modules() if hasattr(module, "calculate_qparams")]
    for done, observer in enumerate(observers):
        observer.calculate_qparams = _reporting(observer.calculate_qparams, report, done, len(observers))


def _reporting(stock: Callable[..., Any], report: Report, done: int, total: int) -> Callable[..., Any]:
    def calculate(*arguments: Any, **options: Any) -> Any:
        report("scales", done, total)
        return stock(*arguments, **options)

    return calculate
