"""A comparison of two runs as text."""

from tui.analysis.compare import CHECK, Compared, ComparedModule, Comparison, Difference
from tui.reports.format import UNKNOWN, change, field, table
from tui.text import clean, counted

MOST_MODULES = 12
WORSE = "WORSE"
"""Mark of a figure that got worse."""

LABELS = {
    "spec.target.accelerator": "target",
    "spec.target.memory_mode": "memory mode",
    "spec.target.system_config": "system config",
    "spec.quantize": "quantization",
    "spec.channels_last": "layout",
    "spec.until": "last stage",
}
"""Names of spec fields for people; any other goes by its own."""

VALUES = {
    ("spec.channels_last", "False"): "as written",
    ("spec.channels_last", "True"): "channels last",
}


def summary(comparison: Comparison) -> str:
    """Differences first, then figures, then modules that changed; what got worse is marked."""
    lines = [f"A  {clean(comparison.a)}", f"B  {clean(comparison.b)}"]
    lines += [f"not compared: {clean(reason)}" for reason in comparison.reasons]
    if comparison.differs:
        lines += ["", "differences", *table([_difference_row(difference) for difference in comparison.differs])]
    if comparison.figures:
        lines += ["", *table([["", "A", "B", "change", ""], *map(_row, comparison.figures)], right=(1, 2, 3))]
    changed = [module for module in comparison.operators if module.a != module.b]
    if changed:
        rows = [[*_row(module), _place(module)] for module in changed[:MOST_MODULES]]
        lines += ["", "modules whose cycles changed", *table(rows, right=(1, 2, 3))]
        if rest := changed[MOST_MODULES:]:
            lines.append(f"  and {len(rest)} more")
    return "\n".join([*lines, "", _verdict(comparison)])


def _difference_row(difference: Difference) -> list[str]:
    """``layout  as written -> channels last``."""
    label = LABELS.get(difference.name) or difference.name.partition(".")[2].replace("_", " ")
    return [f"  {clean(label)}", f"{_value(difference.name, difference.a)} -> {_value(difference.name, difference.b)}"]


def _value(name: str, value: str | None) -> str:
    if value is None:
        return UNKNOWN
    switch = {"False": "no", "True": "yes"}.get(value, value)
    return clean(VALUES.get((name, value), switch), 60)


def _row(compared: Compared) -> list[str]:
    percent = None if compared.name == CHECK else compared.change_pct
    if compared.a is not None and compared.a == compared.b:
        percent = 0.0  # 0 and 0, too, of which analysis knows no share
    return [
        f"  {clean(compared.name, 60)}",
        _figure(compared.name, compared.a),
        _figure(compared.name, compared.b),
        change(percent),
        WORSE if compared.regression else "",
    ]


def _figure(name: str, value: float | None) -> str:
    if name == CHECK and value is not None:
        return "match" if value else "MISMATCH"
    return field(name, value)


def _place(module: ComparedModule) -> str:
    return clean(module.line_b or module.line_a or "")


def _verdict(comparison: Comparison) -> str:
    if not comparison.comparable:
        return "nothing to compare"
    if comparison.regressions:
        return f"{counted(len(comparison.regressions), 'figure')} worse than the profile allows"
    return "nothing is worse than the profile allows"
