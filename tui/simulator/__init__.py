"""The simulator: a program of its own (``fvp-sim``) with the FVP's command line, which executes a .pte by itself.

cli          the FVP's grammar and its end: limits, statistics, exit status
parameters   the -C parameters it knows
runner       what ExecuTorch's arm_executor_runner does and prints
interpreter  the execution plan: instructions and values
kernels      CPU operators
delegate     the Ethos-U backend: a delegate's blob, its tensors in NPU memory
ethosu85/    the NPU
"""
