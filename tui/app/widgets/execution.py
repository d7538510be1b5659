"""Panel: cycles and time."""

import itertools
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tui.app import ascii
from tui.app.vitals import Vitals
from tui.app.widgets.cpu_steps import CpuSteps
from tui.app.widgets.drawing import show
from tui.app.widgets.operators import OperatorsView
from tui.app.widgets.paint import bar_texts
from tui.app.widgets.panel import Panel, awaited
from tui.app.widgets.words import since
from tui.reports.execution import (
    ESTIMATORS,
    cpu_words,
    delegate_line,
    deviation_words,
    estimated_by,
    spread_words,
    statistics_words,
)
from tui.reports.format import duration, frequency, kib_words, ms, number
from tui.reports.inferring import several
from tui.reports.memory import pool_words
from tui.run.derived import npu_ms
from tui.run.figures import Earlier, Estimate, Inference, MemoryPool, Source, spread
from tui.run.state import State
from tui.text import clean, counted, printable_name
from tui.toolchain.boards import PMU_PREFIX

PROFILED = 6
"""Events of an ETDump that are shown, those of most cycles; ``show`` prints them all."""

MOST_OPERATORS = 14
"""Rows of the table of operators that figures do not take from it."""

PMU_WORDS = {
    "SRAM_RD_DATA_BEAT_RECEIVED": "SRAM reads",
    "SRAM_WR_DATA_BEAT_WRITTEN": "SRAM writes",
    "EXT_RD_DATA_BEAT_RECEIVED": "ext. reads",
    "EXT_WR_DATA_BEAT_WRITTEN": "ext. writes",
    "AXI0_RD_DATA_BEAT_RECEIVED": "AXI0 reads",
    "AXI0_WR_DATA_BEAT_WRITTEN": "AXI0 writes",
    "AXI1_RD_DATA_BEAT_RECEIVED": "AXI1 reads",
    "AXI1_WR_DATA_BEAT_WRITTEN": "AXI1 writes",
    "NPU_IDLE": "idle",
    "MAC_ACTIVE": "MAC active",
    "WD_ACTIVE": "weight decoder active",
}


class ExecutionPanel(Panel):
    """Panel of the phase in progress, NPU cycles, Vela's estimate, and the cycles of each operator."""

    TITLE = "Time"
    FIGURES: ClassVar = (
        (
            "NPU cycles",
            "Cycles the NPU spends on one inference; of several, their spread, marked VARIES above a deviation of 1 %.",
        ),
        ("ms at a clock", "NPU cycles at the clock of Vela's system config; the CPU's time is not included."),
        (
            "Vela",
            "The compiler's estimate for the same program, memory stalls included; 'Model' is the simulator's.",
        ),
        ("CPU", "CPU cycles as the FVP reports them; its core is not cycle-accurate: do not take them for time."),
        (
            "instructions",
            "Executed by the emulated CPU, counted exactly: for each step of the plan, an inference, and booting.",
        ),
        (
            "Run",
            "The platform's closing statistics: instructions, simulated time and wall time, startup included.",
        ),
        ("Pools", "Bytes used in each of the runner's memory pools, as the runner reports them."),
        (
            "PMU",
            "The NPU's event counters: beats read and written in SRAM and external memory, active cycles.",
        ),
        (
            "operator cycles",
            "Memory stalls included: they add up to Vela's total. Fused operators count with the one they belong to.",
        ),
        (
            "traced",
            "Cycles of the last inference by the platform's PMU trace, up to the next operator; 'now' is running.",
        ),
        ("ratio", "Measured cycles divided by estimated cycles."),
        ("bound", "The part of the NPU, or the memory, that needs the most cycles: the others wait for it."),
        ("MAC use", "Multiply-accumulates done, as a share of what the MAC array can do in these cycles."),
    )

    def compose(self) -> ComposeResult:
        """Progress, figures, operators, and the one under the cursor in full."""
        # The line with the clock stands alone: what is beside it in one widget would be sent anew every second.
        yield Static("", markup=False, classes="head running")
        yield Static("", markup=False, classes="head figures")
        operators = OperatorsView()
        operators.display = False
        yield operators
        steps = CpuSteps()
        steps.display = False
        yield steps

    def summary(self, state: State) -> str:
        """Cycles of the median inference, else the estimate's."""
        known = self._known(state)
        return "" if known is None else f"{number(known)} cycles"

    def brief(self, state: State) -> str:
        """Cycles, without their unit."""
        known = self._known(state)
        return "" if known is None else number(known)

    def _known(self, state: State) -> float | None:
        cycles = spread(inference.npu_cycles for inference in state.inferences)
        if cycles is not None:
            return cycles.median
        return None if state.estimate is None else state.estimate.total_cycles

    def legend(self, state: State) -> Content:
        """Source of the operators' cycles, and how to see what has no room."""
        words = []
        if state.operators:
            sources = sorted({operator.source for operator in state.operators})
            words.append(f"estimated by {estimated_by(state)}" if sources == ["estimated"] else " and ".join(sources))
        if not self.query_one(".figures").display:
            words.append("z: all figures")
        return Content("  ".join(words))

    def wanted_rows(self) -> int:
        """Count the rows of the figures and of the operators."""
        figures, operators = self.query_one(".figures", Static), self.query_one(OperatorsView)
        rows = str(figures.content).count("\n") + 1
        return rows + (operators.wanted_rows() if operators.display else 0)

    def draw(self, state: State) -> None:
        """Show the state."""
        self._draw_running(state)
        show(self.query_one(".figures", Static), _figures(state))
        self.query_one(OperatorsView).take(state.operators, state.operator_running)
        self.query_one(CpuSteps).take(state.cpu, state.step_running)
        self._make_room()

    def on_resize(self, event: Resize) -> None:
        """Show the figures where they have room."""
        self._make_room()

    def _make_room(self) -> None:
        """Show the figures where most operators have room below them, and where the panel is alone."""
        figures, operators = self.query_one(".figures", Static), self.query_one(OperatorsView)
        alone = self.screen.has_class("-zoomed") or not operators.display
        left = self.size.height - str(figures.content).count("\n") - 1
        shown = alone or left >= min(operators.wanted_rows(), MOST_OPERATORS)
        if shown != figures.display:
            figures.display = shown
            self.retitle()

    def select(self, operator: int) -> None:
        """Put the cursor on an operator."""
        self.query_one(OperatorsView).select(operator)

    def tick(self, state: State, vitals: Vitals | None) -> None:
        """Update the time of the inference so far, and the platform's CPU and memory."""
        if state.inference_since is not None:
            self._draw_running(state, vitals)

    def _draw_running(self, state: State, vitals: Vitals | None = None) -> None:
        words, line = _running(state, vitals, self.clock()), self.query_one(".running", Static)
        line.display = bool(words)
        told = Content.assemble((words, "bold $accent"))
        if (share := share_of_earlier(state, self.clock())) is not None:
            done, rest = bar_texts(share, BAR_CELLS, tracked=not (self.app.no_color or ascii.wanted()))
            told = Content.assemble((done, "$warn" if share > 1 else "$accent"), (rest, "$track"), "  ", told)
        show(line, told)


