"""A part of a form: fields below each other, drawn as one. Keys go to one of them."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from tui.app.widgets.choice import LABEL, Field, Look
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import fit
from tui.reports.format import UNKNOWN

MARK = "▌"
"""Stands before the field that keys go to."""


class FieldGroup(Lines, can_focus=True):
    """Fields of a form. The one that keys go to has a mark, while the group has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Previous value", show=False, id="field.previous"),
        Binding("right,space", "step(1)", "Next value", show=False, id="field.next"),
        Binding("backspace", "erase", "Erase a digit", show=False, id="field.erase"),
        *(Binding(n, f"digit({n})", show=False, id=f"field.digit-{n}", system=True) for n in "0123456789"),
        Binding("enter,right,space", "choose", "Choose", key_display="enter", id="files.choose"),
        Binding("backspace,delete", "clear", "Clear", key_display="backspace", id="files.clear"),
    ]
    OF_FIELDS: ClassVar[frozenset[str]] = frozenset({"step", "erase", "digit", "choose", "clear"})
    """Actions that only some fields take."""

    class Changed(Message):
        """The value of a field is another."""

        def __init__(self, field: Field) -> None:
            super().__init__()
            self.field = field

    class Wanted(Message):
        """The user wants the screen that sets a field."""

        def __init__(self, field: Field) -> None:
            super().__init__()
            self.field = field

    def __init__(self, fields: Sequence[Field], *, id: str) -> None:
        super().__init__(id=id)
        self.fields = tuple(fields)
        self._at = 0
        for field in self.fields:
            field.changed = self._changed

    @property
    def current(self) -> Field:
        """The field that keys go to."""
        return self.fields[self._at]

    def enter(self, field: Field) -> None:
        """Have keys go to a field from now on."""
        self._at = self.fields.index(field)
        field.entered()
        self.refresh_bindings()
        self.draw()

    def _changed(self, field: Field) -> None:
        self.draw()
        self.post_message(self.Changed(field))

    def on_focus(self) -> None:
        """Show where keys go."""
        self.draw()

    def on_blur(self) -> None:
        """Keys go elsewhere."""
        self.draw()

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Take the keys that the current field has a use for."""
        return action in self.current.actions if action in self.OF_FIELDS else True

    def action_step(self, step: int) -> None:
        """Change to the next or the previous value."""
        self.current.step(step)

    def action_choose(self) -> None:
        """Open the screen of the field."""
        self.post_message(self.Wanted(self.current))

    def action_digit(self, digit: int) -> None:
        """Type a digit."""
        self.current.digit(digit)

    def action_erase(self) -> None:
        """Take the last digit away."""
        self.current.erase()

    def action_clear(self) -> None:
        """Clear the field."""
        self.current.clear()

    # -- drawing

    def line_of(self, field: Field) -> int:
        """The first line of a field."""
        lines = 0
        for one in self.fields:
            if one is field:
                break
            lines += self._lines(one)
        return lines

    def _lines(self, field: Field) -> int:
        if not field.grows:
            return field.lines
        others = sum(one.lines for one in self.fields if one is not field)
        return max(self.size.height - others, field.lines)

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw all fields."""
        rows: list[Strip] = []
        for field in self.fields:
            here = self.has_focus and field is self.current
            height = self._lines(field)
            label = 0 if field.grows and height > field.lines else LABEL
            look = Look(paint, max(width - label - 1, 1), height, here)
            values = field.drawn(look) if field.shown else [_moot(paint)]
            for y, value in enumerate([*values, *([[]] * (height - len(values)))]):
                mark = MARK if here and (y == 0 or not label) else " "
                style = paint.ink("strong", bold=True) if here else paint.ink("muted")
                words = fit(field.label if y == 0 else "", label)
                rows.append(Strip([Segment(mark, paint.ink("accent")), Segment(words, style), *value]))
        return rows


def _moot(paint: Paint) -> list[Segment]:
    """A value that means nothing beside those of the other fields."""
    return [Segment(f" {UNKNOWN}", paint.ink("faint"))]
