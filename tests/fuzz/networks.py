"""``python -m tests.fuzz.networks [--files N] [--seed S] [--number K]``: damaged .tflite files, counted by end.

Every other file is damaged before Vela compiles it, and goes the whole way: reader, Vela, simulator, LiteRT. The others
are damaged after, and go to the simulator. Vela and LiteRT may crash or hang on them: they are in processes of their
own, as in a run. A file that ends otherwise in anything but its result or one line is a failure, and so is one that
leaves the reader or the simulator larger than it was.
"""

import argparse
import functools
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests import workers
from tests.fuzz import network_worker
from tests.fuzz.__main__ import GROWTH_KIB, PROCESSES, WARM, report
from tests.fuzz.network_worker import Sound
from tests.fuzz.worker import Outcome

HANGS_S = 120
"""Without an answer for so long, on a busy machine, too: the limits of a process did not end it."""


def main(arguments: list[str]) -> int:
    """The exit status is 1 where there was a traceback, a hang, a crash, or growth of memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.networks")
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, help="only the file of that number")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        return _counted(network_worker.sound(Path(place)), options)


def _counted(sound: Sound, options: argparse.Namespace) -> int:
    numbers = range(options.files) if options.number is None else [options.number]
    prepare = functools.partial(network_worker.prepare, sound, options.seed)
    ends: Counter[tuple[str, str]] = Counter()
    failures: list[tuple[int, str]] = []
    slowest, begun = 0.0, time.monotonic()
    resident = {"warm": 0, "last": 0, "most": 0}
    for done, (number, outcome) in enumerate(workers.run(prepare, numbers, PROCESSES, HANGS_S), start=1):
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
            print(f"{done} files, {len(failures)} failed, {time.monotonic() - begun:.0f} s", flush=True)
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
