"""The simulator: a program of its own (``fvp-sim``) with the FVP's command line, which executes a .pte by itself.

cli              the FVP's grammar and its end: limits, statistics, exit status
parameters       the -C parameters it knows
executor_runner  what ExecuTorch's arm_executor_runner does and prints
interpreter      the execution plan: instructions and values
cpu_kernels      CPU operators
cycle_model      cycle figures of a delegate
delegate         the Ethos-U backend: a delegate's blob, its tensors in NPU memory
ethosu85/        the NPU
firmware/        the firmware engine: Arm's prebuilt runner on QEMU, with this NPU
"""
