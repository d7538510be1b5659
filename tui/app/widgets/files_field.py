"""One-line fields of a form that open a screen: files, and what is set elsewhere."""

from pathlib import Path

from rich.segment import Segment

from tui.app.widgets.choice import Field, Look
from tui.app.widgets.words import fit, model_name

NAME_WIDTH = 24


class ScreenField(Field):
    """Field whose value is set on a screen of its own."""

    @property
    def actions(self) -> frozenset[str]:
        """It is opened."""
        return frozenset({"choose"})


class FilesField(ScreenField):
    """Field for paths of files, or words for what is taken without any."""

    def __init__(self, label: str, without: str, about: str, *, id: str, value: tuple[str, ...] = ()) -> None:
        super().__init__(label, about, id=id)
        self._without = without
        self._value = value

    @property
    def actions(self) -> frozenset[str]:
        """Files are chosen and cleared."""
        return frozenset({"choose", "clear"})

    @property
    def value(self) -> tuple[str, ...]:
        """Absolute paths."""
        return self._value

    @value.setter
    def value(self, value: tuple[str, ...]) -> None:
        if value != self._value:
            self._value = value
            self.changed(self)

    def clear(self) -> None:
        """Clear the field."""
        self.value = ()

    def drawn(self, look: Look) -> list[list[Segment]]:
        """Draw the first file's name, and how many more there are."""
        style = look.paint.pill("cursor") if look.here else look.paint.ink("text")
        words = self._without
        if self._value:
            first, *others = self._value
            more = f" and {len(others)} more" if others else "/" if Path(first).is_dir() else ""
            words = f"{model_name(first, NAME_WIDTH)}{more}"
            style = look.paint.pill("cursor") if look.here else look.paint.ink("strong", bold=True)
        return [[Segment(fit(f" {words} ", min(look.width, len(words) + 2)), style)]]


class ParametersField(ScreenField):
    """Field that counts the platform's parameters that are not at their defaults, and opens their screen."""

    def __init__(self, *, id: str) -> None:
        super().__init__(
            "Parameters",
            "What the FVP or the simulator is started with; p opens the list.",
            id=id,
        )
        self._changed = 0

    def count(self, changed: int) -> None:
        """Show so many changed parameters."""
        self._changed = changed

    def drawn(self, look: Look) -> list[list[Segment]]:
        """Draw the number."""
        words = f"{self._changed} changed" if self._changed else "defaults"
        style = look.paint.ink("warn", bold=True) if self._changed else look.paint.ink("text")
        return [[Segment(f" {words} ", look.paint.pill("cursor") if look.here else style)]]
