"""ExecuTorch's Cortex-M flow: the model for the CPU alone, as a baseline, with kernels that call CMSIS-NN.

As aot_arm_compiler does for ``-t cortex-m85``; the model has to be in the channels-last layout.
"""

from collections.abc import Sequence

import torch
from executorch.backends.cortex_m.edge_compile_config import cortex_m_edge_compile_config
from executorch.backends.cortex_m.passes.cortex_m_pass_manager import CortexMPassManager
from executorch.backends.cortex_m.quantizer.quantizer import CortexMQuantizer
from executorch.backends.cortex_m.target_config import CortexMTargetConfig
from executorch.exir import to_edge_transform_and_lower
from torch.export import ExportedProgram

from tui.compile.inputs import Inputs
from tui.compile.lowering import Lowering
from tui.compile.progress import Report, silent
from tui.compile.quantization import Quantized, convert


def quantize(
    program: ExportedProgram, calibration: Sequence[Inputs], example: Inputs, report: Report = silent
) -> Quantized:
    """Quantize a program to int8, in the form that CMSIS-NN's kernels take."""
    return convert(program, CortexMQuantizer(), calibration, example, report)


def lower(program: ExportedProgram, cpu: str) -> Lowering:
    """Replace operators by Cortex-M kernels where they exist; nothing is delegated."""
    edge = to_edge_transform_and_lower(program, compile_config=cortex_m_edge_compile_config())
    config = CortexMTargetConfig.from_target_string(cpu)
    passes = CortexMPassManager(edge.exported_program(), target_config=config)
    with torch.no_grad():
        edge._edge_programs["forward"] = passes.transform()
    return Lowering(edge=edge)
