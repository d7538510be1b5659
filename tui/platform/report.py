"""The blocks of figures a console prints: PMU report, memory use and the statistics block."""

import base64
import re

import msgspec

from tui.figures import MemoryPool, Statistics

# At most 18 digits: what fits a 64-bit integer; a longer row of digits is damage, not a figure.
_N = r"(\d{1,18})"
_REAL = r"(\d{1,12}(?:\.\d{1,12})?)"


class PmuReport:
    """The perf monitor's report of arm_executor_runner, line by line.

    Which event a counter counts is said last, by the Events line; runners have had 4, 5 and 7 counters.
    """

    _CYCLES = re.compile(rf"ethosu_pmu_cycle_cntr\s*:\s*{_N}\b")
    _COUNTER = re.compile(rf"ethosu_pmu_cntr(\d{{1,3}})\s*:\s*{_N}\b")
    _EVENTS = re.compile(r"Ethos-U PMU Events:\s*\[([^\]]*)\]")
    _RUNTIME = re.compile(rf"Inference runtime:\s*{_N} CPU cycles")

    def __init__(self) -> None:
        self.npu_cycles: int | None = None
        self.cpu_cycles: int | None = None
        self._counters: dict[int, int] = {}
        self._names: list[str] = []

    def take(self, text: str) -> bool:
        """Whether a message was a line of the report."""
        if found := self._COUNTER.match(text):
            self._counters[int(found[1])] = int(found[2])
        elif found := self._CYCLES.match(text):
            self.npu_cycles = int(found[1])
        elif found := self._RUNTIME.match(text):
            # 0 is what a core without a cycle counter gives: not a figure.
            self.cpu_cycles = int(found[1]) or None
        elif found := self._EVENTS.match(text):
            self._names = [name.strip() for name in found[1].split(",")]
        else:
            return False
        return True

    @property
    def pmu(self) -> dict[str, int]:
        """Counts by event; a counter that the runner did not name keeps the name of the counter."""
        names = dict(enumerate(self._names))
        return {names.get(i) or f"ethosu_pmu_cntr{i}": count for i, count in sorted(self._counters.items())}


class ProfileReport:
    """The profile that the ML Embedded Evaluation Kit's applications print, and Arm's inference runner after it.

    A line for each figure; the runner has them in a line of base64 JSON as well, between ``<metrics>`` and its end.
    """

    _UNIT = r"(?: (?:beats|cycles))?"
    _LINE = re.compile(rf"NPU (\w{{1,80}}){_UNIT}: {_N}(?:/ {_N} / \d+ / \d+)?{_UNIT}\s*$")
    _HEAD = ("Number of samples", "Total / Avg./")
    _METRICS = re.compile(r"<metrics>([A-Za-z0-9+/=]{1,4000})</metrics>")

    def __init__(self) -> None:
        self.npu_cycles: int | None = None
        self.cpu_cycles: int | None = None
        self.pmu: dict[str, int] = {}

    @classmethod
    def starts(cls, text: str) -> bool:
        """Whether a message is the head of a profile."""
        return text.startswith("Profile for Inference")

    @classmethod
    def is_metrics(cls, text: str) -> bool:
        """Whether a message is the line of JSON."""
        return cls._METRICS.search(text) is not None

    def take(self, text: str) -> bool:
        """Whether a message was a line of the profile; the first that is not ends it."""
        if found := self._LINE.match(text):
            # Of several inferences, the total and then the mean.
            self._add(found[1], int(found[3] or found[2]))
            return True
        if found := self._METRICS.search(text):
            for name, value in _metrics(found[1]):
                self._add(name.removeprefix("NPU "), value)
            return True
        return text.startswith(self._HEAD)

    def _add(self, name: str, value: int) -> None:
        if name == "TOTAL":
            self.npu_cycles = value
        else:
            self.pmu[name] = value


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


_POOL = re.compile(rf"(\w{{1,60}}):\s*{_N}(?: / {_N}\s+free: \d+ \(\s*used: \d+ % \))?(?: bytes\.?)?\s*(\(.*\))?\s*$")
_USE = re.compile(rf"\s*(Method|Temp) memory: Used: \d+; Peak: {_N}; Available: {_N}\s*$")
_USE_NAMES = {"Method": "method_allocator", "Temp": "temp_allocator"}
_SETUP = re.compile(rf"Setup (Method allocator|planned FAST_MEMORY_REGION) pool\. Size: {_N} bytes")
_SETUP_NAMES = {"Method allocator": "method_allocator", "planned FAST_MEMORY_REGION": "planned_fast_allocator"}


def memory_pool(text: str) -> MemoryPool | None:
    """The pool a message of the runner's memory report describes, None if it is another message."""
    if found := _SETUP.match(text):
        return MemoryPool(name=_SETUP_NAMES[found[1]], size=int(found[2]))
    if found := _USE.match(text):
        # Of Arm's inference runner, before and after the inference.
        return MemoryPool(name=_USE_NAMES[found[1]], used=int(found[2]), size=int(found[3]))
    found = _POOL.match(text)
    if found is None:
        return None
    name, first, size, remark = found[1], int(found[2]), found[3], found[4]
    known = "allocator" in name or name.startswith(("model_pte_", "planned_fast", "ETDump_"))
    # With a remark the runner says that it does not know the size, and prints an upper bound.
    if not known or remark:
        return None
    name = name.removesuffix("_used")
    if size is not None:
        return MemoryPool(name=name, used=int(first), size=int(size))
    if name == "temp_allocator" or name.endswith("_size"):
        return MemoryPool(name=name.removesuffix("_size"), size=first)
    return MemoryPool(name=name, used=first)


class StatisticsBlock:
    """The block ``--stat`` prints: a headed table, closed by a rule."""

    _HEAD = re.compile(r"-{3} (\S{1,200}) statistics: -+$")
    _RULE = re.compile(r"-{60,}$")
    _TIME = re.compile(rf"(Simulated|Wall) time\s*: {_REAL}s$")
    _CORE = re.compile(rf"(\S{{1,200}})\s*:\s+{_REAL} MIPS \(\s*{_N} Inst\)$")

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._cores: dict[str, tuple[float, int]] = {}

    @classmethod
    def starts(cls, text: str) -> bool:
        """Whether a message is the head of the block."""
        return cls._HEAD.match(text) is not None

    def ends(self, text: str) -> bool:
        """Whether this line closes the block. Any other is taken up, where it is one of the known rows."""
        if self._RULE.match(text):
            return True
        if found := self._TIME.match(text):
            self._times[found[1]] = float(found[2])
        elif found := self._CORE.match(text):
            self._cores[found[1]] = float(found[2]), int(found[3])
        return False

    @property
    def statistics(self) -> Statistics:
        """What the block says; of several cores their sum, which the row ``Total`` states."""
        cores = [self._cores["Total"]] if "Total" in self._cores else list(self._cores.values())
        return Statistics(
            instructions=sum(count for _, count in cores) if cores else None,
            mips=sum(mips for mips, _ in cores) if cores else None,
            simulated_s=self._times.get("Simulated"),
            wall_s=self._times.get("Wall"),
        )
