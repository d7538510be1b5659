"""Vela's estimates for a model, on the chosen size of the NPU and on the others."""

import time
from typing import TYPE_CHECKING

from textual.content import Content

from tui.app.widgets.words import bar
from tui.reports.format import kib_words, ms, number
from tui.text import clean
from tui.toolchain.target import Target

if TYPE_CHECKING:
    from tui.analysis.prediction import Expected

BAR = 16


def expected_words(target: Target, expected: "Expected | None", *, bars: bool) -> Content:
    """Draw Vela's estimate for a target; with `bars`, also for each size of the NPU."""
    if expected is None:
        return Content.assemble(("Expected", "bold $accent"), ("  not available before the first run", "$muted"))
    when = time.strftime("%H:%M", time.localtime(expected.lowered.at))
    edited = ", before the last edit" if expected.lowered.edited else ""
    lines = [Content.assemble(("Expected", "bold $accent"), (f"  by Vela, lowered {when}{edited}", "$muted"))]
    found = expected.estimates.get(target.accelerator)
    if isinstance(found, str):
        lines.append(Content.assemble("  ", (clean(found, 100), "$warn")))
    elif found is not None:
        words = f"{ms(found.inference_ms)}  SRAM {kib_words(found.sram_kib)}"
        lines.append(Content.assemble(" ", (number(found.total_cycles), "bold"), f" cycles  {words}"))
    if not bars:
        return Content("\n").join(lines)
    known = {name: e.total_cycles for name, e in expected.estimates.items() if not isinstance(e, str)}
    most = max((cycles or 0 for cycles in known.values()), default=0)
    for name in sorted(known, key=lambda name: int(name.rsplit("-", 1)[-1])):
        cycles = known[name] or 0
        style = "bold" if name == target.accelerator else ""
        text = f"{name.rsplit('-', 1)[-1]:>6} {number(cycles):>12} "
        lines.append(Content.assemble((text, style), (bar(cycles / most if most else 0, BAR), "$npu")))
    return Content("\n").join(lines)
