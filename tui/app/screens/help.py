"""The help screen: the keys and figures of the screen it was called from, and of no other."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.app.screens.actions import actions, shown_keys
from tui.app.widgets.help_text import HelpText, Section
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.masthead import PILL
from tui.app.widgets.panel import Panel
from tui.app.widgets.words import SOURCES

GENERAL = (
    (
        "badge",
        "Source of the figures, always at the top right: FVP, or SIMULATOR with the engine that runs the CPU.",
    ),
    ("not known", "A log that was read shows no failure, and not all of a run."),
    ("lost", "The run process ended without a result: it was killed, or the machine restarted."),
    ("–", "A figure that is not known; the notes say why. It is never shown as 0, and never made up."),
    *((source, f"A figure {words}.") for source, words in SOURCES.items()),
)

KEYS = "Keys on this screen"
WIDGETS = {
    "log": "Keys in the log",
    "table": "Keys in a table",
    "field": "Keys in a field of the form",
    "files": "Keys in a field of files",
    "filter": "Keys in the filter",
    "search": "Keys in the search field",
    "operators": "Keys in the list of operators",
    "cpu": "Keys in the list of the CPU's steps",
    "memory": "Keys in the memory map",
    "advice": "Keys on the advice",
    "ribbon": "Keys on the network",
    "heat": "Keys on the sweep's map",
}
"""Sections of keys that only some widgets take, by the first word of their id."""


def key_sections(app: App[Any], screen: Screen[Any]) -> Iterator[Section]:
    """The keys of a screen, then those of what is on it, then where they lead and those of the program."""
    found: dict[str, dict[str, list[str]]] = {KEYS: {}}
    last: dict[str, dict[str, list[str]]] = {"Go to": {}, "Program": {}}
    for action in actions(app, screen):
        if action.group == "this screen":
            section = found.setdefault(WIDGETS.get(action.place, KEYS), {})
        else:
            section = last[action.group.capitalize()]
        section.setdefault(action.words, []).append(shown_keys(app, action.binding))
    last["Program"]["Find any command by its name, choose a theme"] = ["^p"]
    for title, entries in (found | last).items():
        yield Section(title, [(" ".join(dict.fromkeys(keys)), words) for words, keys in entries.items()])


def figure_sections(screen: Screen[Any], focused: type[Panel] | None) -> Iterator[Section]:
    """The figures of a screen, and of its panels but the one in focus."""
    yield Section("Figures", getattr(screen, "FIGURES", ()))
    panels = [panel for panel in screen.query(Panel) if type(panel) is not focused]
    for panel in sorted(panels, key=lambda panel: panel.number):
        yield Section(panel.TITLE, panel.FIGURES)
    if panels:
        yield Section("Everywhere", GENERAL)


class HelpScreen(Screen[None]):
    """Text that scrolls."""

    CSS_PATH = "help.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "Up", show=False, id="help.up"),
        Binding("down,j", "scroll(1)", "Down", show=False, id="help.down"),
        Binding("pageup", "scroll(-15)", "Page up", show=False, id="help.page-up"),
        Binding("pagedown,space", "scroll(15)", "Page down", key_display="pgdn", id="help.page-down"),
        Binding("q,escape,question_mark", "back", "Back", id="help.back"),
    ]

    def __init__(self, title: str, sections: Sequence[Section]) -> None:
        """`title` names the screen that the sections are about."""
        super().__init__()
        self._about = title
        self._sections = sections

    def compose(self) -> ComposeResult:
        """Title, text and keys."""
        heading = Content.assemble(PILL, (" Help  ", "bold $strong"), (self._about, "$muted"))
        yield Static(heading, markup=False, id="top")
        with VerticalScroll(can_focus=False):
            yield HelpText(self._sections)
        yield KeyBar()

    def action_scroll(self, lines: int) -> None:
        """Scroll up or down."""
        holder = self.query_one(VerticalScroll)
        holder.scroll_to(y=holder.scroll_offset.y + lines, animate=False)

    def action_back(self) -> None:
        """Close the screen."""
        self.dismiss()


def of_screen(app: App[Any], screen: Screen[Any]) -> HelpScreen:
    """Help on a screen; what has the focus is asked for first."""
    focused = app.focused
    above = focused.ancestors_with_self if focused is not None else ()
    panel = next((node for node in above if isinstance(node, Panel)), None)
    first = [Section(f"{panel.TITLE}, the panel in focus", panel.FIGURES)] if panel else []
    name = type(screen).__name__.removesuffix("Screen")
    sections = [*first, *key_sections(app, screen), *figure_sections(screen, type(panel) if panel else None)]
    return HelpScreen(name, sections)
