"""Inferences under way: how many are done of how many, how fast, what each took, and what is at work now."""

from dataclasses import dataclass

from tui.reports.format import clock, duration, number, percentage, three_digits
from tui.run.check import Accuracy
from tui.run.figures import Spread, spread
from tui.run.state import State, stage
from tui.text import counted

WAITING = "waiting: i infers again, I on files, s ends the session"


@dataclass(frozen=True)
class Inferring:
    """The inferences of a run as far as they have come."""

    done: int
    asked: int | None
    """Number asked for; None of a platform that stays for more."""
    rate: float | None
    """Inferences a second; None before the first is done."""
    walls: tuple[float, ...]
    """Wall seconds of each, where they are known, in the order in which they ran."""
    cycles: tuple[int, ...]
    """NPU cycles of each, likewise."""
    source: str
    """Source of the cycles."""
    accuracy: Accuracy | None
    waiting: bool
    """True if all that were asked for are done, and the platform stays."""

    @property
    def wall(self) -> Spread | None:
        """Spread of the wall times."""
        return spread(self.walls)

    @property
    def to_go(self) -> float | None:
        """Seconds to go at that rate; None where the number or the rate is not known."""
        if self.asked is None or not self.rate:
            return None
        return max(self.asked - self.done, 0) / self.rate


def inferring(state: State) -> Inferring:
    """The inferences of a state."""
    done, infer = len(state.inferences), stage(state, "infer")
    until = state.inference_since if state.inference_running is not None else state.last_event
    taken = until - infer.started if until is not None and infer.started is not None else 0.0
    source = state.inferences[-1].source if state.inferences else None
    return Inferring(
        done=done,
        asked=asked(state),
        rate=done / taken if done and taken > 0 else None,
        walls=tuple(one.wall_s for one in state.inferences if one.wall_s is not None),
        cycles=tuple(one.npu_cycles for one in state.inferences if one.npu_cycles is not None),
        source=source or "",
        accuracy=state.accuracy,
        waiting=state.phase == "waiting",
    )


def asked(state: State) -> int | None:
    """Number of inferences asked for; None where there may be more, or nothing is known of it."""
    if state.spec is None or state.spec.serve:
        return None
    progress = stage(state, "infer").progress
    return progress.total if progress is not None and progress.total is not None else state.spec.inferences


def several(state: State) -> bool:
    """Tell whether a run has, or will have, more than one inference."""
    return len(state.inferences) > 1 or (asked(state) or 1) > 1


# -- words


def count_words(found: Inferring) -> tuple[str, str]:
    """The number of inferences that are done, and the rest of ``214 of 360 inferences``."""
    if found.asked is None:
        return f"{found.done:,}", "inference done" if found.done == 1 else "inferences done"
    return f"{found.done:,}", f"of {counted(found.asked, 'inference')}"


def pace_words(found: Inferring) -> str:
    """``66.2 /s   2 s to go``."""
    if found.waiting:
        return WAITING
    words = []
    if found.rate is not None:
        words.append(f"{three_digits(found.rate)} /s" if found.rate >= 1 else f"{duration(1 / found.rate)} each")
    if found.to_go:
        words.append(f"{clock(found.to_go + 0.999)} to go")
    return "   ".join(words)


def deviation(values: Spread) -> str:
    """``±2 %``; ``all same`` for no difference."""
    if values.count == 1:
        return ""
    if values.min == values.max:
        return "all same"
    return "" if values.deviation_pct is None else f"±{number(values.deviation_pct, 0)} %"


def right_words(right: int, inputs: int) -> tuple[str, str]:
    """``213 of 214`` and ``99.5 %``."""
    return f"{right:,} of {inputs:,}", f"{number(100 * right / inputs, 1)} %" if inputs else percentage(None)
