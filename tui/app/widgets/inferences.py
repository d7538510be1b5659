"""Inferences under way: how many are done, how fast, what each took, and how many answers are right so far."""

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tui.app.widgets.answer import verdict
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint, bar
from tui.app.widgets.spark import spark
from tui.app.widgets.words import fit
from tui.reports.format import number, time
from tui.reports.inferring import Inferring, count_words, deviation, pace_words, right_words
from tui.run.check import Answer
from tui.run.figures import Spread, spread

LABEL, NARROW_LABEL = 18, 14
FIGURE = 22
"""Cells of a figure with its spread."""
NARROW = 70
"""Width below which labels and figures are cut."""
MODEL = 10
RIGHT = 24
LEAST_BAR = 6
MOST_SPARK = 48


class InferencesView(Lines):
    """Rows of a run with several inferences. The screen draws them twice a second at most."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="inferences")
        self._shown: tuple[Inferring, Answer | None] | None = None

    def show(self, found: Inferring, answer: Answer | None = None) -> None:
        """Show the inferences, and the newest answer in a row; rows that stay as they are, are not drawn again."""
        if (found, answer) != self._shown:
            self._shown = found, answer
            self.draw()

    @property
    def rows(self) -> int:
        """Number of rows at the present width."""
        return len(self.drawn(self.size.width, self.paint()))

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw count and bar, one column for each inference, and right answers."""
        if self._shown is None:
            return []
        found, answer = self._shown
        groups = [
            _progress(found, width, paint),
            _each(found, width, paint),
            _right(found, width, paint) + _newest(answer, width, paint),
        ]
        present = [group for group in groups if group]
        rows: list[list[Segment]] = []
        for group in present:
            rows += [[]] if rows else []
            rows += group
        return [Strip(row) for row in rows]


def _progress(found: Inferring, width: int, paint: Paint) -> list[list[Segment]]:
    done, rest = count_words(found)
    pace = pace_words(found)
    gap = max(width - cell_len(done) - cell_len(rest) - 1 - cell_len(pace), 1)
    words = [
        Segment(done, paint.ink("strong", bold=True)),
        Segment(f" {rest}{' ' * gap}", paint.ink("text")),
        Segment(pace, paint.ink("accent" if found.waiting else "text")),
    ]
    return [words] if not found.asked else [words, bar(paint, found.done / found.asked, width, "accent")]


def _each(found: Inferring, width: int, paint: Paint) -> list[list[Segment]]:
    """Time of each inference on this machine, and its NPU cycles."""
    rows = []
    wall, cycles = found.wall, spread(found.cycles)
    if wall is not None:
        rows.append(_columns("wall time, each", found.walls, time(wall.median), wall, "accent", width, paint))
    if cycles is not None:
        rows.append(_columns("NPU cycles, each", found.cycles, number(cycles.median), cycles, "npu", width, paint))
    return rows


def _columns(
    label: str, values: tuple[float, ...], figure: str, extent: Spread, role: str, width: int, paint: Paint
) -> list[Segment]:
    narrow = width < NARROW
    labels = NARROW_LABEL if narrow else LABEL
    words = fit(label.partition(",")[0] if narrow else label, labels)
    told = f"{deviation(extent):>10}"
    cells = min(max(width - labels - FIGURE, 0), MOST_SPARK)
    columns = spark(values, cells)
    return [
        Segment(words, paint.ink("muted")),
        Segment(fit(columns, max(width - labels - FIGURE, 0)), paint.ink(role)),
        Segment(fit(figure, FIGURE - cell_len(told), right=True), paint.ink("text")),
        Segment(told, paint.ink("muted" if extent.steady else "warn")),
    ]


def _right(found: Inferring, width: int, paint: Paint) -> list[list[Segment]]:
    """Right answers so far, of the three models that are asked the same."""
    accuracy = found.accuracy
    if accuracy is None or not accuracy.inputs:
        return []
    labels = NARROW_LABEL if width < NARROW else LABEL
    cells = width - labels - MODEL - RIGHT
    rows = []
    kinds = (
        ("float", accuracy.float_correct, "muted"),
        ("quantized", accuracy.quantized_correct, "accent"),
        ("platform", accuracy.platform_correct, "ok" if accuracy.agree == accuracy.inputs else "warn"),
    )
    for at, (kind, right, role) in enumerate(kinds):
        count, share = right_words(right, accuracy.inputs)
        room = max(cells, 0)
        drawing = bar(paint, right / accuracy.inputs, room, role) if room >= LEAST_BAR else []
        padding = [] if drawing else [Segment(" " * room, paint.base)]
        rows.append(
            [
                Segment(fit("right so far" if not at else "", labels), paint.ink("muted")),
                Segment(fit(kind, MODEL), paint.ink("text")),
                *drawing,
                *padding,
                Segment(fit(count, RIGHT - 9, right=True), paint.ink("text")),
                Segment(fit(share, 9, right=True), paint.ink("strong", bold=True)),
            ]
        )
    return rows


def _newest(answer: Answer | None, width: int, paint: Paint) -> list[list[Segment]]:
    """The newest answer in a row."""
    if answer is None or not answer.top:
        return []
    words, role = verdict(answer)
    place, value = answer.top[0]
    labels = NARROW_LABEL if width < NARROW else LABEL
    told = f"inference {answer.inference + 1:,}: {place} with {number(value, 2)}"
    return [
        [
            Segment(fit("newest answer", labels), paint.ink("muted")),
            Segment(f"{told}  ", paint.ink("text")),
            Segment(words, paint.ink(role, bold=True)),
        ]
    ]
