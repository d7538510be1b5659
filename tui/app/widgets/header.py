"""The head of the Run screen: status, model and target, source of the figures, and stages."""

from textual.content import Content
from textual.widgets import Static

from tui.app.widgets.drawing import show
from tui.app.widgets.words import Clock, model_name, since, target_line
from tui.reports.format import UNKNOWN, duration, stage_seconds
from tui.run.derived import badge, checked, now_doing, outcome, progress_words
from tui.run.state import StageState, State
from tui.text import clean

STATUS_STYLE = {
    "ok": "bold $ok",
    "mismatch": "bold $fail",
    "failed": "bold $fail",
    "lost": "bold $fail",
    "stopped": "bold $warn",
    "running": "bold $accent",
}


def _between(left: Content, right: Content, width: int) -> Content:
    """Left and right in one line; where both do not fit, the left one gives way."""
    gap = width - left.cell_length - right.cell_length
    if gap < 2:
        left = left.truncate(max(width - right.cell_length - 2, 0), ellipsis=True)
        gap = max(width - left.cell_length - right.cell_length, 0)
    return Content.assemble(left, " " * gap, right)


class RunHeader(Static):
    """Head of two lines: status and badge; model and target. A third and fourth where the run did not end well."""

    def __init__(self, clock: Clock, *, id: str) -> None:
        super().__init__("", markup=False, id=id)
        self._clock = clock
        self._state: State | None = None
        self._hint = ""
        self._width = 0
        """Width it was drawn for."""

    def take(self, state: State, hint: str = "") -> None:
        """Draw a newer state; `hint` stands in where the state has none."""
        self._state, self._hint = state, hint
        self.redraw()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self.redraw()

    def redraw(self) -> None:
        """Draw, if that changes anything; also once a second, for the clock."""
        width = self.size.width
        if self._state is None or not width:
            return
        drawn = self._content(self._state, width)
        # A clock that goes on needs no layout, after which all of the screen would be drawn. Another width does: lines
        # of the width before have been wrapped.
        layout = width != self._width or str(self.content).count("\n") != drawn.plain.count("\n")
        self._width = width
        show(self, drawn, layout=layout)

    def _content(self, state: State, width: int) -> Content:
        run, spec, stands = state.run, state.spec, outcome(state)
        if run.status == "running":
            taken = f"  {since(run.created, self._clock())}" if run.created else ""
            words = f"RUNNING {now_doing(state)}{taken}"
        else:
            words = f"{stands.upper()}  {duration(run.seconds)}"
        status = Content.assemble((words, STATUS_STYLE[stands]))
        name = model_name(spec.model) if spec else clean(run.id)
        what = Content.assemble((name, "bold"), f"  {target_line(spec)}" if spec else "")
        none = "no platform yet" if run.status == "running" else "no platform started"
        lines = [
            _between(status, Content.assemble((badge(state) or none, "$muted")), width),
            _between(what, Content(clean(run.id) if width >= 110 and spec else ""), width),
        ]
        hint = run.hint or self._hint
        if run.status in ("failed", "lost", "stopped"):
            reason = clean(run.reason or "no reason given", 400)
            lines.append(Content.assemble((f"! {reason}", STATUS_STYLE[run.status])))
            if hint:
                lines.append(Content(f"  {clean(hint, 400)}"))
        if stands == "mismatch" and (found := checked(state)) is not None:
            lines.append(Content.assemble((f"! {clean(found.reason or '', 400)}", STATUS_STYLE[stands])))
            if found.hint:
                lines.append(Content(f"  {clean(found.hint, 400)}"))
        return Content("\n").join(lines)


def _stage_words(stage: StageState, state: State) -> Content:
    name, seconds = stage.name, f" {stage_seconds(stage.seconds)}" if stage.seconds is not None else ""
    match stage.status:
        case "pending":
            return Content.assemble((f"{name} {UNKNOWN}", "$muted"))
        case "running":
            # Of a run that is over, a stage that never ended says how far it came.
            words = f"> {name}" if state.run.status == "running" else f"{name} cut off"
            far = f" {progress_words(stage.progress)}" if stage.progress else ""
            return Content.assemble((words, "bold $accent"), clean(far, 60))
        case "skipped":
            return Content.assemble((f"{name} skipped", "$muted"))
        case "stopped":
            return Content.assemble((f"{name}{seconds} stopped", "bold $warn"))
        case "failed":
            return Content.assemble((f"{name}{seconds} FAILED", "bold $fail"))
    if name == "check" and state.check is not None:
        tone = {"match": "bold $ok", "mismatch": "bold $fail"}.get(state.check.status, "$muted")
        return Content.assemble("check ", (state.check.status.upper(), tone))
    return Content(f"{name}{' cached' if stage.cached else seconds}")


class StageLine(Static):
    """Line of all stages with their seconds; more lines where the width is short."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id)
        self._state: State | None = None

    def take(self, state: State) -> None:
        """Draw a newer state, if it changes anything."""
        self._state = state
        self._redraw()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._redraw()

    def _redraw(self) -> None:
        state, width = self._state, self.size.width
        if state is None or not width:
            return
        compiles = state.spec is not None and state.spec.until == "emit"
        words = [
            _stage_words(s, state) for s in state.stages if not (compiles and s.name in ("boot", "infer", "check"))
        ]
        lines: list[list[Content]] = [[]]
        for word in words:
            taken = sum(w.cell_length + 2 for w in lines[-1])
            if lines[-1] and taken + word.cell_length > width:
                lines.append([])
            lines[-1].append(word)
        drawn = Content("\n").join(Content("  ").join(line) for line in lines)
        show(self, drawn)
