"""``python -m tests.differential [--graphs N] [--seed S] [--index I] [--faults]``: random graphs, counted by family.

Graphs are numbered; each is made of the seed and its number alone, so one that fails is run again with `--index`.
A graph counts when at least one of its partitions was compiled and compared; the others are listed by reason.
"""

import argparse
import functools
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TextIO

from tests import workers
from tests.workers import Lost

PROCESSES = 2
GRAPH_TIMEOUT_S = 300
PROGRESS = 100
"""Graphs between two lines that say how far it is."""


@dataclass
class Count:
    """What became of all graphs so far."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By family and verdict."""
    steps: Counter[str] = field(default_factory=Counter)
    """Operators in graphs that were compared, by family."""
    reasons: Counter[str] = field(default_factory=Counter)
    refused_configurations: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)
    compilations: int = 0
    partial: int = 0
    seconds: float = 0.0

    @property
    def compared(self) -> int:
        """Graphs whose outputs were compared."""
        return sum(n for (_, verdict), n in self.outcomes.items() if verdict in ("equal", "mismatch", "error"))


def add(count: Count, index: int, family: str, outcome: object) -> None:
    """Take one more outcome into the count."""
    from tests.differential.comparison import Outcome

    if not isinstance(outcome, Outcome):
        assert isinstance(outcome, Lost)
        # Which of the three it was that crashed is for a look at this graph by itself.
        count.outcomes[family, "error"] += 1
        count.failures.append((index, outcome.why))
        return
    count.outcomes[family, outcome.verdict] += 1
    count.seconds += outcome.seconds
    if outcome.verdict == "refused":
        count.reasons[outcome.detail] += 1
        return
    count.compilations += outcome.compilations
    count.partial += outcome.partial
    count.steps.update(outcome.families)
    count.refused_configurations.update(outcome.refused)
    if outcome.verdict != "equal":
        count.failures.append((index, outcome.detail))


def report(count: Count, families: Iterable[str], seed: int, seconds: float, out: TextIO) -> None:
    """Print the tables."""
    verdicts = ("equal", "mismatch", "error", "refused")
    print(f"\n{'family':18}{'graphs':>8}" + "".join(f"{v:>10}" for v in verdicts) + f"{'operators':>11}", file=out)
    totals: Counter[str] = Counter()
    for family in families:
        row = {verdict: count.outcomes[family, verdict] for verdict in verdicts}
        totals += Counter(row)
        cells = "".join(f"{row[v]:10}" for v in verdicts)
        print(f"{family:18}{sum(row.values()) - row['refused']:8}{cells}{count.steps[family]:11}", file=out)
    cells = "".join(f"{totals[v]:10}" for v in verdicts)
    print(f"{'all':18}{count.compared:8}{cells}{sum(count.steps.values()):11}", file=out)
    print(
        f"\n{count.compared} graphs, {count.compilations} compilations, each with 2 sets of inputs; in {count.partial}"
        f" graphs some operators were left for the CPU; {seconds:.0f} s, {count.seconds:.0f} s of CPU",
        file=out,
    )
    for title, reasons in (("graphs refused", count.reasons), ("configurations refused", count.refused_configurations)):
        print(f"\n{title}: {sum(reasons.values())}", file=out)
        for text, number in reasons.most_common():
            print(f"{number:6}  {text}", file=out)
    if count.failures:
        from tests.differential import families as known

        print(f"\nfailures: {len(count.failures)}", file=out)
        for index, detail in sorted(count.failures):
            print(f"\n{detail}\n{known.spec(seed, index)}", file=out)


def one(seed: int, index: int, out: TextIO) -> int:
    """Run one graph in this process and say all there is to say."""
    from tests.differential import comparison, families

    spec = families.spec(seed, index)
    print(spec, file=out, flush=True)
    outcome = comparison.compare(spec)
    print(f"{outcome.verdict} {outcome.detail}\n{outcome}", file=out)
    return 0 if outcome.verdict in ("equal", "refused") else 1


def known(out: TextIO) -> int:
    """Compile the smallest cases of the compiler's faults and say which are still there."""
    from tests.differential import comparison
    from tests.differential.faults import KNOWN
    from tests.differential.specs import Configuration, Given, Spec, Step

    gone = 0
    for number, fault in enumerate(KNOWN):
        inputs = [Given(f"x{n}", shape, "float") for n, shape in enumerate(fault.inputs)]
        parameters = [
            Given(f"w{n}", shape, "float", True) for n, shape in enumerate(fault.parameters, start=len(inputs))
        ]
        steps = tuple(Step("", f"v{n}", text) for n, text in enumerate(fault.steps))
        given = (*inputs, *parameters)
        configuration = Configuration(*fault.target, None, "Performance")
        outcome = comparison.compare(Spec(0, number, "", given, steps, fault.quantization, (configuration,)))
        there = outcome.verdict != "equal"
        gone += not there
        print(
            f"{'there' if there else 'GONE'}: {'; '.join(fault.steps)}: {fault.why}\n  {outcome.detail}",
            file=out,
            flush=True,
        )
    return 1 if gone else 0


def many(graphs: int, seed: int, out: TextIO) -> int:
    """Run graphs until `graphs` of them were compared."""
    from tests.differential import worker
    from tests.differential.families import FAMILIES

    names = list(FAMILIES)
    begun = time.monotonic()
    count = Count()
    results = workers.run(functools.partial(worker.prepare, seed), itertools.count(), PROCESSES, GRAPH_TIMEOUT_S)
    for done, (index, outcome) in enumerate(results, start=1):
        before = len(count.failures)
        add(count, index, names[index % len(names)], outcome)
        if len(count.failures) > before:
            print(f"FAILED --seed {seed} --index {index}: {count.failures[-1][1]}", file=out, flush=True)
        if done % PROGRESS == 0:
            what = f"{count.compared} compared, {len(count.failures)} failed, {time.monotonic() - begun:.0f} s"
            print(f"{done} graphs: {what}", file=out, flush=True)
        if count.compared >= graphs:
            break
    results.close()
    report(count, names, seed, time.monotonic() - begun, out)
    return 1 if count.failures else 0


def main(arguments: list[str]) -> int:
    """The exit status is 1 where the simulator and the reference model differ, or the simulator fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential")
    parser.add_argument("--graphs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--index", type=int, help="only the graph of that number")
    parser.add_argument("--faults", action="store_true", help="the compiler's known faults: are they still there?")
    options = parser.parse_args(arguments)
    # The compilers and the reference model print; what is ours to print goes around them.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if options.faults:
        return known(out)
    if options.index is not None:
        return one(options.seed, options.index, out)
    return many(options.graphs, options.seed, out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
