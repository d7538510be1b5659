"""A series of damaged programs over workers: counted by how they ended, with what failed and how the workers grew."""

import time
from collections import Counter
from collections.abc import Callable, Iterable

from tests import workers
from tests.fuzz.worker import Outcome

PROCESSES = 2

GROWTH_KIB = 128 << 10
"""What a worker may have more at its end than when it was warm."""

WARM = 500
"""Programs after which a worker has loaded all it will."""


def run(
    prepare: Callable[[], Callable[[int], Outcome]],
    numbers: Iterable[int],
    again: str,
    hangs_s: float,
    patience_s: float,
) -> int:
    """Run the programs of these numbers, print how they ended, and return the exit status.

    `again` are the options with which one is run once more, `hangs_s` is the time without an answer after which one
    counts as hung, and `patience_s` that after which a worker stops one by itself.
    """
    ends: Counter[tuple[str, str]] = Counter()
    failures: list[tuple[int, str]] = []
    slowest, begun = 0.0, time.monotonic()
    resident = {"warm": 0, "last": 0, "most": 0}
    for done, (number, outcome) in enumerate(workers.run(prepare, numbers, PROCESSES, hangs_s), start=1):
        if not isinstance(outcome, Outcome):
            ends["?", "lost"] += 1
            failures.append((number, outcome.why))
            continue
        ends[outcome.mutation, outcome.end] += 1
        slowest = max(slowest, outcome.seconds)
        resident["last"], resident["most"] = outcome.resident_kib, max(resident["most"], outcome.resident_kib)
        if done <= WARM:
            resident["warm"] = resident["most"]
        if outcome.end == "traceback":
            failures.append((number, outcome.detail))
        if done % 1000 == 0:
            print(f"{done} done, {len(failures)} failed, {time.monotonic() - begun:.0f} s", flush=True)
    _report(ends)
    print(f"\nslowest: {slowest:.2f} s, stopped after {patience_s:g} s")
    print("memory of a worker: " + ", ".join(f"{name} {kib >> 10} MiB" for name, kib in resident.items()))
    for number, detail in failures:
        print(f"\nFAILED {again} --number {number}:\n{detail}")
    grown = resident["last"] - resident["warm"] > GROWTH_KIB
    if grown:
        print("FAILED: the workers have grown")
    return 1 if failures or grown else 0


def _report(ends: Counter[tuple[str, str]]) -> None:
    """Print a table: mutations by how the programs ended."""
    names = sorted({end for _, end in ends})
    print(f"\n{'damage':32}" + "".join(f"{name:>16}" for name in names))
    for mutation in sorted({mutation for mutation, _ in ends}):
        print(f"{mutation:32}" + "".join(f"{ends[mutation, name]:16}" for name in names))
    totals = Counter(end for _, end in ends.elements())
    print(f"{'all':32}" + "".join(f"{totals[name]:16}" for name in names))
