"""The simulator's second engine: Arm's ExecuTorch firmware on a Cortex-M that QEMU emulates, around the same NPU model.

engine       a run: boot, hooks, console, outputs
start        what is booted, and whether it is
preflight    whether the firmware can run a program, before it is booted
image        the firmware's symbols, kernels and pools
board        QEMU's process
memory       the guest's memory, shared with us
rsp          gdb's remote protocol, by which the guest is stopped and looked at
core         the guest's CPU while it stands still
driver       the functions of the Ethos-U driver that touch the NPU, done here
device       what the driver reads of the NPU when it starts
accelerator  the NPU model on the guest's memory, and its counters
counts       instructions executed, written as they are counted
"""
