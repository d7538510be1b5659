"""Names, times and bars as all widgets write them."""

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from tui.run.spec import Spec
from tui.text import clean, printable_name

if TYPE_CHECKING:
    from tui.run.figures import Source

Clock = Callable[[], float]
"""Tells the Unix time."""

SOURCES: "dict[Source, str]" = {
    "measured": "measured by the FVP",
    "counted": "counted on an emulated core",
    "estimated": "estimated by a cycle model",
    "reference": "computed by PyTorch",
}


def since(moment: float, now: float) -> str:
    """Format the time from a moment to now, in whole seconds: for a clock that is redrawn once a second."""
    whole = max(int(now - moment), 0)
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60:02} s"


def model_name(model: str, limit: int = 60) -> str:
    """Return a model's name without its kind or folder."""
    name = PurePath(model).name if "/" in model else model.partition(":")[2] or model
    return printable_name(name, limit)


def target_line(spec: Spec) -> str:
    """Describe a run's target in Vela's terms."""
    target = spec.target
    return clean(f"{target.accelerator}  {target.memory_mode}  {target.system_config}  {spec.quantize}")


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Fit text into exactly `width` cells: padded, or cut with an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    return " " * (width - length) + text if right else text + " " * (width - length)


def bar(share: float, width: int) -> str:
    """Draw a share of 0..1 as text blocks, an eighth of a cell fine."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")).ljust(width)
