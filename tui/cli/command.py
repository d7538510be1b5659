"""The form that all commands have: grouped options, an explanation of RUN, and examples in their help."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tui.cli import candidates

RUN = "RUN"
RUN_HELP = "RUN is an id, its unique beginning or last part, last or last~N."

Function = TypeVar("Function", bound=Callable[..., Any])


class Explained(click.Command):
    """A command whose help explains RUN, where it takes one, and ends with examples."""

    examples: tuple[str, ...] = ()

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the docstring and, if needed, the explanation of RUN."""
        super().format_help_text(ctx, formatter)
        if any(RUN in (parameter.metavar or "").rstrip(".").split("|") for parameter in self.params):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(RUN_HELP)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line of its own."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")


class Command(Explained):
    """A command whose options are grouped in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by group: those that have none come last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                groups.setdefault(getattr(parameter, "group", "Options"), []).append(record)
        for title, records in sorted(groups.items(), key=lambda group: group[0] == "Options"):
            with formatter.section(title):
                formatter.write_dl(records)


class ExplainedGroup(Explained, click.Group):
    """A group of commands with examples in its help."""


def command(*examples: str) -> Callable[[Callable[..., Any]], Command]:
    """Make a function the command of its own name. Its docstring is the help, its first line the summary."""

    def decorate(function: Callable[..., Any]) -> Command:
        made = click.command(cls=Command)(function)
        made.examples = examples
        return made

    return decorate


def run_argument(
    name: str = "name", complete: candidates.Complete = candidates.any_run, *, many: bool = False
) -> Callable[[Function], Function]:
    """Add an argument that names a run, or several."""
    if many:
        return click.argument(name, metavar=f"{RUN}...", nargs=-1, required=True, shell_complete=complete)
    return click.argument(name, metavar=RUN, shell_complete=complete)


def json_option(text: str = "Print JSON instead of a table.") -> Callable[[Function], Function]:
    """Add ``--json``, as the parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=text)
