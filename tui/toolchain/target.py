"""A target: what a program is compiled for."""

import msgspec

CPU_TARGETS = ("cortex-m85",)
"""Targets without an NPU: a baseline, to be compiled and looked at."""


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accelerator configuration, system config and memory mode, as Vela names them."""

    accelerator: str = "ethos-u85-256"
    system_config: str = "Ethos_U85_SYS_DRAM_Mid"
    memory_mode: str = "Sram_Only"

    @property
    def is_cpu(self) -> bool:
        """Whether it has no NPU."""
        return self.accelerator in CPU_TARGETS

    @property
    def macs(self) -> int:
        """8-bit multiply-accumulates of the NPU a cycle, the last field of the accelerator's name; 0 without an NPU."""
        return 0 if self.is_cpu else int(self.accelerator.rsplit("-", 1)[-1])
