"""The NPU's commands of each operator, counted in the program: Vela's debug database has but the last one of each."""

from bisect import bisect_left
from collections.abc import Sequence

from tui.model import pte
from tui.model.vela_blob import BACKEND
from tui.run.figures import Operator
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu import stream

NO_WORK = ("DMA_START", "STOP", "BRANCH")
"""Commands that are no part of an operator: its weights are copied while the one before it runs."""


def of_operators(program: pte.Program, operators: Sequence[Operator]) -> dict[int, tuple[int, ...]]:
    """Byte offsets of the commands of each operator, by its place; those without a command of their own are left out.

    Raises:
        DelegateError: a partition is malformed.
        CommandStreamError: its commands cannot be understood.
    """
    found: dict[int, list[int]] = {}
    for partition, delegate in enumerate(program.main.delegates):
        lasts = sorted(
            (max(o.commands), at) for at, o in enumerate(operators) if o.partition == partition and o.commands
        )
        if not lasts or delegate.backend != BACKEND:
            continue
        for command in stream.commands(EthosU(delegate, program.named_data).stream):
            place = bisect_left(lasts, command.offset, key=lambda last: last[0])
            if command.name not in NO_WORK and place < len(lasts):
                found.setdefault(lasts[place][1], []).append(command.offset)
    return {at: tuple(offsets) for at, offsets in found.items()}
