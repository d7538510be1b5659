"""``python -m tests.differential [--graphs N] [--npu N] [--seed S] [--index I] [--faults]``: random graphs, by family.

Graphs are numbered; each is made of NPU, seed and its number alone, so one that fails is run again with `--index`.
A graph counts when at least one of its partitions was compiled and compared; the others are listed by reason. Beside
the simulator, the lowered program is held against the quantized model: what lowering changed is listed as findings.
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
from typing import TYPE_CHECKING, TextIO

from tests import workers
from tests.workers import Lost

if TYPE_CHECKING:
    from tests.differential.comparison import Outcome
    from tests.differential.specs import Npu, Spec

PROCESSES = 2
GRAPH_TIMEOUT_S = 300
PROGRESS = 100
"""Graphs between two lines that say how far it is."""


COMPARED = ("equal", "excused", "mismatch", "error")
"""Verdicts of graphs that were compared."""


@dataclass(frozen=True)
class Series:
    """A series of graphs."""

    seed: int
    npu: "Npu"

    def __str__(self) -> str:
        return f"--npu {self.npu} --seed {self.seed}"

    def spec(self, index: int) -> "Spec":
        """The graph of that number."""
        from tests.differential import families

        return families.spec(self.seed, index, self.npu)


@dataclass
class Count:
    """Outcomes of all graphs so far."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By family and verdict."""
    steps: Counter[str] = field(default_factory=Counter)
    """Operators in graphs that were compared, by family."""
    reasons: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    """Configurations whose difference a named fault explains, by its name."""
    excused_graphs: dict[str, int] = field(default_factory=dict)
    """The first graph of each of them."""
    refused_configurations: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)
    findings: list["Outcome"] = field(default_factory=list)
    """Graphs of which lowering changed an output."""
    links: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By family: graphs that lowering left as they were, changed by a known fault, changed otherwise, not compared."""
    unlinked: Counter[str] = field(default_factory=Counter)
    compilations: int = 0
    partial: int = 0
    seconds: float = 0.0

    @property
    def compared(self) -> int:
        """Graphs whose outputs were compared."""
        return sum(n for (_, verdict), n in self.outcomes.items() if verdict in COMPARED)


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
    if outcome.findings:
        count.findings.append(outcome)
    if outcome.unlinked:
        count.unlinked[outcome.unlinked] += 1
    count.links[family, _linked(outcome)] += 1
    if outcome.verdict == "refused":
        count.reasons[outcome.detail] += 1
        return
    count.compilations += outcome.compilations
    count.partial += outcome.partial
    count.steps.update(outcome.families)
    count.refused_configurations.update(outcome.refused)
    count.excused.update(outcome.excused)
    for name in outcome.excused:
        count.excused_graphs.setdefault(name, index)
    if outcome.verdict not in ("equal", "excused"):
        count.failures.append((index, outcome.detail))


def _linked(outcome: "Outcome") -> str:
    if any(not finding.faults for finding in outcome.findings):
        return "unknown"
    if outcome.findings:
        return "known"
    return "none" if outcome.unlinked or outcome.verdict == "refused" else "kept"


def report(count: Count, families: Iterable[str], series: Series, seconds: float, out: TextIO) -> None:
    """Print the tables."""
    verdicts = (*COMPARED, "refused")
    linked = ("kept", "known", "unknown")
    print(
        f"\n{'':18}{'simulator and reference model':>58}{'operators':>11}{'quantized and lowered':>30}\n"
        f"{'family':18}{'graphs':>8}" + "".join(f"{v:>10}" for v in (*verdicts, "", *linked)),
        file=out,
    )
    totals: Counter[str] = Counter()
    for family in families:
        row = {verdict: count.outcomes[family, verdict] for verdict in verdicts}
        totals += Counter(row)
        cells = "".join(f"{row[v]:10}" for v in verdicts)
        link = {verdict: count.links[family, verdict] for verdict in linked}
        totals += Counter(link)
        ends = "".join(f"{link[v]:10}" for v in linked)
        print(f"{family:18}{sum(row.values()) - row['refused']:8}{cells}{count.steps[family]:10}{ends}", file=out)
    cells = "".join(f"{totals[v]:10}" for v in verdicts)
    ends = "".join(f"{totals[v]:10}" for v in linked)
    print(f"{'all':18}{count.compared:8}{cells}{sum(count.steps.values()):10}{ends}", file=out)
    print(
        f"\n{count.compared} graphs, {count.compilations} compilations, each with 2 sets of inputs; in {count.partial}"
        f" graphs some operators were left for the CPU; {seconds:.0f} s, {count.seconds:.0f} s of CPU",
        file=out,
    )
    print(f"\nconfigurations that differ by a named fault of the compiler: {count.excused.total()}", file=out)
    for name, number in count.excused.most_common():
        print(f"{number:6}  {name}, the first --index {count.excused_graphs[name]}", file=out)
    listed = (
        ("graphs refused", count.reasons),
        ("configurations refused", count.refused_configurations),
        ("lowered programs not compared with the quantized model", count.unlinked),
    )
    for title, reasons in listed:
        print(f"\n{title}: {sum(reasons.values())}", file=out)
        for text, number in reasons.most_common():
            print(f"{number:6}  {text}", file=out)
    _report_findings(count.findings, series, out)
    if count.failures:
        print(f"\nfailures: {len(count.failures)}", file=out)
        for index, detail in sorted(count.failures):
            print(f"\n{detail}\n{series.spec(index)}", file=out)


def _report_findings(outcomes: list["Outcome"], series: Series, out: TextIO) -> None:
    """Say what lowering changed: in short where the fault is known, with the graph where it is not."""
    unknown = [outcome for outcome in outcomes if _linked(outcome) == "unknown"]
    print(f"\nlowering changed the result: {len(outcomes)} graphs, {len(unknown)} by no known fault", file=out)
    for outcome in sorted(outcomes, key=lambda one: (_linked(one) == "unknown", one.index)):
        for finding in outcome.findings:
            print(f"--index {outcome.index} ({outcome.family}): {finding}", file=out)
        if _linked(outcome) == "unknown":
            spec = series.spec(outcome.index)
            print(f"{spec.shortened(outcome.shortest) if outcome.shortest else spec}\n", file=out)


def one(series: Series, index: int, out: TextIO) -> int:
    """Run one graph in this process and say all there is to say."""
    from tests.differential import comparison

    spec = series.spec(index)
    print(spec, file=out, flush=True)
    outcome = comparison.compare_number(series.seed, index, series.npu)
    print(f"{outcome.verdict} {outcome.detail}\n{outcome}", file=out)
    _report_findings([outcome] if outcome.findings else [], series, out)
    return 0 if outcome.verdict in ("equal", "excused", "refused") and _linked(outcome) != "unknown" else 1


def known(out: TextIO) -> int:
    """Compile the smallest cases of the compiler's faults and say which are still there."""
    from tests.differential import comparison
    from tests.differential.faults import KNOWN

    gone = 0
    for number, fault in enumerate(KNOWN):
        outcome = comparison.compare(comparison.smallest(fault, number))
        there = outcome.verdict != "equal"
        gone += not there
        print(
            f"{'there' if there else 'GONE'}: {'; '.join(fault.steps)}: {fault.why}\n  {outcome.detail}",
            file=out,
            flush=True,
        )
    return 1 if gone else 0


