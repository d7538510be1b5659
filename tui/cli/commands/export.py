"""``fvp-tui export``."""

import sys
from pathlib import Path

import click

from tui.cli import candidates
from tui.cli.command import command, run_argument
from tui.errors import UsageError
from tui.reports import export as reports
from tui.reports.export import FORMATS, Format
from tui.run import store


@command(
    "fvp-tui export last --format html -o report.html",
    "fvp-tui export last --format csv > operators.csv",
    "fvp-tui export last --format svg --size 120x40 -o screen.svg",
    "fvp-tui export last --format model-explorer -o net.graph.json",
)
@run_argument()
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    required=True,
    help="json: the state; csv: the operators; html: a report; perfetto: a trace for ui.perfetto.dev; "
    "model-explorer: graph and node data, a file each; junit: test cases for CI; svg: a picture of the screen.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    shell_complete=candidates.files,
    help="Write to FILE, or to it and others beside it [stdout].",
)
@click.option(
    "--size", metavar="COLUMNSxLINES", shell_complete=candidates.sizes, help="Size of the svg's screen [120x40]."
)
def export(name: str, form: Format, output: str | None, size: str | None) -> None:
    """Export a run as a report, table or trace."""
    directory = store.resolve(name)
    if output is not None:
        reports.check_path(Path(output))
    if size is not None and form != "svg":
        raise UsageError("--size applies only to a picture", "add --format svg")
    if output is None:
        if form in reports.SEVERAL:
            raise UsageError(f"{form} is several files", f"-o NAME{reports.SUFFIXES[form]}")
        sys.stdout.buffer.write(_picture(directory, size) if form == "svg" else reports.document(directory, form))
        return
    path = Path(output)
    made = {path: _picture(directory, size)} if form == "svg" else reports.documents(directory, form, path)
    for file, content in made.items():
        click.echo(reports.write(file, content), err=True)


def _picture(directory: Path, size: str | None) -> bytes:
    from tui.app import picture  # with Textual

    return picture.of_run(directory, picture.size(size) if size else picture.SIZE).encode()
