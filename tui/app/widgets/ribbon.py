"""The network in running order, each operator as wide as it is slow: blocks, their shares, brackets and a legend.

A ribbon has a row of names, and one more for each of `shares`, `brackets`, `handovers` and `legend`. With room to spare
its blocks are taller: kinds and cycles between names and shares, then an empty row above and below.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from rich.segment import Segment
from textual.strip import Strip

from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.ribbon_cursor import RibbonCursor
from tui.app.widgets.ribbon_pen import Pen, Phase
from tui.reports.format import number
from tui.reports.ribbon import Part, parts, unknown_words
from tui.reports.ribbon_layout import Block, layout, scale, spans
from tui.run.state import State
from tui.text import printable_name

Taller = Literal[0, 1, 2]
"""Pairs of rows that blocks have beside those of their names and shares."""


class Ribbon(Lines):
    """A strip of blocks. Only rows that have changed are drawn again."""

    def __init__(
        self,
        *,
        shares: bool = True,
        brackets: bool = True,
        handovers: bool = False,
        legend: bool = True,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._shares, self._brackets, self._handovers, self._legend = shares, brackets, handovers, legend
        self._taller: Taller = 0
        self._parts: tuple[Part, ...] = ()
        self._planned = False
        self._total = 0
        self._scale: float | None = None
        self._beside: tuple[tuple[Part, ...], ...] = ()
        self._at_work: range | None = None
        self._cursor = RibbonCursor()
        self._pointed = False
        self._fit()

    # -- what it shows

    @property
    def empty(self) -> bool:
        """True where nothing of the network is known."""
        return not self._parts

    @property
    def unknown(self) -> str:
        """Say whose time is not known: for a legend that stands elsewhere."""
        return unknown_words(self._parts, planned=self._planned)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts in running order."""
        return self._parts

    def take(self, state: State, *, scale: float | None = None, beside: Sequence[State] = ()) -> None:
        """Show a newer state.

        Its operators fill the width, or as much of it as they take at `scale`, cycles for the whole width. Ribbons
        that are each given the other's state in `beside` have one scale.
        """
        self._parts = parts(state)
        self._planned = bool(state.cpu.operators)
        self._total = sum(part.cycles or 0 for part in self._parts)
        self._scale = scale
        self._beside = tuple(parts(other) for other in beside)
        self._at_work = _at_work(self._parts, state)
        self._cursor.take(self._parts)
        self.set_class(self.empty, "-empty")
        self.draw()

    @property
    def total(self) -> int:
        """Cycles of all parts whose cycles are known."""
        return self._total

    def show_rows(self, *, brackets: bool, handovers: bool, taller: Taller = 0) -> None:
        """Change which rows there are."""
        if (brackets, handovers, taller) != (self._brackets, self._handovers, self._taller):
            self._brackets, self._handovers, self._taller = brackets, handovers, taller
            self._fit()
            self.draw()

    def _fit(self) -> None:
        below = self._shares + self._brackets + self._handovers + self._legend
        self.styles.height = 1 + 2 * self._taller + below

    # -- the cursor

    @property
    def pointed(self) -> bool:
        """True while the cursor is drawn."""
        return self._pointed

    @pointed.setter
    def pointed(self, pointed: bool) -> None:
        if pointed != self._pointed:
            self._pointed = pointed
            self.draw()

    @property
    def current(self) -> Block | None:
        """The block under the cursor; None of an empty ribbon."""
        return self._cursor.block(self.blocks)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Blocks of the stretch that is shown, at the present width."""
        return self._laid_out(self.size.width)

    @property
    def window(self) -> tuple[int, int] | None:
        """First part shown and the one behind the last, where not all of them are shown."""
        return self._cursor.window if self._cursor.zoomed else None

    def walk(self, step: int) -> None:
        """Move the cursor by so many blocks."""
        self._cursor.walk(self.blocks, step)
        self.draw()

    def zoom(self, inward: bool) -> bool:
        """Show the parts of the block under the cursor alone, or more of the network again; False if that is all."""
        changed = self._cursor.zoom_in(self.blocks) if inward else self._cursor.zoom_out()
        self.draw()
        return changed

    def point_at(self, operator: int | None, step: int | None) -> None:
        """Put the cursor on an operator of the NPU, or a step of the plan; where neither is there it stays."""
        self._cursor.go(operator, step)
        self.draw()

    # -- drawing

    def _laid_out(self, width: int) -> tuple[Block, ...]:
        at_scale = self._scale
        if self._beside:
            known = [scale(found, width) for found in (self._parts, *self._beside)]
            at_scale = max((one for one in (at_scale, *known) if one is not None), default=None)
        first, end = self._cursor.window
        return layout(self._parts[first:end], width, None if self._cursor.zoomed else at_scale)

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the blocks and what stands below them."""
        blocks = self._laid_out(width)
        if not blocks:
            return []
        pen, phases = Pen(paint), list(self._phases(blocks))
        at = self._cursor.index(blocks) if self._pointed else None
        rows = self._blocks(pen, blocks, phases, at)
        if self._brackets:
            first, end = self._cursor.window
            stretches = spans(blocks, (*self._parts[:first], *self._parts[end:]))
            rows.append(pen.pointed(pen.brackets(stretches, width), blocks, at))
        if self._handovers:
            rows.append(pen.handovers(blocks, width))
        if self._legend:
            rows.append(pen.legend(self.unknown, width))
        return [Strip(row) for row in rows]

    def _blocks(
        self, pen: Pen, blocks: Sequence[Block], phases: Sequence[Phase], at: int | None
    ) -> list[list[Segment]]:
        """Rows of the blocks themselves; where few have room for their names, names stand above them."""
        above = self._shares and pen.crowded(blocks)
        width = sum(block.cells for block in blocks)
        rows = [pen.labels(blocks, at, width) if above else pen.names(blocks, phases)]
        if self._taller:
            rows += [pen.words(blocks, phases, _kind), pen.words(blocks, phases, _cycles)]
        if self._shares:
            rows.append(pen.shares(blocks, phases, self._total))
        if self._taller > 1:
            empty = pen.words(blocks, phases, lambda block: "")
            rows = [*rows[:above], empty, *rows[above:], empty]
        return rows

    def _phases(self, blocks: Sequence[Block]) -> Iterator[Phase]:
        """State of each block: under the cursor, at work, to come, or as it is in a network at rest."""
        index = self._cursor.index(blocks) if self._pointed else None
        first = self._cursor.window[0]
        for at, block in enumerate(blocks):
            end = first + len(block.parts)
            if at == index:
                yield "cursor"
            elif self._at_work is None or end <= self._at_work.start:
                yield "rest"
            else:
                yield "work" if first < self._at_work.stop else "open"
            first = end


