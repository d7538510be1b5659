"""One graph from its spec to a verdict: the simulator's outputs against the TOSA reference model's.

And beside that, whether the lowered program, which that model executes, still is the quantized model.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import tosa_reference_model

from tests.differential import excuses, families, links, lowering
from tests.differential.faults import Fault
from tests.differential.links import Finding
from tests.differential.lowering import Partition
from tests.differential.specs import Configuration, Given, Kind, Npu, Spec, Step, generator
from tests.simulator import programs
from tests.simulator.programs import Part
from tui.compile.links import tosa_reference
from tui.errors import one_line
from tui.simulator.delegate import DelegateError

Array = np.ndarray[Any, Any]
Verdict = Literal["equal", "excused", "mismatch", "error", "refused"]

STYLES = ("uniform", "extreme")
"""Inputs of each graph: all integers alike, and those where arithmetic has its edges."""


SHIFTS = 7
"""One more than the greatest amount that a fault's graph shifts by."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of a graph."""

    index: int
    family: str
    families: tuple[str, ...]
    verdict: Verdict
    detail: str = ""
    compilations: int = 0
    refused: tuple[str, ...] = ()
    """Reasons why Vela rejected configurations of a graph that it compiled for others."""
    excused: tuple[str, ...] = ()
    """Names of the compiler's faults that explain differences, one for each configuration that differs."""
    partial: bool = False
    """Some operators were left for the CPU."""
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    """Outputs that lowering changed, whatever the verdict on the simulator."""
    unlinked: str = ""
    """The reason why the lowered program was not compared with the quantized model."""
    shortest: int = 0
    """The first steps of the graph that have an unknown finding by themselves; 0 where there is none."""


class RefusedError(Exception):
    """A graph that cannot be compared; the text is a reason that many graphs may share."""


class ExcusedError(Exception):
    """A difference that a named fault of the compiler explains; the text names it."""


class DifferentError(Exception):
    """The simulator is at fault, or the compiler; the text says where."""


def reason(stage: str, error: BaseException) -> str:
    """An exception as one of a few reasons: without the numbers and names of this graph."""
    text = f"{type(error).__name__}: {one_line(error, 200)}" if str(error) else type(error).__name__
    text = re.sub(r"\b0x[0-9a-f]+|\d+", "N", text)
    return f"{stage}: {re.sub(r'(, N)+', ', ...', text)[:110]}"


def _inputs(partition: Partition, style: str, random: np.random.Generator) -> list[Array]:
    limits = [given.limit for given in partition.given if given is not None and given.limit]
    found = []
    for meta, given in zip(partition.inputs, partition.given, strict=True):
        if meta.dtype == np.bool_:
            found.append(random.integers(0, 2, meta.shape) > 0)
            continue
        if given is not None and given.limit:
            found.append(random.integers(0, given.limit, meta.shape, meta.dtype))
            continue
        if given is None and limits and meta.dtype in (np.int32, np.int64):
            # Computed from an index on the CPU: good for any of them.
            found.append(random.integers(0, min(limits), meta.shape, meta.dtype))
            continue
        info = np.iinfo(meta.dtype)
        edges = [info.min, info.min + 1, -1, 0, 1, info.max - 1, info.max]
        if style == "extreme":
            found.append(random.choice(np.array(edges, meta.dtype), meta.shape))
        else:
            found.append(random.integers(info.min, info.max, meta.shape, meta.dtype, endpoint=True))
    return found


def _expected(partition: Partition, inputs: list[Array]) -> list[Array] | None:
    """The reference model's outputs; None where TOSA leaves the result open."""
    try:
        results, status = tosa_reference_model.run(partition.tosa, inputs, verbosity="NONE")
    except ValueError as error:
        raise RefusedError(reason("executorch: no valid TOSA", error)) from error
    if status != tosa_reference_model.GraphStatus.TOSA_VALID:
        return None
    if [array.shape for array in results] != [meta.shape for meta in partition.outputs]:
        raise RefusedError("executorch: the TOSA graph lost a permute, its output has another shape")
    return list(results)


def difference(found: list[Array], expected: list[Array]) -> str | None:
    """Differences between two lists of outputs."""
    for number, (have, want) in enumerate(zip(found, expected, strict=True)):
        if have.dtype != want.dtype or have.shape != want.shape:
            return f"output {number} is {have.dtype}{list(have.shape)}, not {want.dtype}{list(want.shape)}"
        wrong = have != want
        if wrong.any():
            place = tuple(int(axis[0]) for axis in np.nonzero(wrong))
            return (
                f"output {number}: {int(wrong.sum())} of {wrong.size} elements differ, the first at {place}:"
                f" {have[place]}, not {want[place]}"
            )
    return None


