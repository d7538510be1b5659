"""``python -m tests.fuzz [--programs N] [--npu NPU] [--seed S] [--number K]``: damaged programs, counted by end.

A program that ends in anything but its result or one line of the simulator's own is a failure, and so is one that
does not answer, that takes its process down, or that leaves it larger than it was.
"""

import argparse
import functools
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests import workers
from tests.benchmarks.__main__ import compiled
from tests.fuzz import worker
from tests.fuzz.worker import Outcome
from tests.simulator.programs import SMALL

MODELS = ("sample:digits", "sample:split", "sample:transformer")
"""One partition, several with kernels on the CPU between them, and one of many small operators."""

PROCESSES = 2
HANGS_S = 30
"""Without an answer for so long: the signal that stops a program was not heard."""

GROWTH_KIB = 128 << 10
"""What a worker may have more at its end than when it was warm."""

WARM = 500
"""Programs after which a worker has loaded all it will."""


def sound(place: Path, npu: str) -> tuple[bytes, ...]:
    """The programs before they are damaged."""
    if npu == "ethos-u55":
        return tuple(file.read_bytes() for file in sorted(SMALL.glob("*.pte")))
    return tuple((compiled(model, place) / "model.pte").read_bytes() for model in MODELS)


def report(ends: Counter[tuple[str, str]], slowest: float) -> None:
    """Print a table: mutations by how the programs ended."""
    names = sorted({end for _, end in ends})
    print(f"\n{'damage':32}" + "".join(f"{name:>16}" for name in names))
    for mutation in sorted({mutation for mutation, _ in ends}):
        print(f"{mutation:32}" + "".join(f"{ends[mutation, name]:16}" for name in names))
    totals = Counter(end for _, end in ends.elements())
    print(f"{'all':32}" + "".join(f"{totals[name]:16}" for name in names))
    print(f"\nslowest: {slowest:.2f} s, stopped after {worker.PATIENCE_S:g} s")


def main(arguments: list[str]) -> int:
    """The exit status is 1 where there was a traceback, a hang, a crash, or growth of memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--programs", type=int, default=20_000)
    parser.add_argument("--npu", choices=("ethos-u85", "ethos-u55"), default="ethos-u85", help="ethos-u55: U65, too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, help="only the program of that number")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        programs = sound(Path(place), options.npu)
    numbers = range(options.programs) if options.number is None else [options.number]
    prepare = functools.partial(worker.prepare, programs, options.seed)
    ends: Counter[tuple[str, str]] = Counter()
    failures = []
    slowest = 0.0
    resident = {"warm": 0, "last": 0, "most": 0}
    begun = time.monotonic()
    for done, (number, outcome) in enumerate(workers.run(prepare, numbers, PROCESSES, HANGS_S), start=1):
        if not isinstance(outcome, Outcome):
            ends["?", "lost"] += 1
            failures.append((number, outcome.why))
            continue
        ends[outcome.mutation, outcome.end] += 1
        slowest = max(slowest, outcome.seconds)
        resident["last"] = outcome.resident_kib
        resident["most"] = max(resident["most"], outcome.resident_kib)
        if done <= WARM:
            resident["warm"] = resident["most"]
        if outcome.end == "traceback":
            failures.append((number, outcome.detail))
        if done % 1000 == 0:
            print(f"{done} programs, {len(failures)} failed, {time.monotonic() - begun:.0f} s", flush=True)
    report(ends, slowest)
    print("memory of a worker: " + ", ".join(f"{name} {kib >> 10} MiB" for name, kib in resident.items()))
    for number, detail in failures:
        print(f"\nFAILED --seed {options.seed} --number {number}:\n{detail}")
    grown = resident["last"] - resident["warm"] > GROWTH_KIB
    if grown:
        print("FAILED: the workers have grown")
    return 1 if failures or grown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
