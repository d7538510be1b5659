"""The run under the cursor in words: what came of it, what it is measured against, and what it was asked to do."""

import shlex
from collections.abc import Iterator

from textual.content import Content

from tui.analysis.changes import Changes, Reference
from tui.app.widgets.run_columns import GLYPHS, change_role, differences, layout_words, npu_words, verdict
from tui.reports.format import UNKNOWN, change, duration, kib_words, number, time
from tui.reports.when import moment
from tui.run import spec
from tui.run.derived import checked
from tui.run.index import Row
from tui.run.state import State
from tui.text import clean, counted, printable_name

COUNTED_BY = {
    "fvp": "measured by the FVP",
    "fast": "FVP in fast mode, not representative",
    "simulator": "estimated by the simulator",
    "vela": "estimated by Vela",
    "board": "measured on a board",
    "program": "by the program's own clock",
}
LABEL = 9
"""Cells of a label."""


def against(reference: Reference, now: float) -> str:
    """Name what a run is measured against: ``the baseline of 10:41``, ``the run before, of yesterday 18:20``."""
    run = reference.run
    when = moment(run.name, run.created, now)
    return f"the baseline of {when}" if reference.baseline else f"the run before, of {when}"


def _changed(run: Row, percent: float, reference: Reference, now: float) -> Content:
    style = f"bold ${change_role(run, percent)}"
    return Content.assemble((change(percent), style), f" against {against(reference, now)}")


def headline(run: Row, *, reason: bool) -> Content:
    """Say what came of a run, and why, where that is wanted and known."""
    glyph, _ = GLYPHS[run.outcome]
    word, role, _ = verdict(run)
    if run.outcome == "running":
        return Content.assemble((f"{glyph} RUNNING", "bold $accent"), f"  {word}")
    said = clean(run.reason or "", 400) if reason else ""
    return Content.assemble((f"{glyph} {word}", f"bold ${role}"), f"  {said}" if said else "")


def one_line(run: Row, changes: Changes, now: float) -> Content:
    """A run in a line: what came of it, and what is new in it; for screens without room for more."""
    parts = [headline(run, reason=True)]
    reference = changes.reference(run)
    percent = None if reference is None else reference.change_pct(run)
    if changes.is_baseline(run):
        parts.append(Content.assemble(("the baseline", "$accent")))
    elif reference is not None and percent is not None:
        parts.append(
            Content.assemble(
                (change(percent), f"bold ${change_role(run, percent)}"), f" against {against(reference, now)}"
            )
        )
        if new := differences(run, reference.run):
            parts.append(Content.assemble((", ".join(new), "$accent")))
    return Content("  ").join(parts)


def details(run: Row, state: State | None, changes: Changes, now: float, width: int) -> Content:
    """A run in a few lines of `width` cells; without its state, what the index knows."""
    rows = [
        *(_why(run, state)),
        *_measured(run, changes, now),
        *(_known(state) if state is not None else ()),
        *_asked(run, state),
    ]
    lines = [headline(run, reason=False), Content("")]
    return Content("\n").join([*lines, *(line for label, words in rows for line in _row(label, words, width))])


def _why(run: Row, state: State | None) -> Iterator[tuple[str, Content]]:
    """Why a run did not end well, and what to try."""
    check = None if state is None else checked(state)
    reason = run.reason if state is None else state.run.reason
    if check is not None and check.status == "mismatch":
        reason = check.reason
    if reason and run.outcome != "ok":
        yield "why", Content(clean(reason, 400))
    if state is not None and (hint := state.run.hint or (check.hint if check else None)):
        yield "try", Content.assemble((clean(hint, 400), "$accent"))


def _row(label: str, words: Content, width: int) -> Iterator[Content]:
    """A label and what it stands for; what does not fit beside it goes on below, not below the label."""
    for at, line in enumerate(words.wrap(max(width - LABEL, LABEL))):
        yield Content.assemble(((" " if at else label).ljust(LABEL), "$muted"), line)


def _measured(run: Row, changes: Changes, now: float) -> Iterator[tuple[str, Content]]:
    if run.latency_ms is not None:
        said = COUNTED_BY.get(run.latency_by or "", "")
        yield "latency", Content.assemble((time(run.latency_ms / 1000), "bold $strong"), (f"  {said}", "$faint"))
    if changes.is_baseline(run):
        yield "change", Content.assemble(("the baseline of its model", "$accent"), ("  b unmarks it", "$faint"))
        return
    reference = changes.reference(run)
    percent = None if reference is None else reference.change_pct(run)
    if reference is None or percent is None:
        return
    yield (
        "change",
        Content.assemble(
            (change(percent), f"bold ${change_role(run, percent)}"), f" against {against(reference, now)}"
        ),
    )
    new = differences(run, reference.run)
    yield "differs", Content.assemble((", ".join(new), "$accent") if new else ("in no option", "$faint"))


def _known(state: State) -> Iterator[tuple[str, Content]]:
    if (delegation := state.delegation) is not None:
        nodes = delegation.delegated_nodes + delegation.non_delegated_nodes
        parts = counted(delegation.subgraphs, "partition")
        yield "NPU", Content(f"{number(delegation.delegated_nodes)} of {number(nodes)} nodes, {parts}")
    if (estimate := state.estimate) is not None:
        memories = (("SRAM", estimate.sram_kib), ("DRAM", estimate.dram_kib), ("flash", estimate.flash_kib))
        yield "memory", Content("  ".join(f"{name} {kib_words(kib)}" for name, kib in memories if kib))


def _asked(run: Row, state: State | None) -> Iterator[tuple[str, Content]]:
    target = [npu_words(run), printable_name(run.memory_mode or UNKNOWN), printable_name(run.system_config or UNKNOWN)]
    yield "target", Content("  ".join(target))
    options = [run.quantize or UNKNOWN, f"input {layout_words(run)}"]
    request = None if state is None else state.spec
    if request is not None and request.until == "emit":
        options.append("compiled only")
    elif request is not None:
        options.append(counted(request.inferences, "inference"))
    yield "options", Content("  ".join(options))
    if run.seconds is not None:
        yield "took", Content(duration(run.seconds))
    yield "id", Content(printable_name(run.name))
    if request is not None:
        yield "command", Content.assemble((clean(shlex.join(spec.command_line(request)), 400), "$faint"))
