"""The console parser: bytes of an FVP or of the simulator in, events out.

Every generation of ExecuTorch's runner is read by what its messages say, not by their prefix or their place, since
users patch the prefix away and sources write into each other's lines. Sources of the shapes: ExecuTorch's
examples/arm/executor_runner (arm_executor_runner.cpp, arm_perf_monitor.cpp) of releases 0.3 to 1.5, the ML Embedded
Evaluation Kit, and captured logs.
"""

import time
from collections.abc import Callable

from tui.platform import dialects
from tui.platform.bundle_io import KEYS as BUNDLE_KEYS
from tui.platform.bundle_io import BundleIo
from tui.platform.lines import NANO, Line, Message, Splitter, any_in, is_platform, level, messages
from tui.platform.report import (
    PmuReport,
    ProfileReport,
    Reading,
    StatisticsBlock,
    Torn,
    may_be_rest,
    read_pool,
)
from tui.run.events import (
    Event,
    InferenceFinished,
    InferenceStarted,
    Level,
    Logged,
    Noted,
    PhaseChanged,
    StatisticsKnown,
)
from tui.run.figures import Inference, Source
from tui.text import clean

CPU_CYCLES = "CPU cycles are the program's own count: neither the FVP nor the simulator is cycle-accurate for the CPU"
IDLE = "no NPU cycles: all of the NPU's counters are 0"
NO_REPORT = "no NPU cycles: the program printed no PMU report"
LOST = "figures are lost: " + NANO
TICKS = "by the program's own clock an inference took {} ticks; it does not tell how long a tick is"
GARBLED = "some lines of the log have lost their text: " + NANO


