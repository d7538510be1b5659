"""The blocks of figures a console prints: PMU report, memory use and the statistics block.

A figure is taken only from a whole line of its format: other sources write into the console, at any byte of it. Where a
format ends with the number itself, the line alone does not tell whether the number is whole: see `Reading`.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from tui.run.events import Event, MemoryKnown
from tui.run.figures import DelegatePmu, MemoryPool, Statistics

# At most 18 digits: what fits a 64-bit integer; a longer row of digits is damage, not a figure.
_N = r"(\d{1,18})"
_UNFORMATTED = r"(?:zu|l{0,2}u)"

_Keep = Callable[[list[Event]], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """A line that holds a figure: `keep` takes it up."""

    keep: _Keep
    closed: bool = True
    """True if the format has something behind the number. Where not, it may be the first half of one, and counts only
    when what comes next is no rest of it."""


@dataclass(frozen=True, slots=True)
class Torn:
    """A line that begins as one of a report and does not go on as one: its figure is not known."""

    unformatted: bool = False
    """True if the cause is newlib-nano, which has printed no number."""


_NOTHING = Reading(lambda _: None)
_REST = re.compile(r"\d|^\s*[(/]|unknown when")


def may_be_rest(text: str) -> bool:
    """True if a message nobody knows may hold the other half of a number, or of the remark that takes it back."""
    return _REST.search(text) is not None


class PmuReport:
    """The perf monitor's report of arm_executor_runner, line by line.

    Which event a counter counts is said last, by the Events line; runners have had 4, 5 and 7 counters.
    """

    _LINE = re.compile(
        r"(?:ethosu_pmu_(?:(?P<cycles>cycle_cntr)|cntr(?P<counter>\d{1,3}))\s*:\s*|(?P<runtime>Inference runtime:\s*))"
        rf"(?:(?P<total>\d{{1,18}})(?(runtime) CPU cycles total)"
        rf"(?P<per> \((?:(?P<mean>\d{{1,18}}\.\d\d))? ?per inference\))?|{_UNFORMATTED}\b.*)\s*$"
    )
    _EVENTS = re.compile(r"Ethos-U PMU Events:\s*\[([A-Z0-9_]+(?:,\s*[A-Z0-9_]+)*)\]\s*$")
    # Printed where the runner was built with ET_ARM_ETHOSU_PER_DELEGATE_PROFILING.
    _DELEGATES = re.compile(r"Ethos-U per-delegate PMU report:")
    _DELEGATE = re.compile(
        r"Ethos-U delegate (?P<delegate>\d{1,6})(?::? (?:(?P<backend>\d{1,18}) backend invocations?,"
        r" (?P<npu>\d{1,18}) NPU invocations?|PMU (?:(?P<cycles>cycles)|counter (?P<counter>\d{1,3})):"
        r" +(?P<total>\d{1,18})))(?P<per> \(.*\))?\s*$"
    )

    def __init__(self) -> None:
        self.npu_cycles: int | None = None
        self.cpu_cycles: int | None = None
        self.inferences: int | None = None
        """Inferences that the figures are the sum of; None where the report does not tell."""
        self._counters: dict[int, tuple[int, float | None]] = {}
        self._names: list[str] = []
        self._delegates: dict[int, _Delegate] = {}

    def read(self, text: str) -> Reading | Torn | None:
        """A message as a line of the report; None if it is another message."""
        if not text.startswith(("ethosu_pmu_c", "Inference runtime:", "Ethos-U ")):
            return None
        if match := self._LINE.match(text):
            return self._figure(match)
        if match := self._EVENTS.match(text):
            names = [name.strip() for name in match[1].split(",")]
            return Reading(lambda _: self._name(names))
        if text.startswith("Ethos-U "):
            if match := self._DELEGATE.match(text):
                closed = match["npu"] is not None or match["per"] is not None
                return Reading(lambda _: self._keep_delegate(match), closed)
            return _NOTHING if self._DELEGATES.match(text) else None
        return Torn()

    def _keep_delegate(self, match: re.Match[str]) -> None:
        one = self._delegates.setdefault(int(match["delegate"]), _Delegate())
        if match["npu"] is not None:
            one.backend, one.npu = int(match["backend"]), int(match["npu"])
        elif match["cycles"] is not None:
            one.cycles = int(match["total"])
        else:
            one.counters[int(match["counter"])] = int(match["total"])

    def _figure(self, match: re.Match[str]) -> Reading | Torn:
        if match["total"] is None:
            return Torn(unformatted=True)
        total = int(match["total"])
        mean = None if match["mean"] is None else float(match["mean"])
        count = max(round(total / mean), 1) if mean else None
        if mean is not None and not _agree(total, mean, count or _MOST):
            return Torn()
        return Reading(
            lambda _: self._keep(match, total, mean, count),
            closed=match["per"] is not None or match["runtime"] is not None,
        )

    def _keep(self, match: re.Match[str], total: int, mean: float | None, count: int | None) -> None:
        if match["cycles"] is not None:
            self.npu_cycles, self.inferences = total, count or self.inferences
        elif match["counter"] is not None:
            self._counters[int(match["counter"])] = total, mean
        else:
            # 0 is what a core without a cycle counter gives: not a figure.
            self.cpu_cycles, self.inferences = total or None, self.inferences or count

    def _name(self, names: list[str]) -> None:
        self._names = names

    @property
    def pmu(self) -> dict[str, int]:
        """Counts by event; a counter that the runner did not name keeps the name of the counter."""
        names = dict(enumerate(self._names))
        whole = {
            i: total
            for i, (total, mean) in self._counters.items()
            if mean is None or self.inferences is None or _agree(total, mean, self.inferences)
        }
        return {names.get(i) or f"ethosu_pmu_cntr{i}": count for i, count in sorted(whole.items())}

    @property
    def delegates(self) -> tuple[DelegatePmu, ...]:
        """Figures of each delegate, in the order of the program."""
        names = dict(enumerate(self._names))
        return tuple(
            DelegatePmu(
                delegate=number,
                backend_invocations=one.backend,
                npu_invocations=one.npu,
                npu_cycles=one.cycles,
                pmu={names.get(i) or f"ethosu_pmu_cntr{i}": count for i, count in sorted(one.counters.items())},
            )
            for number, one in sorted(self._delegates.items())
        )


@dataclass
class _Delegate:
    backend: int | None = None
    npu: int | None = None
    cycles: int | None = None
    counters: dict[int, int] = field(default_factory=dict)


_MOST = 1_000_000
"""More inferences than any runner is built to run in one go."""


def _agree(total: int, mean: float, count: int) -> bool:
    """True if a total and what stands in its brackets, its mean with two decimals, are of so many inferences."""
    if mean == 0:
        return total <= 0.006 * count
    return abs(mean * count - total) <= 0.006 * count + total * 1e-12


@dataclass
class ProfileReport:
    """The profile that the ML Embedded Evaluation Kit's applications print, and Arm's inference runner after it.

    A line for each figure; the runner has them in a line of base64 JSON as well, between ``<metrics>`` and its end.
    """

    npu_cycles: int | None = None
    cpu_cycles: int | None = None
    pmu: dict[str, int] = field(default_factory=dict)
    program_ms: float | None = None
    """``DURATION``: by a timer of the program's own."""
    inferences: int | None = None
    contradictions: list[str] = field(default_factory=list)
    """Figures that the lines and the JSON state differently."""

    _UNIT = r"(?: (?:beats|cycles|milliseconds))?"
    _LINE = re.compile(
        rf"(?:(?P<on>NPU|CPU) (?P<name>[A-Z0-9_]{{1,80}})|DURATION){_UNIT}: "
        rf"(?P<total>\d{{1,18}})(?P<all>/ (?P<mean>\d{{1,18}}) / \d+ / \d+)?(?P<unit>{_UNIT})\s*$"
    )
    _BEGIN = re.compile(r"(?:NPU|CPU) [A-Z0-9_]|DURATION")
    _COUNTER = re.compile(r"NPU [A-Z0-9_]{1,80}(?: (?:beats|cycles): \d+|: \d+ (?:beats|cycles))\s*$")
    _HEAD = re.compile(r"Number of samples: \d+\s*$|Total / Avg\./ Min / Max\s*$")
    _METRICS = re.compile(r"<metrics>([A-Za-z0-9+/=]{1,4000})</metrics>\s*$")

    @classmethod
    def starts(cls, text: str) -> bool:
        """Return True if a message is the head of a profile."""
        return text.startswith("Profile for Inference")

    @classmethod
    def is_counter(cls, text: str) -> bool:
        """True if a message is a line of a profile, of which the head may be torn."""
        return cls._COUNTER.match(text) is not None

    @classmethod
    def is_metrics(cls, text: str) -> bool:
        """Return True if a message is the line of JSON."""
        return "<metrics>" in text

    def read(self, text: str) -> Reading | Torn | None:
        """A message as a line of the profile; None if it is another message."""
        if match := self._LINE.match(text):
            # Of several inferences, the total and then the mean.
            value, on, name = int(match["mean"] or match["total"]), match["on"], match["name"]
            return Reading(lambda _: self._add(on, name, value), closed=bool(match["unit"]))
        if match := self._METRICS.search(text):
            figures = _metrics(match[1])
            return Reading(lambda _: self._add_metrics(figures))
        if self._HEAD.match(text):
            return _NOTHING
        return Torn() if self._BEGIN.match(text) or self.is_metrics(text) else None

    def _add(self, on: str | None, name: str | None, value: int) -> None:
        if on is None:
            self.program_ms = float(value)
        elif on == "CPU" and name == "TOTAL":
            self.cpu_cycles = value or None
        elif on == "NPU" and name == "TOTAL":
            self.npu_cycles = value
        elif on == "NPU" and name is not None:
            self.pmu[name] = value

    def _add_metrics(self, figures: list[tuple[str, int]]) -> None:
        for full, value in figures:
            name = full.removeprefix("NPU ")
            printed = self.npu_cycles if name == "TOTAL" else self.pmu.get(name)
            if printed is None:
                self._add("NPU", name, value)
            elif printed != value:
                self.drop(name)
                self.contradictions.append(name)

    def drop(self, name: str) -> bool:
        """Forget a figure of the NPU; whether it was there."""
        if name == "TOTAL":
            there, self.npu_cycles = self.npu_cycles is not None, None
            return there
        return self.pmu.pop(name, None) is not None


