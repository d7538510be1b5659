"""``fvp-tui compare``."""

from pathlib import Path

import click

from tui.analysis import compare as comparison
from tui.cli import candidates
from tui.cli.command import command, json_option, run_argument
from tui.cli.output import print_json
from tui.errors import Exit, UsageError
from tui.reports import compare as report
from tui.reports import compare_markdown
from tui.run import store


@command(
    "fvp-tui compare last~1 last",
    "fvp-tui compare last~1 last --profile gate.toml",
    "fvp-tui compare last~1 last --format markdown > comparison.md",
)
@run_argument("a")
@run_argument("b")
@click.option(
    "--profile",
    metavar="FILE",
    shell_complete=candidates.files,
    help="Take from a TOML file how much worse each figure may be.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "markdown", "json")),
    help="text for a terminal, Markdown for a comment on GitHub, or JSON [text].",
)
@json_option("Print the comparison as JSON.")
def compare(a: str, b: str, profile: str | None, form: str | None, as_json: bool) -> int:
    """Compare two runs.

    Lists what differs between them, then figures and operators by module. Exit status 3 if the second run is worse.
    """
    if as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format {form} exclude each other")
    tolerances = comparison.Profile() if profile is None else comparison.read_profile(Path(profile))
    result = comparison.compare(store.load(store.resolve(a)), store.load(store.resolve(b)), tolerances)
    if as_json or form == "json":
        print_json(result)
    elif form == "markdown":
        click.echo(compare_markdown.document(result), nl=False)
    else:
        click.echo(report.summary(result))
    if not result.comparable:
        return Exit.FAILED
    return Exit.LIMIT if result.regressions else Exit.OK
