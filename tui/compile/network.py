"""The worker for networks that Vela reads by itself: ``python -m tui.compile.network RUN_DIRECTORY``.

It needs Vela and numpy, and neither torch nor ExecuTorch. The file comes from anywhere, and Vela may crash on it or
not come to an end: that ends this process, whose time and memory are limited.
"""

import contextlib
import os
import re
import resource
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tui.compile import network_inputs, tensor_names, vela_report
from tui.compile.compilation import Compilation, StageFailed, versions
from tui.compile.graph import origins
from tui.compile.network_inputs import Input
from tui.errors import Exit, UserError, one_line
from tui.model import programs, tensors
from tui.model.programs import Program
from tui.model.pte import DelegateCall, KernelCall, PteError
from tui.model.tensors import Manifest, TensorInfo
from tui.model.tflite import graph, reader
from tui.model.tflite.compiled import NAMESPACE
from tui.model.tflite.graph import Network
from tui.run import events, store
from tui.run.delegation import CpuOperator, Delegation, Kernel, OperatorDelegation
from tui.run.figures import Estimate, Operator, TensorPlace
from tui.toolchain.target import Target
from tui.toolchain.vela import arguments

CPU_S = 300
"""Time of a core that Vela may take: the largest networks take it a minute."""

NAME = "model"
FOLDER = "network"
"""The folder of Vela's files, among those of the partitions of other models."""

_REJECTED = re.compile(r"Warning \(supported operators\) operator: (\S+), ofm: '(.*)'\nReason: (.*(?:\n(?!\n).+)*)")
"""Vela's words on an operator that it leaves to the CPU: the operator, its first output, the reason in lines."""


def main() -> None:
    """Compile the network of the run in the directory given."""
    _limit()
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    directory = Path(sys.argv[1])
    spec = store.load_spec(directory)
    if spec is None:
        sys.stderr.write(f"no spec in {directory}\n")
        sys.exit(Exit.USAGE)
    work = Compilation(directory, spec, out)
    work.emit(events.VersionsKnown(versions=msgspec.structs.replace(versions(), torch=None, executorch=None)))
    try:
        with work.stage("vela"):
            _compile(work)
    except StageFailed as failed:
        sys.exit(failed.status)


def _limit() -> None:
    with contextlib.suppress(OSError, ValueError):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _compile(work: Compilation) -> None:
    source = Path(work.spec.model)
    network = _network(source)
    with tempfile.TemporaryDirectory(prefix="compile-", dir=work.directory) as scratch:
        folder = Path(scratch)
        copy = Path(shutil.copyfile(source, folder / f"{NAME}{source.suffix}"))
        said = _run_vela(copy, work.spec.target, folder)
        data = (folder / store.COMPILED).read_bytes()
        program = _program(data, work.spec.target)
        place = work.artifacts / "vela" / FOLDER
        place.mkdir(parents=True)
        for file in sorted(folder.iterdir()):
            work.keep(Path(shutil.copy(file, work.artifacts if file.name == store.COMPILED else place)))
    figures = _figures(work, place, network, data)
    work.emit(events.DelegationKnown(delegation=_delegation(program, network, figures, _reasons(said))))
    _estimate(work, program, place, figures)
    _write_inputs(work, data, source, network)


def _network(source: Path) -> Network | None:
    """The network of a .tflite; None for a .tosa, which Vela alone reads.

    Raises:
        UserError: it cannot be read, or is compiled already.
    """
    data = source.read_bytes()
    if source.suffix == ".tosa":
        if data[4:8] != b"TOSA":
            raise UserError(f"{source} is no TOSA graph: its identifier is {data[4:8]!r}, expected b'TOSA'")
        return None
    try:
        network = reader.read(data)
    except PteError as error:
        raise UserError(f"{source} is no network that can be read: {error}") from error
    if network.is_compiled:
        raise UserError(f"{source} is compiled already, by Vela", "give the .tflite that it was made from")
    return network


