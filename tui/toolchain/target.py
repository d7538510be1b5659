"""A target: what a program is compiled for."""

import msgspec

from tui.toolchain import boards
from tui.toolchain.boards import Board

UNKNOWN = "unknown"
"""Name of a part of a target that nobody told: of a log."""


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accelerator configuration, system config and memory mode, as Vela names them."""

    accelerator: str = boards.DEFAULT.npu.default_accelerator
    system_config: str = boards.DEFAULT.npu.default_system_config
    memory_mode: str = boards.DEFAULT.npu.default_memory_mode

    @property
    def board(self) -> Board:
        """The board that has the accelerator."""
        return boards.of(self.accelerator)

    @property
    def is_known(self) -> bool:
        """False for the target of a log that does not tell it."""
        return self.accelerator != UNKNOWN

    @property
    def is_complete(self) -> bool:
        """False where a part of it is not known."""
        return UNKNOWN not in (self.accelerator, self.system_config, self.memory_mode)

    @property
    def is_cpu(self) -> bool:
        """True for a target without an NPU."""
        return self.accelerator in boards.CPU_TARGETS

    @property
    def macs(self) -> int:
        """8-bit multiply-accumulates of the NPU a cycle, the last field of the accelerator's name.

        0 without an NPU, and where it is not known.
        """
        return 0 if self.is_cpu or not self.is_known else int(self.accelerator.rsplit("-", 1)[-1])


def on_board_of(accelerator: str, system_config: str | None = None, memory_mode: str | None = None) -> Target:
    """A target with the defaults of its accelerator's board for what is None."""
    npu = boards.of(accelerator).npu
    return Target(accelerator, system_config or npu.default_system_config, memory_mode or npu.default_memory_mode)


NOT_KNOWN = Target(UNKNOWN, UNKNOWN, UNKNOWN)
"""The target of a log that does not tell it."""
