"""Ready programs (.pte, .bpte) in place of a compiled model: their signature, inputs and expected outputs."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tui.errors import UsageError, UserError
from tui.model import bundled, pte, tensors
from tui.model.bundled import Case
from tui.model.pte import PteError, Signature, Tensor
from tui.model.tensors import Manifest, NDArray, TensorInfo
from tui.pipeline import estimates
from tui.pipeline.record import Record
from tui.run import events, store
from tui.run.spec import Spec
from tui.simulator.delegate import DelegateError, lost_outputs
from tui.text import counted

ONES = "ones: the runner cannot be given inputs"
ZEROS = "a ready program brings no inputs, give --input FILE"


def take_program(record: Record, path: Path, *, ones: bool) -> None:
    """Take a ready program: without compile stages, with inputs from files, bundled with it, or zeros.

    Of the program of a log it is not known what inputs it had.

    Raises:
        UserError: it is no program, or the inputs do not suit it.
    """
    data = path.read_bytes()
    copy = record.artifacts / f"model{path.suffix}"
    copy.write_bytes(data)
    record.keep(copy)
    ready = take(path, data, record.spec, ones=ones)
    if ready.program is not data:
        plain = record.artifacts / store.MODEL
        plain.write_bytes(ready.program)
        record.keep(plain)
    _check_outputs(path, ready.program)
    elsewhere = record.spec.log is not None
    if ready.program is data and not ones and not elsewhere:
        _check_inputs(path, ready.program)
    if not elsewhere:
        np.savez_compressed(record.artifacts / tensors.INPUTS, **ready.inputs)
    if ready.references:
        np.savez_compressed(record.artifacts / tensors.REFERENCES, **ready.references)
    tensors.write_manifest(record.artifacts, ready.manifest)
    for stage in events.COMPILE_STAGES:
        record.emit(events.StageFinished(stage=stage, status="skipped", seconds=0.0))
    record.note("no delegation report and no module names: the model is a ready program")
    figures = estimates.of_program(ready.program)
    if figures.whole is not None:
        record.emit(
            events.Estimated(estimate=figures.whole, partitions=figures.partitions, operators=figures.operators)
        )
    for note in (*figures.notes, *ready.notes):
        record.note(note)


def _check_inputs(path: Path, program: bytes) -> None:
    """Refuse a program that takes more than tensors, unless its inputs came with it.

    Raises:
        UserError: it takes a number, or nothing in the place of an input.
    """
    plan = pte.parse(program).main
    for at, index in enumerate(plan.inputs):
        if not isinstance(value := plan.values[index], pte.Tensor):
            raise UserError(
                f"{path}: input {at} is {'left out' if value is None else f'a {type(value).__name__}'},"
                " and runners take only tensors",
                "export the model with tensors as its inputs",
            )


def _check_outputs(path: Path, program: bytes) -> None:
    """Refuse a program with a part that Vela dropped an output of: it cannot run on any platform.

    Raises:
        UserError: it has one.
    """
    # A blob that is damaged is named where it is loaded.
    with contextlib.suppress(DelegateError):
        for lost in lost_outputs(pte.parse(program)):
            raise UserError(
                f"{path}: the program takes {lost.taken} tensors from partition {lost.partition}, which gives back"
                f" {lost.given}: a fault of Vela, which dropped an output that is also read inside",
                "compile it again, with + 0 where that tensor is made, or with --channels-last",
            )


@dataclass(frozen=True)
class Ready:
    """A program, made ready for a run. `inputs` and `references` have the keys of the files of `tui.model.tensors`."""

    program: bytes
    """The plain program."""
    manifest: Manifest
    inputs: dict[str, NDArray]
    references: dict[str, NDArray]
    """Empty where nothing is known of the outputs."""
    notes: tuple[str, ...] = ()


def take(path: Path, data: bytes, spec: Spec, *, ones: bool = False) -> Ready:
    """Make the file `path`, whose content is `data`, ready for a run; with `ones` the runner cannot be given inputs.

    Raises:
        UserError: it is no program, or the inputs of the spec do not fit it.
    """
    try:
        if bundled.is_bundle(data) and not ones:
            return _bundled(path, bundled.read(data), spec)
        program = bundled.program_of(data)
        signature = pte.signature(program)
    except PteError as error:
        raise UserError(f"{path} is not a program ExecuTorch could load: {error}") from error
    if ones:
        arrays, source = _filled(signature.inputs, 1), ONES
    elif spec.inputs:
        arrays, source = from_files(spec.inputs, signature.inputs), "files"
    else:
        arrays, source = _filled(signature.inputs, 0), f"zeros: {ZEROS}"
    return Ready(
        program=program,
        manifest=_manifest(signature, spec.inferences, 1, source),
        inputs={f"0_{i}": array for i, array in enumerate(arrays)},
        references={},
        notes=() if spec.inputs or spec.log is not None else (f"inputs are {source}",),
    )


def _manifest(signature: Signature, inferences: int, samples: int, source: str) -> Manifest:
    return Manifest(
        inputs=signature.inputs, outputs=signature.outputs, inferences=inferences, samples=samples, source=source
    )


def _filled(infos: Sequence[TensorInfo], value: int) -> list[NDArray]:
    return [np.full(int(np.prod(info.shape, dtype=np.int64)), value, info.dtype).view(np.uint8) for info in infos]


def from_files(files: Sequence[str], infos: Sequence[TensorInfo]) -> list[NDArray]:
    """The inputs of a program from one file each, as flat uint8 arrays of their bytes in memory order.

    Raises:
        UserError: there are more or fewer, or one does not fit.
    """
    if len(files) != len(infos):
        raise UserError(f"the program takes {counted(len(infos), 'input')}, not {len(files)}")
    return [tensors.read(Path(f), info, at) for at, (f, info) in enumerate(zip(files, infos, strict=True))]


def _bundled(path: Path, bundle: bundled.Bundle, spec: Spec) -> Ready:
    """The test cases of the method that is run: each is an inference at least once."""
    if spec.inputs:
        raise UsageError(f"{path} contains its inputs", "leave out --input, or give a plain .pte")
    signature = pte.signature(bundle.program)
    plan = pte.parse(bundle.program).main
    cases = bundle.suites.get(plan.name, ())
    if not cases:
        raise UserError(f"{path} has no test case for the method {plan.name}")
    expects = all(case.outputs for case in cases)
    for number, case in enumerate(cases):
        why = bundled.misfit(case.inputs, plan, plan.inputs, "input")
        if expects:
            why = why or bundled.misfit(case.outputs, plan, plan.outputs, "output")
        if why is not None:
            raise UserError(f"{path}, test case {number}: {why}")
    return Ready(
        program=bundle.program,
        manifest=_manifest(signature, max(spec.inferences, len(cases)), len(cases), counted(len(cases), "test case")),
        inputs=_inputs(cases),
        references=_expected(cases, signature.outputs) if expects else {},
        notes=() if expects else ("the bundle does not say what outputs it expects: nothing is checked",),
    )


def _tensors(values: Sequence[bundled.Value]) -> list[Tensor]:
    return [value for value in values if isinstance(value, Tensor)]


def _inputs(cases: Sequence[Case]) -> dict[str, NDArray]:
    return {
        f"{k}_{i}": bundled.array(tensor).view(np.uint8)
        for k, case in enumerate(cases)
        for i, tensor in enumerate(_tensors(case.inputs))
    }


def _expected(cases: Sequence[Case], infos: Sequence[TensorInfo]) -> dict[str, NDArray]:
    return {
        f"bundle_{k}_{j}": tensors.from_bytes(bundled.array(tensor).tobytes(), info)
        for k, case in enumerate(cases)
        for j, (tensor, info) in enumerate(zip(_tensors(case.outputs), infos, strict=True))
    }