class _Sample(msgspec.Struct):
    name: str
    value: list[int]


class _Group(msgspec.Struct):
    samples: list[_Sample]


def _metrics(encoded: str) -> list[tuple[str, int]]:
    """(name, figure) of the NPU's in the runner's JSON; empty where it is damaged."""
    try:
        groups = msgspec.json.decode(base64.b64decode(encoded, validate=True), type=list[_Group])
    except (ValueError, msgspec.DecodeError):
        return []
    samples = [sample for group in groups for sample in group.samples]
    return [(s.name, s.value[0]) for s in samples if s.value and s.value[0] >= 0 and s.name.startswith("NPU ")]


_POOL_NAME = (
    r"(?:model_pte_(?:program|loaded)_size|planned_fast_used|ETDump_outputs_buffer"
    r"|(?:peak_)?(?:input_file|method|planned_fast|fast_temp|temp)_allocator(?:_(?:used|planned|loaded|input|executor))?)"
)
_POOL = re.compile(
    rf"(?P<name>{_POOL_NAME}):\s*(?P<first>\d{{1,18}})(?P<use> / (?P<size>\d{{1,18}})\s+free: (?P<free>\d{{1,18}})"
    r" \(\s*used: \d+ % \))?(?P<unit> bytes\.?)?\s*(?P<remark>\(.*\))?\s*$"
)
WITHOUT_UNIT = ("temp_allocator",)
"""Pools whose size is printed with no ``bytes`` behind it: of others a number that ends its line is half of one."""

