"""The calls of the Python door. Each run is one like those of the command line: a directory, a process, a journal."""

import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Unpack

from tui import processes, request
from tui.analysis import compare as comparison
from tui.analysis import sweep as sweeping
from tui.analysis.compare import Profile
from tui.api import handed, options, results
from tui.api.options import CompileOptions, LowerOptions, RunOptions
from tui.api.results import Comparison, State, Sweep
from tui.errors import UsageError, UserError
from tui.model import catalogue
from tui.run import control, journal, store
from tui.run import state as states
from tui.run.spec import Spec
from tui.toolchain import boards, toolchains
from tui.toolchain.target import Target

POLL_S = 0.1


def run(model: Any, inputs: Any = None, *, target: str | Target | None = None, **given: Unpack[RunOptions]) -> State:
    """Compile a model, run it, and return the run's state once it has ended.

    `model` is a name or path that ``fvp-tui run`` takes, or a torch.nn.Module or ExportedProgram of the caller's.
    `inputs` are arrays, tensors or paths of files, one for each input; a module needs them, to be exported on. `target`
    is an NPU with its size, such as ``ethos-u85-256``. The other options have the names, types and defaults of a spec
    (docs/python.md).

    A run that fails is returned like any other, with its reason. Ctrl-C stops it.

    Raises:
        UsageError: the request is wrong: an unknown name, a value out of range, inputs that do not fit.
        UserError: the module cannot be exported, or the run's process cannot be started.
    """
    return _finished(_spec(model, inputs, target, given, RunOptions, "check"))


def compile(
    model: Any, inputs: Any = None, *, target: str | Target | None = None, **given: Unpack[CompileOptions]
) -> State:
    """Compile a model without running it, and return the state: delegation, Vela's estimate, memory.

    Model, inputs, target and errors are those of `run`. The program is ``artifacts/model.pte`` in `State.directory`.
    """
    return _finished(_spec(model, inputs, target, given, CompileOptions, "emit"))


def open(run: str | os.PathLike[str] = "last") -> State:
    """Return the present state of a run: an id, the unique beginning of one, ``last``, ``last~N``, or a run's folder.

    Raises:
        UsageError: there is no such run.
    """
    name = os.fspath(run)
    directory = Path(name).absolute() if isinstance(run, os.PathLike) or os.sep in name else store.resolve(name)
    if not any((directory / file).is_file() for file in (store.SPEC, journal.FILE)):
        raise UsageError(f"no run in {directory}", "see: fvp-tui history")
    return results.of_run(directory, store.load(directory))


def sweep(
    model: Any,
    inputs: Any = None,
    *,
    targets: Sequence[str] = boards.DEFAULT.npu.accelerators,
    memory_modes: Sequence[str] = (),
    system_configs: Sequence[str] = (),
    vela: Sequence[str] = (),
    **given: Unpack[LowerOptions],
) -> Sweep:
    """Lower a model once for each family of NPUs, and return Vela's estimates for all combinations.

    A family such as ``ethos-u55`` stands for all its sizes; without memory modes and system configs, each NPU has all
    of its modes and its default system. With versions in `vela`, points are judged by the simulator's cycles.

    Raises:
        UsageError: the request is wrong.
        UserError: the model cannot be lowered, or a version of Vela cannot be had.
    """
    python = request.chosen_toolchain(None if (named := given.get("toolchain")) is None else os.fspath(named))
    grid = sweeping.grid(_names(targets), _names(memory_modes), _names(system_configs), toolchains.of(python).ethosu)
    wanted = _spec(model, inputs, grid[0], given, LowerOptions, "emit")
    lowered = [(_lowered(wanted, [grid[at] for at in places]), places) for places in sweeping.lowered_alike(grid)]
    points: list[sweeping.Point] = []
    for compiler in (sweeping.Compiler(vela=version) for version in _names(vela)) if vela else (None,):
        found: dict[int, sweeping.Point] = {}
        for directory, places in lowered:
            for at, point in sweeping.points(directory, [grid[place] for place in places], compiler):
                found[places[at]] = sweeping.weighed(point, wanted.limits)
        points += [found[at] for at in sorted(found)]
    return results.of_sweep(sweeping.result(wanted.model, points))


def compare(
    a: State | str | os.PathLike[str],
    b: State | str | os.PathLike[str],
    profile: Profile | str | os.PathLike[str] | None = None,
) -> Comparison:
    """Compare run B with run A; a profile, or the TOML file of one, says how much worse each figure may be.

    Raises:
        UsageError: there is no such run, or the file is no profile.
    """
    before, after = (one if isinstance(one, State) else open(one) for one in (a, b))
    if not isinstance(profile, Profile):
        profile = Profile() if profile is None else comparison.read_profile(Path(profile))
    return results.of_comparison(comparison.compare(before, after, profile))


def _spec(
    model: Any,
    inputs: Any,
    target: str | Target | None,
    given: Mapping[str, Any],
    kind: type,
    until: Literal["emit", "check"],
) -> Spec:
    """The checked spec of a call.

    Raises:
        UsageError: it cannot run.
        UserError: a module cannot be handed over.
    """
    name, files = handed.model_of(model, inputs, channels_last=bool(given.get("channels_last")))
    if not isinstance(model, str | os.PathLike):
        # Its layout has been changed before it was exported.
        given = {option: value for option, value in given.items() if option != "channels_last"}
    if until == "emit" and catalogue.is_program(name):
        raise UsageError(f"{name} is compiled already", "run takes it as it is")
    return request.make_spec(options.typed(name, files, target, given, kind), until)


def _finished(wanted: Spec) -> State:
    """Start a run and wait until it has ended; an interrupt stops it first."""
    directory = None
    try:
        # Between the start and the wait there would be a run that nobody stops.
        with processes.signals_held((signal.SIGINT,)):
            directory = control.start(wanted)
        return results.of_run(directory, _ended(directory))
    except KeyboardInterrupt:
        if directory is not None:
            with contextlib.suppress(UserError):  # it may just have ended
                control.stop(directory)
            _ended(directory)
        raise


def _ended(directory: Path) -> states.State:
    """Wait until a run has ended."""
    live = store.Live(directory)
    while (state := live.state()).run.status == "running":
        time.sleep(POLL_S)
    return state


def _lowered(wanted: Spec, targets: Sequence[Target]) -> Path:
    """Lower a model for targets that take the same graphs, and return the directory of the run that did.

    Raises:
        UserError: it failed.
    """
    state = _finished(sweeping.lowering(wanted, targets))
    if not state.ok:
        raise UserError(state.run.reason or state.run.status, state.run.hint)
    return state.directory


def _names(names: str | Sequence[str]) -> Sequence[str]:
    return (names,) if isinstance(names, str) else tuple(names)
