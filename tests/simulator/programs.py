"""Delegates of compiled programs, on random inputs: on the simulator, and on Arm's TOSA reference model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tosa_reference_model

from tui.model import pte, tensors
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu import stream
from tui.simulator.ethosu.stream import Command

TOSA = "model.tosa"
SMALL = Path(__file__).parent / "ethosu55"


@dataclass(frozen=True)
class Part:
    """A delegate of a program, the tensors it takes and gives, and the TOSA graph it was compiled from."""

    delegate: pte.Delegate
    named_data: dict[str, memoryview]
    inputs: tuple[pte.Tensor, ...]
    outputs: tuple[pte.Tensor, ...]
    graph: bytes

    def load(self) -> EthosU:
        """The delegate on the simulator, as a new simulation loads it."""
        return EthosU(self.delegate, self.named_data)

    def random_inputs(self, seed: int, limits: tuple[int, int] | None = None) -> list[np.ndarray[Any, Any]]:
        """Inputs over the full range of their types, or of integers within `limits`."""
        random = np.random.default_rng(seed)
        found = []
        for meta in self.inputs:
            if meta.dtype == np.bool_:
                found.append(random.integers(0, 2, meta.shape).astype(np.bool_))
                continue
            low, high = limits or (np.iinfo(meta.dtype).min, np.iinfo(meta.dtype).max)
            found.append(random.integers(low, high, meta.shape, meta.dtype, endpoint=True))
        return found


def parts(program: pte.Program, graphs: Sequence[bytes]) -> list[Part]:
    """The delegates of a program; `graphs` are in the order of its delegates."""
    plan = program.main
    found = []
    for number, (delegate, graph) in enumerate(zip(plan.delegates, graphs, strict=True)):
        call = next(i for i in plan.instructions if isinstance(i, pte.DelegateCall) and i.delegate == number)
        metas = [plan.values[index] for index in call.args]
        count = len(EthosU(delegate, program.named_data).inputs)
        found.append(Part(delegate, program.named_data, tuple(metas[:count]), tuple(metas[count:]), graph))
    return found


def parts_of_run(artifacts: Path) -> list[Part]:
    """The delegates of a run's program."""
    program = pte.parse((artifacts / "model.pte").read_bytes())
    folders = [artifacts / "vela" / f"partition-{number}" for number in range(len(program.main.delegates))]
    return parts(program, [(folder / TOSA).read_bytes() for folder in folders])


def parts_of_fixture(name: str, accelerator: str) -> list[Part]:
    """The delegate of a small program for an Ethos-U55 or U65 that lies beside the tests."""
    program = pte.parse((SMALL / f"{name}-{accelerator}.pte").read_bytes())
    return parts(program, [(SMALL / f"{name}.tosa").read_bytes()])


def simulate(
    part: Part,
    engine: EthosU,
    inputs: Sequence[np.ndarray[Any, Any]],
    observe: Callable[[Command], None] | None = None,
) -> list[np.ndarray[Any, Any]]:
    """What the simulator makes of `inputs`; arrays in logical order."""
    given = [
        np.frombuffer(tensors.to_bytes(array, meta.dim_order), np.uint8)
        for array, meta in zip(inputs, part.inputs, strict=True)
    ]
    # Not zeros: an output that is not written must not look like one that is zero.
    taken = [np.full(meta.nbytes, 0x5A, np.uint8) for meta in part.outputs]
    engine.execute(given, taken, observe)
    return [
        tensors.from_bytes(
            data.tobytes(),
            tensors.TensorInfo(dtype=meta.dtype.name, shape=meta.shape, dim_order=meta.dim_order),
        )
        for data, meta in zip(taken, part.outputs, strict=True)
    ]


def reference(part: Part, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    """What the TOSA reference model makes of them."""
    results, status = tosa_reference_model.run(part.graph, list(inputs), verbosity="NONE")
    assert status == tosa_reference_model.GraphStatus.TOSA_VALID
    return list(results)


def with_words(part: Part, words: np.ndarray[Any, Any]) -> Part:
    """The same delegate with other command words in its blob."""
    sound = part.load().stream.words.tobytes()
    blob = bytes(part.delegate.data)
    at = blob.index(sound)
    changed = blob[:at] + words.astype("<u4").tobytes() + blob[at + len(sound) :]
    return replace(part, delegate=replace(part.delegate, data=memoryview(changed)))


def settings(part: Part) -> dict[str, list[int]]:
    """At which words of a delegate's stream each register is set."""
    whole = part.load().stream
    found: dict[str, list[int]] = {}
    at = 0
    while at < len(whole.words):
        step, length = stream.decode(whole, at)
        found.setdefault(step.name, []).append(at)
        at += length
    return found


def with_registers(part: Part, **values: int) -> Part:
    """The same delegate with every setting of these registers replaced."""
    words, places = part.load().stream.words.copy(), settings(part)
    for name, value in values.items():
        for at in places[name]:
            if words[at] >> 14 & 3:
                words[at] = int(words[at]) & 0xFFFF | value >> 32 << 16
                words[at + 1] = value & 0xFFFFFFFF
            else:
                words[at] = int(words[at]) & 0xFFFF | value << 16
    return with_words(part, words)
