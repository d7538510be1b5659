"""Checks before the platform is started: the program's memory, the firmware, the runner, the parameters.

Names are those the runner prints for its pools. Source: ExecuTorch's examples/arm/executor_runner - planned buffers of
memory id 1 come from its method allocator, the NPU's scratch from its temporary allocator.
"""

from collections.abc import Mapping

from tui.errors import UserError
from tui.model import pte
from tui.pipeline import commands, discrepancy
from tui.pipeline.boot import Platform
from tui.pipeline.record import Record
from tui.platform import command, counts, selection
from tui.run import events, store
from tui.run.figures import PoolNeed
from tui.simulator import delegate
from tui.simulator.ethosu.errors import CommandStreamError

SIMULATED_CYCLES = (
    "the simulator's NPU cycles are estimated from the commands by Vela's formulas; "
    "like Vela's total they include waiting for memory"
)

METHOD, TEMPORARY = "method_allocator", "temp_allocator"
PLANNED = 1
"""Memory id of planned buffers; others have pools of their own."""


def read_program(record: Record) -> pte.Program | None:
    """Read a run's program; None, with a note, where it is none."""
    try:
        return record.program()
    except pte.PteError as error:
        record.note(f"the program's demand on the runner's memory is unknown: {error}")
        return None


def needs(program: pte.Program, available: Mapping[str, int]) -> tuple[PoolNeed, ...]:
    """A program's least demand on the runner's pools, against their sizes in bytes, as far as they are known.

    Raises:
        delegate.DelegateError: one of its delegates is malformed.
    """
    plan = program.main
    planned = sum(plan.buffer_sizes[PLANNED : PLANNED + 1])
    scratch = max((delegate.scratch_bytes(one, program.named_data) for one in plan.delegates), default=0)
    return tuple(_need(name, size, available.get(name)) for name, size in ((METHOD, planned), (TEMPORARY, scratch)))


def _need(name: str, needed: int, available: int | None) -> PoolNeed:
    excess = None if available is None else max(0, needed - available)
    return PoolNeed(name=name, needed=needed, available=available, excess=excess)


def record_plan(record: Record, program: pte.Program) -> None:
    """Record the steps of the program in the order they run."""
    left = () if record.state.delegation is None else record.state.delegation.left
    record.emit(events.PlanKnown(steps=counts.steps(program.main, left)))


def count_commands(record: Record, program: pte.Program) -> None:
    """Record the NPU's commands of each operator; of a program that cannot be understood, nothing."""
    operators = record.state.operators
    if not operators:
        return
    try:
        found = commands.of_operators(program, operators)
    except (delegate.DelegateError, CommandStreamError) as error:
        record.note(f"the NPU's commands of each operator are not counted: {error}")
        return
    record.emit(events.CommandsCounted(commands=found))


def weigh_pools(record: Record, program: pte.Program, available: Mapping[str, int]) -> None:
    """Record the program's demand on the runner's memory, with a warning where it is too large."""
    try:
        pools = needs(program, available)
    except delegate.DelegateError as error:
        record.note(f"the program's demand on the runner's memory is unknown: {error}")
        return
    record.emit(events.PoolsKnown(pools=pools))
    for pool in pools:
        if pool.excess:
            text = (
                f"the program needs at least {pool.needed:,} bytes of the runner's {pool.name},"
                f" which has {pool.available:,}"
            )
            record.emit(events.Logged(source="run", text=text, level="warning"))
            record.note(text)


def check_firmware(record: Record, program: pte.Program | None, choice: selection.Choice) -> selection.Choice:
    """Check that the firmware can run what may be a program; where the engine is free, fall back to the interpreter.

    Raises:
        UserError: it cannot, or is no firmware; and the engine was asked for.
    """
    # Only now: every other run does without the engine.
    from tui.simulator.firmware import image
    from tui.simulator.firmware.preflight import obstacles

    assert choice.runner is not None
    data = (record.artifacts / store.MODEL).read_bytes()
    try:
        reasons = obstacles(data, image.load(choice.runner.path), record.spec.target.accelerator)
    except image.ImageError as error:
        raise UserError(str(error), "fvp-tui firmware install") from error
    delegated = program is not None and bool(program.main.delegates)
    if record.spec.engine == "auto" and (reasons or not delegated):
        why = reasons[0].what if reasons else "nothing of the program runs on the NPU"
        record.note(f"the interpreter runs the program, not the firmware: {why}")
        return selection.interpreted(choice, why, record.spec.target.board)
    if reasons:
        raise UserError(reasons[0].what, reasons[0].hint)
    if program is not None and any(isinstance(one, pte.JumpIfFalse) for one in program.main.instructions):
        record.note(counts.BRANCHING)
    return choice


def note_differences(record: Record, platform: Platform) -> None:
    """Note the parameters set by a run that this version of the FVP does not list."""
    if platform.choice.kind != "fvp" or platform.parameters is None:
        return
    board = record.spec.target.board
    for name in sorted({*board.fvp.comforts, board.parameters.macs} - platform.parameters):
        done = "left out" if name in board.fvp.comforts else "set all the same"
        record.note(f"{platform.choice.name} does not list the parameter {name}: {done}")


def note_unknown_npu(record: Record, platform: Platform) -> None:
    """Note that a runner's file does not say which NPU it was built for: one for another fails at its first command."""
    runner, board = platform.choice.runner, record.spec.target.board
    if platform.choice.kind != "fvp" or runner is None or runner.image is not None or len(runner.npus) == 1:
        return
    which = f": it may be {' or '.join(runner.npus)}" if runner.npus else ""
    record.note(
        f"{runner.path.name} does not say which NPU it was built for{which}; it was not checked that this is the"
        f" {board.npu.name} of {board.name}"
    )


def check_embedded_program(record: Record, platform: Platform) -> None:
    """Refuse a runner that has another program embedded.

    Raises:
        UserError: it has.
    """
    runner = platform.choice.runner
    if runner is None or runner.program is None:
        return
    if not runner.program.startswith((platform.folder / command.PROGRAM).read_bytes()):
        raise UserError(
            f"{runner.path} embeds another program than {record.spec.model}",
            "build it with this program, or take a runner that reads files",
        )


def note_simulated_cycles(record: Record, platform: Platform) -> None:
    """Note where the simulator's cycles come from, and why they differ from Vela's total where they do."""
    if platform.choice.kind != "simulator" or record.spec.fast:
        return
    record.note(SIMULATED_CYCLES)
    try:
        program = record.program()
        notes = discrepancy.reasons(program, record.state.estimate, record.state.operators)
    except (pte.PteError, delegate.DelegateError, CommandStreamError):
        return  # of a program that cannot be understood there is no figure that could differ
    for note in notes:
        record.note(note)
