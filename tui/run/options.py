"""The options of a run, declared once: beside each field of the spec stands the option that sets it.

From here come click's options, the command line that a spec is shown as, the fields of the Setup screen, the merging of
``--spec`` with what is typed, and the tables of docs/options.md. To add an option, add its field here and use it.
"""

from typing import Annotated, Literal, get_args

import msgspec

from tui.run.board_options import Serial
from tui.run.command_options import OF_COMMANDS
from tui.run.option import Form, Option, declared
from tui.run.option_groups import (
    ALL,
    COMPILING,
    GROUPS,
    INFERENCE,
    LIMITS,
    LOWERING,
    PLATFORM,
    PROGRAM,
    TARGET,
)
from tui.toolchain import boards
from tui.toolchain.target import Target

Quantization = Literal["int8", "a16w8", "none"]
QUANTIZATIONS: tuple[Quantization, ...] = get_args(Quantization)
PlatformChoice = Literal["auto", "simulator", "fvp", "serial"]
EngineChoice = Literal["auto", "interpreter", "firmware"]
RunnerKind = Literal["auto", "semihosting", "address", "embedded", "mlek"]

DEFAULT_TIMEOUT_S = 600.0
"""Wall-clock limit of the platform, as in examples/arm/run_fvp.sh."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds that a run must keep; None where there is none."""

    npu_cycles: Annotated[
        int | None,
        Option(
            "--max-npu-cycles",
            "Limit the NPU cycles of the slowest inference.",
            LIMITS,
            ("run", "sweep", "campaign", "read"),
            metavar="N",
        ),
    ] = None
    inference_ms: Annotated[
        float | None,
        Option(
            "--max-inference-ms",
            "Limit the time of that inference at the NPU's clock.",
            LIMITS,
            ("run", "sweep", "campaign", "read"),
            metavar="X",
        ),
    ] = None
    sram_kib: Annotated[
        float | None,
        Option("--max-sram-kib", "Limit the SRAM that Vela accounts for.", LIMITS, ALL, metavar="N"),
    ] = None
    delegated_percent: Annotated[
        float | None,
        Option(
            "--min-delegated",
            "Require a minimum share of nodes on the NPU.",
            LIMITS,
            (*COMPILING, "campaign"),
            metavar="PERCENT",
        ),
    ] = None
    match: Annotated[
        bool,
        Option("--require-match", "Require that the outputs match the model's.", LIMITS, ("run", "campaign", "read")),
    ] = False


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A console that was captured elsewhere and is read as a run."""

    path: str
    """Its absolute path; `STANDARD_INPUT` for one that came in through a pipe."""
    origin: Literal["fvp", "board"] | None = None
    """The platform it is of, where the user says so."""


STANDARD_INPUT = "-"


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that decides a run."""

    model: str
    """``sample:NAME``, ``executorch:NAME``, or the absolute path of a .py, .pt2, .tflite, .tosa, .pte or .bpte file.

    Of a log that is read without its program it is the path of the log."""
    log: Log | None = None
    """A log to read, in place of compiling and running."""
    folder: Annotated[
        str | None,
        Option(
            "--folder",
            "Run the code of a .py model in this folder.",
            PROGRAM,
            LOWERING,
            kind="file",
            metavar="PATH",
            unset="the current folder",
            rank=2,
        ),
    ] = None
    """None is the folder of the file."""
    target: Annotated[
        Target,
        Option(
            "--target",
            f"NPU and size, as Vela names them; compile also takes {' or '.join(boards.CPU_TARGETS)}.",
            TARGET,
            (*COMPILING, "params", "read"),
            part="accelerator",
            metavar="NAME",
            vela="accelerators",
            always_shown=True,
            form=Form(
                "Size",
                "Size of the NPU: 8-bit multiply-accumulates a cycle.",
                text=lambda name: name.rsplit("-", 1)[-1],
                unit="MACs",
            ),
        ),
        Option(
            "--memory-mode",
            "Vela's memory mode: where weights and tensors lie.",
            TARGET,
            (*COMPILING, "read"),
            part="memory_mode",
            metavar="NAME",
            unset=", ".join(f"{npu.default_memory_mode} on {npu.name}" for npu in boards.NPUS),
            vela="memory_modes",
            always_shown=True,
            form=Form("Memory", "Vela's memory mode: where weights and intermediate tensors lie."),
        ),
        Option(
            "--system-config",
            "Vela's system config: clock and speed of the memories.",
            TARGET,
            (*COMPILING, "read"),
            part="system_config",
            metavar="NAME",
            unset=", ".join(npu.default_system_config for npu in boards.NPUS),
            vela="system_configs",
            form=Form(
                "System",
                "Vela's system config: clock, and speed of SRAM and of the memory outside.",
                text=boards.short_system_config,
            ),
        ),
    ] = Target()
    quantize: Annotated[
        Quantization,
        Option(
            "--quantize",
            "Quantize to int8, to a16w8 (16-bit activations), or not at all.",
            PROGRAM,
            LOWERING,
            form=Form("Quantize", "int8; a16w8: 16-bit activations; none: float, which the NPU cannot run."),
        ),
    ] = "int8"
    channels_last: Annotated[
        bool,
        Option(
            "--channels-last",
            "Export in the NPU's layout; inputs are then NHWC in memory.",
            PROGRAM,
            ALL,
            rank=1,
            form=Form(
                "Layout",
                "Channels last is the NPU's own: nothing is transposed, but the input is NHWC.",
                off_on=("as written", "channels last"),
            ),
        ),
    ] = False
    calibration: Annotated[
        str | None,
        Option(
            "--calibration",
            "Calibrate on these inputs: .pt, .npy, .npz or a folder.",
            PROGRAM,
            ALL,
            kind="file",
            metavar="PATH",
            unset="the model's own",
            form=Form(
                "Calibrate",
                "What quantization takes its ranges from: files or a folder.",
                without="on the model's inputs",
            ),
        ),
    ] = None
    toolchain: Annotated[
        str | None,
        Option(
            "--toolchain",
            "Compile with the ExecuTorch of another Python, by path or by name.",
            PROGRAM,
            ALL,
            kind="toolchain",
            metavar="PYTHON",
            unset="FVP_TUI_TOOLCHAIN, config.toml, this Python",
            rank=2,
            form=Form(
                "Toolchain",
                "The Python whose torch and ExecuTorch compile.",
                without="this Python's",
            ),
        ),
    ] = None
    """The interpreter's path; None is this program's own."""
    vela: Annotated[
        str | None,
        Option(
            "--vela",
            "Compile with this version of Vela, which is fetched once.",
            PROGRAM,
            (*COMPILING, "campaign"),
            metavar="VERSION",
            unset="the toolchain's",
            rank=2,
        ),
    ] = None
    until: Literal["emit", "check"] = "check"
    """The last stage: ``compile`` stops at emit."""
    platform: Annotated[
        PlatformChoice,
        Option(
            "--platform",
            "Run on the simulator, the FVP or a board; auto prefers the FVP.",
            PLATFORM,
            ("run", "params", "campaign"),
            form=Form("Run on", "auto: the FVP where it and a runner are found, else the simulator."),
        ),
    ] = "auto"
    engine: Annotated[
        EngineChoice,
        Option(
            "--engine",
            "CPU side of the simulator: Python, or firmware on an emulated core.",
            PLATFORM,
            ("run", "campaign"),
            form=Form("Engine", "How the simulator runs the CPU: in Python, or Arm's firmware in an emulator."),
        ),
    ] = "auto"
    fvp: Annotated[
        str | None,
        Option("--fvp", "Binary of the FVP.", PLATFORM, ("run", "params"), kind="program", metavar="PATH"),
    ] = None
    runner: Annotated[
        str | None,
        Option(
            "--runner",
            "Runner for the FVP or the board: the program that runs the model.",
            PLATFORM,
            kind="file",
            metavar="ELF",
        ),
    ] = None
    runner_kind: Annotated[
        RunnerKind, Option("--runner-kind", "How the runner receives the compiled model.", PLATFORM)
    ] = "auto"
    pte_address: Annotated[
        int | None,
        Option(
            "--pte-address",
            "Where a runner of kind address expects the compiled model.",
            PLATFORM,
            kind="address",
            metavar="ADDR",
        ),
    ] = None
    """None is the address that the runner was built for."""
    parameters: Annotated[
        tuple[tuple[str, str], ...],
        Option("-C", "Set a parameter of the platform; repeatable.", PLATFORM, metavar="NAME=VALUE"),
    ] = ()
    """Parameters beside those that a run always sets."""
    fast: Annotated[
        bool, Option("--fast", "Fast NPU mode; its counters are not representative.", PLATFORM, ("run", "read"))
    ] = False
    pmu_trace: Annotated[
        bool, Option("--pmu-trace", "Have the FVP trace its NPU: cycles of each operator.", PLATFORM)
    ] = False
    """The simulator always traces, unless `fast`."""
    inferences: Annotated[
        int,
        Option(
            "--inferences",
            "Number of inferences to run.",
            INFERENCE,
            (*COMPILING, "campaign"),
            metavar="N",
            unset="1, or the whole data set",
            rank=1,
            form=Form("Inferences", "How many inferences, each with the model's next input."),
        ),
    ] = 1
    first: Annotated[
        int,
        Option(
            "--first",
            "Begin with this item of the data set, from 0.",
            INFERENCE,
            ("run", "campaign"),
            metavar="N",
            rank=1,
        ),
    ] = 0
    serve: Annotated[
        bool, Option("--serve", "Keep the platform up for more inferences: fvp-tui infer.", INFERENCE, rank=2)
    ] = False
    inputs: Annotated[
        tuple[str, ...],
        Option(
            "--input",
            "Take an input from a file (.npy, .pt or raw); once for each input.",
            INFERENCE,
            (*COMPILING, "infer"),
            kind="file",
            metavar="FILE",
            unset="the model's own",
            form=Form(
                "Inputs",
                "What to infer on: files, a folder or .npz of many samples, labelled or not.",
                without="the model's own",
            ),
        ),
    ] = ()
    dataset: Annotated[
        str | None,
        Option(
            "--dataset",
            "Take inputs, labelled or not, from a folder or an .npz.",
            INFERENCE,
            (*COMPILING, "campaign"),
            kind="file",
            metavar="PATH",
        ),
    ] = None
    """The inferences take its inputs in turn; see `tui.model.datasets`."""
    timeout_s: Annotated[
        float, Option("--timeout", "Wall-clock limit of the platform, in seconds.", PLATFORM, metavar="S")
    ] = DEFAULT_TIMEOUT_S
    serial: Serial = Serial()
    limits: Limits = Limits()
    cache: Annotated[
        bool, Option("--no-cache", "Ignore what earlier runs have compiled.", PROGRAM, LOWERING, rank=3)
    ] = True

    @property
    def is_on_board(self) -> bool:
        """True if it is for a board on a serial line: naming the port is enough."""
        return self.platform == "serial" or (self.platform == "auto" and self.serial.port is not None)


TABLE = tuple(sorted((*declared(Spec), *OF_COMMANDS), key=lambda option: (GROUPS.index(option.group), option.rank)))
"""All options, by group."""

OF_SPECS = tuple(option for option in TABLE if option.path)
"""The options of fields of a spec."""

_BY_FIELD = {".".join(option.path): option for option in OF_SPECS}


def of_field(path: str) -> Option:
    """Return the option that sets a field of a spec, such as ``target.memory_mode``."""
    return _BY_FIELD[path]


def of(command: str) -> tuple[Option, ...]:
    """Return the options of a command, in the order of the table."""
    return tuple(option for option in TABLE if command in option.commands)
