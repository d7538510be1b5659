"""The board a simulation is of: told by the name it is called by, else by its parameters, else by its program."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui.simulator import parameters
from tui.toolchain import boards
from tui.toolchain.boards import Board

if TYPE_CHECKING:
    from tui.model.programs import Program

BINARIES = tuple(board.fvp.binary for board in boards.BOARDS)
"""Names of the FVPs it can take the place of."""


def candidates(called: str, assignments: Iterable[str]) -> tuple[Board, ...]:
    """The boards that a command line may be for, the likeliest first; `called` is the name or path it begins with."""
    by_name = tuple(board for board in boards.BOARDS if board.fvp.binary == Path(called).name)
    if by_name:
        return by_name
    names = {assignment.partition("=")[0].strip() for assignment in assignments}
    # The most that any has, not all: one may be misspelt, which is said of the board that is meant.
    known = [len(names & parameters.available(board).keys()) for board in boards.BOARDS]
    return tuple(board for board, count in zip(boards.BOARDS, known, strict=True) if count == max(known))


def of_program(found: Sequence[Board], program: Callable[[], bytes | None]) -> Board:
    """The one of several boards whose NPU a program was compiled for; the first if that does not tell."""
    if len(found) == 1 or (data := program()) is None:
        return found[0]
    # Only now: --version and -l answer without numpy.
    from tui.model import bundled, programs, pte
    from tui.toolchain.target import Target

    try:
        if programs.is_tflite(data):
            accelerator = _accelerator(programs.parse(data))
        else:
            accelerator = pte.compiled_for(bundled.program_of(data), Target()).accelerator
    except pte.PteError:
        return found[0]
    return next((board for board in found if accelerator in board.npu.accelerators), found[0])


def _accelerator(program: "Program") -> str | None:
    """The accelerator of a program's first command stream; None without one that can be understood."""
    from tui.simulator import npu
    from tui.simulator.delegate import DelegateError, EthosU

    try:
        return next((npu.accelerator(EthosU(one, {}).stream) for one in program.main.delegates), None)
    except DelegateError:
        return None
