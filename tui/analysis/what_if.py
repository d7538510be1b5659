"""Questions to Vela about a run: other targets for its graphs, and a newer Vela; with the answer that advice needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from tui.run.figures import Estimate
from tui.run.spec import Spec
from tui.toolchain.target import Target


@dataclass(frozen=True)
class NewerVela:
    """NPU cycles of the run's graphs compiled by its own Vela and by a newer one, by the simulator's model."""

    version: str
    before: int
    after: int


@dataclass(frozen=True)
class WhatIf:
    """Estimates of the run's graphs for other targets, and by a newer Vela, where one is at hand."""

    targets: Mapping[Target, Estimate] = field(default_factory=dict)
    newer: NewerVela | None = None


def others(spec: Spec, accelerators: Sequence[str]) -> list[Target]:
    """Targets that the rules need estimates of: other memory modes, and the next smaller NPU."""
    target = spec.target
    modes = target.board.npu.memory_modes
    targets = [msgspec.structs.replace(target, memory_mode=mode) for mode in modes if mode != target.memory_mode]
    smaller = [name for name in accelerators if Target(name).macs < target.macs]
    if smaller:
        next_smaller = max(smaller, key=lambda name: Target(name).macs)
        targets.append(msgspec.structs.replace(target, accelerator=next_smaller))
    return targets
