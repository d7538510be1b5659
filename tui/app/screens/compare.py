"""The Compare screen: two runs side by side, the verdict first."""

import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from tui.analysis.compare import ACCELERATOR, Comparison, Profile, compare
from tui.app.open_line import open_line
from tui.app.screens.again import edit_again, run_again
from tui.app.widgets.background import in_background, tell
from tui.app.widgets.card import Card
from tui.app.widgets.compare_head import CompareHead, against, face, what_words
from tui.app.widgets.compare_tables import FiguresTable, ModulesTable
from tui.app.widgets.drawing import show
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.operators import SourceWanted
from tui.app.widgets.ribbon import Ribbon
from tui.app.widgets.table import FigureTable
from tui.app.widgets.tile import Tile
from tui.app.widgets.words import Clock
from tui.reports.compare import CYCLES, difference_words, figure, npus_words, verdict
from tui.reports.when import moment
from tui.run import names, store
from tui.run.derived import latency
from tui.run.state import State
from tui.text import clean, counted

BESIDE, TALL = 150, 30
"""Columns and rows from which on figures and modules stand side by side."""
BOTH = 24
"""Rows from which on both have some; below, the one in focus has them all."""


@dataclass(frozen=True)
class Found:
    """Two runs, their short names and their comparison."""

    a: State
    b: State
    short: tuple[str, str]
    comparison: Comparison


