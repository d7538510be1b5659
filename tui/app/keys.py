"""The user's own keys: ``keys.toml`` in the configuration folder. Imports no terminal library.

A line gives an action other keys than its own, by the action's name: ``run.stop = "x"``, ``log.follow = ["f", "end"]``.
``fvp-tui keys`` lists the names; a key is written as Textual names it: ``ctrl+x``, ``f5``, ``slash``.
"""

import difflib
from collections.abc import Mapping
from typing import Any

from tui import config
from tui.errors import UsageError

NAME = "keys.toml"


def read() -> dict[str, str]:
    """Read the keys by action, several separated by commas; empty where there is no file.

    Raises:
        UsageError: the file cannot be read, or says something else.
    """
    path = config.folder() / NAME
    content = config.read_toml(path, dict, default={}, hint='for example run.stop = "f9"')
    found: dict[str, str] = {}
    for action, keys in _flat(content, ""):
        words = keys if isinstance(keys, list) else [keys]
        if not words or not all(isinstance(word, str) and word.strip() for word in words):
            raise UsageError(f"{path}: {action} is not a key or a list of keys", 'for example run.stop = "x"')
        found[action] = ",".join(word.strip() for word in words)
    return found


def problems(wanted: Mapping[str, str], defaults: Mapping[str, str]) -> list[str]:
    """List what is wrong with the user's keys: actions that do not exist, and keys that two actions of one place share.

    `defaults` has the keys of all actions. The first word of an action's name is its place.
    """
    found = []
    for action in sorted(wanted.keys() - defaults.keys()):
        close = difflib.get_close_matches(action, defaults, n=1)
        hint = f"did you mean {close[0]}?" if close else "fvp-tui keys lists the names"
        found.append(f"no action is called {action} ({hint})")
    by_key: dict[tuple[str, str], list[str]] = {}
    known = {action: own for action, own in wanted.items() if action in defaults}
    for action, own in {**defaults, **known}.items():
        for key in own.split(","):
            by_key.setdefault((action.partition(".")[0], key), []).append(action)
    # Two of ours may share one, where only one of them is possible at a time.
    for (_, key), several in by_key.items():
        if len(several) > 1 and not wanted.keys().isdisjoint(several):
            found.append(f"{' and '.join(sorted(several))} have the same key, {key}: give one of them another")
    return found


def _flat(table: dict[str, Any], before: str) -> list[tuple[str, Any]]:
    """``[run] stop = ...`` and ``run.stop = ...`` mean the same."""
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, dict) else [(f"{before}{name}", value)]
    return found
