"""One-line fields of a form: a choice among a few values, and a number."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

LABEL = 11


class Field(Widget, can_focus=True):
    """A label and a value that left and right change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Previous value", show=False, id="field.previous"),
        Binding("right,space", "step(1)", "Next value", show=False, id="field.next"),
    ]

    class Changed(Message):
        """The value is another."""

        def __init__(self, field: "Field") -> None:
            super().__init__()
            self.field = field

    def __init__(self, label: str, about: str, *, id: str) -> None:
        super().__init__(id=id)
        self.label = label
        self.about = about
        """One sentence for the line that explains the focused field."""

    def action_step(self, step: int) -> None:
        """Change to the next or the previous value."""
        raise NotImplementedError

    def _changed(self) -> None:
        self.refresh()
        self.post_message(self.Changed(self))

    def on_focus(self) -> None:
        """Say where the focus is."""
        self.refresh()

    def on_blur(self) -> None:
        """The focus has gone."""
        self.refresh()

    def _line(self, value: Content) -> Content:
        mark, style = ("> ", "bold") if self.has_focus else ("  ", "$muted")
        return Content.assemble(mark, (self.label.ljust(LABEL), style), value)


class Choice(Field):
    """Choice among a few values: all of them in a line where they fit, else the current one and its place."""

    def __init__(
        self,
        label: str,
        values: Sequence[tuple[str, str]],
        about: str,
        *,
        id: str,
        value: str | None = None,
        unit: str = "",
    ) -> None:
        """`values` are (value, text) pairs; `unit` follows them."""
        super().__init__(label, about, id=id)
        self.values = tuple(values)
        self._unit = unit
        names = [name for name, _ in self.values]
        self._at = names.index(value) if value in names else 0

    @property
    def value(self) -> str:
        """The chosen value; empty where there is none to choose."""
        return self.values[self._at][0] if self.values else ""

    @value.setter
    def value(self, value: str) -> None:
        names = [name for name, _ in self.values]
        if value in names and names.index(value) != self._at:
            self._at = names.index(value)
            self._changed()

    def action_step(self, step: int) -> None:
        """Change to the next or the previous value, from the last to the first."""
        if self.values:
            self._at = (self._at + step) % len(self.values)
            self._changed()

    def render(self) -> Content:
        """Draw the line."""
        if not self.values:
            return self._line(Content("none"))
        words = [f"[{text}]" if i == self._at else f" {text} " for i, (_, text) in enumerate(self.values)]
        room = self.size.width - LABEL - 2
        style = "bold $accent" if self.has_focus else "bold"
        if len("".join(words)) + len(self._unit) <= room:
            return self._line(
                Content.assemble(*((w, style) if i == self._at else w for i, w in enumerate(words)), self._unit)
            )
        place = f"  {self._at + 1} of {len(self.values)}"
        return self._line(Content.assemble((f"< {self.values[self._at][1]} >", style), place))


class Number(Field):
    """A whole number of at least 1: typed, or stepped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace", "erase", "Erase a digit", show=False, id="field.erase"),
        *(Binding(n, f"digit({n})", show=False, id=f"field.digit-{n}", system=True) for n in "0123456789"),
    ]

    MOST = 99_999

    def __init__(self, label: str, about: str, *, id: str, value: int = 1, unit: str = "") -> None:
        super().__init__(label, about, id=id)
        self._digits = str(value)
        self._unit = unit
        self._fresh = True

    @property
    def value(self) -> int:
        """The number; 1 while nothing is typed."""
        return max(int(self._digits or "1"), 1)

    @value.setter
    def value(self, value: int) -> None:
        self._set(str(min(max(value, 1), self.MOST)))

    def _set(self, digits: str) -> None:
        self._digits = digits
        self._fresh = False
        self._changed()

    def action_step(self, step: int) -> None:
        """Add or subtract one."""
        self._set(str(min(max(self.value + step, 1), self.MOST)))

    def action_digit(self, digit: int) -> None:
        """Type a digit; the first one after coming here replaces the number."""
        digits = ("" if self._fresh else self._digits) + str(digit)
        if 0 < int(digits) <= self.MOST:
            self._set(str(int(digits)))

    def action_erase(self) -> None:
        """Take the last digit away."""
        self._set(self._digits[:-1])

    def on_focus(self) -> None:
        """The first digit typed now replaces the number."""
        self._fresh = True

    def render(self) -> Content:
        """Draw the line."""
        shown = self._digits or "_"
        return self._line(
            Content.assemble((f"< {shown} >", "bold $accent" if self.has_focus else "bold"), f"  {self._unit}")
        )
