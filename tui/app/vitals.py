"""CPU and memory use of the platform: it prints nothing during an inference."""

import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Vitals:
    """CPU and memory of a process with all it has started."""

    cpu_percent: float | None
    """Percent of one CPU since the look before; None at the first."""
    resident_bytes: int


class Watch:
    """Looks at the platform of a run: the process `pid`, as long as it is the child of `parent`."""

    def __init__(self, pid: int, parent: int) -> None:
        self.pid = pid
        self._parent = parent
        self._before: tuple[float, float] | None = None

    def look(self) -> Vitals | None:
        """Return the vitals now; None when the process is gone, or another has its number."""
        now, seconds, resident = time.monotonic(), 0.0, 0
        try:
            process = psutil.Process(self.pid)
            if process.ppid() != self._parent:
                return None
            for one in (process, *process.children(recursive=True)):
                with one.oneshot():
                    times = one.cpu_times()
                    seconds += times.user + times.system
                    resident += one.memory_info().rss
        except psutil.Error:
            return None
        before, self._before = self._before, (now, seconds)
        if before is None or now <= before[0]:
            return Vitals(None, resident)
        return Vitals(max(0.0, 100 * (seconds - before[1]) / (now - before[0])), resident)
