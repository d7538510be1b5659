"""One-line fields of a form: a choice among a few values, and a number. Drawn by the group that they stand in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.segment import Segment

from tui.app.widgets.paint import Paint
from tui.app.widgets.segments import segments

LABEL = 11
"""Cells of the column of labels."""


@dataclass(frozen=True)
class Look:
    """Circumstances in which a field is drawn."""

    paint: Paint
    width: int
    """Cells of the value."""
    height: int
    """Lines of the field."""
    here: bool
    """True for the field that keys go to."""


class Field:
    """A label and a value that left and right change."""

    lines = 1
    """Fewest lines."""
    grows = False
    """True for a field that takes lines that are left over, and has no label."""

    def __init__(self, label: str, about: str, *, id: str) -> None:
        self.id = id
        self.label = label
        self.about = about
        """One sentence for the line that explains the field in focus."""
        self.shown = True
        """False where its value means nothing beside those of the others."""
        self.changed: Callable[[Field], None] = _nobody
        """Told when the value is another."""

    @property
    def actions(self) -> frozenset[str]:
        """Names of its methods that keys call."""
        return frozenset({"step"})

    def step(self, step: int) -> None:
        """Change to the next or the previous value."""
        raise NotImplementedError

    def digit(self, digit: int) -> None:
        """Type a digit."""
        raise NotImplementedError

    def erase(self) -> None:
        """Take the last digit away."""
        raise NotImplementedError

    def clear(self) -> None:
        """Clear the value."""
        raise NotImplementedError

    def entered(self) -> None:
        """Keys go to it from now on."""

    def drawn(self, look: Look) -> list[list[Segment]]:
        """Draw the value."""
        raise NotImplementedError


def _nobody(field: Field) -> None:
    """Nobody is told."""


class Choice(Field):
    """Choice among a few values: as segments where they fit, else the current one and its place."""

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
        self.unit = unit
        self.values: tuple[tuple[str, str], ...] = ()
        self.at = 0
        self.offer(values, value or "")

    @property
    def value(self) -> str:
        """The chosen value; empty where there is none to choose."""
        return self.values[self.at][0] if self.values else ""

    @value.setter
    def value(self, value: str) -> None:
        names = [name for name, _ in self.values]
        if value in names and names.index(value) != self.at:
            self.at = names.index(value)
            self.changed(self)

    def offer(self, values: Sequence[tuple[str, str]], value: str) -> None:
        """Have other values to choose from, with one of them chosen; nobody is told."""
        self.values = tuple(values)
        names = [name for name, _ in self.values]
        self.at = names.index(value) if value in names else 0

    def step(self, step: int) -> None:
        """Change to the next or the previous value, from the last to the first."""
        if self.values:
            self.at = (self.at + step) % len(self.values)
            self.changed(self)

    def drawn(self, look: Look) -> list[list[Segment]]:
        """Draw the segments."""
        return [segments(look.paint, [text for _, text in self.values], self.at, look.width, unit=self.unit)]


class Number(Field):
    """A whole number of at least 1: typed, or stepped."""

    MOST = 99_999

    def __init__(self, label: str, about: str, *, id: str, value: int = 1, unit: str = "") -> None:
        super().__init__(label, about, id=id)
        self._digits = str(value)
        self._unit = unit
        self._fresh = True

    @property
    def actions(self) -> frozenset[str]:
        """Digits are typed."""
        return frozenset({"step", "digit", "erase"})

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
        self.changed(self)

    def step(self, step: int) -> None:
        """Add or subtract one."""
        self._set(str(min(max(self.value + step, 1), self.MOST)))

    def digit(self, digit: int) -> None:
        """Type a digit; the first one after coming here replaces the number."""
        digits = ("" if self._fresh else self._digits) + str(digit)
        if 0 < int(digits) <= self.MOST:
            self._set(str(int(digits)))

    def erase(self) -> None:
        """Take the last digit away."""
        self._set(self._digits[:-1])

    def entered(self) -> None:
        """The first digit typed now replaces the number."""
        self._fresh = True

    def drawn(self, look: Look) -> list[list[Segment]]:
        """Draw the number."""
        style = look.paint.pill("cursor") if look.here else look.paint.ink("strong", bold=True)
        return [[Segment(f" {self._digits or '_'} ", style), Segment(f" {self._unit}", look.paint.ink("muted"))]]
