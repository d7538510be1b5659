"""The options of a real board on a serial line."""

from typing import Annotated

import msgspec

from tui.run.option import Form, Option
from tui.run.option_groups import BOARD

DEFAULT_BAUD = 115200
DEFAULT_SILENCE_S = 20.0


class Serial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A board: its serial port, the commands that flash and reset it, and the end of what it says."""

    port: Annotated[
        str | None,
        Option(
            "--port",
            "Serial port of the board's console, such as /dev/ttyACM0.",
            BOARD,
            kind="port",
            metavar="DEVICE",
            form=Form("Port", "The board's console; the other options of a board come from the command line."),
        ),
    ] = None
    baud: Annotated[
        int,
        Option(
            "--baud",
            "Speed of the line, which the board's program has set.",
            BOARD,
            metavar="N",
        ),
    ] = DEFAULT_BAUD
    board_name: Annotated[
        str | None, Option("--board", "Name of the board; it stands with the figures.", BOARD, metavar="NAME")
    ] = None
    flash: Annotated[
        str | None,
        Option(
            "--flash",
            "Flash the board with this command; {elf}, {pte} and {address} are filled in.",
            BOARD,
            metavar="COMMAND",
        ),
    ] = None
    reset: Annotated[
        str | None,
        Option(
            "--reset", "Reset the board with this command.", BOARD, metavar="COMMAND", unset="the flash command resets"
        ),
    ] = None
    end_text: Annotated[
        str | None,
        Option(
            "--end",
            "End the run at this text of the console.",
            BOARD,
            metavar="TEXT",
            unset="a runner's own last words",
        ),
    ] = None
    silence_s: Annotated[
        float, Option("--silence", "End the run once the board has said nothing for so long.", BOARD, metavar="S")
    ] = DEFAULT_SILENCE_S
    folder: str | None = None
    """The folder that its commands run in; None is the root."""


NO_BOARD = Serial()
