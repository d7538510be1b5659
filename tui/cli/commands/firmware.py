"""``fvp-tui firmware``: install, build, list."""

from pathlib import Path

import click

from tui.cli import candidates
from tui.cli.command import ExplainedGroup, command, json_option
from tui.cli.output import print_json
from tui.platform import firmware_store
from tui.reports.format import table
from tui.run.spec import check_target
from tui.toolchain import boards
from tui.toolchain.firmware_images import IMAGES
from tui.toolchain.target import on_board_of


@click.group(cls=ExplainedGroup)
def firmware() -> None:
    """Install or build firmware for the FVP.

    An FVP needs a runner: one of Arm's prebuilt ExecuTorch firmware images, or one built from an ExecuTorch checkout.
    """


firmware.examples = ("fvp-tui firmware install", "fvp-tui firmware build ~/executorch", "fvp-tui firmware list")


@command("fvp-tui firmware install", "fvp-tui firmware install --from mlia_ethos_u-0.10.0-py3-none-any.whl")
@click.option(
    "--from",
    "source",
    metavar="FILE",
    shell_complete=candidates.files,
    help="Take a wheel of mlia-ethos-u, or an image, instead of downloading it.",
)
def install(source: str | None) -> None:
    """Install Arm's prebuilt firmware images.

    Downloads them from the package index (10 MB), verifies them and keeps them in the data folder.
    """
    for path in firmware_store.install(None if source is None else Path(source)):
        click.echo(path)
    click.echo(f"licences: {firmware_store.folder() / 'LICENSES'}")


@command(
    "fvp-tui firmware build ~/executorch",
    "fvp-tui firmware build ~/executorch --target ethos-u55-128",
    "fvp-tui firmware build ~/executorch --etdump --kernel aten::add.out",
)
@click.argument("checkout", metavar="CHECKOUT", shell_complete=candidates.folders)
@click.option(
    "--target",
    metavar="NAME",
    default=boards.DEFAULT.npu.default_accelerator,
    show_default=True,
    shell_complete=candidates.of_vela("accelerators"),
    help="NPU whose board it is for; its size does not matter.",
)
@click.option("--etdump", is_flag=True, help="Trace the CPU's kernels: an ETDump of each inference.")
@click.option("--bundleio", is_flag=True, help="Accept bundled programs (.bpte), and check their outputs.")
@click.option("--kernel", "kernels", multiple=True, metavar="OP", help="Add a CPU kernel, such as aten::add.out.")
@click.option("-v", "--verbose", is_flag=True, help="Print the output of the build.")
def build(checkout: str, target: str, etdump: bool, bundleio: bool, kernels: tuple[str, ...], verbose: bool) -> None:
    """Build a semihosting runner from a checkout.

    CHECKOUT is the folder of an ExecuTorch checkout. The runner takes every model; it is built once for each board.
    """
    check_target(on_board_of(target))
    from tui.platform import runner_build  # with pexpect and numpy

    last_percent = -1

    def progress(step: runner_build.Progress) -> None:
        nonlocal last_percent
        if verbose:
            click.echo(step.line, err=True)
        elif step.percent is not None and step.percent != last_percent:
            last_percent = step.percent
            click.echo(f"\rbuilding {last_percent:3} %", nl=False, err=True)

    path = runner_build.build(
        Path(checkout).expanduser().absolute(),
        boards.of(target),
        etdump=etdump,
        bundles=bundleio,
        kernels=kernels,
        progress=progress,
    )
    if last_percent >= 0:
        click.echo(err=True)
    click.echo(path)


@command("fvp-tui firmware list", "fvp-tui firmware list --json")
@json_option()
def list_(as_json: bool) -> None:
    """List firmware, and where it is installed."""
    images = [(image, firmware_store.installed(image)) for image in IMAGES]
    if as_json:
        print_json(
            [{"name": i.name, "what": i.what, "sha256": i.sha256, "path": path and str(path)} for i, path in images]
        )
        return
    rows = [[image.name, image.what, str(path or "not installed")] for image, path in images]
    for board in boards.BOARDS:
        what = f"the semihosting runner of an ExecuTorch checkout, for {board.name}"
        rows.append(["built", what, str(firmware_store.built(board) or "not built")])
    for line in table(rows):
        click.echo(line)


firmware.add_command(install)
firmware.add_command(build)
firmware.add_command(list_, "list")
