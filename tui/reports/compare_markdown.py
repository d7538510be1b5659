"""A comparison of two runs as Markdown, for a comment or the summary of a job."""

from collections.abc import Iterator

from tui.analysis.compare import Compared, Comparison
from tui.reports import markdown as md
from tui.reports.compare import (
    MOST_MODULES,
    changed_first,
    difference_words,
    figure_words,
    npus_words,
    percent,
    place,
    verdict,
)
from tui.reports.format import change
from tui.text import counted

MARKS = {"good": "✅", "bad": "❌", "unknown": "❔"}
"""Signs of verdicts."""
RIGHT = frozenset({1, 2, 3})
"""Columns of figures."""


def document(comparison: Comparison) -> str:
    """The verdict, then differences, figures, and the modules whose cycles changed."""
    return "\n".join(_lines(comparison)).rstrip() + "\n"


def _lines(comparison: Comparison) -> Iterator[str]:
    found = verdict(comparison)
    yield f"### {MARKS[found.tone]} {md.words(found.word)}"
    yield ""
    yield md.words(found.sentence)
    yield ""
    yield from ([md.words(words), ""] if (words := npus_words(comparison)) else [])
    yield f"A is {md.code(comparison.a)}, B is {md.code(comparison.b)}."
    yield ""
    if comparison.differs:
        rows = [[md.words(label), md.code(values)] for label, values in map(difference_words, comparison.differs)]
        yield from [*md.table(["what differs", "A -> B"], rows), ""]
    if comparison.figures:
        rows = [_row(figure) for figure in changed_first(comparison.figures)]
        yield from [*md.table(["figure", "A", "B", "change", ""], rows, RIGHT), ""]
    yield from _modules(comparison)


def _modules(comparison: Comparison) -> Iterator[str]:
    changed = [module for module in comparison.operators if module.a != module.b]
    if not changed:
        return
    rows = [[*_row(module), md.code(place(module))] for module in changed[:MOST_MODULES]]
    yield f"<details><summary>{counted(len(changed), 'module')} with other cycles</summary>"
    yield ""
    yield from md.table(["module", "A", "B", "change", "", "source"], rows, RIGHT)
    yield ""
    if rest := changed[MOST_MODULES:]:
        yield from [f"and {len(rest)} more", ""]
    yield "</details>"


def _row(compared: Compared) -> list[str]:
    figures = [figure_words(compared.name, value) for value in (compared.a, compared.b)]
    worse = "**WORSE**" if compared.regression else ""
    return [md.code(compared.name, 60), *map(md.words, figures), md.words(change(percent(compared))), worse]
