"""``fvp-tui infer``."""

import time
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from tui.cli import candidates
from tui.cli.command import command, json_option, run_argument
from tui.cli.follow import POLL_S
from tui.cli.options import table_options
from tui.cli.output import print_json
from tui.cli.request import absolute
from tui.errors import Exit, UserError
from tui.reports.check import check_line
from tui.reports.execution import inference_line
from tui.run import control, events, journal, state, store
from tui.run.events import AnyEvent
from tui.run.state import State


@command("fvp-tui infer last", "fvp-tui infer last --input image.npy")
@run_argument(complete=candidates.live_runs)
@table_options("infer")
@json_option("Print the inference, and the check so far, as JSON.")
def infer(name: str, inputs: tuple[str, ...], as_json: bool) -> int:
    """Run another inference in a served run.

    The run is one that was started with fvp-tui run --serve; its platform waits for inputs.
    """
    directory = store.resolve(name)
    if (spec := store.load_spec(directory)) is not None and spec.serve:
        _until_up(directory)
    number = control.infer(directory, [absolute(path) for path in inputs])
    current = _until_inferred(directory, number)
    inference = next((one for one in current.inferences if one.index == number), None)
    if inference is None:
        why = current.run.reason or f"it is {current.run.status}"
        raise UserError(f"{directory.name} ended before the inference: {why}", f"fvp-tui show {directory.name}")
    file = directory / store.ARTIFACTS / f"outputs_{number}.npz"
    outputs = str(file) if file.exists() else None
    if as_json:
        print_json(
            {
                "schema_version": state.SCHEMA_VERSION,
                "run": directory.name,
                "inference": msgspec.to_builtins(inference),
                "check": msgspec.to_builtins(current.check),
                "outputs": outputs,
            }
        )
        return Exit.OK
    checked = "not of inputs from files" if inputs else f"so far {check_line(current.check)}"
    click.echo(inference_line(current, inference))
    click.echo(f"check     {checked}")
    click.echo(f"outputs   {outputs or 'none were written'}")
    click.echo(f"more      fvp-tui show {directory.name}", err=True)
    return Exit.OK


def _until_up(directory: Path) -> None:
    """Wait until a run has started its platform, or has ended: one that was just started compiles first."""
    _until(directory, lambda current, _: current.platform_pid is not None)


def _until_inferred(directory: Path, number: int | None) -> State:
    """Follow a run until an inference and its check are complete, or the run has ended; return the state then."""
    ended = False

    def complete(_: State, event: AnyEvent) -> bool:
        nonlocal ended
        # Its outputs and the check follow its figures; only then does the platform wait, or go on.
        if ended and isinstance(event, events.PhaseChanged | events.InferenceStarted):
            return True
        ended = ended or (isinstance(event, events.InferenceFinished) and event.inference.index == number)
        return False

    return _until(directory, complete)


def _until(directory: Path, done: Callable[[State, AnyEvent], bool]) -> State:
    """Follow a run until a state and the event that led to it are what is waited for, or the run has ended."""
    follower, current = journal.Follower(directory / journal.FILE), state.EMPTY
    while True:
        for event in follower.poll():
            current = state.fold(current, event)
            if done(current, event):
                return current
        current = current if follower.behind() else store.settled(directory, current)
        if current.run.status != "running":
            return current
        time.sleep(POLL_S)
