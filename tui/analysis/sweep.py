"""Sweeps: a model is lowered once, and estimated by Vela on many configurations."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from tui.compile import vela_runs
from tui.compile.graph.origins import TOSA
from tui.errors import UsageError
from tui.run import spec, store
from tui.run.figures import Estimate, Figure
from tui.run.spec import Limits
from tui.toolchain.target import Target

SCHEMA_VERSION = 1


class Point(Figure):
    """A configuration and Vela's estimate for it; `reason` says why there is none."""

    target: str
    memory_mode: str
    system_config: str
    total_cycles: int | None = None
    npu_cycles: int | None = None
    inference_ms: float | None = None
    sram_kib: float | None = None
    dram_kib: float | None = None
    flash_kib: float | None = None
    ok: bool = True
    """True if there is an estimate, and it keeps the limits."""
    reason: str | None = None

    @property
    def configuration(self) -> Target:
        """The configuration as a spec has it."""
        return Target(self.target, self.system_config, self.memory_mode)


class Sweep(Figure, frozen=True, kw_only=True):
    """All points of a model, the fastest, and the one with the fewest MACs that keeps the limits.

    It is what ``sweep --json`` prints.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    points: tuple[Point, ...] = ()
    best: Point | None = None
    cheapest: Point | None = None


def grid(accelerators: Iterable[str], memory_modes: Iterable[str], system_configs: Iterable[str]) -> list[Target]:
    """Check and combine the names into targets.

    Raises:
        UsageError: a name is not one of Vela's, or there is none.
    """
    found = [
        Target(accelerator, system, mode)
        for system, mode, accelerator in itertools.product(system_configs, memory_modes, accelerators)
    ]
    if not found:
        raise UsageError("a sweep needs at least one target, memory mode and system config")
    for target in found:
        spec.check_target(target)
        if target.is_cpu:
            raise UsageError(f"{target.accelerator} has no NPU to estimate", "fvp-tui compile --target cortex-m85")
    return found


def graphs(directory: Path) -> list[Path]:
    """The lowered graphs of a run, one for each partition."""
    return sorted((directory / store.ARTIFACTS / "vela").glob(f"*/{TOSA}"))


def points(lowered: Sequence[Path], targets: Sequence[Target]) -> Iterator[tuple[int, Point]]:
    """Estimate the targets: the place and the point of each, as they become known."""
    with vela_runs.Workers() as workers:
        for at, found in workers.estimates(lowered, targets):
            yield at, _point(targets[at], found)


def _point(target: Target, found: Estimate | str) -> Point:
    point = Point(target=target.accelerator, memory_mode=target.memory_mode, system_config=target.system_config)
    if isinstance(found, str):
        return msgspec.structs.replace(point, ok=False, reason=found)
    return msgspec.structs.replace(
        point,
        total_cycles=found.total_cycles,
        npu_cycles=found.npu_cycles,
        inference_ms=found.inference_ms,
        sram_kib=found.sram_kib,
        dram_kib=found.dram_kib,
        flash_kib=found.flash_kib,
    )


def weighed(point: Point, limits: Limits) -> Point:
    """Weigh a point against the limits: it keeps them, or says which it breaks."""
    if point.total_cycles is None:
        return point
    broken = list(_broken(point, limits))
    return msgspec.structs.replace(point, ok=not broken, reason="; ".join(broken) or None)


def _broken(found: Point, limits: Limits) -> Iterator[str]:
    checks = (
        ("cycles", found.total_cycles, limits.npu_cycles),
        ("ms", found.inference_ms, limits.inference_ms),
        ("KiB SRAM", found.sram_kib, limits.sram_kib),
    )
    for unit, value, limit in checks:
        if limit is not None and (value is None or value > limit):
            yield f"{'not known' if value is None else f'{value:,g}'} {unit}, the limit is {limit:,g}"


def result(model: str, found: Iterable[Point]) -> Sweep:
    """Gather points, with the best and the cheapest of those that keep the limits; none where no point does."""
    taken = tuple(found)
    good = [point for point in taken if point.ok and point.inference_ms is not None]
    return Sweep(
        model=model,
        points=taken,
        best=min(good, key=lambda p: (p.inference_ms, p.configuration.macs), default=None),
        cheapest=min(good, key=lambda p: (p.configuration.macs, p.sram_kib or 0, p.inference_ms), default=None),
    )
