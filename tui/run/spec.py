"""A spec: everything that decides a run, as one frozen, serialisable value.

The same spec on the same versions gives the same artifacts. Checking a spec imports nothing heavy:
targets come from Vela's own lists (`tui.toolchain.vela`), so a wrong name fails at once, not after quantization.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from tui.errors import UsageError
from tui.toolchain import boards, vela
from tui.toolchain.target import Target

Quantization = Literal["int8", "a16w8", "none"]
PlatformChoice = Literal["auto", "simulator", "fvp"]
EngineChoice = Literal["auto", "interpreter", "firmware"]
RunnerKind = Literal["auto", "semihosting", "address", "embedded", "mlek"]

QUANTIZATIONS: tuple[Quantization, ...] = ("int8", "a16w8", "none")
PLATFORMS: tuple[PlatformChoice, ...] = ("auto", "simulator", "fvp")
ENGINES: tuple[EngineChoice, ...] = ("auto", "interpreter", "firmware")
RUNNER_KINDS: tuple[RunnerKind, ...] = ("auto", "semihosting", "address", "embedded", "mlek")

DEFAULT_TIMEOUT_S = 600.0
"""Wall-clock limit of the platform, as examples/arm/run_fvp.sh sets it."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds a run must keep; None where there is none."""

    npu_cycles: int | None = None
    inference_ms: float | None = None
    sram_kib: float | None = None
    delegated_percent: float | None = None
    match: bool = False


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to run, on what, and how."""

    model: str
    """``sample:NAME``, ``executorch:NAME``, or the absolute path of a .py, .pt2, .pte or .bpte file."""
    folder: str | None = None
    """Where the code of a .py model runs: the folder of whoever asked for it. None is the folder of the file."""
    target: Target = Target()
    quantize: Quantization = "int8"
    channels_last: bool = False
    """Whether the model is exported in the layout the NPU computes in, and takes its inputs in it (NHWC)."""
    calibration: str | None = None
    """A .pt file or a folder of them; None calibrates on the model's own inputs."""
    until: Literal["emit", "check"] = "check"
    """The last stage: ``compile`` stops at emit."""
    platform: PlatformChoice = "auto"
    engine: EngineChoice = "auto"
    fvp: str | None = None
    runner: str | None = None
    runner_kind: RunnerKind = "auto"
    pte_address: int | None = None
    """Where a runner of the kind ``address`` looks for the program; None is where it was built to."""
    parameters: tuple[tuple[str, str], ...] = ()
    """FVP parameters (``-C NAME=VALUE``) beside those a run always sets."""
    fast: bool = False
    pmu_trace: bool = False
    """Whether an FVP traces its NPU, operator by operator; the simulator always does, but for `fast`."""
    inferences: int = 1
    serve: bool = False
    """Whether the platform stays after its inferences, and runs further ones when it is asked to."""
    inputs: tuple[str, ...] = ()
    """One file for each input of the program; empty takes the model's own."""
    dataset: str | None = None
    """A folder or an .npz file of inputs, which the inferences take in turn; see `tui.model.datasets`."""
    timeout_s: float = DEFAULT_TIMEOUT_S
    limits: Limits = Limits()
    cache: bool = True


def _choice(kind: str, value: str, known: Iterable[str]) -> None:
    names = list(known)
    if value in names:
        return
    close = difflib.get_close_matches(value, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}? known: " if close else "known: "
    raise UsageError(f"unknown {kind} {value!r}", hint + ", ".join(names))


def check_target(target: Target) -> None:
    """Refuse a target Vela would refuse.

    Raises:
        UsageError: a name is not in Vela's lists, or Vela is not installed.
    """
    try:
        known = vela.lists()
    except vela.VelaMissing as error:
        raise UsageError(str(error), "pip install 'executorch[ethos-u]==1.5.1'") from error
    _choice("target", target.accelerator, (*known.accelerators, *boards.CPU_TARGETS))
    own = vela.lists(target.board.npu)
    _choice("system config", target.system_config, own.system_configs)
    _choice("memory mode", target.memory_mode, own.memory_modes)


def folder_for(model: str) -> str | None:
    """The folder that the code of a model runs in when it is asked for here; None for a model without code of its own.

    Raises:
        UsageError: the current folder was deleted.
    """
    if not model.endswith(".py"):
        return None
    try:
        return str(Path.cwd())
    except OSError as error:
        raise UsageError("the current folder is gone", "cd to one that exists") from error


