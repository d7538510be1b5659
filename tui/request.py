"""The spec that is asked for, by a command line or by a call from Python."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from tui.errors import UsageError
from tui.model import catalogue
from tui.platform import presets
from tui.run import options, spec
from tui.run.option import Option, replaced
from tui.run.spec import Spec
from tui.toolchain import boards, toolchains
from tui.toolchain.target import Target, on_board_of


def make_spec(typed: Mapping[str, Any], until: Literal["emit", "check"]) -> Spec:
    """Return the checked spec of the options typed, on top of ``--spec FILE``, presets and the defaults.

    Raises:
        UsageError: no model, or a spec that cannot run.
    """
    base = _base(typed)
    name = typed["model"] or base.model
    if not name:
        raise UsageError("which model?", "such as sample:digits; see: fvp-tui models")
    # A ready program needs none, whatever is the default.
    python = None if catalogue.is_program(name) else chosen_toolchain(typed["toolchain"], base)
    model = catalogue.resolve(name, toolchains.of(python))
    if typed["dataset"] is not None and catalogue.is_program(model):
        raise UsageError("--dataset needs the model itself", "a ready program takes --input FILE")
    file = base if typed["model"] is None else None
    target = _compiled_target(model, base.target)
    base = msgspec.structs.replace(base, model=model, until=until, toolchain=python, target=target)
    request = _in_folder(with_typed(_with_presets(base, typed), typed), typed)
    if typed["dataset"] is not None and typed["inferences"] is None:
        request = whole(request)
    return spec.check(msgspec.structs.replace(request, folder=folder_of(typed["folder"], model, file)))


def _in_folder(request: Spec, typed: Mapping[str, Any]) -> Spec:
    """Return a spec whose commands for a board, where they were typed, run in the current folder."""
    if typed.get("flash") is None and typed.get("reset") is None:
        return request
    return msgspec.structs.replace(request, serial=msgspec.structs.replace(request.serial, folder=str(Path.cwd())))


def whole(request: Spec) -> Spec:
    """Return a spec with as many inferences as its data set has items, from its first on."""
    from tui.model import datasets  # with numpy

    # One that is not there the check of the spec reports.
    if request.dataset is None or not Path(request.dataset).exists():
        return request
    size = len(datasets.items(Path(request.dataset)))
    return msgspec.structs.replace(request, inferences=max(size - request.first, 1))


def chosen_toolchain(typed: str | None, base: Spec = spec.DEFAULT) -> str | None:
    """The interpreter that compiles: the one typed, else that of a spec, else the user's default; None is this one.

    Raises:
        UsageError: what is named is no Python.
    """
    if typed is not None:
        return toolchains.resolve(typed)
    return base.toolchain or toolchains.default()


def _base(typed: Mapping[str, Any]) -> Spec:
    """The spec of ``--spec FILE``, or the default one."""
    if file := typed["spec"]:
        try:
            return spec.decode(Path(file).read_bytes(), file)
        except OSError as error:
            raise UsageError(f"cannot read {file}: {error.strerror}") from error
    return spec.DEFAULT


def _with_presets(base: Spec, typed: Mapping[str, Any]) -> Spec:
    """Apply the presets that were typed, with the parameters of the target's board."""
    board = boards.of(typed.get("accelerator") or base.target.accelerator)
    for preset in typed.get("preset", ()):
        base = presets.apply(base, presets.load(preset, board))
    return base


def with_typed(base: Spec, typed: Mapping[str, Any]) -> Spec:
    """Return a spec with the options that were typed; a target of another board brings that board's defaults."""
    accelerator = typed.get("accelerator")
    if accelerator is not None and boards.of(accelerator) is not base.target.board:
        base = msgspec.structs.replace(base, target=on_board_of(accelerator))
    changes = {}
    for option in options.OF_SPECS:
        value = typed.get(option.key)
        # Not zero, which is a value.
        if not (value is None or value is False or value == ()):
            changes[option.path] = _value(option, base, value)
    return replaced(base, changes)


def _value(option: Option, base: Spec, typed: Any) -> Any:
    match option.kind:
        case "flag":
            return not option.default
        case "file":
            return tuple(absolute(path) for path in typed) if option.repeatable else absolute(typed)
        case "program" | "port":
            return program_path(typed)
        case "toolchain":
            return toolchains.resolve(typed)
        case "setting":
            # In the place of those of the same name that a preset or a spec file has set.
            return tuple({**dict(option.value_in(base)), **dict(typed)}.items())
    return typed


def absolute(path: str) -> str:
    """Return a path that means the same in any folder."""
    return str(Path(path).expanduser().resolve())


def program_path(path: str) -> str:
    """Return the path of a program without following links: a program may depend on the name it is called by.

    A bare name that is no file here is left as it is, to be found on PATH.
    """
    if not Path(path).exists() and Path(path).name == path:
        return path
    return str(Path(path).expanduser().absolute())


def folder_of(typed: str | None, model: str, file: Spec | None = None) -> str | None:
    """Return the folder that a model's code runs in: the one typed, else that of a spec `file`, else this one."""
    here = spec.folder_for(model)
    if here is None:
        return None
    if typed is not None:
        return absolute(typed)
    return here if file is None else file.folder or str(Path(model).parent)


def _compiled_target(model: str, default: Target) -> Target:
    """The target that a ready program was compiled for. A damaged program is left for the run to refuse."""
    if not catalogue.is_program(model):
        return default
    from tui.model import bundled, pte  # with numpy

    try:
        return pte.compiled_for(bundled.program_of(Path(model).read_bytes()), default)
    except (pte.PteError, OSError):
        return default
