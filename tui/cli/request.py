"""The spec that the options of a command line ask for."""

from pathlib import Path
from typing import Any, Literal

import msgspec

from tui.errors import UsageError
from tui.model import catalogue
from tui.platform import presets
from tui.run import spec
from tui.run.spec import Spec


def replace_typed(base: Any, **values: Any) -> Any:
    """`base` with those fields replaced that the user typed (None and empty: not typed)."""
    given = {name: value for name, value in values.items() if value is not None and value != ()}
    return msgspec.structs.replace(base, **given) if given else base


def absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().resolve())


def check_parent(file: str | None) -> None:
    """Refuse an output file whose folder does not exist.

    Raises:
        UsageError: it does not.
    """
    if file is not None and not Path(file).absolute().parent.is_dir():
        raise UsageError(f"no folder {Path(file).absolute().parent}")


def program_path(path: str | None) -> str | None:
    """A program's path, of which no link is followed: one behind several links may go by the name it was called by.

    A bare name that is no file here is left as it is: it is looked for on PATH.
    """
    if path is None or (not Path(path).exists() and Path(path).name == path):
        return path
    return str(Path(path).expanduser().absolute())


def make_spec(options: dict[str, Any], until: Literal["emit", "check"]) -> Spec:
    """The spec of the options typed, on top of ``--spec FILE`` or the defaults; checked. `until` is its last stage."""
    base = Spec(model="")
    if file := options["spec_file"]:
        try:
            base = spec.decode(Path(file).read_bytes(), file)
        except OSError as error:
            raise UsageError(f"cannot read {file}: {error.strerror}") from error
    for preset in options.get("presets", ()):
        base = presets.apply(base, presets.load(preset))
    name = options["model"] or base.model
    if not name:
        raise UsageError("which model?", "such as sample:digits; see: fvp-tui models")
    model = catalogue.resolve(name)
    target = replace_typed(
        _compiled_target(model, base.target),
        accelerator=options["target"],
        system_config=options["system_config"],
        memory_mode=options["memory_mode"],
    )
    limits = replace_typed(
        base.limits,
        npu_cycles=options.get("max_npu_cycles"),
        inference_ms=options.get("max_inference_ms"),
        sram_kib=options["max_sram_kib"],
        delegated_percent=options["min_delegated"],
        match=options.get("require_match") or None,
    )
    dataset, inferences = absolute(options["dataset"]), options["inferences"]
    if dataset is not None and catalogue.is_program(model):
        raise UsageError("--dataset needs the model itself", "a ready program takes --input FILE")
    if dataset is not None and inferences is None:
        inferences = _samples(Path(dataset))
    made = replace_typed(
        base,
        model=model,
        folder=folder_of(options["folder"], model, base if options["model"] is None else None),
        until=until,
        target=target,
        limits=limits,
        quantize=options["quantize"],
        channels_last=options["channels_last"] or None,
        calibration=absolute(options["calibration"]),
        inputs=tuple(str(absolute(path)) for path in options["inputs"]),
        dataset=dataset,
        inferences=inferences,
        cache=False if options["no_cache"] else None,
        platform=options.get("platform"),
        engine=options.get("engine"),
        fvp=program_path(options.get("fvp")),
        runner=absolute(options.get("runner")),
        runner_kind=options.get("runner_kind"),
        pte_address=options.get("pte_address"),
        parameters=_merged(base.parameters, [spec.parameter(text) for text in options.get("parameters", ())]),
        serve=options.get("serve") or None,
        fast=options.get("fast") or None,
        pmu_trace=options.get("pmu_trace") or None,
        timeout_s=options.get("timeout"),
    )
    return spec.check(made)


def folder_of(typed: str | None, model: str, known: Spec | None = None) -> str | None:
    """The folder that a model's code runs in: the one typed, else that of a spec that is `known`, else this one."""
    here = spec.folder_for(model)
    if here is None:
        return None
    return absolute(typed) or (here if known is None else known.folder or str(Path(model).parent))


def _samples(path: Path) -> int | None:
    """How many there are in a data set; None where there is no such file, which the spec's check says better."""
    from tui.model import datasets

    return len(datasets.items(path)) if path.exists() else None


def _merged(base: tuple[tuple[str, str], ...], typed: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The parameters of a preset or a spec file, and those typed, which take their place."""
    return tuple({**dict(base), **dict(typed)}.items())


def _compiled_target(model: str, default: Any) -> Any:
    """A ready program runs on what it was compiled for. A damaged one is left for the run to refuse."""
    from tui.model import bundled, pte  # with numpy

    if not catalogue.is_program(model):
        return default

    try:
        return pte.compiled_for(bundled.program_of(Path(model).read_bytes()), default)
    except (pte.PteError, OSError):
        return default