BAR_CELLS = 12
"""Cells of the bar of an inference against those of earlier runs."""
LABEL_STYLES = {"NPU": "bold $npu", "CPU": "bold $cpu", "PMU": "bold $npu"}
"""Styles of lines that tell of one of the processors."""


def _label(word: str) -> tuple[str, str]:
    return f"{word:<6}", LABEL_STYLES.get(word, "bold")


def _figures(state: State) -> Content:
    lines = [*_npu(state), *_vela(state.estimate), *_cpu(state), *_pmu(state.inferences), *_pools(state.memory)]
    return Content("\n").join(lines)


def _running(state: State, vitals: Vitals | None, now: float) -> str:
    if state.run.status != "running" or state.platform is None:
        return ""
    if state.inference_running is not None:
        taken = f", {since(state.inference_since, now)}" if state.inference_since else ""
        done = f", {len(state.inferences)} done" if state.inferences else ""
        words = f"inference {state.inference_running + 1} running{taken}{_earlier(state.earlier)}{done}"
        words += _step_running(state) + _operator_running(state) + _vitals(vitals)
    elif state.phase == "waiting":
        words = f"{len(state.inferences)} done, waiting: i infers again, I on files, s ends the session"
    else:
        words = f"platform: {clean(state.phase, 40)}" if state.phase else "platform started"
    return f"> {words}"


def share_of_earlier(state: State, now: float) -> float | None:
    """Time of the inference under way as a share of what earlier runs took; None where nothing tells.

    Of several inferences the count tells more.
    """
    known, began = state.earlier, state.inference_since
    if state.inference_running is None or known is None or began is None or not known.inference_s or several(state):
        return None
    return max(now - began, 0.0) / known.inference_s


def _earlier(earlier: Earlier | None) -> str:
    if earlier is None:
        return ""
    return f" (median of {counted(earlier.runs, 'earlier run')} {duration(earlier.inference_s)})"


def _vitals(vitals: Vitals | None) -> str:
    if vitals is None:
        return ""
    cpu = "" if vitals.cpu_percent is None else f"CPU {vitals.cpu_percent:.0f} %, "
    return f", {cpu}{vitals.resident_bytes >> 20:,} MiB"


