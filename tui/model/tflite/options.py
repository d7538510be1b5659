"""Options of TensorFlow Lite's operators, as far as the simulator's kernels look at them."""

import importlib
from collections.abc import Mapping
from typing import Any

FUSED = {"fused_activation_function": "FusedActivationFunction"}
FIELDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "ADD": ("AddOptions", FUSED),
    "ARG_MAX": ("ArgMaxOptions", {}),
    "CONCATENATION": ("ConcatenationOptions", {"axis": "Axis", **FUSED}),
    "DIV": ("DivOptions", FUSED),
    "FULLY_CONNECTED": ("FullyConnectedOptions", {**FUSED, "weights_format": "WeightsFormat"}),
    "GATHER": ("GatherOptions", {"axis": "Axis", "batch_dims": "BatchDims"}),
    "LEAKY_RELU": ("LeakyReluOptions", {"alpha": "Alpha"}),
    "MEAN": ("ReducerOptions", {"keep_dims": "KeepDims"}),
    "MUL": ("MulOptions", FUSED),
    "PACK": ("PackOptions", {"axis": "Axis"}),
    "REDUCE_MAX": ("ReducerOptions", {"keep_dims": "KeepDims"}),
    "REDUCE_MIN": ("ReducerOptions", {"keep_dims": "KeepDims"}),
    "SOFTMAX": ("SoftmaxOptions", {"beta": "Beta"}),
    "SPLIT": ("SplitOptions", {}),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        {
            "begin_mask": "BeginMask",
            "end_mask": "EndMask",
            "ellipsis_mask": "EllipsisMask",
            "new_axis_mask": "NewAxisMask",
            "shrink_axis_mask": "ShrinkAxisMask",
        },
    ),
    "SUB": ("SubOptions", FUSED),
    "SUM": ("ReducerOptions", {"keep_dims": "KeepDims"}),
    "UNPACK": ("UnpackOptions", {"axis": "Axis"}),
}
"""By operator: the table of its options, and the accessor of each of its fields."""

DEFAULTS: Mapping[str, Any] = {"beta": 1.0}
"""Values where an operator comes without its table of options; any other is zero."""


def read(name: str, table: Any) -> dict[str, Any]:
    """The options of the operator `name` from its union `table`, which is None where it has none."""
    if name not in FIELDS:
        return {}
    kind, fields = FIELDS[name]
    if table is None:
        return {field: DEFAULTS.get(field, 0) for field in fields}
    options = getattr(importlib.import_module(f"ethosu.vela.tflite.{kind}"), kind)()
    options.Init(table.Bytes, table.Pos)
    return {field: getattr(options, accessor)() for field, accessor in fields.items()}
