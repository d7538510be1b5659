"""The field for a pattern to search the log for, or to filter it by."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

PURPOSES = {"search": "search the log", "filter": "show only lines with this text (!text: without it)"}


class SearchField(Input):
    """Field for a pattern; escape gives the focus back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", tooltip="End the search or the filter, too", id="search.leave"),
        Binding("ctrl+r", "regex", "Text or regular expression", id="search.regex"),
        Binding("up", "recall", "Previous text", show=False, id="search.recall"),
    ]

    class Left(Message):
        """Escape was pressed."""

    class Switched(Message):
        """The user switched between text and regular expression."""

    def __init__(self) -> None:
        super().__init__(compact=True, select_on_focus=False)
        self.display = False
        self.purpose = "search"
        self.regex = False
        self._before = ""

    def open(self, purpose: str, before: str) -> None:
        """Show the empty field, for one of `PURPOSES`; `before` is what was typed for it before."""
        self.purpose, self.placeholder, self._before = purpose, PURPOSES[purpose], before
        self.value = ""
        self.display = True

    def action_leave(self) -> None:
        """Give the focus back."""
        self.post_message(self.Left())

    def action_recall(self) -> None:
        """Recall the previous text, to be changed."""
        self.value = self._before
        self.cursor_position = len(self.value)

    def action_regex(self) -> None:
        """Switch between text and regular expression."""
        self.regex = not self.regex
        self.post_message(self.Switched())
