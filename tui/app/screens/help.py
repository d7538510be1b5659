"""The help screen: the keys of the screen it was called from, and what the figures mean."""

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

import tui.app.screens
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.panel import Panel
from tui.app.widgets.panels import PANELS
from tui.app.widgets.words import SOURCES

GENERAL = (
    (
        "badge",
        "Source of the figures, always at the top right: FVP, or SIMULATOR with the engine that runs the CPU.",
    ),
    ("lost", "The run process ended without a result: it was killed, or the machine restarted."),
    ("–", "A figure that is not known; the notes say why. It is never shown as 0, and never made up."),
    *((source, f"A figure {words}.") for source, words in SOURCES.items()),
)

COLUMN = 18


Entries = Sequence[tuple[str, str]]

PLACES = {
    "log": "Keys in the log",
    "table": "Keys in a table",
    "field": "Keys in a field of the form",
    "operators": "Keys in the list of operators",
    "heat": "Keys on the sweep's map",
}
"""Sections of keys that only some widgets take, by the first word of their id."""


def all_bindings() -> list[Binding]:
    """Return the keys of all screens and widgets, shown or not, by the names of their actions."""
    for module in pkgutil.iter_modules(tui.app.screens.__path__, "tui.app.screens."):
        importlib.import_module(module.name)  # and with it the widgets it shows

    def kinds(kind: type[DOMNode]) -> Iterator[type[DOMNode]]:
        for below in kind.__subclasses__():
            yield below
            yield from kinds(below)

    found = {
        binding.id: binding
        for kind in kinds(DOMNode)
        if kind.__module__.startswith("tui.")
        for binding in kind.__dict__.get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id
    }
    return [found[name] for name in sorted(found)]


def bindings(app: App[Any], screen: Screen[Any]) -> Iterator[tuple[DOMNode, Binding]]:
    """The keys of a screen and of everything on it, whatever has the focus, as the user has set them.

    Keys without an id are not ours.
    """
    kinds: dict[type, DOMNode] = {}
    for node in (screen, app, *screen.query("*")):
        kinds.setdefault(type(node), node)
    seen: set[str] = set()
    for kind, node in kinds.items():
        for base in kind.__mro__:
            for binding in base.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding) and binding.id and binding.description and binding.id not in seen:
                    seen.add(binding.id)
                    own = app._keymap.get(binding.id)
                    yield node, binding if own is None else binding.with_key(own, None)


def key_sections(app: App[Any], screen: Screen[Any]) -> list[tuple[str, Entries]]:
    """The keys of a screen and of everything on it, by section."""
    sections: dict[str, dict[str, list[str]]] = {"Keys": {}}
    for _, binding in bindings(app, screen):
        section = PLACES.get(str(binding.id).partition(".")[0], "Keys")
        names = sections.setdefault(section, {}).setdefault(binding.description, [])
        for key in [binding.key] if binding.key_display else binding.key.split(","):
            names.append(app.get_key_display(replace(binding, key=key)))
    sections["Keys"]["Command palette and themes"] = ["^p"]
    return [
        (title, [(" ".join(dict.fromkeys(names)), words) for words, names in entries.items()])
        for title, entries in sections.items()
    ]


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

    def __init__(self, keys: Sequence[tuple[str, Entries]], focused: type[Panel] | None = None) -> None:
        """`keys` are the sections of keys of the screen below; the panel in focus there comes first."""
        super().__init__()
        self._keys = keys
        self._focused = focused

    def compose(self) -> ComposeResult:
        """Text and keys."""
        with VerticalScroll(can_focus=False):
            yield Static(self._text(), markup=False)
        yield KeyBar()

    def _text(self) -> Content:
        lines: list[Content] = []
        kinds = [info.make for info in PANELS]
        if self._focused in kinds:
            kinds.remove(self._focused)
            lines += _section(f"{self._focused.TITLE}, the panel in focus", self._focused.FIGURES)
        for title, entries in self._keys:
            lines += _section(title, entries)
        lines += _section("Figures", GENERAL)
        for kind in kinds:
            lines += _section(kind.TITLE, kind.FIGURES)
        return Content("\n").join(lines)

    def action_scroll(self, lines: int) -> None:
        """Scroll up or down."""
        holder = self.query_one(VerticalScroll)
        holder.scroll_to(y=holder.scroll_offset.y + lines, animate=False)

    def action_back(self) -> None:
        """Close the screen."""
        self.dismiss()


def _section(title: str, entries: Entries) -> list[Content]:
    lines = [Content.assemble((title, "bold $accent"))]
    for word, text in entries:
        lines.append(Content.assemble((f"  {word:<{COLUMN}}", "bold"), text))
    return [*lines, Content("")]
