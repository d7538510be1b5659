"""Drawing only what has changed: of a state, and of a text on the screen."""

from typing import TYPE_CHECKING, Any, cast

from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    # The first picture shows no run: it does without the events, figures and states of one.
    from tui.run.state import State


def show(static: Static, content: Content, *, layout: bool = True) -> None:
    """Have a widget show this. One that does already is not drawn again; without `layout` it keeps its size."""
    shown = static.content
    if not (isinstance(shown, Content) and shown.is_same(content)):
        static.update(content, layout=layout)


class Reads:
    """The parts of a state that a drawing has read, with their values: while these are equal, it is up to date."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def record(self, state: "State") -> "State":
        """Forget what was read before, and return the state in a form that records what is read of it from now on."""
        self._values = {}
        return cast("State", _Recorded(state, self._values))

    def same(self, state: "State") -> bool:
        """Tell whether every part that was read is equal in this state."""
        return all(getattr(state, name) == value for name, value in self._values.items())


class _Recorded:
    """Stands in for a state."""

    __slots__ = ("_state", "_values")

    def __init__(self, state: "State", values: dict[str, Any]) -> None:
        self._state = state
        self._values = values

    def __getattr__(self, name: str) -> Any:
        value = self._values[name] = getattr(self._state, name)
        return value
