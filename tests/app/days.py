"""Three days of runs: models, targets, options and outcomes of all kinds."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from tests.app import fakes
from tui.run import events
from tui.run.events import Event
from tui.toolchain import boards
from tui.toolchain.target import Target, on_board_of


def estimated(cycles: int, what: Iterable[Event], before: int = 0) -> list[Event]:
    """The events with other estimates: all operators scaled to `before`, and the first one then to the whole."""

    def other(event: Event) -> Event:
        if not isinstance(event, events.Estimated):
            return event
        changes = {"total_cycles": cycles, "npu_cycles": cycles, "inference_ms": cycles / 1e6}
        scale = (before or cycles) / 4_321
        scaled = [
            msgspec.structs.replace(one, total_cycles=round((one.total_cycles or 0) * scale), module=one.name)
            for one in event.operators
        ]
        rest = cycles - sum(one.total_cycles or 0 for one in scaled[1:])
        scaled[0] = msgspec.structs.replace(scaled[0], total_cycles=max(rest, 0), line="model.py:12")
        estimate = msgspec.structs.replace(event.estimate, **changes)
        return msgspec.structs.replace(event, estimate=estimate, operators=tuple(scaled))

    return [other(event) for event in what]


def run(
    at: str,
    model: str,
    token: str,
    cycles: int = 0,
    kind: str = "match",
    macs: int = 256,
    before: int = 0,
    **spec: object,
) -> Path:
    """A run that began `at` day and time of November 2026, and how it ended."""
    accelerator = f"ethos-u85-{macs}"
    target = Target(accelerator=accelerator, memory_mode=str(spec.pop("memory", "Sram_Only")))
    name = f"202611{at}-{model}-u85-{macs}-{token}"
    request = fakes.spec_of(f"sample:{model}", target=target, **spec)
    begun = fakes.begun(name, request, alive=kind == "running")
    match kind:
        case "failed":
            stage = [
                events.StageStarted(t=fakes.T0, stage="lower"),
                events.StageFinished(t=fakes.T0 + 3, stage="lower", status="failed", seconds=3, reason="not quantized"),
            ]
            reason = "lower: aten.atan2 has a float input that was not quantized"
            what = [*stage, *fakes.finished("failed", reason, "quantize the whole model", 1)]
        case "stopped":
            what = [*fakes.compiled()[:5], *fakes.finished("stopped", "stopped by the user")]
        case "lost" | "running":
            what = fakes.compiled()[:7]
        case "compiled":
            what = [*estimated(cycles, fakes.compiled()), *fakes.finished()]
        case _:
            ran = [*fakes.booted(), *fakes.inferred((cycles,)), *fakes.checked(kind), *fakes.finished()]
            what = [*estimated(cycles, fakes.compiled(), before), *ran]
    return fakes.make(name, request, [*begun, *what])


def three_days() -> None:
    """The runs."""
    for number, cycles in enumerate((8_100, 7_410, 6_830, 6_830)):
        run(f"21-1{number}0200", "digits", f"a10{number}", cycles)
    run("22-111200", "digits", "b100", 6_830)
    run("22-154000", "split", "b101", 14_100)
    run("22-160200", "split", "b102", 13_400)
    run("22-173100", "mobilenet_v2", "b103", 1_610_000, memory="Shared_Sram")
    run("22-175500", "mobilenet_v2", "b104", kind="lost", memory="Shared_Sram")
    run("22-182000", "digits", "b105", 6_830)
    run("23-001200", "digits", "c100", 6_160)
    run("23-004000", "split", "c101", kind="failed", macs=128)
    run("23-005100", "digits", "c102", kind="stopped", macs=512)
    run("23-005800", "digits", "c103", 6_160)
    run("23-011600", "split", "c104", 13_400)
    run("23-013100", "resnet8", "a266", 92_194)
    run("23-013200", "resnet8", "c105", 170_400, kind="compiled", macs=128)
    run("23-013600", "resnet8", "d582", 83_652, kind="mismatch", before=92_194, channels_last=True)
    run("23-021300", "resnet8", "c106", kind="running", macs=512)


def two_families() -> tuple[Path, Path]:
    """Runs of one model on an Ethos-U55 and on an Ethos-U85 that is twice as large and has twice the clock."""
    found = []
    for accelerator, cycles, clock in (("ethos-u55-128", 36_480, 5e8), ("ethos-u85-256", 20_912, 1e9)):
        request = fakes.spec_of("sample:resnet8", target=on_board_of(accelerator))
        name = f"20261123-023000-resnet8-{accelerator.removeprefix('ethos-')}-e{accelerator[-3:]}"
        what = [_clocked(event, clock) for event in estimated(cycles, fakes.compiled())]
        inferred = [_counted(event, boards.of(accelerator).npu) for event in fakes.inferred((cycles + 12,))]
        ran = [*fakes.booted(), *inferred, *fakes.checked(), *fakes.finished()]
        begun = [_clocked(event, clock) for event in fakes.begun(name, request)]
        found.append(fakes.make(name, request, [*begun, *what, *ran]))
    return found[0], found[1]


def _clocked(event: Event, hz: float) -> Event:
    if isinstance(event, events.RunStarted):
        return msgspec.structs.replace(event, clock_hz=hz)
    if not isinstance(event, events.Estimated):
        return event
    cycles = event.estimate.total_cycles or 0
    estimate = msgspec.structs.replace(event.estimate, inference_ms=1000 * cycles / hz, core_clock_hz=hz)
    return msgspec.structs.replace(event, estimate=estimate)


def _counted(event: Event, npu: boards.Npu) -> Event:
    """The event with counters in the names of that NPU."""
    if not isinstance(event, events.InferenceFinished):
        return event
    names = (npu.pmu.sram_reads, npu.pmu.external_reads, npu.pmu.mac_active)
    pmu = {name.removeprefix(boards.PMU_PREFIX): count for name, count in zip(names, (1_234, 567, 8_900), strict=True)}
    return msgspec.structs.replace(event, inference=msgspec.structs.replace(event.inference, pmu=pmu))
