"""``fvp-tui advise``."""

from pathlib import Path

import click
import msgspec

from tui.analysis import advice as advising
from tui.analysis import prediction, trials
from tui.analysis.advice import Advised
from tui.cli.command import command, json_option, run_argument
from tui.cli.follow import follow
from tui.cli.options import table_options
from tui.cli.output import print_json
from tui.cli.signals import Signals
from tui.errors import Exit, UserError
from tui.reports import advice as report
from tui.run import store
from tui.run.state import State


@command("fvp-tui advise last", "fvp-tui advise last --try")
@run_argument()
@click.option("--try", "try_out", is_flag=True, help="Compile and run each suggested option, and show the result.")
@json_option("Print the suggestions as JSON.")
@table_options("advise")
def advise(name: str, try_out: bool, as_json: bool, verbose: bool) -> int:
    """Suggest improvements, with evidence.

    A suggestion changes the model or an option, and names the evidence that the run has for it.
    """
    directory = store.resolve(name)
    state = store.load(directory)
    if state.spec is None or state.run.status != "ok":
        why = f"its status is {state.run.status}"
        raise UserError(f"no suggestions for {directory.name}: {why}", "only for a run that ended ok")
    result, status = advising.of(state, prediction.ask(directory, state)), int(Exit.OK)
    if try_out:
        result, status = _try(directory, state, result, verbose=verbose)
    else:
        result = trials.with_outcomes(result, state, directory)
    if as_json:
        print_json(result)
    else:
        click.echo(report.summary(result))
    return status if status == Exit.INTERRUPTED else Exit.OK


def _try(directory: Path, state: State, advised: Advised, *, verbose: bool) -> tuple[Advised, int]:
    """Run what each piece of advice changes; return the advice with the outcomes, and the last exit status."""
    pieces, status = list(advised.advice), int(Exit.OK)
    for at, piece in enumerate(advised.advice):
        if not piece.change:
            continue
        click.echo(f"trying {' '.join(piece.options)}", err=True)
        signals = Signals(interruptible=True).hear()
        variant = trials.start(directory, state, piece)
        click.echo(f"run {variant.name}", err=True)
        status = follow(variant, verbose=verbose, signals=signals)
        pieces[at] = msgspec.structs.replace(piece, tried=trials.outcome(state, variant))
        if status == Exit.INTERRUPTED:
            break
    return msgspec.structs.replace(advised, advice=tuple(pieces)), status
