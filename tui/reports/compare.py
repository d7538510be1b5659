"""A comparison of two runs: its verdict, and all of it as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from tui.analysis.compare import (
    ACCELERATOR,
    CHECK,
    Compared,
    ComparedModule,
    Comparison,
    Difference,
    Profile,
    allowed_pct,
)
from tui.reports.format import UNKNOWN, change, field, frequency, table, time
from tui.text import clean, counted
from tui.toolchain import boards, vela

MOST_MODULES = 12
WORSE = "WORSE"
"""Mark of a figure that got worse."""

SYSTEM_CONFIG = "spec.target.system_config"
LABELS = {
    ACCELERATOR: "target",
    "spec.target.memory_mode": "memory mode",
    SYSTEM_CONFIG: "system config",
    "spec.quantize": "quantization",
    "spec.channels_last": "layout",
    "spec.until": "last stage",
}
"""Names of spec fields for people; any other goes by its own."""

VALUES = {
    ("spec.channels_last", "False"): "as written",
    ("spec.channels_last", "True"): "channels last",
}

CYCLES = "total_cycles"


@dataclass(frozen=True)
class Verdict:
    """The outcome of a comparison: outputs that are not the model's outweigh any gain."""

    word: str
    """``WRONG``, ``2 WORSE``, ``NOT WORSE``, ``OTHER NPU``, ``SIDE BY SIDE`` or ``NOT COMPARED``."""
    tone: Literal["good", "bad", "unknown"]
    sentence: str


def verdict(comparison: Comparison) -> Verdict:
    """Judge a comparison."""
    if not comparison.comparable:
        return Verdict("NOT COMPARED", "unknown", "; ".join(clean(reason, 200) for reason in comparison.reasons))
    check, cycles = figure(comparison, CHECK), figure(comparison, CYCLES)
    if check is not None and check.b == 0:
        faster = cycles is not None and cycles.change_pct is not None and cycles.change_pct < 0
        hides = "faster does not hide a mismatch: " if faster else ""
        of = "neither run's outputs are the model's" if check.a == 0 else "B's outputs are not the model's"
        return Verdict("WRONG", "bad", hides + of)
    if worse := comparison.regressions:
        words = f"{counted(len(worse), 'figure')} worse than the profile allows"
        return Verdict(f"{len(worse)} {WORSE}", "bad", words)
    right = "B's outputs are the model's, A's were not; " if check is not None and (check.a, check.b) == (0, 1) else ""
    unchecked = "; B's outputs were not checked" if check is not None and check.b is None else ""
    if comparison.matched == "order":
        words = "operators in the order of the network, side by side: a choice, not a regression"
        return Verdict("SIDE BY SIDE", "unknown", f"{right}{words}{unchecked}")
    if comparison.npus:
        return Verdict("OTHER NPU", "unknown", f"{right}figures side by side: a choice, not a regression{unchecked}")
    return Verdict("NOT WORSE", "good", f"{right}nothing is worse than the profile allows{unchecked}")


def figure(comparison: Comparison, name: str) -> Compared | None:
    """A figure of a comparison by its name; None where neither run has it."""
    return next((compared for compared in comparison.figures if compared.name == name), None)


def npus_words(comparison: Comparison) -> str:
    """Name the NPUs, their boards and clocks, where they are of different families; empty where they are not.

    The cycles of one are no measure for those of the other: the times are.
    """
    if not comparison.npus:
        return ""
    systems = next(((d.a, d.b) for d in comparison.differs if d.name == SYSTEM_CONFIG), (None, None))
    cycles = figure(comparison, CYCLES)
    counts = (None, None) if cycles is None else (cycles.a, cycles.b)
    return "Different NPUs: " + " and ".join(map(_npu_words, comparison.npus, systems, counts))


def _npu_words(accelerator: str, system_config: str | None, cycles: float | None) -> str:
    """``Ethos-U55-128 (Corstone-300), 40.3 µs at 500 MHz``."""
    board, hz = boards.of(accelerator), vela.clock_hz(system_config or "")
    spent = f"{time(cycles / hz)} at {frequency(hz)}" if cycles is not None and hz else frequency(hz)
    return f"{board.npu.name}-{accelerator.rpartition('-')[2]} ({board.system}), {spent}"


Row = TypeVar("Row", bound=Compared)


def changed_first(rows: Sequence[Row]) -> list[Row]:
    """Order figures: a lost match, what got worse, what changed, and what is the same."""

    def rank(compared: Compared) -> tuple[bool, bool, bool]:
        return compared.a == compared.b, not (compared.name == CHECK and compared.regression), not compared.regression

    return sorted(rows, key=rank)


