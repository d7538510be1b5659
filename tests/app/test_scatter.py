"""A plot with logarithmic axes, and the dots that its line is made of."""

import pytest
from textual.app import App, ComposeResult

from tui.app.widgets.braille import ACROSS, DOWN, Dots
from tui.app.widgets.scatter import Mark, Plot, Scatter
from tui.reports.format import TIME_UNITS

MS = TIME_UNITS[1]
POINTS = ((128, 8.82e-3), (256, 5.39e-3), (512, 3.69e-3), (1024, 2.9e-3), (2048, 2.71e-3))
PLOT = Plot(
    marks=tuple(Mark(x, y, "●", "npu") for x, y in POINTS),
    line=POINTS,
    ticks=tuple((x, str(x)) for x, _ in POINTS),
    unit=MS,
    limit=4e-3,
    limit_words="limit 4.00 ms",
)


class Shown(App[None]):
    """A plot as large as the terminal."""

    def compose(self) -> ComposeResult:
        yield Scatter()


async def drawn(plot: Plot, size: tuple[int, int] = (60, 16)) -> list[str]:
    """The lines of a plot."""
    app = Shown()
    async with app.run_test(size=size) as pilot:
        scatter = app.query_one(Scatter)
        scatter.styles.height = size[1]
        scatter.show(plot)
        await pilot.pause()
        return [strip.text for strip in scatter.drawn(size[0], scatter.paint())]


async def test_marks_line_limit_and_labels() -> None:
    lines = await drawn(PLOT)
    assert sum(line.count("●") for line in lines) == len(POINTS)
    (ruled,) = [line for line in lines if "limit 4.00 ms" in line]
    assert "─────" in ruled
    # Times that begin with 1, 2 or 5 are too few here: finer ones are labelled.
    labels = [line.partition(" ms")[0].strip() for line in lines if " ms " in line[:6]]
    assert labels == sorted(labels, reverse=True) and {"8", "5", "3"} <= set(labels)
    assert lines[-1].split() == ["128", "256", "512", "1024", "2048"]


async def test_a_limit_far_from_all_points_is_not_drawn() -> None:
    far = Plot(marks=PLOT.marks, ticks=PLOT.ticks, unit=MS, limit=1.0, limit_words="limit 1.00 s")
    assert not [line for line in await drawn(far) if "limit" in line]


async def test_without_marks_there_are_words_and_without_room_there_is_nothing() -> None:
    assert (await drawn(Plot(empty="nothing yet")))[0].rstrip() == "nothing yet"
    assert await drawn(PLOT, (12, 16)) == [] and await drawn(PLOT, (60, 3)) == []


@pytest.mark.parametrize("size", [(24, 5), (71, 20)])
@pytest.mark.parametrize(
    "points",
    [((1.0, 1.0),), ((1.0, 1e-9), (1e9, 1e6)), ((5.0, 2.0), (5.0, 2.0), (5.0, 2.1)), ((0.1, 9.99e-7), (0.2, 1e-6))],
)
async def test_any_points_fit(size: tuple[int, int], points: tuple[tuple[float, float], ...]) -> None:
    marks = tuple(Mark(x, y, "●", "npu") for x, y in points)
    for unit in TIME_UNITS:
        lines = await drawn(Plot(marks=marks, line=points, unit=unit, limit=1e-6, limit_words="limit"), size)
        assert len(lines) == size[1] and any("●" in line for line in lines)
        assert {len(line) for line in lines[:-1]} == {size[0]}


def test_a_line_of_dots_ends_where_it_should() -> None:
    dots = Dots(3, 2)
    dots.line(0, 0, 3 * ACROSS - 1, 2 * DOWN - 1)
    assert dots.cell(0, 0) and dots.cell(2, 1) and not dots.cell(2, 0) and not dots.cell(0, 1)
    one = Dots(1, 1)
    one.dot(0, 0)
    one.dot(5, 5)
    assert one.cell(0, 0) == "⠁"
    full = Dots(1, 1)
    for x in range(ACROSS):
        for y in range(DOWN):
            full.dot(x, y)
    assert full.cell(0, 0) == "⣿"
