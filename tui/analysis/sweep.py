"""Sweeps: a model is lowered once, and estimated by Vela on many configurations."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tui.compile import vela_runs
from tui.compile.graph.origins import TOSA
from tui.compile.lending import VELA
from tui.compile.vela_report import PARTS
from tui.compile.vela_runs import DIED, Answer
from tui.errors import UsageError, UserError
from tui.run import spec, store
from tui.run.figures import Figure
from tui.run.spec import Limits, Spec
from tui.toolchain import boards, toolchains, vela
from tui.toolchain.target import Target
from tui.toolchain.toolchains import Toolchain

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
    macs: int | None = None
    """Multiply-accumulates of the model's operators on the NPU."""
    memory: str | None = None
    """Vela's name of the memory that limits the most cycles; None where none limits any, or Vela does not tell."""
    memory_share: float | None = None
    """Share of the cycles in operators that a memory limits, 0..1."""
    ok: bool = True
    """True if there is an estimate, and it keeps the limits."""
    reason: str | None = None
    vela: str | None = None
    """The version of Vela, where several compilers were asked for."""
    simulated_cycles: int | None = None
    """Cycles with waiting for memory by the simulator's model of the commands, where several compilers were asked for:
    the estimates of two Velas are of different models."""
    toolchain: str | None = None
    """The toolchain, as the user calls it, where several were asked for."""

    @property
    def judged_cycles(self) -> int | None:
        """The cycles that are compared with those of other points."""
        return self.total_cycles if self.vela is None else self.simulated_cycles

    @property
    def judged_ms(self) -> float | None:
        """The time of those cycles."""
        if self.vela is None or not self.total_cycles or self.inference_ms is None:
            return self.inference_ms
        return None if self.simulated_cycles is None else self.inference_ms * self.simulated_cycles / self.total_cycles

    @property
    def configuration(self) -> Target:
        """The configuration as a spec has it."""
        return Target(self.target, self.system_config, self.memory_mode)

    @property
    def utilization(self) -> float | None:
        """Share of the MAC array's peak that is used, 0..1."""
        peak = (self.total_cycles or 0) * self.configuration.macs
        return self.macs / peak if self.macs is not None and peak else None


class Sweep(Figure, frozen=True, kw_only=True):
    """All points of a model, the fastest, and the one with the fewest MACs that keeps the limits.

    It is what ``sweep --json`` prints.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    points: tuple[Point, ...] = ()
    best: Point | None = None
    cheapest: Point | None = None


def grid(
    accelerators: Iterable[str],
    memory_modes: Sequence[str] = (),
    system_configs: Sequence[str] = (),
    ethosu: str | None = None,
) -> list[Target]:
    """Check and combine the names into targets; a family of NPUs stands for all its sizes.

    A system config is for its own family only. Where none is named for a family, it has the default one; without
    memory modes, it has all of its own. `ethosu` is the folder of another Python's Vela, where that is meant.

    Raises:
        UsageError: a name is not one of Vela's, or there is none.
    """
    named = list(dict.fromkeys(name for one in accelerators for name in _sizes(one)))
    targets = []
    for npu in dict.fromkeys(boards.of(name).npu for name in named):
        sizes = [name for name in named if boards.of(name).npu is npu]
        own = [system for system in system_configs if boards.npu_of(system) is npu] or [npu.default_system_config]
        modes = memory_modes or npu.memory_modes
        targets += [Target(size, system, mode) for system, mode, size in itertools.product(own, modes, sizes)]
    if not targets:
        raise UsageError("a sweep needs at least one target, memory mode and system config")
    for target in targets:
        spec.check_names(target, ethosu)
        if target.is_cpu:
            raise UsageError(f"{target.accelerator} has no NPU to estimate", f"compile --target {target.accelerator}")
    for system in system_configs:
        if system not in {target.system_config for target in targets}:
            spec.check_names(msgspec.structs.replace(targets[0], system_config=system), ethosu)
    return targets


def _sizes(name: str) -> tuple[str, ...]:
    """The sizes of a family, by its name; any other name is that of a size."""
    return next((npu.accelerators for npu in boards.NPUS if npu.accelerator == name), (name,))


def lowered_alike(targets: Sequence[Target]) -> list[list[int]]:
    """The places of targets that get the same graphs, together."""
    places: dict[str, list[int]] = {}
    for at, target in enumerate(targets):
        places.setdefault(target.board.npu.profile, []).append(at)
    return list(places.values())


def lowering(request: Spec, targets: Sequence[Target]) -> Spec:
    """Make the spec of the run that lowers a model for targets that take the same graphs.

    The limits are for the points: what the run itself estimates is only one of them.

    Raises:
        UsageError: it cannot run.
    """
    ethosu = toolchains.of(request.toolchain).ethosu
    target = next((one for one in targets if spec.contradiction_in(one, ethosu) is None), targets[0])
    return spec.check(msgspec.structs.replace(request, target=target, limits=Limits()))


def graphs(directory: Path) -> list[Path]:
    """The graphs that Vela was given in a run: one for each partition, or a whole network."""
    folder = directory / store.ARTIFACTS / "vela"
    return sorted((*folder.glob(f"*/{TOSA}"), *folder.glob(f"*/{Path(TOSA).stem}.tflite")))


def vela_of(directory: Path) -> Toolchain:
    """The toolchain that lowered a run, whose Vela estimates its graphs; this Python where that is gone."""
    lowered = store.load_spec(directory)
    try:
        return toolchains.of(lowered.toolchain if lowered is not None else None)
    except UserError:
        return toolchains.own()


@dataclass(frozen=True)
class Compiler:
    """A compiler among several: a toolchain, as the user calls it, and a version of Vela; None for the default one."""

    toolchain: str | None = None
    vela: str | None = None


def points(
    directory: Path, targets: Sequence[Target], compiler: Compiler | None = None, vela: str | None = None
) -> Iterator[tuple[int, Point]]:
    """Estimate the targets for a run's graphs: the place and the point of each, as they become known.

    With a `compiler` that is one of several, the commands it makes are simulated, too. `vela` is the version of Vela
    where that names none; None is the toolchain's.

    Raises:
        UserError: this version cannot be had.
    """
    places, toolchain = [], vela_of(directory)
    for at, target in enumerate(targets):
        contradiction = spec.contradiction_in(target, toolchain.ethosu)
        if contradiction is None:
            places.append(at)
        else:
            yield at, refused(target, contradiction.what)
    version = (compiler.vela if compiler is not None else None) or vela or toolchain.packages.get(VELA)
    with vela_runs.Workers(toolchain, vela=version, streams=compiler is not None) as workers:
        for n, answer in workers.answers(graphs(directory), [targets[at] for at in places]):
            point = _point(targets[places[n]], answer)
            if compiler is not None:
                cycles = simulated_cycles(point.configuration, answer.streams)
                point = msgspec.structs.replace(
                    point, vela=version, simulated_cycles=cycles, toolchain=compiler.toolchain
                )
            yield places[n], point


def simulated_cycles(target: Target, streams: Sequence[bytes]) -> int | None:
    """Cycles of command streams by the simulator's model; None where there is none."""
    # With numpy, which a sweep by one Vela does without.
    from tui.simulator import cycle_model, npu
    from tui.simulator.ethosu import timeline
    from tui.simulator.ethosu.errors import CommandStreamError

    if not streams:
        return None
    try:
        ports = cycle_model.ports(vela.memory_system(target.system_config, target.memory_mode))
        parsed = [npu.parse(stream) for stream in streams]
        return sum(timeline.end(stream, npu.estimate(stream, ports)) for stream in parsed)
    except (CommandStreamError, vela.VelaMissing):
        return None


