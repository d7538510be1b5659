"""How far a stage has come, told a few times a second at most."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from executorch.exir.pass_manager import ExportedProgramPassManager
from torch.fx import Interpreter
from torch.fx.passes.infra.pass_manager import PassManager

from tui.run import events
from tui.run.events import Event, Stage

EVERY_S = 0.5
"""Between two events: a viewer draws no faster, and a compilation of minutes leaves no more than some hundred lines."""

WORTH_TELLING = 10
"""Passes of a manager below which it is not told of."""

Report = Callable[[str, int, int | None], None]
"""Takes what is being done, how much of it is done, and of how much; None where that is not known."""


def silent(what: str, done: int, total: int | None) -> None:
    """Report to nobody."""


def teller(emit: Callable[[Event], None], stage: Stage, every_s: float = EVERY_S) -> Report:
    """Report a stage's progress as events; of a stage that is over sooner, nothing."""
    last = time.monotonic()

    def report(what: str, done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= every_s:
            last = now
            emit(events.StageProgressed(stage=stage, what=what, done=done, total=total))

    return report


class _Told(list[Any]):
    """Passes that a pass manager goes through; each is told of as it begins."""

    def __init__(self, passes: Iterable[Any], report: Report) -> None:
        super().__init__(passes)
        self._report = report

    def __iter__(self) -> Iterator[Any]:
        for at, each in enumerate(super().__iter__()):
            self._report("passes", at, len(self))
            yield each


class _Watch:
    """Sees passes begin, and between them nodes being traced."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._passes = 0
        """Pass managers at work, one inside the other."""
        self._traced: Counter[int] = Counter()
        """Nodes by the interpreter that runs them."""

    def manager(self, stock: Callable[..., Any]) -> Callable[..., Any]:
        """A pass manager's call, that tells of its passes unless it is part of a pass itself."""

        def run(manager: Any, *arguments: Any, **options: Any) -> Any:
            if not self._passes and len(manager.passes) >= WORTH_TELLING:
                manager.passes = _Told(manager.passes, self._report)
            self._passes += 1
            try:
                return stock(manager, *arguments, **options)
            finally:
                self._passes -= 1

        return run

    def node(self, stock: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """An interpreter's run of a node, which is told of where no pass is at work."""

        def run(interpreter: Any, node: Any) -> Any:
            if not self._passes:
                self._traced[id(interpreter)] += 1
                self._report("nodes traced", self._traced[id(interpreter)], len(node.graph.nodes))
            return stock(interpreter, node)

        return run


@contextlib.contextmanager
def watching(report: Report) -> Iterator[None]:
    """While this lasts, the passes of pass managers and the nodes that are traced between them are reported."""
    watch = _Watch(report)
    with contextlib.ExitStack() as stack:
        for manager in (PassManager, ExportedProgramPassManager):
            stack.enter_context(replaced(manager, "__call__", watch.manager))
        stack.enter_context(replaced(Interpreter, "run_node", watch.node))
        yield


@contextlib.contextmanager
def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """While this lasts, what `owner` has under a name is what `make` makes of it; nothing where it has no such."""
    stock = getattr(owner, name, None)
    if stock is None:
        yield
        return
    setattr(owner, name, make(stock))
    try:
        yield
    finally:
        setattr(owner, name, stock)
