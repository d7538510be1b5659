"""Instructions counted: the file as it grows, and the steps of a plan with where they come from."""

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.model import pte
from tui.platform import counts
from tui.run import state
from tui.run.delegation import CpuOperator
from tui.run.events import InstructionsCounted, PlanKnown


def plan(*instructions: pte.Instruction) -> pte.Plan:
    return pte.Plan(
        name="forward",
        values=(),
        inputs=(),
        outputs=(),
        instructions=instructions,
        operators=("cortex_m::quantize_per_tensor.out", "aten::topk.values"),
        delegates=(pte.Delegate("EthosUBackend", memoryview(b""), ()),),
        buffer_sizes=(),
    )


KERNEL, HANDED, TOPK = pte.KernelCall(0, ()), pte.DelegateCall(0, ()), pte.KernelCall(1, ())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 10_000), min_size=1, max_size=6), st.integers(5, 60))
def test_however_the_file_is_cut_the_counts_are_the_same(
    tmp_path: Path, boot: int, taken: list[int], size: int
) -> None:
    now = boot + 85
    marks = [{"execute": boot}]
    for count in taken:
        marks.append({"step": now})
        now += count
    text = "".join(json.dumps(mark) + "\n" for mark in [*marks, {"return": now}]).encode()
    path = tmp_path / "counts.jsonl"
    path.write_bytes(b"")
    shape = plan(*[KERNEL] * len(taken))
    follower = counts.Follower(path, shape, 3)
    folded = state.fold(state.EMPTY, PlanKnown(steps=counts.steps(shape)))
    for at in range(0, len(text), size):
        path.write_bytes(text[: at + size])
        for event in follower.events():
            assert isinstance(event, InstructionsCounted)
            folded = state.fold(folded, event)
    assert [step.instructions for step in folded.cpu.operators] == taken
    assert {step.source for step in folded.cpu.operators} == {"counted"}
    (inference,) = folded.cpu.inferences
    assert (inference.inference, inference.boot, inference.execute) == (3, boot, 85 + sum(taken))
    assert folded.step_running is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
def test_a_damaged_file_says_nothing_that_breaks(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "counts.jsonl"
    path.write_bytes(data)
    counts.Follower(path, plan(KERNEL), 0).events()


def test_a_plan_that_branches_has_no_counts_by_step(tmp_path: Path) -> None:
    path = tmp_path / "counts.jsonl"
    path.write_text('{"execute": 10}\n{"step": 20}\n{"return": 30}\n', encoding="ascii")
    (event,) = counts.Follower(path, plan(KERNEL, pte.JumpIfFalse(0, 0)), 0).events()
    assert isinstance(event, InstructionsCounted)
    assert (event.execute, event.steps, event.running) == (20, {}, None)


def test_steps_are_told_where_they_come_from_in_the_order_of_the_program() -> None:
    def node(op: str, name: str, line: str) -> CpuOperator:
        return CpuOperator(op=op, node=name, reason="", line=line)

    left = (
        node("quantized_decomposed.quantize_per_tensor.default", "q0", "m.py:1"),
        node("aten.topk.default", "topk", "m.py:2"),
        node("quantized_decomposed.quantize_per_tensor.default", "q1", "m.py:3"),
    )
    found = counts.steps(plan(KERNEL, HANDED, TOPK, KERNEL, KERNEL), left)
    assert [(step.name, step.line, step.partition) for step in found] == [
        ("q0", "m.py:1", None),
        ("NPU partition 0", None, 0),
        ("topk", "m.py:2", None),
        ("q1", "m.py:3", None),
        ("cortex_m::quantize_per_tensor.out", None, None),
    ]
