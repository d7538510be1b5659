"""A run of resnet8 with the operators and tensors that Vela reports for it, for pictures of its memory."""

from pathlib import Path

import msgspec

from tests.app import fakes
from tui.run import events
from tui.run.figures import Estimate, Operator, PoolNeed, TensorPlace
from tui.run.spec import Limits

TENSORS = (
    ("quantized_decomposed_quantize_per_tensor_default", None, 0, 1, 0, 3072, "NHWC"),
    ("tosa_transpose_default", "entry.0", 0, 3, 16384, 16384, "NHCWB16"),
    ("tosa_rescale_default", "entry.0", 2, 7, 0, 16384, "NHCWB16"),
    ("tosa_rescale_default_2", "stages.0.path_a.0", 4, 7, 32768, 16384, "NHCWB16"),
    ("tosa_clamp_default", "stages.0.act", 6, 11, 16384, 16384, "NHWC"),
    ("tosa_rescale_default_9", "stages.1.skip", 8, 13, 0, 8192, "NHCWB16"),
    ("tosa_rescale_default_6", "stages.1.path_a.0", 10, 13, 8192, 8192, "NHCWB16"),
    ("tosa_clamp_default_1", "stages.1.act", 12, 17, 16384, 8192, "NHWC"),
    ("tosa_rescale_default_15", "stages.2.skip", 14, 19, 0, 4096, "NHCWB16"),
    ("tosa_rescale_default_12", "stages.2.path_a.0", 16, 19, 4096, 4096, "NHCWB16"),
    ("tosa_clamp_default_2", "stages.2.act", 18, 21, 8192, 4096, "NHCWB16"),
    ("tosa_avg_pool2d_default", "pool", 20, 23, 0, 64, "NHCWB16"),
    ("tosa_reshape_default", "head", 22, 25, 64, 16, "NHWC"),
)
"""Name, module, first and last step, address, bytes, format."""
OPERATORS = (
    ("entry.0", "Transpose", 0, 8599, None, (1, 32, 32, 3)),
    ("entry.0", "Conv2D", 2, 6802, None, (1, 32, 32, 16)),
    ("stages.0.path_a.0", "Conv2D", 4, 13037, None, (1, 32, 32, 16)),
    ("stages.0.path_a.3", "Conv2D", 6, 13540, None, (1, 32, 32, 16)),
    ("stages.0", "Add", 6, 0, 3, (1, 32, 32, 16)),
    ("stages.0.act", "Clamp", 6, 0, 3, (1, 32, 32, 16)),
    ("stages.1.skip", "Conv2D", 8, 2936, None, (1, 16, 16, 32)),
    ("stages.1.path_a.0", "Conv2D", 10, 6948, None, (1, 16, 16, 32)),
    ("stages.1.path_a.3", "Conv2D", 12, 13524, None, (1, 16, 16, 32)),
    ("stages.1", "Add", 12, 0, 8, (1, 16, 16, 32)),
    ("stages.1.act", "Clamp", 12, 0, 8, (1, 16, 16, 32)),
    ("stages.2.skip", "Conv2D", 14, 3138, None, (1, 8, 8, 64)),
    ("stages.2.path_a.0", "Conv2D", 16, 7792, None, (1, 8, 8, 64)),
    ("stages.2.path_a.3", "Conv2D", 18, 14248, None, (1, 8, 8, 64)),
    ("stages.2", "Add", 18, 0, 13, (1, 8, 8, 64)),
    ("stages.2.act", "Clamp", 18, 0, 13, (1, 8, 8, 64)),
    ("pool", "AvgPool", 20, 1480, None, (1, 1, 1, 64)),
    ("head", "Conv2D", 22, 150, None, (1, 1, 1, 10)),
)
"""Name, kind, step, cycles, place of the operator it is fused into, shape of its output."""


def resnet8(name: str = "20261123-021531-resnet8-u85-256-7f3b", limit_kib: int | None = 64) -> Path:
    """A run that went well, with a limit for the SRAM."""
    request = fakes.spec_of("executorch:resnet8", limits=Limits(sram_kib=limit_kib))
    operators = tuple(
        Operator(
            name=n, module=n, op=op, time=time, total_cycles=cycles, npu_cycles=cycles, fused_into=at, ofm_shape=shape
        )
        for n, op, time, cycles, at, shape in OPERATORS
    )
    tensors = tuple(
        TensorPlace(
            name=n,
            module=module,
            memory="Sram",
            usage="OpLocal",
            start=start,
            end=end,
            address=address,
            bytes=size,
            dtype="int8",
            format=layout,
        )
        for n, module, start, end, address, size, layout in TENSORS
    )
    estimate = Estimate(
        npu_cycles=92_194,
        total_cycles=92_194,
        inference_ms=0.092194,
        macs=12_508_800,
        sram_kib=48.0,
        dram_kib=0.0,
        flash_kib=89.0625,
        core_clock_hz=1e9,
    )
    what = []
    for event in [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted(), *fakes.inferred((92_194,))]:
        if isinstance(event, events.Estimated):
            event = msgspec.structs.replace(event, estimate=estimate, operators=operators, tensors=tensors)
        what.append(event)
    needs = (
        PoolNeed(name="method_allocator", needed=15_360, available=2 << 20),
        PoolNeed(name="temp_allocator", needed=49_152, available=2 << 20),
    )
    told = [events.PoolsKnown(t=fakes.T0 + 9, pools=needs)]
    return fakes.make(name, request, [*what, *told, *fakes.checked(), *fakes.finished()])
