"""Diagnostics: why an operator is on the CPU or a stage failed, at which line of the model, and what to do about it.

delegation           operators on NPU and CPU, and the reasons
causes               root causes of operators in float
hints                hints by ExecuTorch's reason and by operator
replacements         code to write instead of an operator
u55_hints            hints for what the smaller set of operators lacks
failures             a failed stage in one line
model_errors         hints for exceptions of a model's own code
dependency_cycles    partitions that cannot be cut out
dropped_outputs      outputs that Vela drops
kv_caches            buffers that ExecuTorch fails on
recurrent            recurrent layers that are unrolled
"""
