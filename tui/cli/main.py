"""The command line: the group of all commands, and how a call of it ends."""

import codecs
import io
import os
import signal
import sys

import click

from tui import COMPLETION
from tui.cli.errors import fail
from tui.cli.registry import LazyGroup
from tui.errors import Exit, UsageError, UserError

HINT_WIDTH = 100


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": HINT_WIDTH},
)
@click.option("--version", is_flag=True, help="Print the versions of fvp-tui and of all that it works with.")
@click.option("--json", "as_json", is_flag=True, help="With --version: print JSON.")
@click.option("--debug", is_flag=True, expose_value=False, help="Print the traceback of an internal error.")
@click.option("--mouse/--no-mouse", help="Let the full-screen program use the mouse [--no-mouse].")
@click.pass_context
def cli(context: click.Context, mouse: bool, version: bool, as_json: bool) -> int | None:
    """Run PyTorch models on Arm Ethos-U NPUs before there is silicon.

    Without a command, fvp-tui opens its full-screen program.
    """
    if as_json and not version:
        raise UsageError("--json goes with --version here", "commands have a --json of their own")
    if version:
        from tui.cli import versions

        versions.show(as_json=as_json)
        context.exit()
    if context.invoked_subcommand is not None:
        return None
    from tui.app.start import run_app  # with asyncio, which no help needs

    return run_app(mouse=mouse)


cli.examples = (
    "fvp-tui                        # open the full-screen program",
    "fvp-tui run sample:digits      # compile and run a sample without it",
    "fvp-tui run --help             # explain one command",
)


def main() -> None:
    """Parse and run the command line; turn every error into one line and the right exit status."""
    _use_characters_of_locale()
    status = run(sys.argv[1:])
    # All output is written: a signal during the interpreter's shutdown would only spoil the exit status.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_IGN)
    sys.exit(status)


def _use_characters_of_locale() -> None:
    """Write what a locale without UTF-8 lacks, such as ``–`` and ``µ``, as the ASCII characters that are like it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            codecs.register_error("like-it", _like_it)
            stream.reconfigure(errors="like-it")


def _like_it(error: UnicodeError) -> tuple[str, int]:
    from tui.app import ascii

    if not isinstance(error, UnicodeEncodeError):
        raise error
    return ascii.only(error.object[error.start : error.end]), error.end


def run(arguments: list[str]) -> int:
    """Run the command of a line's arguments and return the exit status."""
    # --debug may stand anywhere on the line, not only before the command.
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if COMPLETION in os.environ:
        from tui.cli import completion  # only a shell that completes needs it

        completion.register()
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        result = cli.main(arguments, prog_name="fvp-tui", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "fvp-tui"
        return fail(UsageError(error.format_message(), f"see: {command} --help"))
    except click.ClickException as error:
        return fail(UserError(error.format_message()))
    except BrokenPipeError:
        # The reader of the pipe has left: say nothing, and keep the interpreter from flushing stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        if debug and not isinstance(error, UserError):
            raise
        return fail(error)
    return int(result) if isinstance(result, int) else Exit.OK
