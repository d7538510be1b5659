"""The verdict of a comparison, in a line and as tiles."""

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from tui.analysis.compare import Comparison
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.tile import TileFace
from tui.app.widgets.words import fit, model_name
from tui.reports.compare import Verdict
from tui.reports.format import UNKNOWN, change, ms, number
from tui.run.derived import checked, latency, outcome
from tui.run.state import State
from tui.text import printable_name

ROLES = {"good": "ok", "bad": "fail", "unknown": "warn"}
SIGNS = {"good": "✓", "bad": "✗", "unknown": "!"}


class CompareHead(Lines):
    """One line: the verdict as a pill, what was compared, and the verdict in words."""

    def __init__(self) -> None:
        super().__init__(id="top")
        self._verdict: Verdict | None = None
        self._what = ""

    def show(self, verdict: Verdict, what: str) -> None:
        """Show a verdict on `what`, the model and its target."""
        self._verdict, self._what = verdict, what
        self.draw()

    def drawn(self, width: int, paint: Paint) -> list[Strip]:
        """Draw the line; where the width is short, what was compared goes first."""
        if self._verdict is None:
            words = [Segment(" fvp-tui", paint.ink("accent", bold=True)), Segment("  Compare", paint.ink("strong"))]
            return [Strip([*words, Segment("  reading...", paint.ink("muted"))])]
        verdict = self._verdict
        pill = f" {SIGNS[verdict.tone]} {verdict.word} "
        title = " Compare "
        room = width - cell_len(pill) - cell_len(title)
        said = f" {verdict.sentence}"
        what = f" {self._what} " if cell_len(self._what) + cell_len(said) + 2 <= room else ""
        return [
            Strip(
                [
                    Segment(pill, paint.pill(ROLES[verdict.tone])),
                    Segment(title, paint.ink("strong", bold=True)),
                    Segment(what, paint.ink("text")),
                    Segment(fit(said, max(room - cell_len(what), 0)), paint.ink("muted")),
                ]
            )
        ]


def what_words(state: State) -> str:
    """Model and target of a run."""
    if state.spec is None:
        return printable_name(state.run.id)
    return f"{model_name(state.spec.model, 30)}  {printable_name(state.spec.target.accelerator)}"


def face(letter: str, short: str, when: str, state: State, most: float | None) -> TileFace:
    """The tile of a run: its latency, its verdict, and its bar beside the other's, of which `most` ms is the longer."""
    found, check = latency(state), checked(state)
    figure, _, unit = ms(found.ms if found else None).partition(" ")
    stands = outcome(state)
    status = {"match": "✓ MATCH", "mismatch": "✗ MISMATCH"}.get(check.status if check else "", "not checked")
    role = {"ok": "ok" if check and check.status == "match" else "muted", "running": "accent"}.get(stands, "fail")
    if stands not in ("ok", "mismatch"):
        status = f"{'●' if stands == 'running' else '✗'} {stands.upper()}"
    cycles = state.estimate.total_cycles if state.estimate else None
    return TileFace(
        label=f"{letter} {short}  {when}",
        figure=figure,
        unit=unit,
        note=f"{number(cycles)} cycles" if cycles is not None else "",
        share=found.ms / most if found and most else None,
        words=status,
        role=role,
    )


def against(comparison: Comparison, found: Verdict, a: State, b: State) -> TileFace:
    """The third tile: the change of latency, or the verdict where it outweighs that."""
    first, second = latency(a), latency(b)
    percent = None
    if first and second and first.by == second.by and first.ms:
        percent = 100 * (second.ms - first.ms) / first.ms
    words = change(percent)
    if found.word == "WRONG":
        sense = f"{words}, but wrong" if percent is not None and percent < 0 else words
        return TileFace("B AGAINST A", "✗ WRONG", words=sense, role="fail", pill="fail")
    if not comparison.comparable or percent is None:
        return TileFace("B AGAINST A", UNKNOWN, words=found.word.lower(), role="warn")
    figure, _, unit = words.partition(" ")
    sense = "same" if percent == 0 else "faster" if percent < 0 else "slower"
    slower = "muted" if comparison.npus else "fail"
    role = "fail" if found.tone == "bad" else "muted" if percent == 0 else "ok" if percent < 0 else slower
    worse = f", {found.word}" if found.tone == "bad" else ""
    return TileFace("B AGAINST A", figure, unit, words=sense + worse, role=role)
