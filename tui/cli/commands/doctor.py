"""``fvp-tui doctor``."""

import click

from tui.cli.command import command, json_option
from tui.cli.output import print_json
from tui.doctor import examine
from tui.errors import Exit
from tui.reports.format import table

MARKS = {"ok": "ok", "missing": "MISSING", "warning": "note"}


@command("fvp-tui doctor", "fvp-tui doctor --json")
@json_option()
def doctor(as_json: bool) -> int:
    """Check the installation and the platforms.

    Lists what is installed, what is broken and how to mend it, and which platform a run would take and why.
    """
    result = examine()
    status = Exit.OK if result.ready else Exit.FAILED
    if as_json:
        print_json(result)
        return status
    rows = [[f.name, MARKS[f.status], f.detail + (f" - {f.hint}" if f.hint else "")] for f in result.findings]
    for line in table(rows):
        click.echo(line)
    click.echo("\nwhat will work:")
    for ability in result.works:
        because = f": see {' and '.join(ability.lacks)}" if ability.lacks else ""
        click.echo(f"  {'yes' if ability.works else 'no ':3}  {ability.name}{because}")
    click.echo(f"a run would take {result.why}" if result.platform else f"no platform: {result.why}")
    return status
