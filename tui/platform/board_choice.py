"""Selection of a board as the platform: its port, the program that it runs, and how that gets there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tui.errors import PlatformUnavailable, UsageError
from tui.platform import hooks, inspection, serial_port
from tui.platform.hooks import Hook
from tui.platform.runner import Runner
from tui.platform.selection import Choice
from tui.run.board_options import Serial
from tui.run.spec import Spec


def choose(spec: Spec) -> Choice:
    """The board of a spec.

    Raises:
        PlatformUnavailable: its port cannot be used, or the runner cannot be run on a board.
        UsageError: a command is none, or names what is not known.
    """
    serial = spec.serial
    assert serial.port is not None  # as the spec's check sees to
    runner = None if spec.runner is None else _runner(spec, Path(spec.runner).expanduser().absolute())
    for name, words in commands(serial).items():
        _check_words(spec, name, words)
    serial_port.check(serial.port)
    with_runner = f", with {runner.name}" if runner is not None else ""
    return Choice(
        kind="serial",
        command=(),
        name=serial.board_name or Path(serial.port).name,
        version=None,
        why=f"the board on {serial.port} at {serial.baud} baud, as requested{with_runner}",
        runner=runner,
        env={},
        board_name=serial.board_name,
    )


def commands(serial: Serial) -> dict[str, list[str]]:
    """The words of the commands to flash and to reset a board, in the order they run.

    Raises:
        UsageError: one is none.
    """
    given = {"flash": serial.flash, "reset": serial.reset}
    return {name: hooks.split(f"--{name}", command) for name, command in given.items() if command is not None}


@dataclass(frozen=True)
class Plan:
    """The commands of a run, ready to run."""

    flash: Hook | None
    reset: Hook | None


def plan(spec: Spec, program: Path) -> Plan:
    """The commands of a spec for a program in a file."""
    values: Mapping[str, str | None] = {
        "elf": spec.runner and str(Path(spec.runner).expanduser().absolute()),
        "pte": str(program),
        "address": None if (address := place_of(spec)) is None else f"{address:#x}",
    }
    folder = Path(spec.serial.folder or "/")
    found = {
        name: Hook(name, tuple(hooks.filled(words, values)), folder, spec.timeout_s)
        for name, words in commands(spec.serial).items()
    }
    return Plan(found.get("flash"), found.get("reset"))


def place_of(spec: Spec) -> int | None:
    """Address that a program is placed at: the one stated, else that of the runner's build; None where neither is.

    A board has no usual one.
    """
    if spec.pte_address is not None or spec.runner is None:
        return spec.pte_address
    return inspection.built_address(Path(spec.runner).expanduser().absolute())


def _runner(spec: Spec, path: Path) -> Runner:
    runner = inspection.inspect(path, spec.runner_kind, spec.pte_address, spec.target.board)
    if runner.takes_inputs:
        raise PlatformUnavailable(
            f"{path} cannot be run on a board: it {_NEEDS[runner.kind]}",
            "take a runner with the program inside, or one that is placed in memory (kinds embedded and address)",
        )
    npu = spec.target.board.npu.name
    if runner.npus and npu not in runner.npus:
        raise PlatformUnavailable(
            f"{path} was built for {' or '.join(runner.npus)}, and {spec.target.accelerator} is an {npu}",
            "state the board's NPU with --target",
        )
    return runner


_NEEDS = {
    "semihosting": "reads files, which only a debugger could give it",
    "mlek": "takes its inputs from memory",
}


def _check_words(spec: Spec, name: str, words: list[str]) -> None:
    text = " ".join(words)
    if "{elf}" in text and spec.runner is None:
        raise UsageError(f"--{name} names {{elf}}, and there is none", "--runner ELF is the file")
    if "{address}" in text and place_of(spec) is None:
        raise UsageError(
            f"--{name} names {{address}}, and it is not known where the program goes",
            "--pte-address ADDR, as the runner was built (ET_MODEL_PTE_ADDR)",
        )


def unknown(spec: Spec, runner: Runner | None) -> str | None:
    """Reason why it is not known that the board runs the program that was compiled; None where that is seen to."""
    text = spec.serial.flash or ""
    places = "{pte}" in text
    if runner is not None and runner.kind == "embedded":
        if "{elf}" not in text and not places:
            return f"{runner.path.name} was not flashed by this run"
        return None if runner.program is not None or places else f"{runner.path.name} does not show its program"
    return None if places else "no --flash command was given {pte}, the program"