class CompareScreen(Screen[None]):
    """Verdict, tiles, networks, figures, modules."""

    CSS_PATH = "compare.tcss"
    AUTO_FOCUS = "#figures"
    FIGURES: ClassVar = (
        (
            "verdict",
            "A lost MATCH outweighs any gain; worse is what a profile does not allow: fvp-tui compare --profile.",
        ),
        ("network", "Both runs' operators in running order, as wide as their cycles at one scale."),
        ("change", "B against A, in percent of A; = for none, – where one is not known."),
        ("modules", "Estimated cycles of each module's operators together, the largest change first."),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "page(1)", "Page down", show=False, id="compare.page-down"),
        Binding("tab", "app.focus_next", "Next table", id="compare.next"),
        Binding("o", "swap", "Swap A and B", tooltip="Compare the other way round", id="compare.swap"),
        Binding(
            "r",
            "again",
            "Run B again",
            show=False,
            tooltip="Start a run with B's model and options",
            id="compare.again",
        ),
        Binding(
            "R", "edit", "Edit and run", show=False, tooltip="Change B's options in Setup, then run", id="compare.edit"
        ),
        Binding("y", "copy", "Copy", tooltip="Copy the command line of this comparison", id="compare.copy"),
        Binding("q,escape", "back", "Back", id="compare.back"),
    ]

    clock: Clock = staticmethod(time.time)
    """Tells the Unix time."""

    class Compared(Message):
        """The comparison, or why there is none."""

        def __init__(self, found: Found | str) -> None:
            super().__init__()
            self.found = found

    def __init__(self, a: Path, b: Path) -> None:
        super().__init__()
        self._a, self._b = a, b
        self.found: Found | None = None
        """Runs and comparison that are shown; None until both runs are read."""

    def compose(self) -> ComposeResult:
        """Verdict, tiles, differences, networks, figures and modules, keys."""
        yield CompareHead()
        with Horizontal(id="tiles"):
            yield Tile(id="tile-a")
            yield Tile(id="tile-b")
            yield Tile(id="tile-verdict")
        yield Static("", id="differs", markup=False)
        with Card(id="network"):
            for letter in "ab":
                with Horizontal(classes="ribbon"):
                    yield Static(Content.assemble((letter.upper(), "bold $accent")), markup=False)
                    yield Ribbon(brackets=False, legend=False, id=f"ribbon-{letter}")
        with Container(id="tables"):
            with Card(id="figures-card"):
                yield FiguresTable()
            with Card(id="modules-card"):
                yield ModulesTable()
        yield KeyBar()

    def on_mount(self) -> None:
        """Read both runs beside the event loop."""
        self._compare()

    def on_resize(self) -> None:
        """Place the tables."""
        self.set_class(self.size.width >= BESIDE and self.size.height >= TALL, "-beside")
        self.set_class(self.size.height < BOTH, "-low")

    def _compare(self) -> None:
        a, b = self._a, self._b

        def work() -> None:
            try:
                first, second = store.load(a), store.load(b)
            except OSError as error:
                tell(self, self.Compared(f"cannot read it: {error}"))
                return
            short = names.short(name for name, _ in store.directories())
            shown = (short.get(a.name, a.name), short.get(b.name, b.name))
            tell(self, self.Compared(Found(first, second, shown, compare(first, second, Profile()))))

        in_background("compare", work)

    def on_compare_screen_compared(self, event: Compared) -> None:
        """Show the comparison."""
        if not self.children:
            return
        if isinstance(event.found, str):
            show(self.query_one("#differs", Static), Content.assemble((f"! {clean(event.found)}", "bold $fail")))
            return
        self.found = event.found
        with self.app.batch_update():
            self._draw(event.found)

    def _draw(self, found: Found) -> None:
        comparison, a, b = found.comparison, found.a, found.b
        judged = verdict(comparison)
        self.query_one(CompareHead).show(judged, what_words(b))
        times = [time.ms for time in (latency(a), latency(b)) if time is not None]
        most = max(times) if len(times) == 2 else None
        for letter, state, short in (("A", a, found.short[0]), ("B", b, found.short[1])):
            when = moment(state.run.id, state.run.created, self.clock())
            self.query_one(f"#tile-{letter.lower()}", Tile).show(face(letter, clean(short), when, state, most))
        self.query_one("#tile-verdict", Tile).show(against(comparison, judged, a, b))
        show(self.query_one("#differs", Static), differs_words(found))
        self._draw_networks(found)
        self.query_one(FiguresTable).fill(comparison.figures)
        self.query_one(ModulesTable).fill(comparison.operators)
        for card, rows, noun in (
            ("#figures-card", comparison.figures, "figure"),
            ("#modules-card", comparison.operators, "module"),
        ):
            changed = sum(row.a != row.b for row in rows)
            self.query_one(card, Card).caption(
                title=f"{noun.capitalize()}s", figure=f"{changed} of {counted(len(rows), noun)} changed" if rows else ""
            )
        self.query_one("#tables").display = bool(comparison.figures)

    def _draw_networks(self, found: Found) -> None:
        a, b = self.query_one("#ribbon-a", Ribbon), self.query_one("#ribbon-b", Ribbon)
        a.take(found.a, beside=(found.b,))
        b.take(found.b, beside=(found.a,))
        cycles = figure(found.comparison, CYCLES)
        lost = cycles.b - cycles.a if cycles and cycles.a is not None and cycles.b is not None else None
        words = "at one scale" if lost is None else f"{lost:+,.0f} cycles at one scale" if lost else "as many cycles"
        card = self.query_one("#network", Card)
        card.caption(title="Network", figure=words, foot=a.unknown or b.unknown)
        card.display = not (a.empty or b.empty)

    def on_figure_table_hidden(self, event: FigureTable.Hidden) -> None:
        """Take no notice: a bar says again what a figure says."""
        event.stop()

    def on_source_wanted(self, event: SourceWanted) -> None:
        """Open the line of a module."""
        open_line(self, event.line)

    def action_page(self, step: int) -> None:
        """Move the cursor of the table in focus by a screenful."""
        if isinstance(self.focused, FigureTable):
            self.focused.action_page(step)

    def action_swap(self) -> None:
        """Compare the other way round."""
        self._a, self._b = self._b, self._a
        self._compare()

    def action_again(self) -> None:
        """Run B again."""
        run_again(self, store.load_spec(self._b))

    def action_edit(self) -> None:
        """Open Setup with what B was asked to do."""
        edit_again(self, store.load_spec(self._b))

    def action_copy(self) -> None:
        """Put the command line on the clipboard."""
        self.app.copy_to_clipboard(shlex.join(["fvp-tui", "compare", self._a.name, self._b.name]))
        self.notify("Command line copied.", markup=False)

    def action_back(self) -> None:
        """Close the screen."""
        self.dismiss()


def differs_words(found: Found) -> Content:
    """Differences between the settings of two runs, and what of the runs cannot be compared and why."""
    parts = []
    npus = npus_words(found.comparison)
    for difference in found.comparison.differs:
        if npus and difference.name == ACCELERATOR:
            continue  # the heading names both
        label, values = difference_words(difference)
        parts.append(Content.assemble((f"{label} ", "$muted"), (values.replace(" -> ", " → "), "$accent")))
    lines = [Content.assemble(("differs  ", "$muted"), Content("   ").join(parts))]
    if npus:
        lines.insert(0, Content.assemble((npus, "bold $strong")))
    if not parts:
        lines = [Content.assemble(("the same model, options and versions", "$muted"))]
    lines += [Content.assemble((f"not compared: {clean(reason, 200)}", "$warn")) for reason in found.comparison.reasons]
    for letter, state in (("A", found.a), ("B", found.b)):
        if state.run.status != "ok" and state.run.reason:
            lines.append(Content.assemble((f"{letter}  ", "bold $accent"), clean(state.run.reason, 400)))
    return Content("\n").join(lines)
