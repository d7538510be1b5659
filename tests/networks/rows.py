"""One run as a row of the table: read from what ``fvp-tui run --json`` printed, and from nothing else."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHAIN = ("quantized", "lowered", "platform")
"""Links of a model's chain, in order: each is compared with the one before, the first with the float model."""

LIMIT_S = 900
"""Longest run; one that takes longer counts as no answer."""

UNEXPECTED = ("Traceback (most recent call last)", "internal error")
"""Marks of a failure that was not foreseen, on the program's standard error."""


@dataclass(frozen=True)
class Link:
    """One comparison of the chain; an unknown figure is None. `sqnr_db` is that of its end against the float model."""

    status: str
    sqnr_db: float | None
    max_abs_error: float | None
    allowed: float | None
    reason: str | None
    hint: str | None


@dataclass(frozen=True)
class Kept:
    """Operators that stayed on the CPU for one reason, with the hint that the run gives."""

    operators: tuple[tuple[str, int], ...]
    reason: str
    hint: str | None


@dataclass(frozen=True)
class Row:
    """One network with one quantization."""

    model: str
    quantize: str
    seconds: float
    exit_status: int | None
    """None for a run that gave no answer in time."""
    status: str
    check: str | None
    links: tuple[tuple[str, Link], ...]
    sqnr_db: float | None
    """Worst output of the platform against the float model."""
    delegated_percent: float | None
    kept: tuple[Kept, ...]
    reason: str | None
    hint: str | None
    notes: tuple[str, ...]
    unexpected: bool
    """The program failed in a way that it did not foresee."""

    @property
    def outcome(self) -> str:
        """``match``, the first link that breaks, or the status of a run without a check."""
        if self.status != "ok":
            return self.status
        if self.check == "match":
            return "match"
        return next((name for name, link in self.links if link.status == "mismatch"), self.check or "no check")

    @property
    def explained(self) -> bool:
        """A match, a mismatch with its reason, or a failure with its reason and a next step."""
        if self.unexpected or self.exit_status is None:
            return False
        if self.outcome == "match":
            return self.exit_status == 0
        # A failed compilation has its next step in brackets behind the reason.
        return bool(self.reason) and (self.status == "ok" or bool(self.hint) or str(self.reason).endswith(")"))


def _kept(delegation: Mapping[str, Any]) -> tuple[Kept, ...]:
    """Operators on the CPU by reason, without the conversions that others bring along."""
    groups: dict[tuple[str, str | None], Counter[str]] = {}
    for operator in delegation.get("left", ()):
        if not operator["conversion"]:
            groups.setdefault((operator["reason"], operator["hint"]), Counter())[operator["op"]] += 1
    return tuple(Kept(tuple(ops.items()), reason, hint) for (reason, hint), ops in groups.items())


def _share(delegation: Mapping[str, Any]) -> float | None:
    nodes = delegation.get("delegated_nodes", 0) + delegation.get("non_delegated_nodes", 0)
    return 100 * delegation["delegated_nodes"] / nodes if nodes else None


def _link(found: Mapping[str, Any]) -> Link:
    figures = (found.get(name) for name in ("sqnr_db", "max_abs_error", "allowed", "reason", "hint"))
    return Link(found["status"], *figures)


def row(model: str, quantize: str, seconds: float, exit_status: int | None, state: str, said: str) -> Row:
    """Make a row of a run's standard output (`state`) and standard error (`said`)."""
    try:
        data = json.loads(state)
    except ValueError:
        data = {}
    run, check, delegation = (data.get(name) or {} for name in ("run", "check", "delegation"))
    links = {found["name"]: _link(found) for found in check.get("links") or ()}
    broken = next((link for link in links.values() if link.status == "mismatch"), None)
    worst = [output["sqnr_db"] for output in check.get("outputs") or () if output["sqnr_db"] is not None]
    return Row(
        model=model,
        quantize=quantize,
        seconds=seconds,
        exit_status=exit_status,
        status=run.get("status", "no answer"),
        check=check.get("status"),
        links=tuple((name, links[name]) for name in CHAIN if name in links),
        sqnr_db=min(worst, default=None),
        delegated_percent=_share(delegation),
        kept=_kept(delegation),
        reason=run.get("reason") or check.get("reason") or (None if data else said.strip()[-500:]),
        hint=run.get("hint") or (broken.hint if broken else None),
        notes=tuple(data.get("notes") or ()),
        unexpected=any(mark in said for mark in UNEXPECTED),
    )


def run(model: str, quantize: str, home: Path) -> Row:
    """Compile and run a model on the simulator, as a user does."""
    command = [sys.executable, "-m", "tui", "run", model, "--quantize", quantize, "--platform", "simulator", "--json"]
    begun = time.monotonic()
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "FVP_TUI_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return row(model, quantize, time.monotonic() - begun, None, "", f"no answer in {LIMIT_S} s")
    return row(model, quantize, time.monotonic() - begun, done.returncode, done.stdout, done.stderr)