def _kind(block: Block) -> str:
    """Kind of operator of a block, where it has one; apart from the neighbour's, as cycles are."""
    kinds = {part.kind for part in block.parts}
    return f"{printable_name(kinds.pop(), 40)} " if len(kinds) == 1 else ""


def _cycles(block: Block) -> str:
    return "" if block.cycles is None else f"{number(block.cycles)} "


def _at_work(found: Sequence[Part], state: State) -> range | None:
    """Places of the parts at work: an operator or a kernel, or all of a partition where no operator is known.

    None where none is, or the platform does not tell.
    """
    steps, step = state.cpu.operators, state.step_running
    own = next((at for at, part in enumerate(found) if step is not None and part.step == step), None)
    if own is not None:
        return range(own, own + 1)  # a kernel, or a further call of a partition, whose operators stand elsewhere
    operator = state.operator_running
    if operator is not None and operator < len(state.operators):
        leader = state.operators[operator].fused_into
        operator = operator if leader is None else leader
        at = next((at for at, part in enumerate(found) if part.operator == operator), None)
        if at is not None:
            return range(at, at + 1)
    partition = steps[step].partition if step is not None and step < len(steps) else None
    places = [at for at, part in enumerate(found) if partition is not None and part.partition == partition]
    places = [at for at in places if not found[at].again]
    return range(places[0], places[-1] + 1) if places else None
