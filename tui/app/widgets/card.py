"""A framed part of the screen: title on the left of the frame, its one figure on the right, its source at the foot."""

from textual.containers import Vertical
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus, Resize
from textual.geometry import Region
from textual.style import Style

LEAST_LINE = 2
"""Cells of frame between a title and its figure."""
LEAST_FOOT = 12
"""Cells from which on a source that must be cut is worth showing."""


class Card(Vertical):
    """A frame with a title, a figure and a foot.

    All sides are drawn from 100x30 on; a smaller screen gives back all but the top.
    """

    def __init__(self, *, id: str | None = None, classes: str = "") -> None:
        super().__init__(id=id, classes=f"card {classes}".strip())
        self._title = self._figure = self._foot = Content()

    def caption(
        self,
        *,
        title: str | Content | None = None,
        figure: str | Content | None = None,
        foot: str | Content | None = None,
    ) -> None:
        """Set the words of the frame; what is None stays as it is."""
        before = (self._title, self._figure, self._foot)
        self._title = self._title if title is None else _content(title)
        self._figure = self._figure if figure is None else _content(figure)
        self._foot = self._foot if foot is None else _content(foot)
        if not all(old.is_same(new) for old, new in zip(before, (self._title, self._figure, self._foot), strict=True)):
            self.draw_frame()

    @property
    def words(self) -> str:
        """Title, figure and foot as plain text."""
        return "  ".join(part.plain for part in (self._title, self._figure, self._foot) if part)

    def on_resize(self, event: Resize) -> None:
        """Give the frame's words the new width."""
        self.draw_frame()

    def on_focus(self) -> None:
        """Draw the frame of a card in focus."""
        self.call_after_refresh(self.draw_frame)

    def on_blur(self) -> None:
        """Draw the frame of a card that lost the focus."""
        self.call_after_refresh(self.draw_frame)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Draw the frame of a card in focus."""
        self.call_after_refresh(self.draw_frame)

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        """Draw the frame of a card that lost the focus."""
        self.call_after_refresh(self.draw_frame)

    def draw_frame(self) -> None:
        """Lay title and figure out in the line above, and the foot in the one below."""
        kind, color = self.styles.border_top
        # Textual takes two cells at either side of a label for a corner and a blank, where there are corners.
        boxed = self.styles.border_left[0] not in ("", "none", "hidden")
        room = self.outer_size.width - (6 if boxed else 4)
        if room <= 0:
            return
        title, figure = self._title, self._figure
        if not boxed and self._foot:
            # The figure goes before the source of it.
            left = room - title.cell_length - figure.cell_length - 2 - (LEAST_LINE + 2 if figure else 0)
            if left >= min(LEAST_FOOT, self._foot.cell_length):
                title = Content.assemble(title, "  ", self._foot.truncate(left, ellipsis=True))
        gap = room - title.cell_length - figure.cell_length - 2
        if figure and gap >= LEAST_LINE:
            line = Content.styled(("━" if kind == "heavy" else "─") * gap, Style(foreground=color, bold=False))
            title = Content.assemble(title, " ", line, " ", figure)
        else:
            words = Content.assemble(title, "  ", figure) if figure else title
            title = words.truncate(room, ellipsis=True)
        self._put(title if boxed else Content.assemble(" ", title, " "))
        foot = self._foot.truncate(room, ellipsis=True) if boxed else Content()
        if not foot.is_same(self._border_subtitle or Content()):
            self.border_subtitle = foot

    def _put(self, line: Content) -> None:
        """Show words in the line above; only that is drawn again, not all that is in the card."""
        if self._border_title is None or not self._border_title:
            self.border_title = line
        elif not line.is_same(self._border_title):
            # Assigned to `border_title`, a clock in it would have all of the card sent once a second.
            self._border_title = line
            offset = self.content_offset
            self.refresh(Region(-offset.x, -offset.y, self.outer_size.width, 1))


def _content(text: str | Content) -> Content:
    return Content(text) if isinstance(text, str) else text
