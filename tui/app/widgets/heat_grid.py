"""Places of configurations in a sweep's map: of one family of NPUs sizes across, of several an NPU a row."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.app.widgets.sweep_plot import mode_mark, npu_mark
from tui.text import clean

Place = tuple[str, str]
"""Memory mode and accelerator."""


@dataclass(frozen=True)
class Family:
    """Sizes and memory modes of a family of NPUs."""

    accelerators: tuple[str, ...]
    modes: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """The families of a map, and where each configuration stands."""

    families: tuple[Family, ...]

    @property
    def many(self) -> bool:
        """True for several families: NPUs stand below each other then, and memory modes across."""
        return len(self.families) > 1

    @property
    def accelerators(self) -> tuple[str, ...]:
        """All sizes."""
        return tuple(name for family in self.families for name in family.accelerators)

    @property
    def modes(self) -> tuple[str, ...]:
        """All memory modes."""
        return tuple(dict.fromkeys(mode for family in self.families for mode in family.modes))

    @property
    def places(self) -> frozenset[Place]:
        """All configurations: an NPU has the memory modes of its family."""
        return frozenset(
            (mode, name) for family in self.families for name in family.accelerators for mode in family.modes
        )

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.accelerators if self.many else self.modes)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.modes if self.many else self.accelerators)

    def place(self, row: int, column: int) -> Place | None:
        """The configuration at a place; None where the NPU has no such memory mode."""
        mode, name = (column, row) if self.many else (row, column)
        found = self.modes[mode], self.accelerators[name]
        return found if found in self.places else None

    def find(self, place: Place) -> tuple[int, int] | None:
        """Row and column of a configuration; None where it is none of the map's."""
        if place not in self.places:
            return None
        mode, name = self.modes.index(place[0]), self.accelerators.index(place[1])
        return (name, mode) if self.many else (mode, name)

    def head(self, row: int, width: int) -> tuple[str, str, str]:
        """Glyph, role and words left of a row."""
        if self.many:
            name = self.accelerators[row]
            short = name if len(name) <= width else name.partition("-")[2]
            return *npu_mark(name), clean(short, 40)
        return *mode_mark(self.modes[row], self.modes), mode_words(self.modes[row], width)

    def heads(self, width: int) -> Sequence[str]:
        """Words above the columns."""
        if self.many:
            return [mode_words(mode, width) for mode in self.modes]
        unit = " MACs" if width >= len("2048 MACs") else ""
        return [f"{name.rsplit('-', 1)[-1]}{unit}" for name in self.accelerators]


def mode_words(mode: str, width: int) -> str:
    """A memory mode in so many cells."""
    name = clean(mode, 40)
    return name if len(name) <= width else clean(name.removesuffix("_Sram"), width)
