"""Outcomes of runs that are no match: faults of the compilers and limits of their formats, each by its link.

``python -m tests.networks`` fails where a run comes out otherwise: a fault that is gone leaves this table.
"""

OUTCOMES = {
    # torchao folds a BatchNorm into a convolution whose output is read elsewhere as well.
    ("densenet", "int8"): "quantized",
    ("densenet", "a16w8"): "quantized",
    # ExecuTorch loses the ReLU between a convolution and a concatenation.
    ("unet", "int8"): "lowered",
    # Vela looks two 16-bit tables up in one chain, and the NPU has room for one.
    ("lstm", "a16w8"): "platform",
    ("siamese", "a16w8"): "platform",
    # A 16-bit table has 513 points: too few for exp from -255 on, where ExecuTorch puts a mask of -inf.
    ("attention_pooling", "a16w8"): "lowered",
    # Vela drops an output that another operator of its partition reads.
    ("mobilenet_v3", "int8"): "failed",
    # Its inputs are bfloat16, which a pass of ExecuTorch's cannot convert.
    ("executorch:sdpa", "int8"): "failed",
    ("executorch:sdpa", "a16w8"): "failed",
}
"""By the name of the model and its quantization."""


def outcome(model: str, quantize: str) -> str:
    """The outcome that a run is to have."""
    return OUTCOMES.get((model, quantize), "match")
