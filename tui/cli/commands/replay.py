"""``fvp-tui replay``."""

import click

from tui.app.start import run_app
from tui.cli import screen
from tui.cli.command import command, run_argument
from tui.cli.output import print_run
from tui.cli.progress import Progress
from tui.run import events, journal, store
from tui.run import replay as recording


@command("fvp-tui replay last", "fvp-tui replay last --speed 4 --max-gap 2", "fvp-tui replay last --plain")
@run_argument()
@click.option(
    "--speed", type=click.FloatRange(1 / 16, 1024), default=1.0, metavar="N", help="Multiply the original speed [1]."
)
@click.option(
    "--max-gap", type=click.FloatRange(min=0), metavar="S", help="Shorten pauses between events to S seconds."
)
@click.option("--plain", is_flag=True, help="Do not open the screen: print lines, as run does.")
def replay(name: str, speed: float, max_gap: float | None, plain: bool) -> None:
    """Replay a finished run.

    Opens the full-screen program, or prints lines where there is no terminal.
    """
    directory = store.resolve(name)
    recording.check(directory)
    player = recording.Player(directory / journal.FILE, speed, max_gap)
    if screen.available() and not plain:
        run_app(replay=(directory, player))
        return
    click.echo(f"replay of {directory.name}, {player.words}", err=True)
    progress = Progress(verbose=True)

    def echo(lines: list[bytes]) -> None:
        for line in lines:
            if (event := events.decode(line)) is not None and (words := progress.line(event)):
                click.echo(words, err=True)

    player.play(echo)
    print_run(directory, as_json=False)
