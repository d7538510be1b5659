"""Short names of runs: ``7f3a`` of ``20261123-021531-digits-u85-256-7f3a``, while no other id ends in it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tui.errors import UsageError

TOKEN = re.compile(r"[0-9a-f]{4}")
"""The part of an id that its run drew by lot."""
STAMP = len("20261123-021531")


def matches(name: str, names: Sequence[str]) -> list[str]:
    """The runs that a name may mean: that of this id, those whose id begins with it, or those whose last part it is."""
    if not name:
        return []
    if name in names:
        return [name]
    begin = [run for run in names if run.startswith(name)]
    return begin or [run for run in names if _token(run) == name]


def short(names: Iterable[str]) -> Mapping[str, str]:
    """The short name of each of these runs, which are all there are: `matches` finds that run by it, and no other."""
    runs = sorted(names)
    tokens = Counter(_token(run) for run in runs)
    beginnings = {run[:4] for run in runs}
    found = {}
    for at, run in enumerate(runs):
        token = _token(run)
        # One that an id begins with means that run.
        unique = token and tokens[token] == 1 and token not in beginnings
        found[run] = token if unique else _beginning(run, runs[max(at - 1, 0) : at + 2])
    return found


def _token(name: str) -> str:
    last = name.rpartition("-")[2]
    return last if last != name and TOKEN.fullmatch(last) else ""


def _beginning(run: str, neighbours: Sequence[str]) -> str:
    """The shortest beginning, its time at the least, that none of its neighbours in alphabetical order shares."""
    shared = max((_shared(run, other) for other in neighbours if other != run), default=0)
    return run[: max(shared + 1, STAMP)] if shared < len(run) else run


def _shared(one: str, other: str) -> int:
    """Number of characters that both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def resolve(name: str, newest_first: Sequence[str], kind: str, see: str) -> str:
    """The one that a name means: an id, its unique beginning or last part, ``last`` or ``last~N``.

    `kind` is what they are, ``run`` or ``campaign``, and `see` the command that lists them.

    Raises:
        UsageError: none, or more than one, answers to it.
    """
    if match := re.fullmatch(r"last(?:~(\d+))?", name):
        back = int(match[1] or 0)
        if back < len(newest_first):
            return newest_first[back]
        raise UsageError(f"no {kind} {name}: there are {len(newest_first)}", f"see: {see}")
    found = matches(name, newest_first)
    if len(found) > 1:
        what = f"{name!r} is ambiguous: {len(found)} {kind}s answer to it"
        raise UsageError(what, f"such as {found[0]} and {found[1]}")
    if not found:
        raise UsageError(f"no {kind} {name!r}", f"see: {see}")
    return found[0]
