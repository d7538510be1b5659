"""The actions of a screen: what its keys do, in plain sentences and groups, for the help and the command palette."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from textual.actions import ActionError, parse
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

import tui.app.screens
from tui.app.screens.sentences import SENTENCES

Group = Literal["this screen", "go to", "program"]
GROUPS: tuple[Group, ...] = ("this screen", "go to", "program")

PLACES = ("history", "sweep", "parameters", "setup", "compare")
"""Actions of these names go to the screen of the same name; those of a panel, to the panel."""
CURSOR = ("table", "field", "filter", "search", "heat", "advice", "ribbon")
"""Places whose keys only move a cursor or belong to a field: they need a key, not a name."""
MOVES = (
    "step",
    "step-back",
    "tensor-above",
    "tensor-below",
    "up",
    "down",
    "left",
    "right",
    "page-up",
    "page-down",
    "first",
    "last",
    "next",
    "previous",
)


@dataclass(frozen=True)
class Action:
    """A key of a screen or of something on it."""

    node: DOMNode
    binding: Binding
    group: Group
    words: str
    """A sentence that begins with a verb."""

    @property
    def place(self) -> str:
        """Kind of screen or widget that takes the key."""
        return str(self.binding.id).partition(".")[0]

    @property
    def only_moves(self) -> bool:
        """True for a key that moves a cursor or a text."""
        return self.place in CURSOR or str(self.binding.id).partition(".")[2] in MOVES


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


def actions(app: App[Any], screen: Screen[Any]) -> Iterator[Action]:
    """The keys of a screen and of everything on it, whatever has the focus, as the user has set them.

    Keys without an id are not ours; those that do nothing now are left out.
    """
    kinds: dict[type, DOMNode] = {}
    for node in (screen, app, *screen.query("*")):
        kinds.setdefault(type(node), node)
    seen: set[str] = set()
    for kind, node in kinds.items():
        for base in kind.__mro__:
            for binding in base.__dict__.get("BINDINGS", ()):
                if not (isinstance(binding, Binding) and binding.id and binding.description) or binding.id in seen:
                    continue
                seen.add(binding.id)
                if _enabled(node, binding):
                    own = app._keymap.get(binding.id)
                    bound = binding if own is None else binding.with_key(own, None)
                    yield Action(node, bound, _group(binding), sentence(binding))


def sentence(binding: Binding) -> str:
    """Say what a key does, beginning with a verb."""
    name = str(binding.id)
    if name.startswith("run.panel-"):
        return f"Go to the panel {binding.description.partition(': ')[2]}"
    return binding.tooltip or SENTENCES.get(name, binding.description)


def _enabled(node: DOMNode, binding: Binding) -> bool:
    """Tell whether the screen lets an action of its own be done now."""
    try:
        namespace, name, parameters = parse(binding.action)
    except ActionError:
        return True
    return bool(namespace) or node.check_action(name, parameters) is not False


def _group(binding: Binding) -> Group:
    place, _, name = str(binding.id).partition(".")
    if place == "app" or name == "quit":
        return "program"
    return "go to" if (name in PLACES and place != "history") or name.startswith("panel-") else "this screen"


def shown_keys(app: App[Any], binding: Binding) -> str:
    """All keys of an action, as they are called on the screen."""
    names = [binding.key] if binding.key_display else binding.key.split(",")
    return " ".join(dict.fromkeys(app.get_key_display(replace(binding, key=key)) for key in names))
