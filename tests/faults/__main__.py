"""``python -m tests.faults [--moments N] [--seed S] [--only WORDS]``: faults at random moments, counted by scenario.

A moment is made of the seed, its scenario and its number alone, but what happens at it is decided by the machine as
well: a try that fails is tried again with ``--only`` and the seed. Everything in the last three columns is a failure.
"""

import argparse
import functools
import secrets
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests import workers
from tests.faults import crowds, scenarios, worker
from tests.faults.judging import Outcome
from tests.faults.worker import Job
from tests.faults.world import MODEL, Machine, machine, until, world
from tests.workers import Lost

PROCESSES = 6
"""More than processors: most of a try is waiting."""
LIMIT_S = 400
PROGRESS = 50


def jobs(moments: int, sizes: int, places: int, crowds_: int, only: str) -> list[Job]:
    """All tries, those first that wait longest; what is cheap comes between."""
    slow = [(s.name, n) for s in scenarios.SCENARIOS if s.slow for n in range(moments)]
    quick = [(s.name, n) for n in range(moments) for s in scenarios.SCENARIOS if not s.slow]
    disks = [(name, n) for n in range(sizes) for name in ("disk full", "disk full, compiling")]
    others = disks + [("journal damaged", n) for n in range(places)]
    # One that waits to three that work.
    mixed = [job for at, one in enumerate(quick) for job in ([slow.pop(0)] if slow and at % 4 == 0 else []) + [one]]
    found = [*mixed, *slow, *others, *(("six at once", n) for n in range(crowds_))]
    return [job for job in found if only in job[0]]


def report(outcomes: Iterable[Outcome], lost: list[tuple[Job, str]]) -> int:
    """Print the table; how many failures there were."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    for one in outcomes:
        row = rows[one.scenario]
        row["tries"] += 1
        row["met"] += one.met
        ends[one.scenario][one.ended] += 1
        for column in ("wrong", "tracebacks", "left"):
            row[column] += bool(getattr(one, column))
    for (name, _), _why in lost:
        rows[name]["tries"] += 1
        rows[name]["wrong"] += 1
        ends[name]["harness lost"] += 1
    columns = ("tries", "met", "wrong", "tracebacks", "left")
    print(f"\n{'scenario':28}" + "".join(f"{column:>12}" for column in columns) + "   ended")
    total: Counter[str] = Counter()
    for name, row in rows.items():
        total += row
        ended = ", ".join(f"{count} {end}" for end, count in ends[name].most_common())
        print(f"{name:28}" + "".join(f"{row[column]:12}" for column in columns) + f"   {ended}")
    print(f"{'all':28}" + "".join(f"{total[column]:12}" for column in columns))
    return sum(total[column] for column in columns[2:])


def main(arguments: list[str]) -> int:
    """The exit status is 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--moments", type=int, default=50, help="of each scenario [50]")
    parser.add_argument("--sizes", type=int, default=20, help="of full disks [20]")
    parser.add_argument("--places", type=int, default=200, help="in which a journal is damaged [200]")
    parser.add_argument("--crowds", type=int, default=3, help="of six runs at once [3]")
    parser.add_argument("--seed", default="", help="decides the moments; without one they are others each time")
    parser.add_argument("--only", default="", help="only scenarios with these words in their name")
    parser.add_argument("--number", type=int, help="only the try of that number")
    options = parser.parse_args(arguments)
    seed = options.seed or secrets.token_hex(4)
    how = crowds.way()
    print(f"--seed {seed}; small disks: {how}", flush=True)
    wanted = jobs(options.moments, options.sizes, options.places, options.crowds, options.only)
    if options.number is not None:
        wanted = [job for job in wanted if job[1] == options.number]
    begun = time.monotonic()
    outcomes: list[Outcome] = []
    lost: list[tuple[Job, str]] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, world(Path(folder)) as shared:
        print(f"undisturbed: {shared.ready_s:.1f} s, with {MODEL} {shared.compile_s:.1f} s", flush=True)
        with machine(shared, "stopped", keep=True) as made:
            made.start(*scenarios.SCENARIOS[0].arguments(shared), "--inferences", "100000")
            stopped = stop_running(made)
        work = functools.partial(worker.prepare, shared, seed, options.sizes, how, stopped)
        for done, (job, outcome) in enumerate(workers.run(work, wanted, PROCESSES, LIMIT_S), start=1):
            if isinstance(outcome, Lost):
                lost.append((job, outcome.why))
                print(f"LOST {job}: {outcome.why}", flush=True)
                continue
            outcomes.append(outcome)
            for kind in ("wrong", "tracebacks", "left"):
                for words in getattr(outcome, kind):
                    print(f"{kind.upper()} {outcome.scenario} --number {outcome.number}: {words}", flush=True)
            if done % PROGRESS == 0:
                print(f"{done} of {len(wanted)}, {time.monotonic() - begun:.0f} s", flush=True)
    failures = report(outcomes, lost)
    print(f"\n{len(wanted)} tries, {time.monotonic() - begun:.0f} s, --seed {seed}")
    return 1 if failures else 0


def stop_running(made: Machine) -> Path:
    """A run that was stopped while its platform ran."""
    from tests.watching import event_of
    from tui.run import events, store

    directory = (until(made.runs, 60) or [])[0]
    event_of(directory, lambda event: isinstance(event, events.InferenceFinished))
    assert made.command("stop", directory.name).returncode == 0
    event_of(directory, lambda event: isinstance(event, events.RunFinished))
    # Its process keeps the state after its last word, and is killed with its machine.
    until((directory / store.SNAPSHOT).exists, 60)
    return directory


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
