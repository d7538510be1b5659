"""Input channels that a convolution takes the cycles of, by the NPU's family."""

from tui.toolchain import boards
from tui.toolchain.boards import Npu

CHANNEL_STEPS = {"cf": (2, 8, 16, 32), "u55": (8, 16, 32)}
"""Numbers of input channels that a convolution's are padded to, by the NPU's set of operators (`Npu.profile`).

Source: Vela 5.1 on 3x3 convolutions of 24x24 elements. Ethos-U85, 256 and 1024 MACs: 1 takes as long as 2, 3 as 8, 12
as 16, 24 as 32; above, it goes in steps of 16. Ethos-U55, 32 and 128 MACs: 1 to 8 take the same, 9 to 16 the same, 20
a third more than 32; above, it goes in steps of 32.
"""
LAST_STEP = {"cf": 16, "u55": 32}


def paid(channels: int, npu: Npu = boards.DEFAULT.npu) -> int:
    """Input channels after padding: a convolution takes the cycles of so many, or more."""
    for step in CHANNEL_STEPS[npu.profile]:
        if channels <= step:
            return step
    last = LAST_STEP[npu.profile]
    return -(-channels // last) * last