def many(graphs: int, series: Series, processes: int, out: TextIO) -> int:
    """Run graphs until `graphs` of them were compared."""
    from tests.differential import worker
    from tests.differential.families import FAMILIES

    names = list(FAMILIES)
    begun = time.monotonic()
    count = Count()
    prepare = functools.partial(worker.prepare, series.seed, series.npu)
    results = workers.run(prepare, itertools.count(), processes, GRAPH_TIMEOUT_S)
    for done, (index, outcome) in enumerate(results, start=1):
        before = len(count.failures)
        add(count, index, names[index % len(names)], outcome)
        if len(count.failures) > before:
            print(f"FAILED {series} --index {index}: {count.failures[-1][1]}", file=out, flush=True)
        if not isinstance(outcome, Lost) and _linked(outcome) == "unknown":
            print(f"LOWERING {series} --index {index}: {outcome.findings[0]}", file=out, flush=True)
        if done % PROGRESS == 0:
            what = f"{count.compared} compared, {len(count.failures)} failed, {time.monotonic() - begun:.0f} s"
            print(f"{done} graphs: {what}", file=out, flush=True)
        if count.compared >= graphs:
            break
    results.close()
    report(count, names, series, time.monotonic() - begun, out)
    return 1 if count.failures or any(_linked(outcome) == "unknown" for outcome in count.findings) else 0


def main(arguments: list[str]) -> int:
    """The exit status is 1 where simulator and reference model differ, the simulator fails, or a new fault is found."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential")
    parser.add_argument("--graphs", type=int, default=2000)
    parser.add_argument("--npu", choices=("ethos-u85", "ethos-u55"), default="ethos-u85", help="ethos-u55: U65, too")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--index", type=int, help="only the graph of that number")
    parser.add_argument("--faults", action="store_true", help="the compiler's known faults: are they still there?")
    options = parser.parse_args(arguments)
    # The compilers and the reference model print; what is ours to print goes around them.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if options.faults:
        return known(out)
    if options.index is not None:
        return one(Series(options.seed, options.npu), options.index, out)
    return many(options.graphs, Series(options.seed, options.npu), options.processes, out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
