"""A comparison as text."""

from collections.abc import Iterator

from tui.analysis.compare import CHECK, Compared, ComparedModule, Comparison
from tui.reports.format import UNKNOWN, change, field, table
from tui.text import clean

MOST_MODULES = 12
WORSE = "WORSE"
"""Marks what got worse."""


def summary(found: Comparison) -> str:
    """What differs first, then figures, then modules that changed; what got worse is marked."""
    lines = [f"A  {clean(found.a)}", f"B  {clean(found.b)}"]
    lines += [f"not compared: {clean(reason)}" for reason in found.reasons]
    if found.differs:
        lines += ["", "differs"]
        rows = [[f"  {clean(d.name)}", clean(d.a or UNKNOWN, 60), clean(d.b or UNKNOWN, 60)] for d in found.differs]
        lines += table(rows)
    if found.figures:
        lines += ["", *table([["", "A", "B", "change", ""], *map(_row, found.figures)], right=(1, 2, 3))]
    changed = [module for module in found.operators if module.a != module.b]
    if changed:
        lines += ["", "cycles of modules that changed"]
        rows = [[*_row(module), _place(module)] for module in changed[:MOST_MODULES]]
        lines += table(rows, right=(1, 2, 3))
        if rest := changed[MOST_MODULES:]:
            lines.append(f"  and {len(rest)} more")
    lines += ["", *_verdict(found)]
    return "\n".join(lines)


def _row(found: Compared) -> list[str]:
    percent = None if found.name == CHECK else found.change_pct
    return [
        f"  {clean(found.name, 60)}",
        _figure(found.name, found.a),
        _figure(found.name, found.b),
        change(percent),
        WORSE if found.regression else "",
    ]


def _figure(name: str, value: float | None) -> str:
    """One run's figure in words."""
    if value is None:
        return UNKNOWN
    if name == CHECK:
        return "match" if value else "MISMATCH"
    return field(name, value)


def _place(module: ComparedModule) -> str:
    return clean(module.line_b or module.line_a or "")


def _verdict(found: Comparison) -> Iterator[str]:
    if not found.comparable:
        yield "nothing to compare"
    elif found.regressions:
        yield f"{len(found.regressions)} worse than the profile allows"
    else:
        yield "nothing is worse than the profile allows"
