"""Obstacles to running a program on the firmware, told before it is booted and with a remedy.

The firmware would find most of it out by itself, but late, and its driver's own text is cut off on the console.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tui.model import pte
from tui.model.pte import Plan, PteError, Tensor
from tui.simulator import npu
from tui.simulator.delegate import DelegateError, EthosU
from tui.simulator.firmware import dtypes
from tui.simulator.firmware.image import Image

INTERPRETER = "--engine interpreter runs it"
ANOTHER_MODEL = f"use a smaller model, or {INTERPRETER}"


@dataclass(frozen=True)
class Obstacle:
    """A reason the firmware cannot run a program, and a remedy."""

    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.what} ({self.hint})"


def obstacles(program: bytes, image: Image, accelerator: str) -> list[Obstacle]:
    """The obstacles to a program on an NPU, by Vela's name of it."""
    try:
        parsed = pte.parse(program)
        delegates = [EthosU(delegate, parsed.named_data) for delegate in parsed.main.delegates]
    except (PteError, DelegateError) as error:
        return [Obstacle(f"the program cannot be loaded: {error}", "compile it again")]
    return [
        *_npu(delegates, accelerator),
        *_kernels(parsed.main, image),
        *_inputs(parsed.main),
        *_signatures(parsed.main, image),
        *_dtypes(parsed.main, delegates),
        *_sizes(program, parsed.main, delegates, image),
    ]


def _npu(delegates: list[EthosU], accelerator: str) -> Iterator[Obstacle]:
    others = sorted({npu.accelerator(delegate.stream) for delegate in delegates} - {accelerator})
    if others:
        yield Obstacle(
            f"the program was compiled for {others[0]}, the NPU is {accelerator}",
            f"run it with --target {others[0]}, or compile it for {accelerator}",
        )


def _kernels(plan: Plan, image: Image) -> Iterator[Obstacle]:
    missing = [name for name in plan.operators if name not in image.kernels]
    if missing:
        yield Obstacle(
            f"the firmware has no kernel for {', '.join(missing)}",
            f"delegate it or use another operator; {INTERPRETER}",
        )


def _inputs(plan: Plan) -> Iterator[Obstacle]:
    numbers = [at for at, index in enumerate(plan.inputs) if not isinstance(plan.values[index], Tensor)]
    if numbers:
        yield Obstacle(f"input {numbers[0]} is not a tensor, and the firmware takes tensors only", INTERPRETER)


def _signatures(plan: Plan, image: Image) -> Iterator[Obstacle]:
    calls = [i for i in plan.instructions if isinstance(i, pte.KernelCall) and i.op < len(plan.operators)]
    for name, count in image.layout.arguments.items():
        counts = {len(call.args) for call in calls if plan.operators[call.op] == name} - {count}
        if counts:
            yield Obstacle(
                f"the program calls {name} with {max(counts)} arguments, the firmware's takes {count}",
                "they are from different releases of ExecuTorch: compile with the firmware's, or for the NPU",
            )


def _dtypes(plan: Plan, delegates: list[EthosU]) -> Iterator[Obstacle]:
    """The first call of each kind that a kernel, or the NPU's backend, would refuse."""
    told: set[tuple[str, str]] = set()
    for name, tensor, taken in _typed(plan, delegates):
        dtype = tensor.dtype.name
        if dtype not in taken and (name, dtype) not in told:
            told.add((name, dtype))
            # 16-bit activations are what --quantize a16w8 asks for.
            instead = f"--quantize int8, or {INTERPRETER}" if dtype == "int16" else INTERPRETER
            types = " or ".join(sorted(taken))
            yield Obstacle(f"the firmware's {name} takes {types}, the program has {dtype}", instead)


def _typed(plan: Plan, delegates: list[EthosU]) -> Iterator[tuple[str, Tensor, frozenset[str]]]:
    """Tensors that calls pass, with whom they are passed to and the types it takes."""
    for call in plan.instructions:
        if isinstance(call, pte.KernelCall):
            name = plan.operators[call.op]
            for at, taken in dtypes.KERNELS.get(name, {}).items():
                if at < len(call.args) and isinstance(value := plan.values[call.args[at]], Tensor):
                    yield name, value, taken
        elif isinstance(call, pte.DelegateCall):
            # What it gives back is copied, of whatever type it is.
            for index in call.args[: len(delegates[call.delegate].inputs)]:
                if isinstance(value := plan.values[index], Tensor):
                    yield "backend of the NPU", value, dtypes.NPU


def _bytes(plan: Plan, indices: tuple[int, ...]) -> int:
    return sum(value.nbytes for index in indices if isinstance(value := plan.values[index], Tensor))


def _sizes(program: bytes, plan: Plan, delegates: list[EthosU], image: Image) -> Iterator[Obstacle]:
    """Against places and pools; the runtime's own objects come on top of what is counted."""
    layout = image.layout
    inputs = _bytes(plan, plan.inputs)
    scratch = max((delegate.scratch_bytes for delegate in delegates), default=0)
    rows = (
        ("the program has", len(program), layout.program_size, "the firmware has room for"),
        ("its inputs take", inputs, layout.inputs_size, "the firmware has room for"),
        ("its outputs take", _bytes(plan, plan.outputs), layout.outputs_size, "the firmware has room for"),
        ("planned buffers and inputs take", sum(plan.buffer_sizes) + inputs, image.method_pool, "method_allocator has"),
        ("the NPU's scratch takes", scratch, layout.temporary_size, "temp_allocator has"),
    )
    for what, needed, available, where in rows:
        if available is not None and needed > available:
            yield Obstacle(f"{what} {needed:,} bytes, {where} {available:,}", ANOTHER_MODEL)
