"""Base of widgets that draw their own lines."""

from collections.abc import Sequence

from textual.events import Resize
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.app.widgets.paint import Paint


class Lines(Widget):
    """A widget of hand-drawn lines. Only lines that have changed are drawn again."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: list[Strip] | None = None

    def drawn(self, width: int, paint: Paint) -> Sequence[Strip]:
        """Draw all lines, for a width in cells."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw what the widget shows now; called when that has changed."""
        if not self.is_mounted or not self.size.width:
            self._forget_height()
            return
        old, new = self._strips, self._made(self.size.width)
        self._strips = new
        if old is None or len(old) != len(new):
            self._forget_height()
            self.refresh(layout=self.styles.is_auto_height)
            return
        for y, (before, now) in enumerate(zip(old, new, strict=True)):
            if before != now:
                self.refresh(Region(0, y, self.size.width, 1))

    def _forget_height(self) -> None:
        """Have the next layout count the lines.

        Textual counts a widget's wishes for a layout, and keeps its height by that number. A second wish before the
        first has come to the screen is not counted: where the screen is laid out for another widget between the two,
        the height of then would stay.
        """
        self._layout_updates += 1

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Count the lines of an automatic height."""
        return len(self.drawn(width, self.paint())) if width else 0

    def on_resize(self, event: Resize) -> None:
        """Draw for the new size."""
        self._strips = None
        self.refresh()

    def notify_style_update(self) -> None:
        """Draw in the colours of another theme, or of another state such as the focus."""
        super().notify_style_update()
        self._strips = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one line."""
        if self._strips is None:
            self._strips = self._made(self.size.width)
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def paint(self) -> Paint:
        """Styles of the present theme on this widget's ground."""
        app = self.app
        return Paint(self.rich_style, app.theme_variables, ansi=app.native_ansi_color, no_color=app.no_color)

    def _made(self, width: int) -> list[Strip]:
        base = self.rich_style
        return [strip.adjust_cell_length(width, base) for strip in self.drawn(width, self.paint())]
