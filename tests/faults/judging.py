"""What is wrong after a try: what is shown of its runs, what was printed anywhere, which processes are left."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.world import Machine, until
from tui import processes
from tui.run import journal, store

REST_S = 90.0
"""How long a run may take to end, whatever was done to it."""
LEAVE_S = 10.0
"""How long its processes may take to be gone after it."""

FAULT = re.compile(r"Traceback \(most recent call last\)|internal error|Exception ignored|Fatal Python error")
OURS = re.compile(r"/tui/|internal error")
TEXTS = (store.PROCESS_LOG, store.CONSOLE, journal.FILE, "artifacts/compile.log", "artifacts/internal_error.txt")
"""What a run's processes print, and where."""

NONE = "none"
"""There is no run, as its command was ended before it made one."""


@dataclass(frozen=True)
class Outcome:
    """One try. Empty lists are what is hoped for."""

    scenario: str
    number: int
    ended: str
    """How its run is shown."""
    wrong: tuple[str, ...] = ()
    tracebacks: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    seconds: float = 0.0
    met: bool = True
    """Whether the fault found its victim: a moment may come after the end."""


def tracebacks(texts: dict[str, str]) -> list[str]:
    """Faults of ours that texts tell of; the interpreter's own, when it is ended while it starts, are not."""
    found = []
    for name, text in texts.items():
        for match in FAULT.finditer(text):
            said = text[match.start() : match.start() + 2500]
            if OURS.search(said):
                found.append(f"{name}: {said}")
                break
    return found


def interpreters(text: str) -> bool:
    """Whether the interpreter was interrupted before our first line: it has a traceback and a status for that."""
    return "KeyboardInterrupt" in text and not OURS.search(text)


def texts(made: Machine) -> dict[str, str]:
    """All that was printed in a try."""
    printed = {viewer.out.name: viewer.text() for viewer in made.viewers}
    for directory in made.runs():
        for name in TEXTS:
            if (path := directory / name).exists():
                printed[f"{directory.name}/{name}"] = path.read_text(encoding="utf-8", errors="replace")
    return printed


def at_rest(made: Machine) -> list[str]:
    """Wait until no run of a try goes on; those that do."""

    def resting() -> bool:
        return not any(processes.locked(directory / store.SPEC) for directory in made.runs())

    return [] if until(resting, REST_S, 0.02) else [f"still running after {REST_S:g} s: {made.left()}"]


def left_behind(made: Machine) -> list[str]:
    """Processes that a try has left."""
    until(lambda: not made.left(), LEAVE_S, 0.05)
    return [str(process) for process in made.left()]


def shown(made: Machine, directory: Path) -> tuple[dict[str, Any], list[str]]:
    """What ``show --json`` prints of a run, and what is wrong with that."""
    done = made.command("show", directory.name, "--json")
    if done.returncode != 0 or FAULT.search(done.stderr):
        return {}, [f"unreadable: show ends with {done.returncode}: {done.stderr}"]
    found: dict[str, Any] = json.loads(done.stdout)
    return found, list(_inconsistent(found))


def _inconsistent(found: dict[str, Any]) -> Iterator[str]:
    """What cannot be true of a run that is over."""
    run, inferences = found["run"], found["inferences"]
    if run["created"] is None:
        yield "created is null"
    if run["status"] == "running":
        yield "shown as running, and its process is gone"
    if run["status"] == "ok" and found["spec"]["until"] == "check":
        names = {artifact["name"] for artifact in found["artifacts"]}
        if "outputs.npz" not in names or len(inferences) < found["spec"]["inferences"] or found["check"] is None:
            yield f"ok with {len(inferences)} inferences, outputs {'outputs.npz' in names}, check {found['check']}"
    stages = {stage["status"] for stage in found["stages"]}
    if "running" in stages and run["status"] != "lost":
        yield f"{run['status']}, and a stage is running"
    if "failed" in stages and run["status"] in ("ok", "stopped"):
        yield f"{run['status']}, and a stage has failed"
    exits = {"ok": {0}, "failed": {1, 3, 4}, "stopped": {130}, "lost": {None}}
    if run["exit_status"] not in exits.get(run["status"], {run["exit_status"]}):
        yield f"{run['status']} with exit status {run['exit_status']}"
    if run["status"] in ("failed", "lost") and not run["reason"]:
        yield f"{run['status']} without a reason"


def verdict(made: Machine, allowed: Collection[str]) -> tuple[str, list[str]]:
    """How a try's only run is shown, and what is wrong with that."""
    found = made.runs()
    if not found:
        return NONE, [] if NONE in allowed else ["there is no run"]
    state, wrong = shown(made, found[0])
    if not state:
        return "unreadable", wrong
    status = state["run"]["status"]
    if status not in allowed:
        wrong.append(f"shown as {status} ({state['run']['reason']}), expected {' or '.join(sorted(allowed))}")
    return status, wrong
