"""Inferences as text: cycles and instructions, their spread, and whose figures they are."""

from collections.abc import Iterator, Sequence

from tui.reports.format import UNKNOWN, duration, kib_words, labelled, ms, number, table, time
from tui.run.derived import npu_ms
from tui.run.figures import Cpu, DelegatePmu, Inference, Spread, Statistics, spread
from tui.run.state import State
from tui.text import clean

ESTIMATORS = {"vela": "Vela", "simulator": "Model"}
"""Source of an estimate in a word: the compiler, or the simulator's cycle model."""


def estimated_by(state: State) -> str:
    """Source of the estimate, for a sentence."""
    simulated = state.estimate is not None and state.estimate.source == "simulator"
    return "the simulator's cycle model" if simulated else "Vela"


def estimate_lines(state: State) -> Iterator[str]:
    """Cycles, time and memory as estimated before the run."""
    estimate = state.estimate
    if estimate is not None:
        yield labelled(
            ESTIMATORS[estimate.source],
            f"{number(estimate.total_cycles)} cycles, {ms(estimate.inference_ms)}, {number(estimate.macs)} MACs,"
            f" SRAM {kib_words(estimate.sram_kib)}, DRAM {kib_words(estimate.dram_kib)},"
            f" flash {kib_words(estimate.flash_kib)}   (estimated)",
        )


def inference_lines(state: State) -> Iterator[str]:
    """All inferences in one line, and the newest one's PMU counters."""
    if not state.inferences:
        return
    newest = state.inferences[-1]
    source = f"   ({newest.source})" if newest.source else ""
    wall = [inference.wall_s for inference in state.inferences if inference.wall_s is not None]
    took = f", {duration(sum(wall) / len(wall))} each on this machine" if wall else ""
    cycles = inference_summary(state, state.inferences)
    yield labelled("Inferences", f"{len(state.inferences)}: {cycles}{source}{took}")
    yield from (f"  {clean(name, 60)}  {number(events)}" for name, events in newest.pmu.items())
    if newest.program_ms is not None:
        yield f"  {ms(newest.program_ms)} by the program's own clock"
    yield from (f"  {delegate_line(delegate)}" for delegate in newest.delegates)


def delegate_line(one: DelegatePmu) -> str:
    """A delegate's part of the PMU report in one line."""
    runs = f"{number(one.npu_invocations)} NPU and {number(one.backend_invocations)} backend invocations"
    counts = "".join(f", {clean(name, 60)} {number(count)}" for name, count in one.pmu.items())
    return f"delegate {one.delegate}: {number(one.npu_cycles)} NPU cycles in {runs}{counts}"


def inference_line(state: State, inference: Inference) -> str:
    """An inference in one line: its number, its cycles and their source."""
    cycles = inference.npu_cycles
    figures = f"{number(cycles)} NPU cycles"
    if cycles is not None:
        figures += f", {ms(npu_ms(state, cycles))}, {inference.source}"
    return f"inference {inference.index + 1}: {figures}"


def inference_summary(state: State, inferences: Sequence[Inference]) -> str:
    """NPU cycles of the inferences: one figure, or their spread."""
    cycles = spread(inference.npu_cycles for inference in inferences)
    if cycles is None:
        return UNKNOWN
    if cycles.min == cycles.max:
        return f"{number(cycles.min)} cycles, {ms(npu_ms(state, int(cycles.min)))}"
    return f"{spread_words(cycles)} cycles, {deviation_words(cycles)}" + ("" if cycles.steady else "  VARIES")


def spread_words(values: Spread) -> str:
    """Minimum, median, 99th percentile and maximum."""
    return (
        f"min {number(values.min)}  median {number(values.median)}  p99 {number(values.p99)}  max {number(values.max)}"
    )


def deviation_words(values: Spread) -> str:
    """Standard deviation in percent of the mean."""
    if values.min == values.max:
        return "all the same"
    return UNKNOWN if values.deviation_pct is None else f"deviation {number(values.deviation_pct, 2, '%')}"


def cpu_lines(state: State) -> Iterator[str]:
    """Instructions of an emulated CPU, and the platform's own statistics."""
    if instructions := cpu_words(state.cpu):
        yield labelled("CPU", f"{instructions}   (counted)")
    if statistics := statistics_words(state.statistics):
        yield labelled("Statistics", f"the whole run: {statistics}")


def cpu_words(cpu: Cpu) -> str | None:
    """Instructions of the newest inference, of its parts, and before it; None where none were counted."""
    newest = cpu.newest
    if newest is None or newest.execute is None:
        return None
    delegated = [step.instructions for step in cpu.operators if step.partition is not None]
    words = [f"{number(newest.execute)} instructions per inference"]
    if delegated and None not in delegated:
        words.append(f"{number(sum(count or 0 for count in delegated))} of them to start the NPU")
    if newest.boot is not None:
        words.append(f"{number(newest.boot)} to boot and load")
    return ", ".join(words)


def statistics_words(statistics: Statistics) -> str:
    """The platform's own statistics; empty where it printed none."""
    words = []
    if statistics.instructions is not None:
        words.append(f"{number(statistics.instructions)} instructions")
    if statistics.mips is not None:
        words.append(f"{number(statistics.mips, 2)} MIPS")
    if statistics.simulated_s is not None:
        words.append(f"{time(statistics.simulated_s)} simulated")
    if statistics.wall_s is not None:
        words.append(f"{duration(statistics.wall_s)} of wall time")
    return ", ".join(words)


def step_lines(state: State) -> Iterator[str]:
    """Steps of the program's plan with the instructions that the CPU executed for each."""
    steps = [step for step in state.cpu.operators if step.instructions is not None]
    if not steps:
        return
    yield labelled("CPU", "instructions per step of the program, counted")
    rows = [
        [f"  {clean(step.name, 50)}", clean(step.op, 50), number(step.instructions), clean(step.line or "")]
        for step in steps
    ]
    yield from table(rows, right=(2,))


def profile_lines(state: State) -> Iterator[str]:
    """CPU cycles of kernels and delegates, by the runner's ETDump."""
    if state.profile:
        yield labelled("ETDump", "CPU cycles counted by the runner, median of the calls")
    rows = [
        [f"  {clean(event.name, 50)}", f"x{event.calls}", number(event.cycles), clean(event.backend or "", 20)]
        for event in state.profile
    ]
    yield from table(rows, right=(1, 2))
