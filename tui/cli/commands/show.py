"""``fvp-tui show``."""

import click

from tui.cli.command import command, json_option, run_argument
from tui.cli.output import print_run
from tui.reports.check import layers_table
from tui.reports.confusion import accuracy_tables
from tui.reports.memory import memory_map
from tui.reports.operators import Detail
from tui.run import store


@command("fvp-tui show last", "fvp-tui show last~1 --modules", "fvp-tui show 20261123-0515 --json")
@run_argument()
@json_option("Print the state of the run as JSON.")
@click.option("--operators", "detail", flag_value="all", help="List all operators, not only the slowest.")
@click.option("--modules", "detail", flag_value="modules", help="List all operators by module of the model.")
@click.option("--memory", is_flag=True, help="Show where the NPU's tensors lie in memory, and when.")
@click.option("--accuracy", is_flag=True, help="Show the answers to labelled inputs by class, and the worst.")
@click.option("--layers", is_flag=True, help="Show the quantization error of each layer.")
def show(name: str, as_json: bool, detail: Detail | None, memory: bool, accuracy: bool, layers: bool) -> None:
    """Show the figures of a run."""
    directory = store.resolve(name)
    wanted = ((memory, memory_map), (layers, layers_table), (accuracy, accuracy_tables))
    if (shown := [text for asked, text in wanted if asked]) and not as_json:
        state = store.load(directory)
        for text in shown:
            click.echo(text(state))
        return
    print_run(directory, as_json=as_json, detail=detail or "top")