def _operator_running(state: State) -> str:
    """Describe the NPU's progress; operators that Vela fused into others do not count."""
    at = state.operator_running
    if at is None or not at < len(state.operators):
        return ""
    own = [index for index, operator in enumerate(state.operators) if operator.commands]
    return f", NPU operator {own.index(at) + 1} of {len(own)}: {printable_name(state.operators[at].name, 40)}"


def _step_running(state: State) -> str:
    """Describe the CPU's progress in the program's plan."""
    at, steps = state.step_running, state.cpu.operators
    if at is None or not at < len(steps):
        return ""
    return f", step {at + 1} of {len(steps)}: {printable_name(steps[at].name, 40)}"


def _by(source: Source | None) -> str:
    return f"  {source}" if source else ""


def _npu(state: State) -> list[Content]:
    cycles = spread(inference.npu_cycles for inference in state.inferences)
    if not state.inferences:
        return [Content.assemble(_label("NPU"), clean(awaited(state, "infer")))]
    if cycles is None:
        why = next((note for note in state.notes if "cycles" in note), "cycles not available: see the notes")
        return [Content.assemble(_label("NPU"), clean(why, 200))]
    source = state.inferences[-1].source
    at = f" at {frequency(state.clock_hz)}" if state.clock_hz else ""
    line = Content.assemble(
        _label("NPU"),
        (number(cycles.median), "bold"),
        f" cycles  {ms(npu_ms(state, cycles.median))}{at}",
        (_by(source), "$muted"),
    )
    if len(state.inferences) == 1:
        return [line]
    varies = () if cycles.steady else (("  VARIES", "$warn"),)
    lines = [line, Content.assemble(f"      {cycles.count:,} inferences: {deviation_words(cycles)}", *varies)]
    return lines if cycles.min == cycles.max else [*lines, Content(f"      {spread_words(cycles)}")]


def _vela(estimate: Estimate | None) -> list[Content]:
    if estimate is None:
        return []
    lines = [
        Content.assemble(
            _label(ESTIMATORS[estimate.source]),
            (number(estimate.total_cycles), "bold"),
            f" cycles  {ms(estimate.inference_ms)}  (NPU alone {number(estimate.npu_cycles)})",
            ("  estimated", "$muted"),
        )
    ]
    memory = [
        f"{word} {kib_words(value)}"
        for word, value in (("SRAM", estimate.sram_kib), ("DRAM", estimate.dram_kib), ("flash", estimate.flash_kib))
        if value
    ]
    if estimate.macs is not None:
        memory.append(f"{estimate.macs:,} MACs")
    return [*lines, Content(f"      {'   '.join(memory)}")] if memory else lines


def _cpu(state: State) -> list[Content]:
    said = statistics_words(state.statistics)
    cycles = spread(inference.cpu_cycles for inference in state.inferences)
    words = []
    if cycles is not None:
        words.append(f"{number(cycles.median)} cycles per inference")
    if state.inferences and (own := state.inferences[-1].program_ms) is not None:
        words.append(f"{ms(own)} by the program's own clock")
    kernels = sorted(state.profile, key=lambda one: -one.cycles)[:PROFILED]
    if kernels:
        words.append("ETDump " + "  ".join(f"{printable_name(one.name, 40)} {one.cycles:,}" for one in kernels))
    lines = [Content.assemble(_label("CPU"), "   ".join(words))] if words else []
    if (counted := cpu_words(state.cpu)) is not None:
        lines.append(Content.assemble(_label("CPU"), counted, ("  counted", "$muted")))
    if said:
        lines.append(Content.assemble(_label("Run"), said))
    return lines


def _pools(memory: Sequence[MemoryPool]) -> list[Content]:
    """Describe the use of the pools that have a limit; the text report has all."""
    limited = [pool_words(pool) for pool in memory if pool.size is not None and pool.used is not None]
    return [Content.assemble(_label("Pools"), "   ".join(limited))] if limited else []


def _pmu(inferences: Sequence[Inference]) -> list[Content]:
    if not inferences or not inferences[-1].pmu:
        return []
    each = [Content.assemble(_label(""), delegate_line(one)) for one in inferences[-1].delegates]
    counts = {name.removeprefix(PMU_PREFIX): count for name, count in inferences[-1].pmu.items()}
    words = [f"{PMU_WORDS.get(name, printable_name(name, 40))} {count:,}" for name, count in counts.items()]
    left, right = words[::2], words[1::2]
    width = max(map(len, left))
    rows = [f"{a:{width}}  {b}".rstrip() for a, b in itertools.zip_longest(left, right, fillvalue="")]
    return [*(Content.assemble(_label("PMU" if at == 0 else ""), row) for at, row in enumerate(rows)), *each]
