"""The network in running order, each operator as wide as it is slow: blocks, their shares, brackets and a legend.

A ribbon has two rows, and one more for each of `brackets` and `legend`.
"""

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.app import ascii
from tui.app.widgets.words import fit
from tui.reports.format import number, percentage
from tui.reports.ribbon import Part, parts, unknown_words
from tui.reports.ribbon_layout import Block, Span, label, layout, scale, spans
from tui.run.state import State

BLOCKS = ("npu-2", "npu-3", "cpu-2", "accent")
ROLES = ("npu", "cpu", "muted", *BLOCKS, *(f"on-{role}" for role in BLOCKS))
"""Roles of colours in a theme that the ribbon is drawn with."""

HATCH, SEPARATOR, SEPARATOR_ASCII = "▒", "▏", "│"
LEAST_LABEL = 3
"""Cells from which on a name that must be cut is worth showing."""


class Ribbon(Widget):
    """A strip of blocks. Only rows that have changed are drawn again."""

    def __init__(self, *, brackets: bool = True, legend: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self._brackets, self._legend = brackets, legend
        self._parts: tuple[Part, ...] = ()
        self._scale: float | None = None
        self._beside: tuple[tuple[Part, ...], ...] = ()
        self._unknown = ""
        self._at_work: tuple[int | None, int | None] = (None, None)
        self._strips: list[Strip] = []
        self.styles.height = 2 + brackets + legend

    @property
    def empty(self) -> bool:
        """True where nothing of the network is known."""
        return not self._parts

    @property
    def unknown(self) -> str:
        """Say whose time is not known: for a legend that stands elsewhere."""
        return self._unknown

    def take(self, state: State, *, scale: float | None = None, beside: Sequence[State] = ()) -> None:
        """Show a newer state.

        Its operators fill the width, or as much of it as they take at `scale`, cycles for the whole width. Ribbons
        that are each given the other's state in `beside` have one scale.
        """
        self._parts = parts(state)
        self._scale = scale
        self._beside = tuple(parts(other) for other in beside)
        self._unknown = unknown_words(self._parts, planned=bool(state.cpu.operators))
        self._at_work = (state.operator_running, state.step_running)
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Lay the blocks out for the new width."""
        self._draw()

    def notify_style_update(self) -> None:
        """Draw in the colours of another theme."""
        super().notify_style_update()
        self._strips = []
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        if not self._strips:
            self._strips = self._made()
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def _draw(self) -> None:
        old, self._strips = self._strips, self._made()
        for y, strip in enumerate(self._strips):
            if y >= len(old) or old[y] != strip:
                self.refresh(Region(0, y, self.size.width, 1))

    def _made(self) -> list[Strip]:
        width = self.size.width
        known = [scale(found, width) for found in (self._parts, *self._beside)] if self._beside else []
        at_scale = max((one for one in (self._scale, *known) if one is not None), default=None)
        blocks = layout(self._parts, width, at_scale)
        if not blocks:
            return []
        pen = Pen(self.rich_style, self.app.theme_variables, plain=self._plain, ansi=self._ansi)
        total = sum(part.cycles or 0 for part in self._parts)
        lit = [block.holds(*self._at_work) for block in blocks]
        rows = [pen.names(blocks, lit), pen.shares(blocks, lit, total)]
        if self._brackets:
            rows.append(pen.brackets(spans(blocks), width))
        if self._legend:
            rows.append(pen.legend(self._unknown, width))
        return [Strip(row).adjust_cell_length(width, self.rich_style) for row in rows]

    @property
    def _ansi(self) -> bool:
        return self.app.native_ansi_color

    @property
    def _plain(self) -> bool:
        """True where shades of colour do not tell neighbours apart."""
        return self._ansi or self.app.no_color or ascii.wanted()


class Pen:
    """Draws the rows of a ribbon in a theme's colours."""

    def __init__(self, base: Style, variables: Mapping[str, str], *, plain: bool, ansi: bool) -> None:
        colors = {role: Color.parse(variables.get(role, "ansi_default")) for role in ROLES}
        self._base = base
        self._npu = base + Style(color=colors["npu"].rich_color)
        self._cpu = base + Style(color=colors["cpu"].rich_color)
        self._shades = [_block(colors, role) for role in ("npu-2", "npu-3")]
        # Of sixteen colours the CPU has one: the hatching would not be seen on it.
        self._kernel = self._cpu if ansi else _block(colors, "cpu-2")
        self._hatch = self._cpu if ansi else self._cpu + Style(bgcolor=colors["cpu-2"].rich_color)
        self._lit = Style(reverse=True, bold=True) if plain and not ansi else _block(colors, "accent")
        self._muted = base + Style(color=colors["muted"].rich_color)
        self._separator = (SEPARATOR_ASCII if ascii.wanted() else SEPARATOR) if plain else " "
        self._plain = plain

    def _styled(self, blocks: Sequence[Block], lit: Sequence[bool]) -> Iterator[tuple[Block, Style, Style]]:
        """Blocks with the styles of their words and of their hatching."""
        shade = 0
        for block, at_work in zip(blocks, lit, strict=True):
            if block.side == "cpu":
                words, hatch = self._kernel, self._hatch
            else:
                words = hatch = self._shades[shade % 2]
                shade += 1
            yield block, self._lit if at_work else words, self._lit if at_work else hatch

    def names(self, blocks: Sequence[Block], lit: Sequence[bool]) -> list[Segment]:
        """The upper row."""
        row = []
        for block, words, _ in self._styled(blocks, lit):
            room = self._room(block)
            name = label(block, room)
            if room < LEAST_LABEL and name != block.name:
                name = ""
            row.append(self._filled(block, name, words + Style(bold=block.side == "cpu")))
        return row

    def shares(self, blocks: Sequence[Block], lit: Sequence[bool], total: int) -> list[Segment]:
        """The lower row: shares of all cycles, and hatching for the CPU."""
        row = []
        for block, words, hatch in self._styled(blocks, lit):
            if block.side == "npu":
                share = percentage(block.cycles / total) if total and block.cycles is not None else ""
                row.append(self._filled(block, share if len(share) <= self._room(block) else "", words))
            else:
                first = self._separator if self._plain and block.cells > 1 else HATCH
                row.append(Segment(first + HATCH * (block.cells - 1), hatch))
        return row

    def _room(self, block: Block) -> int:
        """Cells for the words of a block: one is left where that, not its colour, ends the neighbour's."""
        return block.cells - 1 if self._plain or block.cells > LEAST_LABEL else block.cells

    def _filled(self, block: Block, text: str, style: Style) -> Segment:
        room = self._room(block)
        return Segment(self._separator * (block.cells - room) + fit(text, room), style)

    def brackets(self, stretches: Sequence[Span], width: int) -> list[Segment]:
        """A bracket below each partition, with its number and cycles where they fit."""
        row, x = [], 0
        for span in stretches:
            row.append(Segment(" " * (span.start - x), self._base))
            row += self._bracket(span)
            x = span.start + span.cells
        return [*row, Segment(" " * (width - x), self._base)]

    def _bracket(self, span: Span) -> list[Segment]:
        if span.cells < 2:
            return [Segment("┴", self._npu)]
        inner = span.cells - 2
        name = f"P{span.partition}"
        figure = f"{name} {'again' if span.again else number(span.cycles)}"
        texts = (f" {figure} ", figure, f" {name} ", name)
        text = next((text for text in texts if len(text) <= inner), "")
        left = (inner - len(text)) // 2
        return [
            Segment("╰" + "─" * left, self._npu),
            Segment(text, self._npu + Style(bold=True)),
            Segment("─" * (inner - len(text) - left) + "╯", self._npu),
        ]

    def legend(self, unknown: str, width: int) -> list[Segment]:
        """Meaning of the two fillings, on the right."""
        words = [("■", self._npu), (" NPU, as wide as its cycles, at least a cell", self._muted)]
        if unknown:
            words += [("  ", self._base), (HATCH, self._cpu), (f" {unknown}", self._muted)]
        length = sum(cell_len(text) for text, _ in words)
        return [Segment(" " * max(width - length, 0), self._base), *(Segment(text, style) for text, style in words)]


def _block(colors: Mapping[str, Color], role: str) -> Style:
    """A filled block, with letters that can be read on it."""
    return Style(color=colors[f"on-{role}"].rich_color, bgcolor=colors[role].rich_color)
