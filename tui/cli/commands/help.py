"""``fvp-tui help``."""

from collections.abc import Mapping

import click

from tui.cli.command import command
from tui.errors import Exit

STATUSES: Mapping[Exit, str] = {
    Exit.OK: "all went well; of a run, the outputs are right as far as they were compared",
    Exit.FAILED: "a run failed, or could not be started",
    Exit.USAGE: "the request is wrong: an unknown target, a file that is not there",
    Exit.LIMIT: "a limit is not kept, or compare found what is worse",
    Exit.NO_PLATFORM: "the platform that was asked for cannot run here",
    Exit.UNKNOWN: "a log that was read shows no failure, and not all of a run",
    Exit.INTERRUPTED: "stopped by Ctrl-C",
}
"""Meanings of the exit statuses."""

VARIABLES: Mapping[str, str] = {
    "FVP_TUI_HOME": "the data folder: runs, settings of the screen, the cache",
    "FVP_TUI_TOOLCHAIN": "the Python whose ExecuTorch compiles, or its name in config.toml",
    "FVP_TUI_FVP": "the FVP: its binary, or its install folder",
    "FVP_TUI_RUNNER": "the program that the FVP runs",
    "FVP_TUI_QEMU": "the QEMU of the firmware engine",
    "FVP_TUI_COMPILE_SERVER": "off compiles without a server",
    "FVP_TUI_COMPILE_IDLE_S": "seconds without work after which the server ends",
    "FVP_TUI_CORES": "the most cores that a run uses, for a data set; all by default",
    "FVP_TUI_OWNER": "the process whose end is the end of a run: a worker of a cluster sets it",
    "FVP_TUI_LIFELINE": "a pipe that this process holds open, so that its end is noticed at once",
    "EXECUTORCH_ROOT": "a checkout of ExecuTorch, in which built runners are found",
    "XDG_CONFIG_HOME": "the folder above fvp-tui/config.toml and keys.toml",
    "XDG_DATA_HOME": "the folder above the data folder, unless FVP_TUI_HOME is set",
    "XDG_CACHE_HOME": "the folder above the cache, unless FVP_TUI_HOME is set",
    "XDG_RUNTIME_DIR": "the folder of the compile server's socket",
    "NO_COLOR": "no colours, in the screen and in what is printed",
    "TEXTUAL_THEME": "the theme of the screen",
    "VISUAL, EDITOR, PAGER": "what opens a source line from the screen",
}
"""Variables of the environment that are read."""


@command("fvp-tui help", "fvp-tui help | less")
def help() -> None:
    """Explain exit status and environment.

    Each command explains itself with --help, the screen with the key ?.
    """
    rows = [(str(int(status)), words) for status, words in STATUSES.items()]
    formatter = click.HelpFormatter(width=100)
    with formatter.section("Exit status"):
        formatter.write_dl(rows)
    with formatter.section("Environment"):
        formatter.write_dl(list(VARIABLES.items()))
    click.echo(formatter.getvalue().strip())
