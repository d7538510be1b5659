"""The blocks of figures a console prints: PMU report, memory use and the statistics block."""

import re

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
    """The profile that the ML Embedded Evaluation Kit's applications print: one line for each figure."""

    _LINE = re.compile(rf"NPU (\w{{1,80}}) (?:beats|cycles): {_N}$")

    def __init__(self) -> None:
        self.npu_cycles: int | None = None
        self.cpu_cycles: int | None = None
        self.pmu: dict[str, int] = {}

    @staticmethod
    def starts(text: str) -> bool:
        """Whether a message is the head of a profile."""
        return text.startswith("Profile for Inference")

    def take(self, text: str) -> bool:
        """Whether a message was a line of the profile; the first that is not ends it."""
        found = self._LINE.match(text)
        if found is None:
            return False
        if found[1] == "TOTAL":
            self.npu_cycles = int(found[2])
        else:
            self.pmu[found[1]] = int(found[2])
        return True


_POOL = re.compile(rf"(\w{{1,60}}):\s*{_N}(?: / {_N}\s+free: \d+ \(\s*used: \d+ % \))?(?: bytes\.?)?\s*(\(.*\))?\s*$")
_SETUP = re.compile(rf"Setup (Method allocator|planned FAST_MEMORY_REGION) pool\. Size: {_N} bytes")
_SETUP_NAMES = {"Method allocator": "method_allocator", "planned FAST_MEMORY_REGION": "planned_fast_allocator"}


def memory_pool(text: str) -> MemoryPool | None:
    """The pool a message of the runner's memory report describes, None if it is another message."""
    if found := _SETUP.match(text):
        return MemoryPool(name=_SETUP_NAMES[found[1]], size=int(found[2]))
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
