"""The commands of fvp-tui: their names and summaries, and a group that imports a command when it is called.

A command is the function of its own name in `tui.cli.commands.NAME`; the first line of its docstring is its summary.
"""

import importlib
from collections.abc import Mapping
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from tui.cli.command import ExplainedGroup

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Compile and run": {
        "run": "Compile a model and run it",
        "compile": "Compile a model without running it",
        "sweep": "Estimate a model on many configurations",
        "campaign": "Run many models on many configurations",
        "read": "Read a console log as a run",
    },
    "Follow a run": {
        "attach": "Watch a run from its beginning",
        "infer": "Run another inference in a served run",
        "stop": "Stop a run",
    },
    "Examine runs": {
        "history": "List all runs, newest first",
        "show": "Show the figures of a run",
        "log": "Print the log of a run",
        "compare": "Compare two runs",
        "advise": "Suggest improvements, with evidence",
        "replay": "Replay a finished run",
        "export": "Export a run as a report, table or trace",
    },
    "Keep and delete": {
        "pin": "Protect runs from deletion",
        "rm": "Delete runs and all their files",
    },
    "Set up": {
        "doctor": "Check the installation and the platforms",
        "models": "List the models that have a name",
        "params": "List the platform's parameters",
        "firmware": "Install or build firmware for the FVP",
        "themes": "List the colour themes",
        "keys": "List actions and keys for keys.toml",
        "completion": "Print a shell's completion script",
        "help": "Explain exit status and environment",
    },
}

COMMANDS: Mapping[str, str] = {name: summary for section in SECTIONS.values() for name, summary in section.items()}


class LazyGroup(ExplainedGroup):
    """The group of all commands. Listing and completing their names imports none of them."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        # Names only: what a mistyped command is compared with.
        self.commands = {name: click.Command(name) for name in COMMANDS}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for a name that is none."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"tui.cli.commands.{cmd_name}")
        return cast(click.Command, getattr(module, cmd_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:10}", summary) for name, summary in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of commands, with their summaries, and the group's own options."""
        names = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]
