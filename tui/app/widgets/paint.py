"""Styles by role for widgets that draw their own lines, and the pieces that several of them draw."""

from collections.abc import Mapping

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from tui.app import ascii
from tui.themes import contrast

BAR, HALF = "━", "╸"
LINES = ("line", "track")
"""Roles that no letters are drawn in."""
LEAST_INK = 3.0
"""Least contrast of letters to what they stand on."""


class Paint:
    """The colours of a theme as styles.

    Colour is never the only sign: where shades do not tell neighbours apart (`plain`), a widget has to draw what does,
    such as a separator, a letter or a hatching.
    """

    def __init__(self, base: Style, variables: Mapping[str, str], *, ansi: bool, no_color: bool) -> None:
        self.base = base
        self.ansi = ansi
        """True where the terminal's own sixteen colours are used."""
        self.no_color = no_color
        self.plain = ansi or no_color or ascii.wanted()
        """True where shades of colour do not tell neighbours apart."""
        self._variables = variables
        self._styles: dict[tuple[str, str, bool], Style] = {}

    def ink(self, role: str, *, bold: bool = False, on: str = "") -> Style:
        """Letters in the colour of a role, on the widget's ground or on that of the role `on`.

        A colour that cannot be read on the cursor's gives way to one that can, as white on a white cursor.
        """
        if on == "cursor" and role not in LINES and contrast(self._hex(role), self._hex(on)) < LEAST_INK:
            return self._made(f"on-{on}", on, bold)
        return self._made(role, on, bold)

    def fill(self, role: str, *, bold: bool = False) -> Style:
        """A block in the colour of a role, with letters that can be read on it; no block without colours."""
        return self._made(f"on-{role}", role, bold)

    def pill(self, role: str) -> Style:
        """A word that stands out as a block, without colours too: a verdict, a cursor, a choice."""
        # Many terminals draw bold letters in a brighter colour: of their black, one that cannot be read on a block.
        return self.base + Style(reverse=True, bold=True) if self.no_color else self.fill(role, bold=not self.ansi)

    def _made(self, role: str, on: str, bold: bool) -> Style:
        key = (role, on, bold)
        style = self._styles.get(key)
        if style is None:
            style = self.base + Style(color=self._color(role), bgcolor=self._color(on) if on else None, bold=bold)
            self._styles[key] = style
        return style

    def _color(self, role: str) -> RichColor:
        return Color.parse(self._variable(role)).rich_color

    def _hex(self, role: str) -> str:
        color = Color.parse(self._variable(role))
        return "" if color.ansi is not None else color.hex6

    def _variable(self, role: str) -> str:
        # Textual has a variable `text` of its own, which is no colour.
        return self._variables.get("foreground" if role == "text" else role, "ansi_default")


def bar(paint: Paint, share: float, cells: int, role: str, *, on: str = "") -> list[Segment]:
    """Draw a share of 0..1 as a bar on its track, half a cell fine; any share above 0 has half a cell."""
    done, rest = bar_texts(share, cells, tracked=not (paint.no_color or ascii.wanted()))
    return [Segment(done, paint.ink(role, on=on)), Segment(rest, paint.ink("track", on=on))]


def bar_texts(share: float, cells: int, *, tracked: bool) -> tuple[str, str]:
    """Return a bar and the rest of its track, which is blank where only colour would tell the two apart."""
    halves = round(min(max(share, 0.0), 1.0) * cells * 2)
    if share > 0:
        halves = max(halves, 1)
    full, half = divmod(halves, 2)
    done = BAR * full + (HALF if half else "")
    return done, (BAR if tracked else " ") * (cells - len(done))
