"""Judge the links of models with state, whose later inferences depend on earlier ones.

Tolerances do not matter here: a program that lost its state is another program, however close its outputs are.
"""

from collections.abc import Sequence

import msgspec

from tui.model.tensors import ModelState
from tui.run.check import Check, Link, why_broken

BOOTED = "the platform was booted for each inference"


def compiled(links: Sequence[Link], state: ModelState | None) -> tuple[Link, ...]:
    """The links of a compiled model; the first is broken if the program lost state that inferences of the run need."""
    if state is None or not state.lost or state.needed_from is None:
        return tuple(links)
    at = next((at for at, link in enumerate(links) if link.status != "skipped"), len(links) - 1)
    reason = f"{_since(state, state.lost)}, which the .pte does not keep"
    changed = msgspec.structs.replace(links[at], status="mismatch", reason=reason, operator=None, line=None)
    return (*links[:at], changed, *links[at + 1 :])


def judge(check: Check, state: ModelState | None, inferences: Sequence[int], *, booted_each: bool) -> Check:
    """The check of `inferences`, broken if they needed state: with `booted_each` each ran after a boot of its own."""
    if state is None or not check.links:
        return check
    *before, platform = check.links
    if booted_each and state.needed_from is not None and any(k >= state.needed_from for k in inferences):
        reason = f"{_since(state, state.buffers)}, and {BOOTED}"
    elif platform.status == "mismatch" and state.unset:
        reason = f"{platform.reason}; the .pte does not hold the initial value of {', '.join(state.unset)}"
    else:
        return check
    links = (*before, msgspec.structs.replace(platform, status="mismatch", reason=reason))
    return msgspec.structs.replace(check, status="mismatch", reason=why_broken(links), links=links)


def _since(state: ModelState, buffers: Sequence[str]) -> str:
    return f"from inference {(state.needed_from or 0) + 1} on the outputs depend on state in {', '.join(buffers)}"
