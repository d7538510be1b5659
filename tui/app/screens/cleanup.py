"""Deleting runs by the dozen: those that failed, or those that are older than so many days."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.app.widgets.background import in_background, tell
from tui.app.widgets.drawing import show
from tui.reports.format import kib_words
from tui.run import cleanup
from tui.run.index import Row
from tui.text import counted

DAYS = (1, 2, 3, 7, 14, 30, 60, 90, 180, 365, 730)
FIRST_DAYS = DAYS.index(30)
FAILED, OLDER = range(2)


class CleanupScreen(ModalScreen[tuple[str, ...]]):
    """A choice of what to delete, with its number and bytes; answers the names of the runs, none to keep them all."""

    CSS_PATH = "modal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", "Up", show=False, id="cleanup.up"),
        Binding("down,j", "choose(1)", "Down", show=False, id="cleanup.down"),
        Binding("left", "days(-1)", "Fewer days", show=False, id="cleanup.fewer-days"),
        Binding("right", "days(1)", "More days", show=False, id="cleanup.more-days"),
        Binding("y", "delete", "Delete", id="cleanup.delete"),
        Binding("n,q,escape", "cancel", "Cancel", id="cleanup.cancel"),
    ]

    class Sized(Message):
        """Bytes of the runs of a choice."""

        def __init__(self, names: tuple[str, ...], total: int) -> None:
            super().__init__()
            self.names = names
            self.total = total

    def __init__(self, runs: Sequence[Row], kept: Sequence[str], now: float) -> None:
        """Choose among `runs`, without those `kept` by name; `now` is the Unix time."""
        super().__init__()
        self._runs, self._kept, self._now = runs, kept, now
        self._choice, self._days = FAILED, FIRST_DAYS
        self._sizes: dict[tuple[str, ...], int] = {}
        self._counting: set[tuple[str, ...]] = set()

    def compose(self) -> ComposeResult:
        """Question, choices, what is kept, keys."""
        with Vertical(classes="box"):
            yield Static(Content.assemble(("Delete which runs?", "bold")), markup=False)
            yield Static("", id="choices", markup=False)
            yield Static("", id="question", markup=False)
            keys = [("y", "delete"), ("n", "cancel"), ("up/down", "choose"), ("left/right", "days")]
            words = Content("   ").join(Content.assemble((key, "bold $accent"), f" {word}") for key, word in keys)
            yield Static(words, markup=False, classes="keys")

    def on_mount(self) -> None:
        """Show the first choice."""
        self._draw()

    def _names(self, choice: int) -> tuple[str, ...]:
        if choice == FAILED:
            return tuple(run.name for run in cleanup.failed(self._runs, self._kept))
        return tuple(run.name for run in cleanup.older(self._runs, DAYS[self._days], self._now, self._kept))

    def _draw(self) -> None:
        days = counted(DAYS[self._days], "day")
        lines = []
        for choice, words in ((FAILED, "failed and lost"), (OLDER, f"older than < {days} >")):
            here = choice == self._choice
            text = f"{'>' if here else ' '} {words:26}{counted(len(self._names(choice)), 'run'):>12}"
            lines.append(Content.assemble((text, "bold $strong" if here else "$muted")))
        show(self.query_one("#choices", Static), Content("\n").join(lines))
        names = self._names(self._choice)
        self._count(names)
        show(self.query_one("#question", Static), Content(f"\n{self._question(names)}"))

    def _question(self, names: tuple[str, ...]) -> str:
        if not names:
            return "There are none."
        total = self._sizes.get(names)
        size = "counting their bytes..." if total is None else bytes_words(total)
        return (
            f"Delete {counted(len(names), 'run')}, {size}? They cannot be restored.\n"
            "Kept are runs in progress, pinned ones and the baselines."
        )

    def _count(self, names: tuple[str, ...]) -> None:
        def work() -> None:
            tell(self, self.Sized(names, cleanup.total_size(names)))

        if names and names not in self._sizes and names not in self._counting:
            self._counting.add(names)
            in_background("sizes", work)

    def on_cleanup_screen_sized(self, event: Sized) -> None:
        """Say how many bytes a choice has."""
        self._sizes[event.names] = event.total
        if self.children:
            self._draw()

    def action_choose(self, step: int) -> None:
        """Go to the other choice."""
        self._choice = (self._choice + step) % 2
        self._draw()

    def action_days(self, step: int) -> None:
        """Take more or fewer days."""
        self._choice = OLDER
        self._days = min(max(self._days + step, 0), len(DAYS) - 1)
        self._draw()

    def action_delete(self) -> None:
        """Answer with the runs, once it was said what they are."""
        names = self._names(self._choice)
        if names in self._sizes:
            self.dismiss(names)

    def action_cancel(self) -> None:
        """Keep all."""
        self.dismiss(())


def bytes_words(total: int) -> str:
    """Return bytes in the unit that fits: ``212 MiB``."""
    if total < 1024 * 1024:
        return kib_words(total / 1024)
    name, size = ("MiB", 1024.0**2) if total < 1024**3 else ("GiB", 1024.0**3)
    return f"{total / size:,.1f} {name}"
