"""``fvp-tui log``."""

import sys
import time
from pathlib import Path

import click

from tui.cli.command import command, run_argument
from tui.cli.follow import POLL_S
from tui.run import events, journal, store
from tui.text import clean


@command("fvp-tui log last", "fvp-tui log last --follow", "fvp-tui log last --raw > console.log")
@run_argument()
@click.option("-f", "--follow", is_flag=True, help="Keep printing until the run ends.")
@click.option("--raw", is_flag=True, help="Print the bytes of the console, control characters included.")
def log(name: str, follow: bool, raw: bool) -> None:
    """Print the log of a run."""
    directory = store.resolve(name)
    if raw:
        console = directory / store.CONSOLE
        if console.exists():
            sys.stdout.buffer.write(console.read_bytes())
        return
    _print(directory, until_end=follow)


def _print(directory: Path, *, until_end: bool) -> None:
    follower = journal.Follower(directory / journal.FILE)
    done = False
    while not done:
        # The state first, then the journal: the last events of a run that ends in between are not missed.
        done = not until_end or store.load(directory).run.status != "running"
        for event in follower.drain():
            if isinstance(event, events.Logged):
                click.echo(f"{event.level[0].upper()} {event.source:9} {clean(event.text)}")
        if not done:
            time.sleep(POLL_S)
