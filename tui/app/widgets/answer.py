"""The newest answer: the largest elements of an output as bars, and whether the largest is the right one."""

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint, bar
from tui.app.widgets.words import fit
from tui.reports.format import magnitude, number
from tui.run.check import Answer

PLACE, VALUE = 11, 9
"""Cells of an element's place and of its value."""


class AnswerView(Lines):
    """Rows of an answer: its sample and verdict, then a bar for each element."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="answer")
        self._shown: Answer | None = None
        self._rows = 0

    def show(self, answer: Answer | None, rows: int = 0) -> None:
        """Show another answer, in so many rows if there are any to keep to; only those that change are drawn again."""
        if (answer, rows) != (self._shown, self._rows):
            self._shown, self._rows = answer, rows
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the verdict and the elements."""
        answer = self._shown
        if answer is None or not answer.top:
            return []
        words, role = verdict(answer)
        inference = f"inference {answer.inference + 1:,}"
        gap = max(width - cell_len(inference) - cell_len(words), 1)
        rows = [[Segment(f"{inference}{' ' * gap}", paint.ink("muted")), Segment(words, paint.ink(role, bold=True))]]
        most = max(abs(value) for _, value in answer.top)
        decimals = max(2 - magnitude(most), 0) if most else 0
        largest = max(value for _, value in answer.top)
        cells = max(width - PLACE - VALUE, 0)
        for at, (place, value) in enumerate(answer.top[: self._rows - 1 if self._rows else None]):
            labelled = place == answer.label
            shade, letters = (role, "strong") if not at else ("text", "text") if labelled else ("muted", "muted")
            style = paint.ink(letters, bold=not at)
            # A value below nothing has no bar: it is far from being chosen.
            share = value / largest if value > 0 else 0.0
            rows.append(
                [
                    Segment(fit(f"{place}{'  label' if labelled and at else ''}", PLACE), style),
                    *bar(paint, share, cells, shade),
                    Segment(fit(number(value, decimals), VALUE, right=True), style),
                ]
            )
        # As high as what stands beside it.
        return [Strip(row) for row in rows] + [Strip([])] * (self._rows - len(rows))


def verdict(answer: Answer) -> tuple[str, str]:
    """``✓ label 6`` or ``✗ label 6``, and the role of its colour; of an answer without a label, what it is."""
    if not answer.top:
        return "", "muted"
    if answer.label is None:
        return f"answer {answer.top[0][0]}", "accent"
    right = answer.top[0][0] == answer.label
    return f"{'✓' if right else '✗'} label {answer.label}", "ok" if right else "fail"
