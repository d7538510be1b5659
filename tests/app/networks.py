"""Networks of many operators and partitions, as runs that never were."""

from pathlib import Path

import msgspec

from tests.app import fakes
from tui.run import events
from tui.run.delegation import CpuOperator, Delegation, OperatorDelegation
from tui.run.events import Event
from tui.run.figures import Operator, PlanStep

BETWEEN = ("cortex_m::dequantize_per_tensor.out", "aten::topk.values", "cortex_m::quantize_per_tensor.out")
"""Kernels on the CPU between two partitions."""


def network(operators: tuple[Operator, ...], steps: tuple[PlanStep, ...] = (), *more: Event) -> Path:
    """A run of this network."""
    name, request = "20261123-061531-net-u85-256-dddd", fakes.spec_of()
    estimated = next(e for e in fakes.compiled() if isinstance(e, events.Estimated))
    what = [
        *fakes.begun(name, request),
        msgspec.structs.replace(estimated, operators=operators, tensors=()),
        events.PlanKnown(t=fakes.T0, steps=steps),
        *more,
        *fakes.finished(),
    ]
    return fakes.make(name, request, what)


def transformer() -> tuple[Operator, ...]:
    """Twelve blocks of twelve operators each."""
    paths = (f"encoder.layers.{at // 12}.{'attn' if at % 12 < 6 else 'mlp'}.{at % 12}" for at in range(144))
    return tuple(
        Operator(name=path, module=path, op="Conv2D", total_cycles=1_000 + 10 * at, line=f"/models/vit.py:{at}")
        for at, path in enumerate(paths)
    )


def mobilenet() -> tuple[Operator, ...]:
    """Seventeen blocks of three convolutions, as slow as those of MobileNetV2, between a stem and a head."""
    slow = (90, 60, 110, 75, 50, 40, 30, 35, 20, 25, 15, 30, 20, 25, 15, 20, 25)
    blocks = [
        Operator(
            name=f"features.{block}.conv.{at}", module=f"features.{block}.conv.{at}", op="Conv2D",
            total_cycles=cycles * (3, 2, 4)[at] * 100,
        )
        for block, cycles in enumerate(slow, start=1)
        for at in range(3)
    ]  # fmt: skip
    stem = Operator(name="features.0.0", module="features.0.0", op="Conv2D", total_cycles=60_000)
    head = Operator(name="classifier.1", module="classifier.1", op="FullyConnected", total_cycles=25_000)
    return (stem, *blocks, head)


def partitions(count: int) -> tuple[tuple[Operator, ...], tuple[PlanStep, ...]]:
    """Partitions of two operators, with two conversions and a kernel between them."""
    operators = tuple(
        Operator(
            name=f"m{at // 2}.{at % 2}", module=f"m{at // 2}.{at % 2}", op="Add", total_cycles=500, partition=at // 2
        )
        for at in range(2 * count)
    )
    steps = [PlanStep(op="EthosUBackend", name="P0", partition=0)]
    for at in range(1, count):
        steps += [
            PlanStep(op=op, name=f"{op.partition('::')[2].partition('.')[0]}_{at}", line=f"net.py:{at}")
            for op in BETWEEN
        ]
        steps.append(PlanStep(op="EthosUBackend", name=f"P{at}", partition=at))
    return operators, tuple(steps)


def divided() -> Path:
    """A run of three partitions and two causes of work on the CPU."""
    left = (
        CpuOperator(op="aten.topk", node="topk_1", reason="the NPU cannot sort", line="net.py:1", conversions=2),
        CpuOperator(op="aten.topk", node="topk_2", reason="the NPU cannot sort", line="net.py:2", conversions=2),
        CpuOperator(
            op="aten.atan2", node="atan2", reason="no such table", hint="use a table", inputs=("float32[1,5]",)
        ),
    )
    rows = (
        OperatorDelegation(op="aten.topk", npu=0, cpu=2),
        OperatorDelegation(op="aten.atan2", npu=0, cpu=1),
        OperatorDelegation(op="aten.add", npu=6, cpu=0),
        OperatorDelegation(op="quantized_decomposed.quantize_per_tensor", npu=3, cpu=0),
    )
    delegation = Delegation(subgraphs=3, delegated_nodes=9, non_delegated_nodes=3, operators=rows, left=left)
    operators, steps = partitions(3)
    steps += (PlanStep(op="aten::atan2.out", name="atan2", line="net.py:9"),)
    return network(operators, steps, events.DelegationKnown(t=fakes.T0, delegation=delegation))
