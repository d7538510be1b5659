"""Folding of journals: many lines at once, whole files, and files that grow."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui.run import events
from tui.run.heads import Head, decode_heads
from tui.run.journal import Follower
from tui.run.state import EMPTY, State, fold, idle
from tui.text import clean

DAMAGED = "the journal is damaged: lines that cannot be read are left out, and with them maybe figures"

LAST_WORDS = 300
"""Characters of a process's last words that are shown."""


def fold_lines(state: State, lines: Sequence[bytes], heads: Sequence[Head | None]) -> State:
    """The state after more lines of a journal, of which these are the heads.

    It is that of `fold` over their events, but lines of log, of which there may be millions, are only counted.
    """
    logged = errors = 0
    last = 0.0
    for line, head in zip(lines, heads, strict=True):
        if head is None:
            if events.damaged(line):
                state = fold(state, events.Noted(text=DAMAGED))
            continue
        if head.logged:
            logged += 1
            errors += head.level == "error"
            last = head.t if 0 < head.t <= events.LAST_T else last
        elif (event := events.decode(line)) is not None:
            state = fold(state, event)
            last = event.t or last
    if not logged:
        return state
    return msgspec.structs.replace(
        state,
        log_lines=state.log_lines + logged,
        log_errors=state.log_errors + errors,
        last_event=last or state.last_event,
    )


def fold_journal(path: Path) -> State:
    """The state that a journal comes to as it stands."""
    return fold_new(EMPTY, Follower(path))


def fold_new(state: State, follower: Follower) -> State:
    """The state after all that a journal has had since it was last followed."""
    while True:
        _, lines = follower.lines()
        state = fold_lines(state, lines, decode_heads(lines))
        if not follower.behind():
            return state


def lost(state: State, last_words: str | None = None) -> State:
    """The state of a run whose process is gone without a last event; `last_words` is what it printed last."""
    seconds = state.last_event - state.run.created if state.run.created and state.last_event is not None else None
    reason = "the run process is gone without a result" + (f": {clean(last_words, LAST_WORDS)}" if last_words else "")
    run = msgspec.structs.replace(state.run, status="lost", reason=reason, seconds=seconds)
    return idle(msgspec.structs.replace(state, run=run, platform_pid=None))