def summary(comparison: Comparison) -> str:
    """The verdict first, then differences, figures and modules; what got worse is marked."""
    found = verdict(comparison)
    npus = [words] if (words := npus_words(comparison)) else []
    lines = [f"{found.word}  {found.sentence}", *npus, "", f"A  {clean(comparison.a)}", f"B  {clean(comparison.b)}"]
    lines += [f"not compared: {clean(reason)}" for reason in comparison.reasons]
    if comparison.differs:
        lines += ["", "differences", *table([_difference_row(difference) for difference in comparison.differs])]
    if comparison.figures:
        rows = map(_row, changed_first(comparison.figures))
        lines += ["", *table([["", "A", "B", "change", ""], *rows], right=(1, 2, 3))]
    changed = [module for module in comparison.operators if module.a != module.b]
    if comparison.matched == "order":
        lines += ["", *_in_order(comparison.operators)]
    elif changed:
        modules = [[*_row(module), place(module)] for module in changed[:MOST_MODULES]]
        lines += ["", "modules whose cycles changed", *table(modules, right=(1, 2, 3))]
        if rest := changed[MOST_MODULES:]:
            lines.append(f"  and {len(rest)} more")
    return "\n".join(lines)


def regression_words(worse: Compared, profile: Profile) -> str:
    """``total_cycles: 2,622 -> 9,117, +247.7 %; allowed: 1 %``: a figure or module that got worse, and its limit."""
    if isinstance(worse, ComparedModule):
        allowed = f"{profile.modules_pct:g} % of a module, or {profile.module_cycles:,} cycles"
    else:
        allowed = f"{allowed_pct(worse.name, profile):g} %"
    before, after = (figure_words(worse.name, value) for value in (worse.a, worse.b))
    by = "" if worse.name == CHECK or worse.a is None else f", {change(percent(worse))}"
    return f"{clean(worse.name, 60)}: {before} -> {after}{by}; allowed: {allowed}"


def _in_order(operators: Sequence[ComparedModule]) -> list[str]:
    """All operators of both runs in the network's order, and what only one of them has."""
    rows = [
        [
            f"  {clean(one.name, 44) if one.a is not None else UNKNOWN}",
            clean(one.name_b or UNKNOWN, 44),
            figure_words(CYCLES, one.a),
            figure_words(CYCLES, one.b),
            change(percent(one)),
        ]
        for one in operators
    ]
    header = ["operators, in order", "", "A", "B", "change"]
    alone = [_alone_words(*one) for one in _alone(operators) if one[1]]
    return [*table([header, *rows], right=(2, 3, 4)), *alone]


def _alone(operators: Sequence[ComparedModule]) -> tuple[tuple[str, int, float], ...]:
    """The number and the cycles of operators that only A has, and that only B has."""
    only_a = [one.a or 0 for one in operators if one.b is None]
    only_b = [one.b or 0 for one in operators if one.a is None]
    return ("A", len(only_a), sum(only_a)), ("B", len(only_b), sum(only_b))


def _alone_words(run: str, count: int, cycles: float) -> str:
    """``only in A: 3 operators, 75,386 cycles``."""
    return f"only in {run}: {counted(count, 'operator')}, {figure_words(CYCLES, cycles)} cycles"


def difference_words(difference: Difference) -> tuple[str, str]:
    """``layout`` and ``as written -> channels last``."""
    label = LABELS.get(difference.name) or difference.name.partition(".")[2].replace("_", " ")
    return clean(label), f"{_value(difference.name, difference.a)} -> {_value(difference.name, difference.b)}"


def _difference_row(difference: Difference) -> list[str]:
    label, values = difference_words(difference)
    return [f"  {label}", values]


def _value(name: str, value: str | None) -> str:
    if value is None:
        return UNKNOWN
    switch = {"False": "no", "True": "yes"}.get(value, value)
    return clean(VALUES.get((name, value), switch), 60)


def percent(compared: Compared) -> float | None:
    """Change of a figure in percent; 0 for none, of 0 too, of which analysis knows no share; None of a verdict."""
    if compared.a is not None and compared.a == compared.b:
        return 0.0
    return None if compared.name == CHECK else compared.change_pct


def _row(compared: Compared) -> list[str]:
    return [
        f"  {clean(compared.name, 60)}",
        figure_words(compared.name, compared.a),
        figure_words(compared.name, compared.b),
        change(percent(compared)),
        WORSE if compared.regression else "",
    ]


def figure_words(name: str, value: float | None) -> str:
    """A figure by its name: ``92,194``, ``MISMATCH``."""
    if name == CHECK and value is not None:
        return "match" if value else "MISMATCH"
    return field(name, value)


def place(module: ComparedModule) -> str:
    """``FILE:LINE`` of a module."""
    return clean(module.line_b or module.line_a or "")