class Parser:
    """Incremental, and never raises: a console may hold anything. The same bytes give the same events however cut."""

    def __init__(
        self,
        source: Source | None,
        clock: Callable[[], float] = time.monotonic,
        first: int = 0,
        *,
        on_board: bool = False,
    ) -> None:
        """`source` says what the PMU figures of this platform are, None where nobody knows.

        `clock` tells when what is fed came, in seconds; inferences are numbered from `first`. The CPU of a real board
        (`on_board`) counts its cycles truly.
        """
        self._source = source
        self._on_board = on_board
        self._first = first
        self._clock = clock
        self._now = 0.0
        self._lines = Splitter()
        self._phase = ""
        self._last_source = "platform"
        self._block: StatisticsBlock | None = None
        self._report = PmuReport()
        self._profile: ProfileReport | None = None
        self._open: tuple[Reading, str] | None = None
        """A figure that may be half a number, and its line: the next message tells."""
        self._overflowed: list[str] = []
        self._reported = False
        self._gave = False
        """True if outputs were announced: an inference has ended, also where the line that says so is torn."""
        self._running = False
        self._planned = 1
        self._kit_inferences = 0
        self._profile_due = True
        """True if an inference may have run since the last that has ended."""
        self._started_at: float | None = None
        self._wall_s: float | None = None
        self._program_ms: float | None = None
        self._tick: int | None = None
        """The program's own clock at the begin of an inference, in ticks."""
        self._bundle = BundleIo()
        self._why_no_cycles = NO_REPORT
        self._why_torn: str | None = None
        self.finished = 0
        """Inferences that have ended."""
        self.served = 0
        """Inferences the runner's server mode has announced as done, their outputs written."""
        self.server_ready = False
        """True if the runner waits in server mode for a line on its standard input."""

    @property
    def phase(self) -> str:
        """Phase the program was last seen in."""
        return self._phase

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes."""
        events: list[Event] = []
        # One moment for all that came together: it says nothing of the time between.
        self._now = self._clock()
        if data and not self._phase:
            self._enter("boot", events)
        for line in self._lines.feed(data):
            self._take(line, events)
        return events

    def close(self) -> list[Event]:
        """The events of what is still open: a last line without its end, a report without the words that follow it."""
        events: list[Event] = []
        for line in self._lines.close():
            # Its end did not come: a number there may be half a number.
            self._take(line, events, ended=False)
        self._settle(events)
        if self._block is not None:
            self._end_block(events)
        self._end_profile(events)
        if self._reported or (self._gave and (self._running or not self.finished)):
            self._finish(events)
        return events

    def begin(self) -> list[Event]:
        """The events of an inference that begins without the console saying so: in server mode a line starts it."""
        events: list[Event] = []
        self._now = self._clock()
        self._start(events)
        self._enter("infer", events)
        return events

    # One line

    def _take(self, line: Line, events: list[Event], *, ended: bool = True) -> None:
        parts = messages(line.text)
        worst: Level = max((level(part) for part in parts), key=_ORDER.__getitem__, default="info")
        if parts:
            # An empty line belongs to whoever wrote last.
            self._last_source = "platform" if self._by_platform(parts[-1]) else "uart"
        events.append(Logged(source=self._last_source, text=line.shown, level=worst))
        for part in parts:
            self._message(part, events, ended=ended and part.ended)

    def _by_platform(self, part: Message) -> bool:
        if self._block is not None or StatisticsBlock.starts(part.text):
            return True
        return not part.letter and is_platform(part.text)

    def _message(self, part: Message, events: list[Event], *, ended: bool) -> None:
        text, marked = part.text, part.letter != ""
        if part.garbled:
            events.append(Noted(text=GARBLED))
        if self._block is not None:
            if not marked:
                if self._block.ends(text):
                    self._end_block(events)
                return
            self._end_block(events)
        if StatisticsBlock.starts(text):
            self._settle(events)
            self._block = StatisticsBlock()
            return
        # The bulk of a console; nothing in it is for us.
        if text.startswith("Output["):
            self._settle(events)
            return
        if " - " in text and (mark := dialects.KIT_LEVEL.match(text)):
            text, marked = text[mark.end() :], True
        if text.strip():
            self._content(text, events, marked=marked, ended=ended)

    def _content(self, text: str, events: list[Event], *, marked: bool, ended: bool) -> None:
        if ProfileReport.starts(text):
            self._end_profile(events)
            self._profile = ProfileReport()
            self._stop_clock()
            self._enter("report", events)
            return
        if (reading := self._reading(text)) is not None:
            self._read(reading, text, events, ended=ended)
            return
        keyed = any_in(dialects.KEYS, text)
        if keyed and (overflow := dialects.OVERFLOW.search(text)):
            self._settle(events)
            self._overflowed.append(overflow[1])
            return
        # What the program itself says next is the end of what it said before; what others say need not be.
        if marked or (keyed and dialects.is_programs(text)):
            self._end_profile(events)
        elif self._open is not None and may_be_rest(text):
            self._tear(self._open[1], events)
            self._open = None
        if dialects.KIT_INFERENCE.match(text):
            self._kit_inferences += 1
            self._profile_due = True
        if keyed:
            self._words(text, events)
        if any_in(BUNDLE_KEYS, text):
            events += self._bundle.read(text)

    # Figures

    def _reading(self, text: str) -> Reading | Torn | None:
        """A figure as a message states it; None where it is none of a report."""
        if self._profile is None and self._profile_due and text.startswith("NPU ") and ProfileReport.is_counter(text):
            self._profile = ProfileReport()
            self._stop_clock()
        if self._profile is None and ProfileReport.is_metrics(text):
            # What was printed line by line is not to be counted again.
            if not self._running and self.finished:
                return None
            self._profile = ProfileReport()
        if self._profile is not None and (reading := self._profile.read(text)) is not None:
            return reading
        return self._report.read(text) or read_pool(text)

    def _read(self, reading: Reading | Torn, text: str, events: list[Event], *, ended: bool) -> None:
        self._settle(events)
        if isinstance(reading, Torn):
            if reading.unformatted:
                self._why_torn = f"no NPU cycles: {NANO}"
                events.append(Noted(text=LOST))
            else:
                self._tear(text, events)
        elif reading.closed:
            self._keep(reading, events)
        elif ended:
            self._open = reading, text
        else:
            self._tear(text, events)

    def _settle(self, events: list[Event]) -> None:
        """Take up the figure that waited for what comes after it."""
        if self._open is not None:
            reading, self._open = self._open[0], None
            self._keep(reading, events)

    def _keep(self, reading: Reading, events: list[Event]) -> None:
        reading.keep(events)
        self._reported = self._reported or self._report.npu_cycles is not None

    def _tear(self, text: str, events: list[Event]) -> None:
        said = clean(text.strip(), _SHOWN)
        self._why_torn = self._why_torn or f"no NPU cycles: a line of the report is torn: {said}"
        events.append(Noted(text=f"a figure was left out: its line is torn: {said}"))

    # Words

    def _words(self, text: str, events: list[Event]) -> None:
        if planned := dialects.PLANNED.match(text):
            self._planned = int(planned[planned.lastindex or 0])
        if dialects.EXECUTED.search(text):
            self._stop_clock()
        if dialects.GAVE.search(text):
            self._gave = True
        if dialects.NOT_EXECUTED.search(text):
            self._reported = self._running = self._gave = False
        if tick := dialects.TICK.search(text):
            self._take_tick(tick[1], int(tick[2]), events)
        if dialects.SERVER in text:
            self.server_ready = True
        if dialects.NO_CYCLES.search(text):
            self._why_no_cycles = f"no NPU cycles: {clean(text.strip(), 200)}"
        if dialects.CPU_NOTE in text and self._report.cpu_cycles is not None:
            self._note_cpu(events)
        phase = dialects.PHASE.search(text)
        if phase is not None and phase.lastgroup == "infer":
            self._start(events)
        done = dialects.DONE.search(text)
        if done is not None and (self._running or self._reported or not self.finished):
            self._stop_clock()
            self._program_ms = None if done["ms"] is None else float(done["ms"])
            self._finish(events)
            if done["ms"] is not None:
                events.append(Noted(text=f"by the program's own clock an inference took {done['ms']} ms"))
        if done is not None and done["served"] is not None:
            self.served += 1
        if phase is not None and phase.lastgroup is not None:
            if any_in(dialects.KIT_ENDS, text):
                # The kit counts its inferences, and may print no profile of them.
                for _ in range(self._kit_inferences):
                    self._finish(events)
            self._enter(phase.lastgroup, events)

    def _note_cpu(self, events: list[Event]) -> None:
        if not self._on_board:
            events.append(Noted(text=CPU_CYCLES))

    def _take_tick(self, which: str, now: int, events: list[Event]) -> None:
        begun, self._tick = self._tick, now if which == "pre" else None
        if which == "post" and begun is not None and begun <= now:
            events.append(Noted(text=TICKS.format(now - begun)))

    # What goes on

    def _enter(self, phase: str, events: list[Event]) -> None:
        # Only forward, but for the next inference of a server: a line of the log may repeat what was said earlier.
        again = phase == "infer" and self._phase == "report"
        if again or not self._phase or dialects.PHASES.index(phase) > dialects.PHASES.index(self._phase):
            self._phase = phase
            events.append(PhaseChanged(phase=phase))

    def _start(self, events: list[Event]) -> None:
        self._settle(events)
        self._running = self._profile_due = True
        self._report = PmuReport()
        self._reported = self._gave = False
        self._started_at = self._now
        self._wall_s = None
        events.append(InferenceStarted(index=self._first + self.finished))

    def _stop_clock(self) -> None:
        if self._started_at is not None:
            # Start and end that came together say nothing of the time between.
            self._wall_s = self._now - self._started_at or None
            self._started_at = None

    def _finish(self, events: list[Event], report: PmuReport | ProfileReport | None = None) -> None:
        self._settle(events)
        report = report or self._report
        count = max(report.inferences or self._planned, 1)
        pmu = report.pmu
        inference = Inference(
            index=self._first + self.finished,
            npu_cycles=_mean(report.npu_cycles, count),
            cpu_cycles=_mean(report.cpu_cycles, count),
            pmu={name: round(value / count) for name, value in pmu.items()},
            source=self._source if report.npu_cycles is not None or pmu else None,
            wall_s=None if self._wall_s is None else self._wall_s / count,
            program_ms=report.program_ms if isinstance(report, ProfileReport) else self._program_ms,
            delegates=report.delegates if isinstance(report, PmuReport) else (),
        )
        events.append(InferenceFinished(inference=inference))
        if report.npu_cycles is None:
            events.append(Noted(text=self._why_torn or self._why_no_cycles))
        if count > 1:
            events.append(Noted(text=f"the program ran {count} inferences in one go: figures are their mean"))
        self.finished += 1
        self._running = self._reported = self._gave = False
        self._report = PmuReport()
        self._wall_s = self._started_at = self._why_torn = self._program_ms = None
        self._planned = 1
        self._kit_inferences = 0
        self._profile_due = False

    def _end_profile(self, events: list[Event]) -> None:
        self._settle(events)
        profile, self._profile = self._profile, None
        if profile is None:
            return
        self._drop_overflowed(profile, events)
        for name in profile.contradictions:
            self._tear(f"NPU {name}, which the profile and its metrics state differently", events)
        if profile.npu_cycles == 0 and not any(profile.pmu.values()):
            # Counters that have not counted are no figures: the NPU was not used, or nothing drives them.
            profile.npu_cycles, profile.pmu = None, {}
            if self._why_no_cycles == NO_REPORT:
                self._why_no_cycles = IDLE
            self._finish_profile(profile, events)
        elif profile.pmu or profile.npu_cycles is not None or self._why_torn is not None:
            self._finish_profile(profile, events)

    def _finish_profile(self, profile: ProfileReport, events: list[Event]) -> None:
        several = self._kit_inferences
        if profile.cpu_cycles is not None:
            self._note_cpu(events)
        self._finish(events, profile)
        if several > 1:
            events.append(Noted(text=f"the program printed one profile for {several} inferences: their mean"))

    def _drop_overflowed(self, profile: ProfileReport, events: list[Event]) -> None:
        """Leave out what counters of 32 bits have counted past their end."""
        names, self._overflowed = self._overflowed, []
        for name in names:
            # The kit computes ACTIVE from the other two.
            lost = [one for one in (name, "ACTIVE") if (one == name or name in _ACTIVE_FROM) and profile.drop(one)]
            if name == "TOTAL":
                self._why_torn = "no NPU cycles: their counter overflowed"
            if lost:
                words = " and ".join(f"NPU {one}" for one in lost)
                events.append(Noted(text=f"left out, since the counter of NPU {name} overflowed: {words}"))

    def _end_block(self, events: list[Event]) -> None:
        if self._block is not None:
            events.append(StatisticsKnown(statistics=self._block.statistics))
            self._block = None


_ORDER: dict[Level, int] = {"debug": 0, "info": 1, "warning": 2, "error": 3}
_ACTIVE_FROM = ("IDLE", "TOTAL")
_SHOWN = 120


def _mean(total: int | None, count: int) -> int | None:
    return None if total is None else round(total / count)
