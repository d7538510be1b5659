"""Plans: the cells of a campaign, and what is asked of each."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from tui import config, processes
from tui.analysis import sweep
from tui.errors import UsageError
from tui.model import catalogue
from tui.run import spec
from tui.run.options import OF_SPECS
from tui.run.spec import Limits, Quantization, Spec, lowering_of
from tui.text import counted
from tui.toolchain import boards, toolchains
from tui.toolchain.boards import Npu
from tui.toolchain.target import Target

Until = Literal["estimate", "run"]


_FILES = {option.key: option for option in OF_SPECS if option.kind == "file"}
"""Options of a spec that are paths, by field."""


class Excluded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cells to leave out: those that agree in all that is named here."""

    model: str | None = None
    target: str | None = None
    memory_mode: str | None = None
    system_config: str | None = None
    quantize: Quantization | None = None


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cell that is named by itself."""

    model: str
    target: str | None = None
    memory_mode: str | None = None
    system_config: str | None = None
    quantize: Quantization = "int8"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A campaign as a user writes it: a matrix, cells by themselves, or both."""

    name: str = ""
    models: tuple[str, ...] = ()
    targets: tuple[str, ...] = (boards.DEFAULT.npu.default_accelerator,)
    """NPUs, as Vela names them; a family stands for all its sizes."""
    memory_modes: tuple[str, ...] = ()
    """Empty for the default one of each family."""
    system_configs: tuple[str, ...] = ()
    """Empty for the default one of each family."""
    quantize: tuple[Quantization, ...] = ("int8",)
    until: Until = "run"
    """``estimate`` asks Vela alone: nothing is booted."""
    options: dict[str, Any] = {}
    """Further fields of the spec of every cell, such as ``platform`` or ``inferences``."""
    slices: int = 1
    """Runs that the data set of each configuration is divided among."""
    limits: Limits = Limits()
    exclude: tuple[Excluded, ...] = ()
    cell: tuple[Listed, ...] = ()
    baseline: str | None = None
    """A campaign to compare with, cell by cell."""


class Cell(msgspec.Struct, frozen=True):
    """A spec, and what is asked of it."""

    spec: Spec
    until: Until
    key: str = ""
    """Hash of what it depends on (`tui.campaign.content`)."""


class Plan(msgspec.Struct, frozen=True):
    """All cells of a campaign."""

    name: str
    cells: tuple[Cell, ...]
    limits: Limits = Limits()
    baseline: str | None = None


def read(path: Path) -> Request:
    """Read a request from a TOML file; models that are files are found from its folder.

    Raises:
        UsageError: it cannot be read, or says what it may not.
    """
    found = config.read_toml(path, Request, name=f"campaign {path}")
    return msgspec.structs.replace(
        found,
        name=found.name or path.stem,
        models=tuple(_beside(path, model) for model in found.models),
        cell=tuple(msgspec.structs.replace(cell, model=_beside(path, cell.model)) for cell in found.cell),
        options={name: _option_beside(path, name, value) for name, value in found.options.items()},
    )


def _beside(file: Path, name: str) -> str:
    return name if ":" in name else str(file.absolute().parent / Path(name).expanduser())


def _option_beside(file: Path, name: str, value: Any) -> Any:
    """The value of an option, whose paths are found from the file's folder as those of models are."""
    option = _FILES.get(name)
    if option is None:
        return value
    if isinstance(value, str):
        return _beside(file, value)
    return [_beside(file, one) if isinstance(one, str) else one for one in value] if isinstance(value, list) else value


def cells(request: Request, base: Spec) -> tuple[Cell, ...]:
    """All cells of a request, without their keys, in the order of its models; `base` has what they have in common.

    Raises:
        UsageError: there is none, or one that cannot be run.
    """
    found = dict.fromkeys(Cell(one, request.until) for one in _specs(request, base))
    if not found:
        raise UsageError("the campaign has no cells", "models and targets make a matrix, [[cell]] adds one")
    return tuple(found)


