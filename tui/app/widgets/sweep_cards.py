"""Beside the map of a sweep: the points worth taking, and the gain from twice the MACs."""

from collections.abc import Sequence
from textwrap import wrap

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.analysis.sweep import Point
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint, bar
from tui.app.widgets.words import fit
from tui.reports.format import kib_words, ms, number
from tui.reports.sweep import FASTEST, SMALLEST, Doubling, Pick, factor_words, reason_words
from tui.text import clean

HERE = "▸"
ROLES = {FASTEST: "strong", SMALLEST: "ok", HERE: "accent"}
"""Colours of the picks, by their marks."""
LEAST_FRONTIER = 3
"""Rows from which on the frontier is listed."""
ROOM_FOR_REASON = 24
"""Rows of the screen from which on a gain has its reason."""


class Picks(Lines):
    """The fastest point, the smallest that keeps the limit, and the one under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picks: tuple[Pick, ...] = ()
        self._slowest = 0.0
        self._words = ""
        self._frontier: tuple[Point, ...] = ()
        self._families = False
        """True where points are of several families of NPUs: a number of MACs is no name then."""

    def show(
        self,
        picks: Sequence[Pick],
        slowest: float,
        frontier: Sequence[Point] = (),
        words: str = "",
        *,
        families: bool = False,
    ) -> None:
        """Show other points; bars are shares of the slowest time. `words` stand where there is no point to pick."""
        shown = tuple(picks), slowest, words, tuple(frontier), families
        if shown != (self._picks, self._slowest, self._words, self._frontier, self._families):
            self._picks, self._slowest, self._words, self._frontier, self._families = shown
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw name and time, configuration and cycles, and where there is room a bar and the SRAM."""
        rows = self.size.height // len(self._picks) if self._picks else 0
        strips = [_line(width, (line, paint.ink("warn"))) for line in wrap(self._words, max(width, 1))]
        for pick in self._picks:
            strips += self._lines(pick, width, paint)[: max(rows, 1)]
            if rows > 3:
                strips.append(Strip([Segment(" " * width, paint.base)]))
        if not strips:
            return [_line(width, ("None yet.", paint.ink("muted")))]
        room = self.size.height - len(strips)
        return strips if room < LEAST_FRONTIER else [*strips, *self._frontier_lines(room, width, paint)]

    def _frontier_lines(self, rows: int, width: int, paint: Paint) -> list[Strip]:
        """Configurations that none is both smaller and faster than, the largest first."""
        if not self._frontier:
            return []
        strips = [_line(width, ("None is both smaller and faster than", paint.ink("muted")))]
        for point in self._frontier[::-1][: rows - 1]:
            macs = self._npu(point).ljust(8) if self._families else f"{point.configuration.macs:>4} MACs"
            place = f"  {macs}  {clean(point.memory_mode, 40)}"
            strips.append(_line(width, (place, paint.ink("text")), (ms(point.inference_ms), paint.ink("text"))))
        return strips

    def _npu(self, point: Point) -> str:
        """``512 MACs``, or ``U85-512`` beside other families."""
        target = point.configuration
        return f"{target.board.npu.short}-{target.macs}" if self._families else f"{target.macs} MACs"

    def _lines(self, pick: Pick, width: int, paint: Paint) -> list[Strip]:
        point, role = pick.point, ROLES.get(pick.mark, "strong")
        muted, name = paint.ink("muted"), paint.ink(role, bold=True)
        time = ms(point.inference_ms)
        words = pick.name if len(pick.name) + len(time) + 3 <= width else pick.name.partition(" ")[0]
        place = f"  {self._npu(point)}  {clean(point.memory_mode, 40)}"
        if self._families and self.size.height < 2 * len(self._picks):
            words = f"{words}{place}"
        cycles, size = f"{number(point.total_cycles)} cycles", kib_words(point.sram_kib)
        if width < len(place) + len(cycles) + 1:
            cycles = ""
        share = (point.inference_ms or 0.0) / self._slowest if self._slowest else 0.0
        room = max(width - len(size) - 4, 0)
        return [
            _line(width, (f"{pick.mark} {words}", name), (time, paint.ink("strong", bold=True))),
            _line(width, (place, paint.ink("text")), (cycles, muted)),
            Strip([Segment("  ", paint.base), *bar(paint, share, room, "npu"), Segment(f"  {size}", muted)]),
        ]


class Doublings(Lines):
    """Gain from each doubling of the MACs; full bars are twice as fast."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        """Doublings that may become known: their lines are there from the beginning."""
        self._doublings: tuple[Doubling, ...] = ()

    def show(self, doublings: Sequence[Doubling], most: int) -> None:
        """Show other gains, of at most so many."""
        shown = (most, tuple(doublings))
        if shown != (self._most, self._doublings):
            self._most, self._doublings = shown
            self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw a line for each, and the reason why the last brings little."""
        macs = [(f"{d.smaller.configuration.macs}", f"{d.larger.configuration.macs}") for d in self._doublings]
        before, after = (max((len(pair[side]) for pair in macs), default=0) for side in (0, 1))
        strips = []
        for (one, two), doubling in zip(macs, self._doublings, strict=True):
            name = f"{one.rjust(before)} → {two.ljust(after)}  "
            factor = f" {'!' if doubling.weak else ' '} {factor_words(doubling)}"
            role, figure = ("warn", "warn") if doubling.weak else ("npu", "strong")
            room = max(width - len(name) - len(factor), 0)
            gain = bar(paint, min(doubling.factor - 1, 1.0), room, role)
            strips.append(
                Strip([Segment(name, paint.ink("text")), *gain, Segment(factor, paint.ink(figure, bold=True))])
            )
        if self.app.size.height >= ROOM_FOR_REASON:
            strips.append(_line(width, ("", paint.base), (self._reason(width), paint.ink("warn"))))
        blank = Strip([Segment(" " * width, paint.base)])
        return [*strips, *[blank] * (self._most - len(self._doublings))]

    def _reason(self, width: int) -> str:
        """Reason of the last gain that is weak; empty where there is none."""
        known = [(gain, words) for gain in self._doublings if (words := reason_words(gain))]
        if not known:
            return ""
        gain, words = known[-1]
        told = f"! to {gain.larger.configuration.macs}: {words}"
        return told if len(told) <= width else f"! {words}"


def _line(width: int, left: tuple[str, Style], right: tuple[str, Style] = ("", Style())) -> Strip:
    """Words on the left and a figure on the right."""
    room = max(width - cell_len(right[0]) - bool(right[0]), 0)
    return Strip([Segment(fit(left[0], room) + " " * bool(right[0]), left[1]), Segment(*right)])
