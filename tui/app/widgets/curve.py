"""A curve drawn with text."""

from collections.abc import Sequence

LEAST_WIDTH, LEAST_HEIGHT = 24, 5


def curve(values: Sequence[float | None], ticks: Sequence[str], width: int, height: int) -> str:
    """A line through `values`, which stand above `ticks`; empty where there is no room or nothing known.

    Size in cells of the terminal; a value that is not known is left out. The axis begins at 0.
    """
    known = [(at, value) for at, value in enumerate(values) if value is not None]
    if width < LEAST_WIDTH or height < LEAST_HEIGHT or not known:
        return ""
    # It takes an eighth of a second to import: screens without a curve have no use for it.
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(width, height)
    plotext.plot([at for at, _ in known], [value for _, value in known], marker="braille")
    plotext.ylim(0, max(value for _, value in known) or 1)
    plotext.xlim(0, max(len(ticks) - 1, 1))
    plotext.xticks(list(range(len(ticks))), list(ticks))
    return str(plotext.uncolorize(plotext.build())).rstrip("\n")
