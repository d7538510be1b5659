"""The foot of the Setup screen: words on the field in focus or on what is wrong, the command, and what enter does."""

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tui.app import ascii
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.words import fit, wrapped
from tui.text import clean

PROMPT = "$ "
PILL = 13
"""Cells of what enter does."""
ENTER, ENTER_ASCII = "↵", "<-"


class CommandLine(Lines):
    """Lines of a fixed number: words above, the command below with what enter does at its end."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.command = ""
        self.about = ""
        """A sentence in the line above."""
        self.enter = ""
        """Word for what enter does."""
        self.refused = ""
        """Name of a model that cannot be run."""
        self._reason = ""
        self._impossible = ""

    def show(
        self,
        *,
        command: str | None = None,
        about: str | None = None,
        impossible: str | None = None,
        enter: str | None = None,
    ) -> None:
        """Show other words; what is None stays. `impossible` says what is wrong with the options."""
        self.command = self.command if command is None else command
        self.about = self.about if about is None else about
        self._impossible = self._impossible if impossible is None else impossible
        self.enter = self.enter if enter is None else enter
        self.draw()

    def refuse(self, model: str, reason: str) -> None:
        """Say why a model cannot be run; without a reason, that it can."""
        self.refused, self._reason = model, reason
        self.draw()

    @property
    def problem(self) -> str:
        """Reason why a run would be refused: the model's, else the options'.

        It takes the place of the sentence, and of the command where it needs more than a line.
        """
        return clean(self._reason or self._impossible, 300)

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw all lines."""
        height, room = self.size.height, max(width - PILL - 2, 1)
        above = self._above(width, height, paint)
        command = wrapped(PROMPT + self.command, room, height - len(above))
        rows = above
        pill = self._pill(paint)
        for at, line in enumerate(command):
            first = at == 0
            words = [Segment(line, paint.ink("text"))]
            if first:
                words = [Segment(PROMPT, paint.ink("accent", bold=True)), Segment(line[2:], paint.ink("text"))]
            rows.append([*words, Segment(" " * (room - cell_len(line) + 2), paint.base), *(pill if first else [])])
        return [Strip(row) for row in rows[:height]]

    def _above(self, width: int, height: int, paint: Paint) -> list[list[Segment]]:
        if not self.problem:
            return [[Segment(fit(self.about, width), paint.ink("muted"))]]
        lines = wrapped(f"! {self.problem}", width, height)
        return [[Segment(line, paint.ink("fail", bold=True))] for line in lines]

    def _pill(self, paint: Paint) -> list[Segment]:
        words = f"{ENTER_ASCII if ascii.wanted() else ENTER}  {self.enter}"
        return [Segment(fit(words.center(PILL), PILL), paint.pill("accent"))] if self.enter else []
