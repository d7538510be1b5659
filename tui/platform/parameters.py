"""The parameters a platform has, read from its own list (``-l``), which differs from version to version."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LIST_S = 60.0
"""Longest wait for the list."""

LINE_LIMIT = 2000
"""Characters of a line that are looked at."""


@dataclass(frozen=True)
class Parameter:
    """One line of the list. `low` and `high` bound a number, as the platform writes them."""

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
    return [_parameter(found) for found in map(_LINE.match, lines) if found]


def _parameter(found: "re.Match[str]") -> Parameter:
    return Parameter(
        name=found["name"],
        value=found["value"],
        type=found["type"],
        when=found["when"],
        default=found["default"],
        text=found["text"] or "",
        low=found["low"],
        high=found["high"],
    )


def ask(command: Sequence[str], env: Mapping[str, str]) -> list[Parameter]:
    """The parameters of the platform that `command` starts; empty if it does not tell."""
    try:
        done = subprocess.run(
            [*command, "-l"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            timeout=LIST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse(done.stdout.decode("utf-8", "replace"))
