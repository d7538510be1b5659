"""The console parser: bytes of an FVP or of the simulator in, events out.

Every generation of ExecuTorch's runner is read by what its messages say, not by their prefix or their place, since
users patch the prefix away and sources write into each other's lines. Sources of the shapes: ExecuTorch's
examples/arm/executor_runner (arm_executor_runner.cpp, arm_perf_monitor.cpp) of releases 0.3 to 1.5, the ML Embedded
Evaluation Kit, and captured logs.
"""

import re
import time
from collections.abc import Callable

from tui.events import (
    Event,
    InferenceFinished,
    InferenceStarted,
    Level,
    Logged,
    MemoryKnown,
    Noted,
    PhaseChanged,
    StatisticsKnown,
)
from tui.figures import Inference, Source
from tui.platform.lines import Line, Message, Splitter, any_in, is_platform, level, messages
from tui.platform.report import PmuReport, ProfileReport, StatisticsBlock, memory_pool
from tui.text import clean

PHASES = ("boot", "load", "prepare", "infer", "report", "exit")

_PHASE = re.compile(
    r"(?P<load>Running executor with parameter|PTE @ |PTE in |Model in 0x|(?:PTE Model data|Model PTE file) loaded"
    r"|Model buffer loaded|Reading pte model)"
    r"|(?P<prepare>Preparing inputs|Running in semihosting server mode)"
    r"|(?P<infer>Starting running \d|Starting the model execution|Running inference\.\.\.)"
    r"|(?P<report>NPU Inferences|Ethos-U PMU report|Profile for Inference|Inference completed|\d inferences finished"
    r"|Model executed successfully|Model run: \d)"
    r"|(?P<exit>Program complete|Simulation is stopping|Simulation stopped by user|Application exit code)"
)
_COUNT = re.compile(r"Starting running (\d{1,9}) inferences|(?<!\d)(\d{1,9}) inferences finished")
_DONE = re.compile(r"\d inferences finished|Model executed successfully|SERVER_INFERENCE_DONE (\d+)")
_EXECUTED = re.compile(r"NPU Inferences|Ethos-U PMU report|\d outputs: |Inference completed")
_NOT_EXECUTED = re.compile(r"Execution of method \S+ failed|Problem running model|Inference failed")
_CPU_NOTE = "CPU cycle values and ratio calculations require"
# A cheap look at every line before the expressions above: one of these words is in all that they match.
_KEYS = (
    "nference",
    "odel",
    "PTE ",
    "Running ",
    "Preparing ",
    "Starting ",
    "PMU",
    "Program ",
    "Simulation ",
    "exit code",
    "SERVER_",
    "outputs: ",
    "method ",
    "cycle",
)
_SERVER = "Running in semihosting server mode"
_NO_CYCLES = re.compile(r"no (?:NPU )?(?:cycle model|cycles|PMU)|without (?:a )?cycle model", re.IGNORECASE)

CPU_CYCLES = "CPU cycles are what the program counted: neither FVP nor simulator is cycle accurate for the CPU"
IDLE = "no NPU cycles: all of the NPU's counters are at 0"
NO_REPORT = "no NPU cycles: the program printed no PMU report"


