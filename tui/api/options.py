"""The options of the Python door: names and types are those of a spec (`tui.run.options`)."""

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, get_type_hints

import msgspec

from tui.errors import UsageError
from tui.run import options
from tui.run.board_options import Serial
from tui.run.options import EngineChoice, Limits, PlatformChoice, Quantization, RunnerKind, Spec
from tui.toolchain.target import Target

PathName = str | Path


class LowerOptions(TypedDict, total=False):
    """Options of all calls. None is the default, as on the command line."""

    folder: PathName | None
    quantize: Quantization | None
    channels_last: bool
    calibration: PathName | None
    toolchain: PathName | None
    limits: Limits | Mapping[str, float | bool] | None
    cache: bool


class CompileOptions(LowerOptions, total=False):
    """Options of `compile`."""

    memory_mode: str | None
    system_config: str | None
    vela: str | None
    inferences: int | None
    dataset: PathName | None


class RunOptions(CompileOptions, total=False):
    """Options of `run`."""

    platform: PlatformChoice | None
    engine: EngineChoice | None
    fvp: PathName | None
    runner: PathName | None
    runner_kind: RunnerKind | None
    pte_address: int | None
    parameters: Mapping[str, str] | Sequence[tuple[str, str]]
    fast: bool
    pmu_trace: bool
    first: int | None
    timeout_s: float | None
    serial: Serial | Mapping[str, Any] | None


ABSENT = frozenset({"model", "target", "inputs", "until", "serve", "log"})
"""Fields of a spec that are no such option: arguments, a run that waits for further commands, a log that is read."""

OF_SWEEP = ("inputs", "targets", "memory_modes", "system_configs", "vela")
"""Arguments of `sweep` beside its options."""
PARTS: Mapping[str, type] = {"memory_mode": str, "system_config": str}
"""Options that are parts of a spec's target."""
_HINTS: Mapping[str, Any] = {**get_type_hints(Spec), **PARTS}


def typed(
    model: str, inputs: Sequence[str], target: str | Target | None, given: Mapping[str, Any], kind: type
) -> dict[str, Any]:
    """Return the options as a command line's parser would (`tui.request`), with model, inputs and target.

    `kind` is the dictionary type that lists the options of the call.

    Raises:
        UsageError: there is no such option, or a value is not of its type.
    """
    values: dict[str, Any] = {option.key: None for option in options.OF_SPECS}
    values |= {"model": model, "inputs": tuple(inputs), "spec": None, "preset": (), **_of_target(target)}
    for name, value in given.items():
        if value is None:
            continue
        checked = _checked(name, value, kind)
        if isinstance(checked, Limits):
            values |= msgspec.structs.asdict(checked)
        elif isinstance(checked, Serial):
            values |= _of_board(checked)
        elif isinstance(checked, bool):
            values[name] = checked != options.of_field(name).default
        else:
            values[name] = checked
    return values


def _of_target(target: str | Target | None) -> dict[str, str]:
    if isinstance(target, Target):
        return msgspec.structs.asdict(target)
    return {} if target is None else {"accelerator": _converted("target", target, str)}


def _of_board(serial: Serial) -> dict[str, Any]:
    """The options of a board. Its commands run in the current folder, as those of a command line do."""
    if serial.folder is not None:
        raise UsageError("serial: folder is always the current one", "os.chdir, or paths in the commands themselves")
    values = msgspec.structs.asdict(serial)
    del values["folder"]
    return values


def _checked(name: str, value: Any, kind: type) -> Any:
    """The value of an option as the spec has it."""
    known = get_type_hints(kind)
    if name not in known:
        arguments = OF_SWEEP if kind is LowerOptions else ("inputs", "target")
        close = difflib.get_close_matches(name, (*known, *arguments), n=1)
        raise UsageError(f"no option {name}", f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}")
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if name == "parameters" and isinstance(value, Mapping):
        value = tuple(value.items())
    return _converted(name, value, _HINTS[name])


def _converted(name: str, value: Any, hint: Any) -> Any:
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}={value!r}: {error}") from error
