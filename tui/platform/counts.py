"""Instructions of an emulated CPU: which step of the program took how many, from the file the simulator writes.

The file (``fvp-sim --counts``) has a line of JSON wherever the runtime comes to a step of the program's plan, with all
instructions since the reset; it is read while it grows.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui.files import Growing
from tui.model import pte
from tui.model.pte import Plan
from tui.run.delegation import CpuOperator
from tui.run.events import Event, InstructionsCounted
from tui.run.figures import PlanStep

HANDED_OVER = "NPU partition {}"
BRANCHING = "the program's plan branches: instructions are counted for each inference, not for each operator"


def steps(plan: Plan, left: Sequence[CpuOperator] = ()) -> tuple[PlanStep, ...]:
    """The steps of a plan; nodes that stayed on the CPU, in the program's order, tell where they come from."""
    plan_steps = []
    nodes = list(left)
    for instruction in plan.instructions:
        match instruction:
            case pte.KernelCall(op, _):
                name = plan.operators[op]
                node = next((n for n in nodes if _base(n.op) == _base(name)), None)
                if node is not None:
                    del nodes[: nodes.index(node) + 1]
                plan_steps.append(
                    PlanStep(
                        op=name,
                        name=name if node is None or not node.node else node.node,
                        module=None if node is None else node.module,
                        line=None if node is None else node.line,
                    )
                )
            case pte.DelegateCall(number, _):
                name = HANDED_OVER.format(number)
                plan_steps.append(PlanStep(op=plan.delegates[number].backend, name=name, partition=number))
            case _:
                kind = type(instruction).__name__
                plan_steps.append(PlanStep(op=kind, name=kind))
    return tuple(plan_steps)


def _base(name: str) -> str:
    """``topk`` of ``aten::topk.values`` and of ``aten.topk.default``."""
    return name.replace("::", ".").split(".")[1] if "." in name.replace("::", ".") else name


class Follower:
    """Follows one file, which is of one inference."""

    def __init__(self, path: Path, plan: Plan, inference: int) -> None:
        self._file = Growing(path)
        self._known = not any(isinstance(instruction, pte.JumpIfFalse) for instruction in plan.instructions)
        self._inference = inference
        self._rest = b""
        self._boot: int | None = None
        self._step = -1
        self._begun = 0
        self._ended = False

    def events(self) -> list[Event]:
        """Events of what has been written since the last call."""
        *lines, self._rest = (self._rest + self._file.more()).split(b"\n")
        counted: dict[int, int] = {}
        whole: int | None = None
        for what, now in _marks(lines):
            if self._ended:
                break
            if what == "execute":
                self._boot = now
            elif self._boot is not None:
                if self._step >= 0:
                    counted[self._step] = now - self._begun
                self._step, self._begun = self._step + 1, now
                if what == "return":
                    self._ended, whole = True, now - self._boot
        if not lines or self._boot is None:
            return []
        running = None if self._ended or self._step < 0 else self._step
        return [
            InstructionsCounted(
                inference=self._inference,
                boot=self._boot,
                execute=whole,
                steps=counted if self._known else {},
                running=running if self._known else None,
            )
        ]


def _marks(lines: Sequence[bytes]) -> Iterator[tuple[str, int]]:
    for line in lines:
        try:
            mark = json.loads(line)
        except ValueError:
            continue
        if isinstance(mark, dict):
            yield from ((what, now) for what, now in mark.items() if type(now) is int)
