"""Building ExecuTorch's semihosting runner from a checkout, with the checkout's own script: once, for every model.

The script is backends/arm/scripts/build_executor_runner.sh; options and kernels are those that ExecuTorch's own
set-up for its tests gives it (backends/arm/test/setup_testing.sh), so that partly delegated programs load as well.
"""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tui.errors import UserError
from tui.platform import firmware_store, inspection, runner
from tui.platform.child import CannotStart, Child
from tui.platform.lines import Line, Splitter
from tui.text import clean
from tui.toolchain import boards
from tui.toolchain.boards import Board

SCRIPT = "backends/arm/scripts/build_executor_runner.sh"
TOOLS = "examples/arm/arm-scratch/setup_path.sh"
"""Script that examples/arm/setup.sh leaves behind: it puts the toolchain on PATH."""

RUNNER = "arm_executor_runner"
LOG = "build.log"
FOLDER = "build"
POLL_S = 0.2

METHOD_POOL_BYTES = 80 << 20

_KERNELS = (
    "aten::permute_copy.out",
    "aten::convolution.out",
    "aten::relu.out",
    "aten::_native_batch_norm_legit_no_training.out",
    "aten::as_strided_copy.out",
    "aten::mean.out",
)
_QUANTIZED = ("quantized_decomposed::quantize_per_tensor.out", "quantized_decomposed::dequantize_per_tensor.out")
KERNELS = {
    "cf": (
        *_KERNELS,
        "aten::full_like.out",
        "aten::bmm.out",
        "aten::scalar_tensor.out",
        "aten::index.Tensor_out",
        "aten::copy_",
        "aten::where.self_out",
        "dim_order_ops::_to_dim_order_copy.out",
        *_QUANTIZED,
    ),
    "u55": (
        *_KERNELS,
        "aten::squeeze_copy.dims",
        "aten::avg_pool2d.out",
        "aten::gt.Tensor_out",
        "aten::where.self_out",
        "aten::expand_copy.out",
        "aten::clamp.out",
        "aten::mul.out",
        "aten::index_select.out",
        "aten::fmod.Scalar_out",
        "aten::add.out",
        "aten::arange.start_out",
        "aten::eq.Tensor_out",
        "aten::logical_not.out",
        "dim_order_ops::_clone_dim_order.out",
        "dim_order_ops::_to_dim_order_copy.out",
        *_QUANTIZED,
    ),
}
"""Kernels of ExecuTorch's own test runner, by the set of operators that it delegates to the NPU (`Npu.profile`)."""
FLAGS = {"u55": " -DHEAP_SIZE=0x00007000"}
"""Options of that runner's build beside the pool, by the same."""

_PERCENT = re.compile(r"^\[ *(\d{1,3})%\]")
_STEP = re.compile(r"^\[(\d{1,7})/(\d{1,7})\]")
_ERROR = re.compile(r"\berror\b[: ]|^Missing |No such file|not found", re.IGNORECASE)


@dataclass(frozen=True)
class Progress:
    """A line of the build, and how far it is by CMake's own account."""

    percent: int | None
    line: str


def build(
    checkout: Path,
    board: Board = boards.DEFAULT,
    *,
    etdump: bool = False,
    bundles: bool = False,
    kernels: tuple[str, ...] = (),
    progress: Callable[[Progress], None] = lambda _: None,
) -> Path:
    """Build the runner and keep it; its path. `kernels` are compiled in with those of `KERNELS`. The log stays there.

    Raises:
        UserError: this is no checkout, its tools are not set up, or the build fails.
    """
    argv = _command(checkout, board, etdump=etdump, bundles=bundles, kernels=kernels)
    folder = firmware_store.folder()
    folder.mkdir(parents=True, exist_ok=True)
    # The environment fvp-tui runs in has ExecuTorch's flatc and, where pip installed it, CMake.
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        child = Child(argv, cwd=checkout, env=env)
    except CannotStart as error:
        raise UserError(f"the build cannot be started: {error.what}") from error
    status, last = _follow(child, folder / LOG, progress)
    if status != 0:
        raise UserError(f"the build failed: {last or f'status {status}'}", f"see {folder / LOG}")
    return _take(folder, board)


def _command(checkout: Path, board: Board, *, etdump: bool, bundles: bool, kernels: tuple[str, ...]) -> list[str]:
    script = checkout / SCRIPT
    if not script.is_file():
        raise UserError(f"{checkout} is not an ExecuTorch checkout: it has no {SCRIPT}", "name its top folder")
    if not (checkout / TOOLS).is_file():
        raise UserError(
            f"{checkout} has no toolchain yet: there is no {TOOLS}",
            f"{checkout}/examples/arm/setup.sh --i-agree-to-the-contained-eula",
        )
    npu = board.npu
    words = [
        "bash",
        str(script),
        "--pte=semihosting",
        # The MACs decide nothing: the runner asks the NPU for them.
        f"--target={npu.default_accelerator}",
        f"--system_config={npu.default_system_config}",
        f"--memory_mode={npu.runner_memory_mode}",
        f"--select_ops_list={','.join(dict.fromkeys((*KERNELS[npu.profile], *kernels)))}",
        f"--output={firmware_store.folder() / FOLDER}",
        f"--extra_build_flags=-DET_ARM_BAREMETAL_METHOD_ALLOCATOR_POOL_SIZE={METHOD_POOL_BYTES}"
        f"{FLAGS.get(npu.profile, '')}",
    ]
    if etdump:
        words.append("--etdump")
    if bundles:
        words.append("--bundleio")
    return words


def _follow(child: Child, log: Path, progress: Callable[[Progress], None]) -> tuple[int | None, str]:
    """Exit status, and the line that says most of a failure."""
    lines = Splitter()
    percent: int | None = None
    last = error = ""

    def take(new: Iterable[Line]) -> None:
        nonlocal percent, last, error
        for line in new:
            text = clean(line.shown.strip(), 300)
            percent = percent_done(text, percent)
            last = text or last
            if not error and _ERROR.search(text):
                error = text
            progress(Progress(percent, text))

    try:
        with log.open("wb", buffering=0) as kept:
            while (data := child.read(POLL_S)) is not None:
                kept.write(data)
                take(lines.feed(data))
            for rest in child.drain():
                kept.write(rest)
                take(lines.feed(rest))
        take(lines.close())
    except KeyboardInterrupt:
        child.signal(signal.SIGINT)
        raise
    finally:
        status, number = child.close()
    return (status if number is None else -number), error or last


def percent_done(line: str, before: int | None) -> int | None:
    """Percentage of a build by a line of Make's or Ninja's; `before` where the line does not say."""
    if match := _PERCENT.match(line):
        return min(int(match[1]), 100)
    if (match := _STEP.match(line)) and int(match[2]):
        return min(100 * int(match[1]) // int(match[2]), 100)
    return before


def _take(folder: Path, board: Board) -> Path:
    """Keep what was built, if it is what was wanted."""
    path = next((path for path in sorted((folder / FOLDER).rglob(RUNNER)) if path.is_file()), None)
    if path is None:
        raise UserError(f"the build succeeded but left no {RUNNER} in {folder / FOLDER}", f"see {folder / LOG}")
    kind = inspection.inspect(path).kind
    if kind != "semihosting":
        raise UserError(f"{path} {runner.WORDS[kind]}: a runner that reads files was wanted")
    return firmware_store.keep_built(path, board)