def refused(target: Target, reason: str) -> Point:
    """Make the point of a target that has no estimate."""
    return msgspec.structs.replace(_unknown(target), ok=False, reason=reason)


def _unknown(target: Target) -> Point:
    return Point(target=target.accelerator, memory_mode=target.memory_mode, system_config=target.system_config)


def _point(target: Target, answer: Answer) -> Point:
    point = _unknown(target)
    estimate = answer.estimate
    if estimate is None:
        return refused(target, answer.reason or DIED)
    waits = {name: cycles for name, cycles in answer.limits.items() if name not in PARTS.values() and cycles}
    cycles = sum(answer.limits.values())
    return msgspec.structs.replace(
        point,
        total_cycles=estimate.total_cycles,
        npu_cycles=estimate.npu_cycles,
        inference_ms=estimate.inference_ms,
        sram_kib=estimate.sram_kib,
        dram_kib=estimate.dram_kib,
        flash_kib=estimate.flash_kib,
        macs=estimate.macs,
        memory=max(waits, key=lambda name: waits[name], default=None),
        memory_share=sum(waits.values()) / cycles if cycles else None,
    )


def weighed(point: Point, limits: Limits) -> Point:
    """Weigh a point against the limits: it keeps them, or says which it breaks."""
    if point.total_cycles is None:
        return point
    broken = list(_broken(point, limits))
    return msgspec.structs.replace(point, ok=not broken, reason="; ".join(broken) or None)


def _broken(point: Point, limits: Limits) -> Iterator[str]:
    checks = (
        ("cycles", point.judged_cycles, limits.npu_cycles),
        ("ms", point.judged_ms, limits.inference_ms),
        ("KiB SRAM", point.sram_kib, limits.sram_kib),
    )
    for unit, value, limit in checks:
        if limit is not None and (value is None or value > limit):
            text = "unknown" if value is None else f"{value:,.7g}"
            yield f"{text} {unit}, the limit is {limit:,.7g}"


def result(model: str, points: Iterable[Point]) -> Sweep:
    """Gather points, with the best and the cheapest of those that keep the limits; none where no point does."""
    gathered = tuple(points)
    good = [point for point in gathered if point.ok and point.judged_ms is not None]
    return Sweep(
        model=model,
        points=gathered,
        best=min(good, key=lambda p: (p.judged_ms, p.configuration.macs), default=None),
        cheapest=min(good, key=lambda p: (p.configuration.macs, p.sram_kib or 0, p.judged_ms), default=None),
    )