def _staged(stage: str, action: Callable[..., Any], *arguments: Any) -> Any:
    """The compilers' exceptions are of any kind, some even SystemExit: each is a refusal."""
    try:
        return action(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise RefusedError(reason(stage, error)) from error


def _compare(part: Part, cases: list[tuple[list[Array], list[Array]]]) -> None:
    where = _difference(part, cases)
    if where is None:
        return
    if (fault := excuses.excuse(part, cases)) is not None:
        raise ExcusedError(f"vela: {fault}")
    raise DifferentError(where)


def _difference(part: Part, cases: list[tuple[list[Array], list[Array]]]) -> str | None:
    try:
        engine = part.load()
        lost = len(cases[0][1]) - len(engine.outputs)
        if lost:
            raise RefusedError(f"vela: drops {lost} outputs")
        found = (difference(programs.simulate(part, engine, inputs), expected) for inputs, expected in cases)
        return next((where for where in found if where is not None), None)
    except DelegateError as error:
        return f"the simulator says: {error}"


def compare(spec: Spec) -> Outcome:
    """Lower, compile and run a graph."""
    begun = time.process_time()
    steps = tuple(step.family for step in spec.steps)
    compilations = 0
    refusals: list[str] = []
    excused: list[str] = []
    partial = False
    found: tuple[Finding, ...] = ()
    unlinked = ""

    def ended(verdict: Verdict, detail: str = "") -> Outcome:
        return Outcome(
            index=spec.index,
            family=spec.family,
            families=steps,
            verdict=verdict,
            detail=detail,
            compilations=compilations,
            refused=tuple(refusals),
            excused=tuple(excused),
            partial=partial,
            seconds=time.process_time() - begun,
            findings=found,
            unlinked=unlinked,
        )

    try:
        lowered = _staged("executorch", lowering.lower, spec)
        if not lowered.partitions:
            return ended("refused", "executorch: nothing is delegated")
        partial = lowered.left > 0
        found, unlinked = _link(lowered)
        compared = 0
        for partition in lowered.partitions:
            random = generator(spec.seed, spec.index, 3)
            given = [_inputs(partition, style, random) for style in STYLES]
            cases = [(inputs, want) for inputs in given if (want := _expected(partition, inputs)) is not None]
            if not cases:
                refusals.append("reference model: TOSA leaves the result open")
                continue
            for configuration in spec.configurations:
                try:
                    part = _staged("vela", lowering.compiled, partition, configuration)
                    compilations += 1
                    _compare(part, cases)
                    compared += 1
                except RefusedError as refused:
                    refusals.append(str(refused))
                except ExcusedError as explained:
                    excused.append(str(explained))
                except DifferentError as different:
                    return ended("mismatch", f"{configuration}: {different}")
    except RefusedError as refused:
        return ended("refused", str(refused))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not a refusal
        return ended("error", f"{type(error).__name__}: {error}")
    if excused:
        return ended("excused", excused[0])
    return ended("equal") if compared else ended("refused", refusals[0])


def _link(lowered: lowering.Lowered) -> tuple[tuple[Finding, ...], str]:
    """Changes by lowering, and the reason if they could not be determined."""
    try:
        return tuple(links.findings(lowered)), ""
    except tosa_reference.Unavailable as error:
        return (), reason("reference model", error)


def _shortest(spec: Spec) -> int:
    """Number of a graph's first steps that alone have an unknown finding."""
    for steps in range(1, len(spec.steps)):
        try:
            found, _ = _link(_staged("executorch", lowering.lower, spec.shortened(steps)))
        except RefusedError:
            continue
        if any(not finding.faults for finding in found):
            return steps
    return len(spec.steps)


def smallest(fault: Fault, number: int = 0) -> Spec:
    """The graph of one of the compiler's known faults."""
    kinds: tuple[Kind, Kind] = ("float", "float") if fault.dtype == "float32" else ("int", "index")
    given = [
        Given(f"{'w' if constant else 'x'}{n}", shape, kind, constant, SHIFTS if kind == "index" else 0, fault.dtype)
        for n, (shape, kind, constant) in enumerate(
            [(shape, kinds[0], False) for shape in fault.inputs]
            + [(shape, kinds[1], True) for shape in fault.parameters]
        )
    ]
    steps = tuple(Step("", f"v{n}", text) for n, text in enumerate(fault.steps))
    configuration = Configuration(*fault.target, None, "Performance")
    return Spec(0, number, "", tuple(given), steps, fault.quantization, (configuration,))


def compare_number(seed: int, index: int, npu: Npu = "ethos-u85") -> Outcome:
    """As `compare`, of the graph with that number, which is made shorter where lowering changes it unaccountably."""
    spec = families.spec(seed, index, npu)
    outcome = compare(spec)
    if any(not finding.faults for finding in outcome.findings):
        return replace(outcome, shortest=_shortest(spec))
    return outcome