_POOL_BEGIN = re.compile(rf"{_POOL_NAME}:\s*(?:\d|(?P<unformatted>{_UNFORMATTED}\b))")
_USE = re.compile(
    r"\s*(Method|Temp) memory: Used: (?P<used>\d{1,18}); Peak: (?P<peak>\d{1,18}); Available: (?P<size>\d{1,18})\s*$"
)
_USE_NAMES = {"Method": "method_allocator", "Temp": "temp_allocator"}
_SETUP = re.compile(rf"Setup (Method allocator|planned FAST_MEMORY_REGION) pool\. Size: {_N} bytes\.?\s*$")
_SETUP_NAMES = {"Method allocator": "method_allocator", "planned FAST_MEMORY_REGION": "planned_fast_allocator"}


def read_pool(text: str) -> Reading | Torn | None:
    """A message as a line of the runner's memory report; None if it is another message."""
    if match := _SETUP.match(text):
        return _pool(MemoryPool(name=_SETUP_NAMES[match[1]], size=int(match[2])))
    if match := _USE.match(text):
        # Of Arm's inference runner, before and after the inference.
        pool = MemoryPool(name=_USE_NAMES[match[1]], used=int(match["peak"]), size=int(match["size"]))
        whole = int(match["used"]) <= int(match["peak"]) <= int(match["size"])
        return _pool(pool, closed=False) if whole else Torn()
    begin = _POOL_BEGIN.match(text)
    if begin is None:
        return None
    match = _POOL.match(text)
    return Torn(unformatted=begin["unformatted"] is not None) if match is None else _used_pool(match)


