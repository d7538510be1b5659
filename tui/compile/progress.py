"""Progress of a stage, reported a few times a second at most."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch.fx import Interpreter, Node

from tui.compile import executorch_api
from tui.run import events
from tui.run.events import Event, Stage

EVERY_S = 0.5
"""Seconds between two events: viewers draw no faster, and minutes of compiling leave only some hundred lines."""

FEWEST_PASSES = 10
"""A pass manager with fewer passes is not reported."""

Report = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and the total; None where that is unknown."""


def silent(what: str, done: int, total: int | None) -> None:
    """Report to nobody."""


def reporter(emit: Callable[[Event], None], stage: Stage, every_s: float = EVERY_S) -> Report:
    """Report a stage's progress as events; a stage shorter than `every_s` sends none."""
    last = time.monotonic()

    def report(what: str, done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= every_s:
            last = now
            emit(events.StageProgressed(stage=stage, what=what, done=done, total=total))

    return report


class _ReportedPasses(list[Any]):
    """The passes of a pass manager; each is reported as it begins."""

    def __init__(self, passes: Iterable[Any], report: Report) -> None:
        super().__init__(passes)
        self._report = report

    def __iter__(self) -> Iterator[Any]:
        for at, each in enumerate(super().__iter__()):
            self._report("passes", at, len(self))
            yield each


class _Watch:
    """Reports passes as they begin, and between them the nodes that are traced."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._passes = 0
        """Nested pass managers at work."""
        self._traced: Counter[int] = Counter()
        """Nodes by the interpreter that runs them."""

    def manager(self, stock: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a pass manager's call to report its passes, unless it is part of a pass itself."""

        def run(manager: Any, *arguments: Any, **options: Any) -> Any:
            if not self._passes and len(manager.passes) >= FEWEST_PASSES:
                manager.passes = _ReportedPasses(manager.passes, self._report)
            self._passes += 1
            try:
                return stock(manager, *arguments, **options)
            finally:
                self._passes -= 1

        return run

    def node(self, stock: Callable[[Interpreter, Node], Any]) -> Callable[[Interpreter, Node], Any]:
        """Wrap an interpreter's run of a node to report it where no pass is at work."""

        def run(interpreter: Interpreter, node: Node) -> Any:
            if not self._passes:
                self._traced[id(interpreter)] += 1
                self._report("nodes traced", self._traced[id(interpreter)], len(node.graph.nodes))
            return stock(interpreter, node)

        return run


@contextlib.contextmanager
def watching(report: Report) -> Iterator[None]:
    """Report the passes of pass managers, and the nodes that are traced between them, within a block."""
    watch = _Watch(report)
    with executorch_api.running_passes(watch.manager, watch.node):
        yield
