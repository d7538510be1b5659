"""The simulator: a program of its own (``fvp-sim``) with the FVP's command line, which executes a .pte by itself.

__main__         ``python -m tui.simulator``
cli              the FVP's grammar and its end: limits, statistics, exit status
identity         the board it is of
parameters       the -C parameters it knows
executor_runner  what ExecuTorch's arm_executor_runner does and prints
signals          the signals that end a simulation
standard_input   lines of standard input
verification     test cases of bundled programs
interpreter      the execution plan: instructions and values
cpu_kernels      CPU operators
tflite_kernels   CPU operators of TensorFlow Lite
cycle_model      cycle figures of a delegate
trace            the timeline of the cycle model, for ``--pmu-trace``
delegate         the Ethos-U backend: a delegate's blob, its tensors in NPU memory
miscompiled      marks of Vela's faults in a program
footprints       the bytes that each command reads and writes
npu              the NPU a command stream is for
ethosu/          the parts that all Ethos-U have in common
ethosu55/        the Ethos-U55 and Ethos-U65
ethosu85/        the Ethos-U85
firmware/        the firmware engine: Arm's prebuilt runner on QEMU, with this NPU
"""
