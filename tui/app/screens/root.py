"""The Textual application: themes, screens, commands, signals.

The first screen is imported with it, the others when they are asked for: the first picture is there sooner.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.dom import DOMNode
from textual.events import Event, Key
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES, Theme
from textual.widgets import Input

import tui.app.widgets
from tui import config, processes, themes
from tui.app import ascii, keys, remembered, terminal
from tui.app.colourless import Colourless
from tui.app.repaint import Shown
from tui.app.screens import setup_reader
from tui.app.screens.ascii_driver import AsciiDriver
from tui.app.screens.messages import Back, EditRun, OpenRun
from tui.app.screens.setup import SetupScreen
from tui.errors import UserError
from tui.run.belonging import CAMPAIGNS
from tui.text import clean

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.command import Provider

    from tui.app.screens.feed import Readings
    from tui.run.replay import Player

DEFAULT_THEME = "dark"
TEXTUAL_THEME = "textual-dark"
"""A theme that is always there."""
FIRST_DEPTH = 2
"""Screens there are, Setup among them, while the one that the command line asked for is on top."""


def _ansi_variables(*, dark: bool) -> dict[str, str]:
    """Return variables that Textual's style sheets need of a theme in the terminal's colours, but of no other."""
    return BUILTIN_THEMES["ansi-dark" if dark else "ansi-light"].variables


def _role_variables(roles: dict[str, str]) -> dict[str, str]:
    """Return the roles as theme variables, and those of Textual's that follow from them.

    ``text`` is not among them: to Textual that is a colour for any ground. The role is its ``foreground``.
    """
    return {
        **{name: color for name, color in roles.items() if name != "text"},
        "block-cursor-background": roles["cursor"],
        "block-cursor-foreground": roles["on-cursor"],
        "footer-key-foreground": roles["accent"],
    }


def _hexadecimal(variables: dict[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: Color.parse(variables[name]).hex6 for name in names}


def _palette() -> "type[Provider]":
    from tui.app.screens.palette import Commands

    return Commands


class FvpApp(App[None]):
    """fvp-tui on the full screen."""

    TITLE = "fvp-tui"
    CSS_PATH: ClassVar = [
        Path(__file__).parent / "root.tcss",
        Path(tui.app.widgets.__file__).parent / "widgets.tcss",
        Path(__file__).parent / "setup.tcss",
    ]

    COMMANDS: ClassVar = {_palette}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?", id="app.help"),
        Binding(
            "ctrl+l",
            "repaint",
            "Redraw",
            show=False,
            tooltip="Draw the whole screen again, after something else wrote to the terminal",
            id="app.redraw",
        ),
        Binding("C", "campaigns", "Campaigns", show=False, tooltip="Show the newest campaign", id="app.campaigns"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, id="app.suspend"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit"),
    ]

    def __init__(
        self, model: str | None = None, attach: Path | None = None, replay: "tuple[Path, Player] | None" = None
    ) -> None:
        found, problems = themes.load()
        # Textual asks for the variables of a theme while it is made; ours come first, so that theirs replace no base.
        self._bases = {theme.name: theme for theme in reversed(found)}
        super().__init__(driver_class=AsciiDriver if ascii.wanted() else None)
        if self.no_color:
            self._filters[1] = Colourless(lambda: self.native_ansi_color)
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-broad")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
        self._shown = Shown()
        self._model = model
        self._attached = attach
        self._replayed = replay
        self._from_shell = attach is not None or replay is not None
        """True if the command line asked for the screen above Setup: from there one goes back to the shell."""
        self._pressed: Key | None = None
        self._keys = ["", ""]
        """The last two keys."""
        self._count = 0
        """Keys there were."""
        self._popped = -1
        """The last of them that closed a screen."""
        self.opened: list[Path] = []
        """Runs whose screens were opened, each once."""
        self.readings: Readings = OrderedDict()
        self._register_themes(found)
        self._problems = [*problems, *self._choose_theme(), *self._take_keys()]
        """Problems of the user's own files."""

    def _register_themes(self, found: list[themes.ThemeFile]) -> None:
        for theme in found:
            colors = theme.colors
            roles = themes.variables(theme, themes.base(self._bases, dark=theme.dark, ansi=theme.ansi))
            self.register_theme(
                Theme(
                    name=theme.name,
                    dark=theme.dark,
                    ansi=theme.ansi,
                    primary=colors.primary,
                    secondary=colors.secondary,
                    accent=roles["accent"],
                    foreground=roles["text"],
                    background=roles["ground"],
                    surface=roles["surface"],
                    panel=roles["raised"],
                    boost=colors.boost,
                    success=roles["ok"],
                    warning=roles["warn"],
                    error=roles["fail"],
                    variables={
                        **(_ansi_variables(dark=theme.dark) if theme.ansi else {}),
                        **_role_variables(roles),
                        **theme.variables,
                    },
                )
            )

    def _choose_theme(self) -> list[str]:
        """Take the theme of the environment, of the configuration or of the last time; return what is wrong."""
        problems = []
        # Textual's own variable names a theme before this program starts; it may name one of its built-in ones.
        wanted = [name.strip() for name in os.environ.get("TEXTUAL_THEME", "").split(",")]
        try:
            wanted.append(config.read().theme or "")
        except UserError as error:
            problems.append(str(error))
        wanted.append(remembered.read().theme or "")
        # Textual has taken the name from its own variable before there was a theme of that name: it would be no change.
        self.theme = TEXTUAL_THEME
        self.theme = next((name for name in wanted if name in self.available_themes), DEFAULT_THEME)
        return problems

    def _take_keys(self) -> list[str]:
        """Give actions the user's own keys; return what is wrong with them."""
        try:
            wanted = keys.read()
        except UserError as error:
            return [str(error)]
        if not wanted:
            return []
        from tui.app.screens.actions import all_bindings

        defaults = {str(binding.id): binding.key for binding in all_bindings()}
        self.set_keymap({action: key for action, key in wanted.items() if action in defaults})
        return [f"{keys.NAME}: {problem}" for problem in keys.problems(wanted, defaults)]

    def get_default_screen(self) -> SetupScreen:
        """Return the screen below all others; its style sheet is the application's, which Textual has read by then."""
        return SetupScreen(self._model)

    def on_mount(self) -> None:
        """Open what was asked for beside the first screen."""
        self.app_resume_signal.subscribe(self, lambda _: self._shown.forget())
        if not (self.is_headless or terminal.served()):
            terminal.leave_on_signals(asyncio.get_running_loop(), lambda status: self.exit(return_code=status))
        if self._attached is not None and self._attached.parent.name == CAMPAIGNS:
            from tui.app.screens.campaign import CampaignScreen

            self.push_screen(CampaignScreen(self._attached))
        elif self._attached is not None:
            self._open(self._attached)
        elif self._replayed is not None:
            from tui.app.screens.replay import ReplayScreen

            self.push_screen(ReplayScreen(*self._replayed))
        elif not remembered.read().welcomed:
            from tui.app.screens.welcome import WelcomeScreen

            remembered.keep(welcomed=True)
            self.push_screen(WelcomeScreen(self._model, compiles=setup_reader.compiles()), self._begin)
        if self._problems:
            self.notify(clean("; ".join(self._problems), 400), severity="warning", markup=False)
        self.theme_changed_signal.subscribe(self, lambda theme: remembered.keep(theme=theme.name))

    def _begin(self, runs: bool | None) -> None:
        """Run the selected model at once, if that was the answer to the introduction."""
        if runs and isinstance(first := self.screen_stack[0], SetupScreen):
            self.call_later(first.action_run)

    def _display(self, screen: Screen[object], renderable: "RenderableType | None") -> None:
        """Send an update of the screen, less what the terminal shows already."""
        if not self._batch_count:
            renderable = self._shown.missing(renderable, self.cursor_position)
        super()._display(screen, renderable)

    def on_resize(self) -> None:
        """Send all anew: what a terminal of another size shows is its own affair."""
        self._shown.forget()

    def action_repaint(self) -> None:
        """Send the whole screen again."""
        self._shown.forget()
        self.screen.refresh(layout=True)

    def on_ready(self) -> None:
        """The first picture is there."""
        processes.resume_collection()

    def get_css_variables(self) -> dict[str, str]:
        """Return Textual's variables of the theme, and the roles, which its built-in themes do not set.

        Textual's own ``text-muted`` is a share of whatever lies behind it, which a line drawn by hand does not know.
        """
        variables = super().get_css_variables()
        if "npu" not in variables:
            theme = self.current_theme
            known = {} if theme.ansi else _hexadecimal(variables, themes.COLOR_OF.values())
            file = themes.ThemeFile(
                colors=themes.Colors(primary=theme.primary, **known), name=theme.name, dark=theme.dark, ansi=theme.ansi
            )
            roles = themes.variables(file, themes.base(self._bases, dark=theme.dark, ansi=theme.ansi))
            variables = _role_variables(roles) | variables
        self.theme_variables = variables
        return variables

    def refresh_css(self, animate: bool = True) -> None:
        """Take the variables of the theme; before the first screen is there, nothing has been drawn by others."""
        if self._screen_stack:
            super().refresh_css(animate)
        else:
            # Textual would read all style sheets here, forget them, and read them again for the first screen.
            self.stylesheet.set_variables(self.get_css_variables())

    async def on_event(self, event: Event) -> None:
        """Count the keys: that a second one does not leave the program depends on what the first one did."""
        if isinstance(event, Key) and event is not self._pressed:  # one that no widget takes comes by once more
            self._pressed = event
            self._keys = [self._keys[-1], event.key]
            self._count += 1
        await super().on_event(event)

    def on_key(self, event: Key) -> None:
        """Pass letters that were typed before a text field had the focus to the field: they are no commands.

        A slow connection delivers ``/query`` at once: all its letters are on their way to the list when the first
        one moves the focus.
        """
        field = self.focused
        if isinstance(field, Input) and event.is_printable and event.character is not None:
            event.prevent_default()
            if field.select_on_focus and not field.has_focus:
                # It selects what it holds once it hears of its focus: the next letter would replace this one.
                field.select_all()
                field.select_on_focus = False
                field.call_later(setattr, field, "select_on_focus", True)
            field.replace(event.character, *field.selection)

    # -- screens

    def on_open_run(self, event: OpenRun) -> None:
        """Show a run."""
        self._open(event.directory, instead=event.instead)

    def on_edit_run(self, event: EditRun) -> None:
        """Show Setup with the spec of a run, above the screen that shows the run."""
        from tui.app.screens.edit import EditScreen

        self.push_screen(EditScreen(event.request))

    def _open(self, directory: Path, *, instead: bool = False) -> None:
        from tui.app.screens.replay import ReplayScreen
        from tui.app.screens.run import RunScreen

        if directory not in self.opened:
            self.opened.append(directory)
        below = self._below
        if isinstance(below, RunScreen) and not isinstance(below, ReplayScreen) and below.directory == directory:
            self.pop_screen()  # the history was looked at from there
        elif instead:
            self.switch_screen(RunScreen(directory, self.readings))
        else:
            self.push_screen(RunScreen(directory, self.readings))

    @property
    def _below(self) -> Screen[Any] | None:
        return self.screen_stack[-2] if len(self.screen_stack) > 1 else None

    def action_history(self) -> None:
        """Show all runs, which one may have come from."""
        from tui.app.screens.history import HistoryScreen

        if isinstance(self._below, HistoryScreen):
            self.pop_screen()
        elif not isinstance(self.screen, HistoryScreen):
            self.push_screen(HistoryScreen())

    def action_campaigns(self) -> None:
        """Show the newest campaign."""
        from tui.app.screens.campaign import open_newest

        open_newest(self)

    def action_setup(self) -> None:
        """Close all screens but the first."""
        self._from_shell = False
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def pop_screen(self) -> AwaitComplete:
        """Close the screen on top."""
        self._popped = self._count
        return super().pop_screen()

    def on_back(self, event: Back) -> None:
        """Go back to where a screen was opened from, which may be the shell."""
        if event.screen is not self.screen:
            return  # it was closed by an earlier key
        if not (self._from_shell and len(self.screen_stack) == FIRST_DEPTH):
            self.pop_screen()
        elif event.leaves:
            self.action_leave()
        else:
            self.notify("Press q to return to the shell.", markup=False)

    def action_leave(self) -> None:
        """Leave the program; ask first where the key before, the same one, only closed a screen."""
        from tui.app.screens.confirm import Confirm

        def leave(confirmed: bool | None) -> None:
            if confirmed:
                self.exit()

        if self._popped < self._count - 1 or self._keys[0] != self._keys[1]:
            self.exit()
        else:
            self.push_screen(Confirm("Quit fvp-tui?", "Quit", "Runs in progress continue without it."), leave)

    def action_help(self) -> None:
        """Show keys and figures."""
        from tui.app.screens.help import HelpScreen, of_screen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(of_screen(self, self.screen))

    # -- commands

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """List everything a key does here, by name, and some of Textual's own commands."""
        from tui.app.screens.palette import commands

        for command in commands(self, screen):
            yield SystemCommand(command.title, command.words, command.run)

    async def run_command(self, node: DOMNode, action: str) -> None:
        """Do what a key of a node does; what lies in a panel comes to the front."""
        from tui.app.screens.run import RunScreen
        from tui.app.widgets.panel import Panel

        panel = next((above for above in node.ancestors_with_self if isinstance(above, Panel)), None)
        if panel is not None and isinstance(self.screen, RunScreen):
            self.screen.action_panel(panel.number)
        await self.run_action(action, node)
