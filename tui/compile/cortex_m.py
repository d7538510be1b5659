"""ExecuTorch's Cortex-M flow: the model for the CPU alone, as a baseline, with kernels that call CMSIS-NN.

As aot_arm_compiler does for ``-t cortex-m85``; the model has to be in the channels-last layout.
"""

from collections.abc import Sequence

from torch.export import ExportedProgram

from tui.compile import executorch_api
from tui.compile.inputs import Inputs
from tui.compile.lowering import Lowering
from tui.compile.progress import Report, silent
from tui.compile.quantization import Quantized, convert


def quantize(
    program: ExportedProgram, calibration: Sequence[Inputs], example: Inputs, report: Report = silent
) -> Quantized:
    """Quantize a program to int8, in the form that CMSIS-NN's kernels take."""
    return convert(program, executorch_api.cortex_m_quantizer(), calibration, example, report)


def lower(program: ExportedProgram, cpu: str) -> Lowering:
    """Replace operators by Cortex-M kernels where they exist; nothing is delegated."""
    return Lowering(edge=executorch_api.lower_for_cortex_m(program, cpu))
