"""Field that filters the rows of the table below it."""

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.app.widgets.table import FigureTable


class FilterField(Input):
    """A line above a table; what is typed filters its rows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_filter", "Show all", id="filter.clear"),
        Binding("enter,down", "leave", "Go to the list", key_display="enter", id="filter.leave"),
    ]

    def __init__(self, placeholder: str, apply: Callable[[], None], *, id: str) -> None:
        """`apply` filters the rows by what is typed now."""
        super().__init__(placeholder=placeholder, compact=True, id=id)
        self._apply = apply

    def action_clear_filter(self) -> None:
        """Show all rows."""
        self.value = ""
        self.action_leave()

    def action_leave(self) -> None:
        """Go to the table."""
        # Now: the next key may be there already, and it means a row that is shown.
        self._apply()
        assert self.parent is not None
        self.screen.set_focus(self.parent.query_one(FigureTable))
