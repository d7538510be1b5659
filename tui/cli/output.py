"""The results of commands on stdout."""

from pathlib import Path
from typing import Any

import click
import msgspec

from tui.reports import state_json, text
from tui.reports.operators import Detail
from tui.run import store


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_run(directory: Path, *, as_json: bool, detail: Detail = "top") -> None:
    """Print the state of a run, as text or as JSON."""
    state = store.load(directory)
    if as_json:
        print_json(state_json.to_json(state))
    else:
        click.echo(text.summary(state, detail))
