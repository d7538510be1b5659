"""Element types that the firmware's kernels take where ATen's take more: by them a program ends in an assertion.

Sources: ExecuTorch 1.1's backends/cortex_m/ops/op_*.cpp and cortex_m_ops_common.h (the image has exactly that
release's kernels of Cortex-M, and the texts of their checks), kernels/quantized/cpu/op_{de,}quantize.cpp, and
backends/arm/runtime/EthosUBackend.cpp for what the NPU's part is given. Kernels of ATen's own names take all that
ATen's take, of the types a program can hold here.
"""

from collections.abc import Mapping

INT8 = frozenset({"int8"})
FLOAT = frozenset({"float32"})
FLOATS = frozenset({"float16", "float32", "float64"})
QUANTIZED = frozenset({"uint8", "int8", "int16", "int32"})

NPU = frozenset({"int8", "int16", "int32", "bool"})
"""Types the Ethos-U backend hands over: uint8 only later releases do."""

KERNELS: Mapping[str, Mapping[int, frozenset[str]]] = {
    "cortex_m::quantize_per_tensor.out": {0: FLOAT, 6: INT8},
    "cortex_m::dequantize_per_tensor.out": {0: INT8, 6: FLOAT},
    "cortex_m::quantized_add.out": {0: INT8, 4: INT8, 11: INT8},
    "cortex_m::quantized_mul.out": {0: INT8, 2: INT8, 7: INT8},
    "cortex_m::minimum.out": {0: INT8, 1: INT8, 2: INT8},
    "cortex_m::maximum.out": {0: INT8, 1: INT8, 2: INT8},
    "cortex_m::quantized_linear.out": {0: INT8, 1: INT8, 11: INT8},
    "cortex_m::softmax.out": {0: INT8, 7: INT8},
    "cortex_m::transpose.out": {0: INT8, 2: INT8},
    "cortex_m::quantized_conv2d.out": {0: INT8, 1: INT8, 12: INT8},
    "cortex_m::quantized_depthwise_conv2d.out": {0: INT8, 1: INT8, 13: INT8},
    "cortex_m::quantized_avg_pool2d.out": {0: INT8, 7: INT8},
    "quantized_decomposed::quantize_per_tensor.out": {0: FLOATS, 6: QUANTIZED},
    "quantized_decomposed::dequantize_per_tensor.out": {0: QUANTIZED, 7: FLOATS},
}
"""Types a tensor may have, by kernel and argument of its schema; a tensor that is left out may have any."""