def _run_vela(source: Path, target: Target, folder: Path) -> str:
    """Compile a network into `folder`; what Vela printed.

    Raises:
        UserError: Vela rejects it.
    """
    from ethosu.vela import vela

    with tempfile.TemporaryFile() as said:
        try:
            with _printing_to(said.fileno()):
                status = vela.main(arguments(source, target, folder))
        except SystemExit as error:
            raise UserError(f"Vela cannot compile it{_last_words(said)}") from error
        except Exception as error:  # Vela has no common class of errors
            raise UserError(f"Vela cannot compile it: {one_line(error)}") from error
        finally:
            said.seek(0)
            text = said.read().decode("utf-8", "replace")
            sys.stderr.write(text)
        if status:
            raise UserError(f"Vela cannot compile it, and ended with {status}")
    return text


def _last_words(said: Any) -> str:
    said.seek(0)
    lines = [line for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return f": {lines[-1].strip()}" if lines else ""


@contextlib.contextmanager
def _printing_to(descriptor: int) -> Iterator[None]:
    """Have what is printed within a block, by Python and by C++, go to a file."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(descriptor, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _program(data: bytes, target: Target) -> Program:
    try:
        return programs.parse(data, target)
    except PteError as error:
        raise UserError(f"the network that Vela wrote cannot be read: {error}") from error


# -- what reports say of it


def _figures(work: Compilation, place: Path, network: Network | None, data: bytes) -> vela_report.Network:
    """Vela's figures of operators; where they cannot be read, with a note, only what it left to the CPU."""
    try:
        return _readable(vela_report.network(place, work.spec.target.macs))
    except vela_report.UnreadableError as error:
        work.note(f"no figures of operators: Vela's debug database cannot be read ({error})")
    if network is None:
        return vela_report.Network((), (), frozenset(), 0)
    compiled = reader.read(data)
    stayed = {compiled.tensors[at].name for o in compiled.operators if o.name != graph.ETHOS_U for at in o.outputs}
    left = (
        at for at, o in enumerate(network.operators) if any(network.tensors[n].name in stayed for n in o.outputs[:1])
    )
    return vela_report.Network((), (), frozenset(left), len(network.operators))


def _readable(figures: vela_report.Network) -> vela_report.Network:
    """Figures with names that can be read."""

    def named(operator: Operator) -> Operator:
        name = operator.name
        return msgspec.structs.replace(operator, name=tensor_names.short(name), module=tensor_names.module(name))

    def placed(tensor: TensorPlace) -> TensorPlace:
        return msgspec.structs.replace(
            tensor, name=tensor_names.short(tensor.name), module=tensor_names.module(tensor.name)
        )

    return replace(figures, operators=tuple(map(named, figures.operators)), tensors=tuple(map(placed, figures.tensors)))


def _reasons(said: str) -> Mapping[str, str]:
    """Reasons, by an operator's first output, why Vela left it to the CPU."""
    return {match[2]: ": ".join(match[3].splitlines()) for match in _REJECTED.finditer(said)}


def _delegation(
    program: Program, network: Network | None, figures: vela_report.Network, reasons: Mapping[str, str]
) -> Delegation:
    plan = program.main
    calls = [plan.operators[i.op] for i in plan.instructions if isinstance(i, KernelCall)]
    kernels = tuple(Kernel(op=op, calls=count) for op, count in Counter(calls).items())
    subgraphs = sum(isinstance(i, DelegateCall) for i in plan.instructions)
    if network is None:
        on_npu = figures.count - len(calls)
        return Delegation(subgraphs=subgraphs, delegated_nodes=on_npu, non_delegated_nodes=len(calls), kernels=kernels)
    stayed = [
        _cpu_operator(operator, network, reasons) for at, operator in enumerate(network.operators) if at in figures.left
    ]
    counts = Counter(operator.name for operator in network.operators)
    return Delegation(
        subgraphs=subgraphs,
        delegated_nodes=len(network.operators) - len(stayed),
        non_delegated_nodes=len(stayed),
        operators=tuple(_counted(name, count, stayed) for name, count in counts.items()),
        left=tuple(stayed),
        kernels=kernels,
    )


def _counted(name: str, count: int, stayed: list[CpuOperator]) -> OperatorDelegation:
    own = [operator for operator in stayed if operator.op == f"{NAMESPACE}.{name}"]
    return OperatorDelegation(
        op=f"{NAMESPACE}.{name}", npu=count - len(own), cpu=len(own), reason=own[0].reason if own else None
    )


UNEXPLAINED = "Vela left it to the CPU and gives no reason"


def _cpu_operator(operator: graph.Operator, network: Network, reasons: Mapping[str, str]) -> CpuOperator:
    def described(numbers: tuple[int, ...]) -> tuple[str, ...]:
        found = (network.tensors[at] for at in numbers if at >= 0)
        return tuple(f"{t.dtype.name}[{','.join(map(str, t.shape))}]" for t in found)

    name = network.tensors[operator.outputs[0]].name if operator.outputs else operator.name
    return CpuOperator(
        op=f"{NAMESPACE}.{operator.name}",
        node=tensor_names.short(name),
        reason=reasons.get(name, UNEXPLAINED),
        inputs=described(operator.inputs),
        outputs=described(operator.outputs),
        conversion=operator.name in ("QUANTIZE", "DEQUANTIZE"),
    )


def _estimate(work: Compilation, program: Program, folder: Path, figures: vela_report.Network) -> None:
    parts = len(program.main.delegates)
    if not parts:
        work.note("no Vela estimate: nothing of the network is for the NPU")
        return
    whole = vela_report.estimate(folder)
    own = [[o for o in figures.operators if o.partition == number] for number in range(parts)]
    estimates = tuple(
        Estimate(
            npu_cycles=sum(o.npu_cycles or 0 for o in some),
            total_cycles=sum(o.total_cycles or 0 for o in some),
            macs=sum(o.macs or 0 for o in some),
            core_clock_hz=whole.core_clock_hz,
        )
        for some in own
    )
    work.emit(
        events.Estimated(
            estimate=whole,
            partitions=(whole,) if parts == 1 else estimates,
            operators=figures.operators,
            tensors=figures.tensors,
        )
    )


# -- what it is run on


def _write_inputs(work: Compilation, data: bytes, source: Path, network: Network | None) -> None:
    """Write the manifest and the inputs of the run.

    Raises:
        UserError: its inputs do not fit the network.
    """
    signature = programs.signature(data)
    if network is not None:
        pairs = zip(signature.inputs, network.inputs, strict=True)
        inputs = [Input(info, network.tensors[at].quantization) for info, at in pairs]
    else:
        inputs = [Input(info) for info in _as_in_graph(source, signature.inputs)]
    samples = network_inputs.for_run(work.spec, inputs)
    manifest = Manifest(
        inputs=tuple(one.info for one in inputs),
        outputs=signature.outputs,
        inferences=work.spec.inferences,
        samples=len(samples.inputs),
        first=samples.first,
        source=samples.source,
    )
    packed = {
        f"{k}_{at}": np.frombuffer(tensors.to_bytes(array, info.dim_order), np.uint8)
        for k, arrays in enumerate(samples.inputs)
        for at, (array, info) in enumerate(zip(arrays, manifest.inputs, strict=True))
    }
    np.savez_compressed(work.artifacts / tensors.INPUTS, **packed)
    for file in (tensors.write_manifest(work.artifacts, manifest), work.artifacts / tensors.INPUTS):
        work.keep(file)
    work.note(f"inputs: {samples.source}")


def _as_in_graph(source: Path, infos: tuple[TensorInfo, ...]) -> list[TensorInfo]:
    """Inputs with the shapes of the TOSA graph, which Vela may have changed; as they are without a reader of TOSA."""
    try:
        shapes = origins.input_shapes(source.read_bytes())
    except ImportError:
        return list(infos)
    if [int(np.prod(s)) for s in shapes] != [int(np.prod(i.shape)) for i in infos]:
        return list(infos)
    return [
        msgspec.structs.replace(info, shape=shape, dim_order=tuple(range(len(shape))))
        for info, shape in zip(infos, shapes, strict=True)
    ]


if __name__ == "__main__":
    main()
