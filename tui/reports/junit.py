"""JUnit's XML, as CI systems read it: of a run, with its stages, check and limits as test cases.

What a system calls a failure is a figure or a result that is not as asked for; an error is what could not be done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from tui.reports.check import both_ends
from tui.reports.text import title
from tui.run.check import Check
from tui.run.derived import badge, checked, gone_through, outcome
from tui.run.state import StageState, State
from tui.text import clean

Kind = Literal["failure", "error", "skipped"]
Problem = tuple[Kind, str]

NAMES: dict[Kind, str] = {"failure": "failures", "error": "errors", "skipped": "skipped"}
"""Counts of a suite, by problem."""


@dataclass(frozen=True)
class Case:
    """A test case, and what is wrong with it."""

    name: str
    seconds: float | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Suite:
    """Cases that belong together; `klass` is what systems group them by."""

    name: str
    klass: str
    cases: tuple[Case, ...]


def document(name: str, suites: Sequence[Suite]) -> str:
    """Suites as XML, counted."""
    root = ElementTree.Element("testsuites", name=clean(name, 200))
    for suite in suites:
        made = ElementTree.SubElement(root, "testsuite", name=clean(suite.name, 200), tests=str(len(suite.cases)))
        for case in suite.cases:
            attributes = {"classname": clean(suite.klass, 200), "name": clean(case.name, 200)}
            element = ElementTree.SubElement(made, "testcase", attributes)
            element.set("time", str(round(case.seconds or 0.0, 3)))
            for problem, text in case.problems:
                ElementTree.SubElement(element, problem, message=clean(text, 300))
        for kind, counts in NAMES.items():
            made.set(counts, str(len(made.findall(f"testcase/{kind}"))))
    for counts in ("tests", *NAMES.values()):
        root.set(counts, str(sum(int(made.get(counts, "0")) for made in root)))
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content.decode() + "\n"


def of_run(state: State) -> str:
    """A run's stages, its check link by link, its limits, and how it ended."""
    klass = title(state)
    cases = {"stages": _stages(state), "check": _check(checked(state)), "limits": _limits(state), "run": _run(state)}
    suites = [Suite(name, klass, tuple(found)) for name, found in cases.items()]
    return document(f"{state.run.id} {badge(state)}".rstrip(), [suite for suite in suites if suite.cases])


def _stages(state: State) -> Iterator[Case]:
    for stage in gone_through(state):
        yield Case(stage.name, stage.seconds, tuple(_of_stage(stage)))


def _of_stage(stage: StageState) -> Iterator[Problem]:
    if stage.status in ("failed", "stopped"):
        line = f", {stage.line}" if stage.line else ""
        yield "error", f"{stage.reason or stage.status}{line}"
    elif stage.status != "ok":
        yield "skipped", stage.reason or {"pending": "not reached", "running": "under way"}.get(stage.status, "skipped")


def _check(check: Check | None) -> Iterator[Case]:
    """The links, each against the one before it; where there are none, the outputs."""
    if check is None:
        return
    for link in check.links:
        yield Case(both_ends(check, link), None, _judged(link.status, link.reason))
    yield Case("outputs are the model's", None, _judged(check.status, check.reason))


def _judged(status: str, reason: str | None) -> tuple[Problem, ...]:
    if status == "mismatch":
        return (("failure", reason or "the outputs are not the model's"),)
    return () if status == "match" else (("skipped", reason or "not compared"),)


def _limits(state: State) -> Iterator[Case]:
    for limit in state.limits:
        yield Case(f"limit {limit.name}", None, () if limit.ok else (("failure", limit.words),))


def _run(state: State) -> Iterator[Case]:
    """The end of the run: an error where it could not be done. What else is wrong with it, other cases say."""
    ended, reason = outcome(state), state.run.reason or ""
    exceeded = any(not limit.ok for limit in state.limits)
    problems: tuple[Problem, ...] = ()
    if ended in ("failed", "lost", "stopped") and not exceeded:
        problems = (("error", f"{ended}: {reason}" if reason else ended),)
    elif ended == "running":
        problems = (("skipped", "under way"),)
    yield Case("the run ends well", state.run.seconds, problems)
    if (verdict := state.verdict) is not None:
        wrong = verdict.verdict != "pass"
        yield Case("verdict on the platform", None, (("error", verdict.reason),) if wrong else ())
