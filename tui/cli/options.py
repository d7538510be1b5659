"""The options of run and compile."""

import functools
from collections.abc import Callable

import click

from tui.cli import candidates
from tui.run.spec import ENGINES, PLATFORMS, QUANTIZATIONS, RUNNER_KINDS

Command = Callable[..., int | None]


def _address(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """An address in memory: hexadecimal after 0x, else decimal."""
    try:
        address = None if value is None else int(value, 0)
    except ValueError:
        address = -1
    if address is not None and not 0 <= address < 1 << 32:
        raise click.BadParameter(f"{value!r} is not an address of 32 bits")
    return address


def spec_options(command: Command) -> Command:
    """The options of run and compile that make up a spec. None stands for "not typed"."""
    options = [
        click.argument("model", required=False, shell_complete=candidates.models),
        click.option(
            "--target",
            metavar="NAME",
            shell_complete=candidates.targets,
            help="ethos-u85-128 to -2048 [ethos-u85-256]; compile: cortex-m85, too.",
        ),
        click.option(
            "--system-config",
            metavar="NAME",
            shell_complete=candidates.system_configs,
            help="Vela's system config [Ethos_U85_SYS_DRAM_Mid].",
        ),
        click.option(
            "--memory-mode",
            metavar="NAME",
            shell_complete=candidates.memory_modes,
            help="Vela's memory mode [Sram_Only].",
        ),
        click.option("--quantize", type=click.Choice(QUANTIZATIONS), help="[int8]"),
        click.option("--folder", metavar="PATH", help="Where the code of a .py model runs [the current folder]."),
        click.option(
            "--channels-last", is_flag=True, help="Export in the NPU's layout; inputs are then NHWC in memory."
        ),
        click.option(
            "--calibration",
            metavar="PATH",
            shell_complete=candidates.files,
            help="Calibration inputs: .pt, .npy, .npz, or a folder.",
        ),
        click.option(
            "--input",
            "inputs",
            multiple=True,
            metavar="FILE",
            shell_complete=candidates.files,
            help="One for each input: .npy, .pt or raw.",
        ),
        click.option(
            "--dataset",
            metavar="PATH",
            shell_complete=candidates.files,
            help="Inputs to infer on, with labels or without: a folder or .npz.",
        ),
        click.option(
            "--inferences", type=int, metavar="N", help="How many inferences to run [1, or the whole data set]."
        ),
        click.option("--no-cache", is_flag=True, help="Use no artifact of an earlier run."),
        click.option("--max-sram-kib", type=float, metavar="N", help="Limit: SRAM by Vela's account."),
        click.option("--min-delegated", type=float, metavar="PERCENT", help="Limit: nodes on the NPU."),
        click.option(
            "--spec",
            "spec_file",
            metavar="FILE",
            shell_complete=candidates.files,
            help="Take everything not typed from a spec.json.",
        ),
        click.option("--detach", is_flag=True, help="Start the run, print its id, do not wait."),
        click.option("--json", "as_json", is_flag=True, help="Print the state as JSON on stdout, once, at the end."),
        click.option("--events", "as_events", is_flag=True, help="Print the journal as JSON lines on stdout, live."),
        click.option("-v", "--verbose", is_flag=True, help="Show the log on stderr."),
    ]
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


def platform_options(command: Command) -> Command:
    """The options of run that concern the platform."""
    options = [
        click.option("--platform", type=click.Choice(PLATFORMS), help="Where to run [auto]."),
        click.option("--engine", type=click.Choice(ENGINES), help="CPU side of the simulator [auto]."),
        click.option("--fvp", metavar="PATH", shell_complete=candidates.files, help="The FVP's binary."),
        click.option("--runner", metavar="ELF", shell_complete=candidates.files, help="The firmware for the FVP."),
        click.option("--runner-kind", type=click.Choice(RUNNER_KINDS), help="How that firmware was built [auto]."),
        click.option(
            "--pte-address", callback=_address, metavar="ADDR", help="Where it looks for the program in memory."
        ),
        click.option(
            "-C",
            "parameters",
            multiple=True,
            metavar="NAME=VALUE",
            shell_complete=candidates.settings,
            help="An FVP parameter.",
        ),
        click.option(
            "--preset",
            "presets",
            multiple=True,
            metavar="NAME",
            shell_complete=candidates.presets,
            help="A preset: fvp-tui params --presets.",
        ),
        click.option("--dry-run", is_flag=True, help="Print the platform's command line; run nothing."),
        click.option("--serve", is_flag=True, help="Keep the platform for further inferences: fvp-tui infer."),
        click.option("--fast", is_flag=True, help="Fast NPU mode; its counters are not representative."),
        click.option("--pmu-trace", is_flag=True, help="Have the FVP trace its NPU: cycles of each operator."),
        click.option("--timeout", type=float, metavar="S", help="Wall-clock limit of the platform [600]."),
        click.option("--max-npu-cycles", type=int, metavar="N", help="Limit: cycles of the slowest inference."),
        click.option("--max-inference-ms", type=float, metavar="X", help="Limit: the same at the NPU's clock."),
        click.option("--require-match", is_flag=True, help="Limit: outputs match the quantized model."),
    ]
    return functools.reduce(lambda made, option: option(made), reversed(options), command)
