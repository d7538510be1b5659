"""A one-line field of a form whose value is files."""

from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from tui.app.widgets.choice import Field
from tui.app.widgets.words import model_name

NAME_WIDTH = 24


class FilesField(Field):
    """Field for paths of files, or words for what is taken without any."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,space", "choose", "Choose", key_display="enter", id="files.choose"),
        Binding("backspace,delete", "clear", "Clear", key_display="backspace", id="files.clear"),
    ]

    class Wanted(Message):
        """The user wants to choose other files."""

        def __init__(self, field: "FilesField") -> None:
            super().__init__()
            self.field = field

    def __init__(self, label: str, without: str, about: str, *, id: str, value: tuple[str, ...] = ()) -> None:
        super().__init__(label, about, id=id)
        self._without = without
        self._value = value

    @property
    def value(self) -> tuple[str, ...]:
        """Absolute paths."""
        return self._value

    @value.setter
    def value(self, value: tuple[str, ...]) -> None:
        if value != self._value:
            self._value = value
            self._changed()

    def action_choose(self) -> None:
        """Type paths."""
        self.post_message(self.Wanted(self))

    def action_clear(self) -> None:
        """Clear the field."""
        self.value = ()

    def render(self) -> Content:
        """Draw the line."""
        style = "bold $accent" if self.has_focus else "bold"
        if not self._value:
            return self._line(Content(f"  {self._without}"))
        first, *others = self._value
        more = f"  and {len(others)} more" if others else "/" if Path(first).is_dir() else ""
        return self._line(Content.assemble((f"< {model_name(first, NAME_WIDTH)}{more} >", style)))
