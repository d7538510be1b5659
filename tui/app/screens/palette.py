"""The command palette: every action by name, in groups, with a sentence and its key."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.screen import Screen

from tui.app.screens.actions import GROUPS, Group, actions, shown_keys

if TYPE_CHECKING:
    from tui.app.screens.root import FvpApp

GROUP, KEY, TITLE = 13, 7, 15
"""Widths of the columns."""
OTHERS = {
    "Theme": "Choose the colours",
    "Screenshot": "Save a picture of the screen to a file",
}
"""Textual's own commands that are of use here."""


@dataclass(frozen=True)
class Command:
    """A line of the palette."""

    group: Group
    title: str
    words: str
    key: str
    run: Callable[[], Awaitable[None] | None]


def commands(app: "FvpApp", screen: Screen[object]) -> list[Command]:
    """All commands of a screen, by group."""
    found: dict[tuple[str, str], Command] = {}
    for command in _commands(app, screen):
        found.setdefault((command.title, command.words), command)
    return sorted(found.values(), key=lambda command: GROUPS.index(command.group))


def _commands(app: "FvpApp", screen: Screen[object]) -> Iterator[Command]:
    for action in actions(app, screen):
        if not action.only_moves:
            binding = action.binding
            key = shown_keys(app, binding).partition(" ")[0]
            run = partial(app.run_command, action.node, binding.action)
            words = "" if action.words == binding.description else action.words
            yield Command(action.group, binding.description, words, key, run)
    for command in App.get_system_commands(app, screen):
        if command.title in OTHERS:
            yield Command("program", command.title, OTHERS[command.title], "", command.callback)
    if len(app.screen_stack) > 1:
        yield Command("go to", "Setup", "Choose a model; all other screens close", "", app.action_setup)


class Commands(Provider):
    """Commands in the order of their groups; the first of each group names it."""

    def _all(self) -> list[Command]:
        app = self.app
        return commands(app, self.screen)  # type: ignore[arg-type]

    async def discover(self) -> Hits:
        """Yield all commands."""
        group = ""
        for command in self._all():
            heading, group = ("" if command.group == group else command.group), command.group
            line = self._line(heading, command, Content.assemble((command.title, "bold")))
            yield DiscoveryHit(line, command.run, text=command.title)

    async def search(self, query: str) -> Hits:
        """Yield the commands that match."""
        matcher = self.matcher(query)
        for command in self._all():
            if (score := matcher.match(command.title)) > 0:
                line = self._line(command.group, command, matcher.highlight(command.title))
                yield Hit(score, line, command.run, text=command.title)

    def _line(self, group: str, command: Command, title: Content) -> Content:
        """Group, key, title and a sentence in columns."""
        # A cursor in one of the terminal's own colours leaves only its letters to be read.
        key, beside = ("", "") if self.app.native_ansi_color else ("$accent", "$muted")
        return Content.assemble(
            (f"{group:<{GROUP}}", beside),
            (f"{command.key + ' ':<{KEY}}", key),
            title,
            " " * max(TITLE - title.cell_length, 2),
            (command.words, beside),
        )