def _specs(request: Request, base: Spec) -> Iterator[Spec]:
    until: Literal["emit", "check"] = "emit" if request.until == "estimate" else "check"
    base = msgspec.structs.replace(base, until=until, limits=Limits())
    names = {model: catalogue.resolve(model, toolchains.of(base.toolchain)) for model in _models(request)}
    excluded = [_resolved(one, names) for one in request.exclude]
    matrix = itertools.product(request.models, request.quantize, targets(request)) if request.models else ()
    listed = ((cell.model, cell.quantize, _target(cell)) for cell in request.cell)
    for model, quantize, target in itertools.chain(matrix, listed):
        name = names[model]
        if catalogue.is_program(name) and request.until == "estimate":
            raise UsageError(f"{name} is compiled already", "an estimate needs the model itself")
        if name.endswith(catalogue.NETWORKS):
            # It comes as it is: all quantizations are one cell.
            quantize = spec.DEFAULT.quantize
        one = msgspec.structs.replace(
            base, model=name, folder=spec.folder_for(name) and str(Path(name).parent), target=target, quantize=quantize
        )
        if one.is_on_board:
            raise UsageError("a campaign does not run on a board: its cells run side by side", "fvp-tui run does")
        if not any(_matches(one, mask) for mask in excluded):
            yield from _slices(spec.check(one), request.slices)


def _slices(one: Spec, count: int) -> Iterator[Spec]:
    """A spec for each slice of the data set.

    Raises:
        UsageError: there are fewer inputs than slices.
    """
    if not 1 <= count <= one.inferences:
        what = f"{count} slices of {counted(one.inferences, 'inference')}"
        raise UsageError(what, "--dataset PATH, or --inferences N of the model's own data set; at least 1 slice")
    for share in processes.shares(one.inferences, count):
        yield msgspec.structs.replace(one, first=one.first + share.start, inferences=len(share))


def base(request: Request) -> Spec:
    """Make the spec that all cells have in common, of the request's own options.

    Raises:
        UsageError: one is no field of a spec, or has another type.
    """
    try:
        return msgspec.convert({"model": "", **request.options}, Spec)
    except msgspec.ValidationError as error:
        raise UsageError(f"options of the campaign: {error}", "they are fields of a spec.json") from error


def _models(request: Request) -> list[str]:
    return list(dict.fromkeys([*request.models, *(cell.model for cell in request.cell)]))


def targets(request: Request) -> list[Target]:
    """The targets of a request's matrix.

    Raises:
        UsageError: a name is not one of Vela's.
    """
    if not request.memory_modes:
        npus = {name: _npu(name) for name in request.targets}
        grids = [sweep.grid([name], [npu.default_memory_mode], _systems(npu, request)) for name, npu in npus.items()]
        return list(dict.fromkeys(itertools.chain.from_iterable(grids)))
    return sweep.grid(request.targets, request.memory_modes, request.system_configs)


def _npu(name: str) -> Npu:
    """The family of an accelerator, or the family of that name."""
    return next((npu for npu in boards.NPUS if npu.accelerator == name), boards.of(name).npu)


def _systems(npu: Npu, request: Request) -> Sequence[str]:
    return [name for name in request.system_configs if boards.npu_of(name) is npu]


def _target(cell: Listed) -> Target:
    npu = boards.of(cell.target or boards.DEFAULT.npu.default_accelerator).npu
    return Target(
        cell.target or npu.default_accelerator,
        cell.system_config or npu.default_system_config,
        cell.memory_mode or npu.default_memory_mode,
    )


def _resolved(mask: Excluded, names: Mapping[str, str]) -> Excluded:
    return mask if mask.model is None else msgspec.structs.replace(mask, model=names.get(mask.model, mask.model))


def _matches(one: Spec, mask: Excluded) -> bool:
    has = {
        "model": one.model,
        "target": one.target.accelerator,
        "memory_mode": one.target.memory_mode,
        "system_config": one.target.system_config,
        "quantize": one.quantize,
    }
    named = {name: value for name in has if (value := getattr(mask, name)) is not None}
    return bool(named) and all(has[name] == value for name, value in named.items())


def lowering(cell: Cell) -> Spec:
    """The part that cells share which take the same lowered graphs.

    Those of other slices do not: what is compared on them is computed with what is lowered.
    """
    return msgspec.structs.replace(lowering_of(cell.spec), first=cell.spec.first, inferences=cell.spec.inferences)


def groups(cells: Sequence[Cell]) -> list[list[int]]:
    """Places of cells that take the same lowered graphs, together: one lowers, and the others need Vela only."""
    places: dict[Spec, list[int]] = {}
    for at, cell in enumerate(cells):
        places.setdefault(lowering(cell), []).append(at)
    return list(places.values())
