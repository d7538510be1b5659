"""``fvp-tui models``."""

import click

from tui.cli.command import command, json_option
from tui.cli.output import print_json
from tui.cli.request import chosen_toolchain
from tui.model import catalogue
from tui.reports.format import table
from tui.toolchain import toolchains

KEYS = ("name", "title", "group", "missing")


@command("fvp-tui models", "fvp-tui models --json")
@click.option("--toolchain", metavar="PYTHON", help="List what the ExecuTorch of this Python has and can compile.")
@json_option()
def models(toolchain: str | None, as_json: bool) -> None:
    """List the models that have a name.

    They are samples, and models of the ExecuTorch package. A .py, .pt2, .tflite, .tosa, .pte or
    .bpte file is a model, too.
    """
    entries = catalogue.models(toolchains.of(chosen_toolchain(toolchain)))
    if as_json:
        print_json({"models": [{key: getattr(model, key) for key in KEYS} for model in entries]})
        return
    rows = [[m.name, f"needs {', '.join(m.missing)}" if m.missing else m.title] for m in entries]
    for model, line in zip(entries, table(rows), strict=True):
        click.echo(click.style(line, dim=True) if model.missing else line)