def check(spec: Spec) -> Spec:
    """The spec itself, if a run of it can be started.

    Raises:
        UsageError: something in it is unknown, out of range or contradictory.
    """
    check_target(spec.target)
    if spec.target.is_cpu and spec.until == "check":
        raise UsageError(f"a program for {spec.target.accelerator} is compiled only", "fvp-tui compile, not run")
    if spec.target.is_cpu and spec.quantize == "a16w8":
        raise UsageError(f"{spec.target.accelerator} has no kernels for a16w8", "--quantize int8 or none")
    if spec.inferences < 1:
        raise UsageError(f"--inferences must be at least 1, not {spec.inferences}")
    if not spec.timeout_s > 0:
        raise UsageError(f"--timeout must be positive, not {spec.timeout_s:g}")
    if spec.folder is not None and not Path(spec.folder).is_dir():
        raise UsageError(f"no folder {spec.folder}, in which {spec.model} is loaded", "--folder . loads it in this one")
    for path in spec.inputs:
        if not Path(path).is_file():
            raise UsageError(f"no input file {path}")
    if spec.dataset is not None and not Path(spec.dataset).exists():
        raise UsageError(f"no data set at {spec.dataset}")
    if spec.dataset is not None and spec.inputs:
        raise UsageError("--dataset and --input contradict each other")
    if spec.calibration is not None and not Path(spec.calibration).exists():
        raise UsageError(f"no calibration data at {spec.calibration}")
    if spec.calibration is not None and spec.quantize == "none":
        raise UsageError("--calibration has no use with --quantize none")
    macs_parameter = spec.target.board.parameters.macs
    for name, value in spec.parameters:
        # Always passed, always the compiled target's.
        if name == macs_parameter and _number(value) != spec.target.macs:
            raise UsageError(
                f"{name}={value} contradicts the target {spec.target.accelerator}",
                f"leave it out: it is always set to {spec.target.macs}",
            )
    return spec


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def parameter(text: str) -> tuple[str, str]:
    """``NAME=VALUE`` of a -C option.

    Raises:
        UsageError: there is no name or no equals sign.
    """
    name, equals, value = text.partition("=")
    if not name.strip() or not equals:
        raise UsageError(f"-C {text}: expected NAME=VALUE")
    return name.strip(), value


def encode(spec: Spec) -> bytes:
    """A spec as readable JSON."""
    return msgspec.json.format(msgspec.json.encode(spec), indent=2) + b"\n"


def decode(data: bytes, where: str = "spec") -> Spec:
    """The spec that `encode` wrote.

    Raises:
        UsageError: it is not JSON or not a spec; `where` names the place.
    """
    try:
        return msgspec.json.decode(data, type=Spec)
    except msgspec.DecodeError as error:
        raise UsageError(f"{where}: {error}") from error


def lowering_of(request: Spec) -> Spec:
    """Those fields of a spec that its lowered graphs depend on."""
    return Spec(
        request.model,
        folder=request.folder,
        quantize=request.quantize,
        channels_last=request.channels_last,
        calibration=request.calibration,
    )


DEFAULT = Spec(model="")


def command_line(spec: Spec) -> list[str]:
    """The ``fvp-tui`` command that starts this spec, without options at their defaults."""
    words = ["fvp-tui", "compile" if spec.until == "emit" else "run", spec.model]
    target, limits = spec.target, spec.limits
    # The target and memory mode are always shown: a result means nothing without them.
    words += ["--target", target.accelerator, "--memory-mode", target.memory_mode]
    if target.system_config != DEFAULT.target.system_config:
        words += ["--system-config", target.system_config]
    values: list[tuple[str, object, object]] = [
        ("--folder", spec.folder, folder_for(spec.model)),
        ("--quantize", spec.quantize, DEFAULT.quantize),
        ("--calibration", spec.calibration, None),
        ("--dataset", spec.dataset, None),
        ("--platform", spec.platform, DEFAULT.platform),
        ("--engine", spec.engine, DEFAULT.engine),
        ("--fvp", spec.fvp, None),
        ("--runner", spec.runner, None),
        ("--runner-kind", spec.runner_kind, DEFAULT.runner_kind),
        ("--pte-address", None if spec.pte_address is None else f"{spec.pte_address:#x}", None),
        ("--inferences", spec.inferences, DEFAULT.inferences),
        ("--timeout", f"{spec.timeout_s:g}", f"{DEFAULT.timeout_s:g}"),
        ("--max-npu-cycles", limits.npu_cycles, None),
        ("--max-inference-ms", limits.inference_ms, None),
        ("--max-sram-kib", limits.sram_kib, None),
        ("--min-delegated", limits.delegated_percent, None),
    ]
    for option, value, default in values:
        if value is not None and value != default:
            words += [option, str(value)]
    for name, value in spec.parameters:
        words += ["-C", f"{name}={value}"]
    for path in spec.inputs:
        words += ["--input", path]
    switches = (
        ("--serve", spec.serve),
        ("--fast", spec.fast),
        ("--pmu-trace", spec.pmu_trace),
        ("--require-match", limits.match),
        ("--channels-last", spec.channels_last),
    )
    words += [option for option, on in switches if on] + ["--no-cache"] * (not spec.cache)
    return words
