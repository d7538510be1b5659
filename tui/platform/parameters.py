"""The parameters a platform has, read from its own list (``-l``), which differs from version to version."""

import difflib
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tui import config, processes
from tui.errors import UsageError
from tui.platform.selection import Choice
from tui.run.spec import Spec

LIST_S = 60.0
"""Longest wait for the list."""

LINE_LIMIT = 2000
"""Characters of a line that are looked at."""


@dataclass(frozen=True)
class Parameter:
    """A line of the list. `low` and `high` bound a number, as the platform writes them."""

    name: str
    value: str
    type: str
    """``bool``, ``int`` or ``string``."""
    when: str
    """``init-time`` or ``run-time``."""
    default: str
    text: str
    low: str | None = None
    high: str | None = None


# From the left: a description may itself hold " : ", brackets and quotes. Ranges are "0x0..0xF" or "0x0:0xF".
_LINE = re.compile(
    r"^(?P<name>[^\s=#]+)=(?P<value>.*?)\s+# \((?P<type>\w+)\s*, ?(?P<when>init-time|run-time)\s*\)"
    r" default = '(?P<default>.*?)'\s*:(?: (?P<text>.*?))?"
    r"(?: ?: \[(?P<low>[^\]\s]+?)(?:\.\.|:)(?P<high>[^\]\s]+)\])?\s*$"
)


def parse(listing: str) -> list[Parameter]:
    """The parameters of a list, in its order; other lines (banner, comments) are passed over."""
    lines = (line.rstrip("\r")[:LINE_LIMIT] for line in listing.split("\n"))
    return [_parameter(match) for match in map(_LINE.match, lines) if match]


def _parameter(match: "re.Match[str]") -> Parameter:
    return Parameter(
        name=match["name"],
        value=match["value"],
        type=match["type"],
        when=match["when"],
        default=match["default"],
        text=match["text"] or "",
        low=match["low"],
        high=match["high"],
    )


def problem(parameter: Parameter, value: str) -> str | None:
    """Reason a parameter cannot have this value, None if it can. An FVP's reaction to it is not documented."""
    text = value.strip("'\"")
    if parameter.type == "bool":
        return None if text.lower() in ("0", "1", "true", "false") else f"{value!r} is neither 0 nor 1"
    if parameter.type != "int":
        return None
    number = _integer(text)
    if number is None:
        return f"{value!r} is not a number"
    low, high = _integer(parameter.low), _integer(parameter.high)
    if (low is not None and number < low) or (high is not None and number > high):
        return f"{value} is outside {parameter.low} to {parameter.high}"
    return None


def _integer(text: str | None) -> int | None:
    try:
        return None if text is None else int(text, 0)
    except ValueError:
        return None


def matching(parameters: Iterable[Parameter], words: Sequence[str]) -> list[Parameter]:
    """Parameters whose name or description has all the words in it, upper and lower case alike."""
    lowered = [word.lower() for word in words]
    return [p for p in parameters if all(word in f"{p.name} {p.text}".lower() for word in lowered)]


def ask(command: Sequence[str], env: Mapping[str, str], cache: Path | None = None) -> list[Parameter]:
    """The parameters of the platform that `command` starts; empty if it does not tell.

    Its list is kept in the file `cache`, and taken from there the next time.
    """
    if cache is not None and cache.exists():
        return parse(cache.read_text(encoding="utf-8", errors="replace"))
    listing = _listing(command, env)
    parameters = parse(listing)
    if cache is not None and parameters:
        cache.parent.mkdir(parents=True, exist_ok=True)
        part = cache.with_name(f"{cache.name}.part-{os.getpid()}")
        part.write_text(listing, encoding="utf-8", errors="replace")
        part.replace(cache)
    return parameters


def _listing(command: Sequence[str], env: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            [*command, "-l"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            timeout=LIST_S,
            check=False,
            preexec_fn=processes.tie(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def of(choice: Choice) -> list[Parameter]:
    """Parameters of a platform, from its own list; empty if it does not tell. An FVP's list is kept by version."""
    cache = None
    if choice.kind == "fvp":
        binary = Path(choice.command[0])
        stat = binary.stat()
        mark = f"{choice.name}-{choice.version}-{stat.st_size:x}-{stat.st_mtime_ns:x}.txt"
        cache = config.home() / "cache" / "parameters" / re.sub(r"[^\w.+-]", "_", mark)
    return ask(choice.command, choice.env, cache)


def check(spec: Spec, choice: Choice) -> frozenset[str] | None:
    """Refuse a parameter that the platform does not have, or not with that value, and return the names of all it has.

    What an FVP would do with either is not documented. A platform that does not list its parameters is believed to
    have them: None. Our own simulator is only asked where the spec has parameters.

    Raises:
        UsageError: the platform lists its parameters, and one of the spec's does not fit.
    """
    if choice.kind == "serial" or (choice.kind == "simulator" and not spec.parameters):
        return None
    listed = {parameter.name: parameter for parameter in of(choice)}
    if not listed:
        return None
    for name, value in spec.parameters:
        if name not in listed:
            close = difflib.get_close_matches(name, listed, n=3, cutoff=0.6)
            hint = f"did you mean {' or '.join(close)}?" if close else "fvp-tui params lists them"
            raise UsageError(f"{choice.name} has no parameter {name}", hint)
        if why := problem(listed[name], value):
            raise UsageError(f"{name}: {why}", listed[name].text)
    return frozenset(listed)