class Parser:
    """Incremental, and never raises: a console may hold anything. The same bytes give the same events however cut."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic, first: int = 0) -> None:
        """`source` says what the PMU figures of this platform are; `clock` gives seconds, for wall times.

        Inferences are numbered from `first`.
        """
        self._source = source
        self._first = first
        self._clock = clock
        self._lines = Splitter()
        self._phase = ""
        self._last_source = "platform"
        self._block: StatisticsBlock | None = None
        self._report = PmuReport()
        self._profile: ProfileReport | None = None
        self._reported = False
        self._running = False
        self._planned = 1
        self._started_at: float | None = None
        self._wall_s: float | None = None
        self._why_no_cycles = NO_REPORT
        self.finished = 0
        """Inferences that have ended."""
        self.served = 0
        """Inferences the runner's server mode has announced as done, their outputs written."""
        self.server_ready = False
        """Whether the runner waits in server mode for a line on its standard input."""

    @property
    def phase(self) -> str:
        """What the program was last seen doing."""
        return self._phase

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes."""
        events: list[Event] = []
        if data and not self._phase:
            self._enter("boot", events)
        for line in self._lines.feed(data):
            self._take(line, events)
        return events

    def close(self) -> list[Event]:
        """The events of what is still open: a last line without its end, a report without the words that follow it."""
        events: list[Event] = []
        for line in self._lines.close():
            self._take(line, events)
        if self._block is not None:
            self._end_block(events)
        if self._profile is not None:
            self._end_profile(events)
        if self._reported:
            self._finish(events)
        return events

    def begin(self) -> list[Event]:
        """The events of an inference that begins without the console saying so: in server mode a line starts it."""
        events: list[Event] = []
        self._start(events)
        self._enter("infer", events)
        return events

    # One line

    def _take(self, line: Line, events: list[Event]) -> None:
        parts = messages(line.text)
        worst: Level = max((level(part) for part in parts), key=_ORDER.__getitem__, default="info")
        if parts:
            # An empty line belongs to whoever wrote last.
            self._last_source = "platform" if self._by_platform(parts[-1]) else "uart"
        events.append(Logged(source=self._last_source, text=line.shown, level=worst))
        for part in parts:
            self._message(part.text, events)

    def _by_platform(self, part: Message) -> bool:
        if self._block is not None or StatisticsBlock.starts(part.text):
            return True
        return not part.letter and is_platform(part.text)

    def _message(self, text: str, events: list[Event]) -> None:
        if self._block is not None:
            if self._block.ends(text):
                self._end_block(events)
            return
        if StatisticsBlock.starts(text):
            self._block = StatisticsBlock()
            return
        # The bulk of a console; nothing in it is for us.
        if text.startswith("Output["):
            return
        if " - " in text:
            text = _MLEK.sub("", text, count=1)
        if self._profile is not None:
            if self._profile.take(text):
                return
            self._end_profile(events)
        if ProfileReport.starts(text):
            self._profile = ProfileReport()
            self._stop_clock()
            self._enter("report", events)
            return
        if ProfileReport.is_metrics(text):
            # What was printed line by line is not to be counted again.
            if self._running or not self.finished:
                self._profile = ProfileReport()
                self._profile.take(text)
            return
        if self._report.take(text):
            self._reported = self._reported or self._report.npu_cycles is not None
            return
        if pool := memory_pool(text):
            events.append(MemoryKnown(pool=pool))
            return
        if any_in(_KEYS, text):
            self._words(text, events)

    def _words(self, text: str, events: list[Event]) -> None:
        if count := _COUNT.search(text):
            self._planned = int(count[1] or count[2])
        if _EXECUTED.search(text):
            self._stop_clock()
        if _NOT_EXECUTED.search(text):
            self._reported = self._running = False
        if _SERVER in text:
            self.server_ready = True
        if _NO_CYCLES.search(text):
            self._why_no_cycles = f"no NPU cycles: {clean(text.strip(), 200)}"
        if _CPU_NOTE in text and self._report.cpu_cycles is not None:
            events.append(Noted(text=CPU_CYCLES))
        phase = _PHASE.search(text)
        if phase is not None and phase.lastgroup == "infer":
            self._start(events)
        done = _DONE.search(text)
        if done is not None and (self._running or self._reported or not self.finished):
            self._stop_clock()
            self._finish(events)
        if done is not None and done[1] is not None:
            self.served += 1
        if phase is not None and phase.lastgroup is not None:
            self._enter(phase.lastgroup, events)

    # What goes on

    def _enter(self, phase: str, events: list[Event]) -> None:
        # Only forward, but for the next inference of a server: a line of the log may repeat what was said earlier.
        again = phase == "infer" and self._phase == "report"
        if again or not self._phase or PHASES.index(phase) > PHASES.index(self._phase):
            self._phase = phase
            events.append(PhaseChanged(phase=phase))

    def _start(self, events: list[Event]) -> None:
        self._running = True
        self._report = PmuReport()
        self._reported = False
        self._started_at = self._clock()
        self._wall_s = None
        events.append(InferenceStarted(index=self._first + self.finished))

    def _stop_clock(self) -> None:
        if self._started_at is not None:
            # Start and end in one read say nothing of the time between.
            self._wall_s = self._clock() - self._started_at or None
            self._started_at = None

    def _finish(self, events: list[Event], report: PmuReport | ProfileReport | None = None) -> None:
        report = report or self._report
        count = max(self._planned, 1)
        known = report.npu_cycles is not None or bool(report.pmu)
        inference = Inference(
            index=self._first + self.finished,
            npu_cycles=_mean(report.npu_cycles, count),
            cpu_cycles=_mean(report.cpu_cycles, count),
            pmu={name: round(value / count) for name, value in report.pmu.items()},
            source=self._source if known else None,
            wall_s=None if self._wall_s is None else self._wall_s / count,
        )
        events.append(InferenceFinished(inference=inference))
        if not known:
            events.append(Noted(text=self._why_no_cycles))
        if count > 1:
            events.append(Noted(text=f"the program ran {count} inferences in one go: figures are the mean of them"))
        self.finished += 1
        self._running = self._reported = False
        self._report = PmuReport()
        self._wall_s = self._started_at = None
        self._planned = 1

    def _end_profile(self, events: list[Event]) -> None:
        profile, self._profile = self._profile, None
        if profile is not None and profile.npu_cycles == 0 and not any(profile.pmu.values()):
            # Counters that have not counted are no figures: the NPU was not used, or nothing drives them.
            profile.npu_cycles, profile.pmu = None, {}
            if self._why_no_cycles == NO_REPORT:
                self._why_no_cycles = IDLE
            self._finish(events, profile)
            return
        if profile is not None and (profile.pmu or profile.npu_cycles is not None):
            self._finish(events, profile)

    def _end_block(self, events: list[Event]) -> None:
        if self._block is not None:
            events.append(StatisticsKnown(statistics=self._block.statistics))
            self._block = None


_ORDER: dict[Level, int] = {"debug": 0, "info": 1, "warning": 2, "error": 3}
_MLEK = re.compile(r"^(?:DEBUG|INFO|WARN|WARNING|ERROR) - ")


def _mean(total: int | None, count: int) -> int | None:
    return None if total is None else round(total / count)
