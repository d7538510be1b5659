"""A functional model of the Arm Ethos-U85: decodes its command stream and computes what the NPU computes, bit for bit.

    stream = parse(cmd_data)
    npu = Npu(stream, weight_data)
    npu.run(scratch)

Confirmed against Arm's TOSA reference model, never against silicon: it is what the compiler holds the NPU to do.
"""

from tui.simulator.ethosu85.errors import CommandStreamError
from tui.simulator.ethosu85.npu import Npu
from tui.simulator.ethosu85.stream import Command, Stream, commands, disassemble, parse

__all__ = ["Command", "CommandStreamError", "Npu", "Stream", "commands", "disassemble", "parse"]
