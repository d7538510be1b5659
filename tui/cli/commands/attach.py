"""``fvp-tui attach``."""

import click

from tui.app.start import run_app
from tui.cli import screen
from tui.cli.command import command, json_option, run_argument
from tui.cli.follow import follow
from tui.cli.output import print_run
from tui.cli.signals import Signals
from tui.run import store


@command("fvp-tui attach last", "fvp-tui attach last --events")
@run_argument()
@json_option("Do not open the screen: print the state as JSON at the end.")
@click.option("--events", "as_events", is_flag=True, help="Do not open the screen: print the journal, live.")
def attach(name: str, as_json: bool, as_events: bool) -> int:
    """Watch a run from its beginning.

    Opens the full-screen program, or prints lines where there is no terminal.
    """
    directory = store.resolve(name)
    if screen.available() and not (as_json or as_events):
        return run_app(attach=directory)
    signals = Signals(interruptible=False).hear()
    status = follow(directory, verbose=True, as_events=as_events, signals=signals)
    if not as_events:
        print_run(directory, as_json=as_json)
    return status