def _used_pool(match: re.Match[str]) -> Reading | Torn:
    name, first = match["name"].removesuffix("_used"), int(match["first"])
    # With a remark the runner says that it does not know the size, and prints an upper bound.
    if match["remark"]:
        return _NOTHING
    if match["use"]:
        size = int(match["size"])
        if first + int(match["free"]) != size:
            return Torn()
        return _pool(MemoryPool(name=name, used=first, size=size))
    if not match["unit"] and name not in WITHOUT_UNIT:
        return Torn()
    if name == "temp_allocator" or name.endswith("_size"):
        pool = MemoryPool(name=name.removesuffix("_size"), size=first)
    else:
        pool = MemoryPool(name=name, used=first)
    return _pool(pool, closed=bool(match["unit"]) and not name.startswith("model_pte_"))


def _pool(pool: MemoryPool, *, closed: bool = True) -> Reading:
    return Reading(lambda events: events.append(MemoryKnown(pool=pool)), closed)


class StatisticsBlock:
    """The block ``--stat`` prints: a headed table, closed by a rule."""

    _HEAD = re.compile(r"-{3} (\S{1,200}) statistics: -+\s*$")
    _RULE = re.compile(r"-{60,}\s*$")
    _TIME = re.compile(r"(Simulated|User|System|Wall) time\s*: (\d{1,12}\.\d{6})s\s*$")
    _CORE = re.compile(rf"(\S{{1,200}})\s*:\s+(\d{{1,12}}\.\d\d) MIPS \(\s*{_N} Inst\)\s*$")
    _OTHER = re.compile(
        r"Performance index\s*: \d+\.\d+\s*$|Memory highwater mark\s*: 0x\w+ bytes \( *\d+\.\d+ GB \)\s*$"
    )
    _ROWS = 64
    """Lines after which what has no end is no such block."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._cores: dict[str, tuple[float, int]] = {}
        self._rows = 0
        self._torn = False
        self._closed = False

    @classmethod
    def starts(cls, text: str) -> bool:
        """Return True if a message is the head of the block."""
        return cls._HEAD.match(text) is not None

    def ends(self, text: str) -> bool:
        """Take up a row of the block; True if the line closes the block instead."""
        self._rows += 1
        if self._RULE.match(text):
            self._closed = True
            return True
        if match := self._TIME.match(text):
            self._times[match[1]] = float(match[2])
        elif match := self._CORE.match(text):
            self._cores[match[1]] = float(match[2]), int(match[3])
        elif text.strip() and not self._OTHER.match(text):
            self._torn = True
        return self._rows >= self._ROWS

    @property
    def statistics(self) -> Statistics:
        """Figures of the block; of several cores their sum, which the row ``Total`` states.

        Where a row cannot be read or the end is not there, a core may be missing: then only ``Total`` counts.
        """
        cores = [self._cores["Total"]] if "Total" in self._cores else list(self._cores.values())
        if (self._torn or not self._closed) and "Total" not in self._cores:
            cores = []
        return Statistics(
            instructions=sum(count for _, count in cores) if cores else None,
            mips=sum(mips for mips, _ in cores) if cores else None,
            simulated_s=self._times.get("Simulated"),
            wall_s=self._times.get("Wall"),
        )
