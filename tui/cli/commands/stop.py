"""``fvp-tui stop``."""

from tui.cli import candidates
from tui.cli.command import command, run_argument
from tui.run import control, store


@command("fvp-tui stop last")
@run_argument(complete=candidates.live_runs)
def stop(name: str) -> None:
    """Stop a run.

    The log, the figures and the files that it has produced so far are kept.
    """
    control.stop(store.resolve(name))
