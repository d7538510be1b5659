"""Comparison of two runs: their differences, their figures, and their operators matched by module."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tui import config
from tui.run import store
from tui.run.derived import checked
from tui.run.figures import Figure, Operator, spread
from tui.run.state import State
from tui.toolchain import boards
from tui.toolchain.target import UNKNOWN

SCHEMA_VERSION = 1

CHECK = "check"
"""Name of the figure that is 1 where the outputs are those of the user's model, and 0 where they are not."""

HIGHER_IS_BETTER = frozenset({"delegated_percent", "sqnr_db", CHECK})
EXACT = frozenset({"partitions", "cpu_kernels", CHECK})
"""Counts: one more is a regression, whatever its share."""

INFERENCE_CYCLES = "inference_npu_cycles"
OF_VELAS_MODEL = frozenset({"total_cycles", "npu_cycles"})
"""Figures by Vela's cycle model, which differs from version to version; memory and MACs are counted."""

ACCELERATOR = "spec.target.accelerator"
"""Name of the difference between two targets' accelerators."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tolerances of a comparison, in percent: of all figures, of some by name, and of each module."""

    figures_pct: float = 1.0
    modules_pct: float = 5.0
    module_cycles: int = 100
    """A module that loses fewer cycles than this is no regression, whatever its share."""
    figures: dict[str, float] = {}
    """Tolerances by name of the figure."""


class Difference(Figure):
    """A field of the spec, or a version, that differs."""

    name: str
    a: str | None = None
    b: str | None = None


class Compared(Figure):
    """A figure of both runs; None where one does not have it."""

    name: str
    a: float | None = None
    b: float | None = None
    change_pct: float | None = None
    """Change in percent of A; None where A is 0 or one of them is not known."""
    regression: bool = False


class ComparedModule(Compared, frozen=True, kw_only=True):
    """The cycles of a module's operators. Without A it is new, without B it is gone."""

    line_a: str | None = None
    line_b: str | None = None


class Comparison(Figure, frozen=True, kw_only=True):
    """Two runs by name; for what cannot be compared, `reasons` say why, and there are no figures.

    It is what ``compare --json`` prints.
    """

    schema_version: int = SCHEMA_VERSION
    a: str
    b: str
    comparable: bool
    reasons: tuple[str, ...] = ()
    differs: tuple[Difference, ...] = ()
    figures: tuple[Compared, ...] = ()
    operators: tuple[ComparedModule, ...] = ()

    @property
    def regressions(self) -> tuple[Compared, ...]:
        """Figures and modules that got worse by more than the profile allows."""
        return tuple(figure for figure in (*self.figures, *self.operators) if figure.regression)

    @property
    def npus(self) -> tuple[str, ...]:
        """The accelerators of A and B, where these are of two families of NPUs; else empty.

        Then it is a choice that is looked at, not a change of the model: the cycles and memories of one are no measure
        for those of the other, whose clock and memories are others.
        """
        differs = next((difference for difference in self.differs if difference.name == ACCELERATOR), None)
        names = () if differs is None else tuple(filter(None, (differs.a, differs.b)))
        families = {boards.of(name).npu.name for name in names if name not in (*boards.CPU_TARGETS, UNKNOWN)}
        return names if len(families) == len(names) == 2 else ()


def read_profile(path: Path) -> Profile:
    """Read a profile from a TOML file.

    Raises:
        UsageError: it cannot be read, or is no profile.
    """
    return config.read_toml(path, Profile, name=f"profile {path}")


def compare(a: State, b: State, profile: Profile) -> Comparison:
    """Compare B with A: their differences, and what is worse in B.

    Between two families of NPUs only a lost match is, and what the profile names.
    """
    reasons = tuple(_reasons(a, b))
    differs = tuple(_differences(a, b))
    if reasons:
        return Comparison(a=a.run.id, b=b.run.id, comparable=False, reasons=reasons, differs=differs)
    partly = tuple(_partly(a, b))
    figures = tuple(_figures(a, b, profile, inferences=not partly))
    velas = _two_velas(a, b, figures)
    found = Comparison(
        a=a.run.id,
        b=b.run.id,
        comparable=True,
        reasons=partly if velas is None else (*partly, velas),
        differs=differs,
        figures=figures,
        operators=tuple(_modules(a.operators, b.operators, profile)),
    )
    if velas is not None:
        found = _judged_by(found, {figure.name for figure in figures} - OF_VELAS_MODEL)
    return _judged_by(found, {CHECK, *profile.figures}) if found.npus else found


def _two_velas(a: State, b: State, figures: Sequence[Compared]) -> str | None:
    """Say that the estimates are of two versions of Vela, and what judges instead; None where they are of one.

    Vela's cycle models differ: by its own figures, 5.1 made a transformer slower that by one model it made 7 % faster.
    """
    versions = (a.versions.vela, b.versions.vela)
    estimates = (a.estimate, b.estimate)
    if None in versions or len(set(versions)) == 1 or any(e is None or e.source != "vela" for e in estimates):
        return None
    words = f"estimates: those of Vela {versions[0]} and {versions[1]} are of two cycle models"
    both = next((one for one in figures if one.name == INFERENCE_CYCLES and None not in (one.a, one.b)), None)
    if both is None:
        return f"{words}; cycles are not judged: run both on the simulator"
    return f"{words}; judged by {INFERENCE_CYCLES}"


def _judged_by(found: Comparison, judged: Collection[str]) -> Comparison:
    """The comparison with no regressions but in the figures that are judged."""
    replace = msgspec.structs.replace
    figures = tuple(replace(each, regression=each.regression and each.name in judged) for each in found.figures)
    operators = tuple(replace(each, regression=False) for each in found.operators)
    return replace(found, figures=figures, operators=operators)


def _reasons(a: State, b: State) -> Iterator[str]:
    """Reasons why two runs cannot be compared at all."""
    for state in (a, b):
        of_log = state.spec is not None and state.spec.log is not None
        if state.run.status != "ok" and not (of_log and state.run.status == "unknown"):
            yield f"{state.run.id} is {state.run.status}"
        elif state.estimate is None and not of_log:
            yield f"{state.run.id} has no estimate"
        elif state.estimate is None and all(one.npu_cycles is None for one in state.inferences):
            yield f"{state.run.id} is read from a log that has no NPU cycles"
    if a.estimate is not None and b.estimate is not None and a.estimate.source != b.estimate.source:
        yield f"estimates are of two cycle models: {a.estimate.source} and {b.estimate.source}"
    modules_a, modules_b = ({operator.name for operator in state.operators} for state in (a, b))
    if modules_a and modules_b and not modules_a & modules_b:
        yield "two different models: they have no module in common"


def _partly(a: State, b: State) -> Iterator[str]:
    """Reasons why inferences cannot be compared, though estimates can."""
    sources = {state.inferences[-1].source or "not known" for state in (a, b) if state.inferences}
    if len(sources) > 1:
        yield f"inferences: cycles of one are {' and of the other '.join(sorted(sources))}"
    if {state.spec.fast for state in (a, b) if state.spec is not None and state.inferences} == {True, False}:
        yield "inferences: one ran in the platform's fast mode, whose counters say nothing"


def _differences(a: State, b: State) -> Iterator[Difference]:
    for part in ("spec", "versions"):
        values_a, values_b = (_flat(msgspec.to_builtins(getattr(state, part)) or {}) for state in (a, b))
        for name in dict.fromkeys((*values_a, *values_b)):
            # The version of Vela that was asked for is one of the versions.
            if values_a.get(name) != values_b.get(name) and (part, name) != ("spec", "vela"):
                yield Difference(name=f"{part}.{name}", a=_words(values_a.get(name)), b=_words(values_b.get(name)))


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(_flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value})
    return flat


def _words(value: object) -> str | None:
    return None if value is None else str(value)


def _known(state: State, *, inferences: bool) -> dict[str, float | None]:
    """The figures of a run that are worth comparing."""
    figures: dict[str, float | None] = {}
    if (estimate := state.estimate) is not None:
        figures |= {
            "total_cycles": estimate.total_cycles,
            "npu_cycles": estimate.npu_cycles,
            "macs": estimate.macs,
            "sram_kib": estimate.sram_kib,
            "dram_kib": estimate.dram_kib,
            "flash_kib": estimate.flash_kib,
        }
    if (delegation := state.delegation) is not None:
        figures |= {
            "delegated_percent": delegation.delegated_percent,
            "partitions": delegation.subgraphs,
            "cpu_kernels": sum(kernel.calls for kernel in delegation.kernels),
        }
    figures["program_bytes"] = next((a.bytes for a in state.artifacts if a.name == store.MODEL), None)
    if inferences:
        cycles = spread(inference.npu_cycles for inference in state.inferences)
        figures[INFERENCE_CYCLES] = None if cycles is None else cycles.median
        figures["instructions"] = state.statistics.instructions
        figures["inference_instructions"] = None if state.cpu.newest is None else state.cpu.newest.execute
    if (check := checked(state)) is not None:
        figures[CHECK] = {"match": 1.0, "mismatch": 0.0, "skipped": None}[check.status]
        figures["sqnr_db"] = check.sqnr_db
    return figures


def _figures(a: State, b: State, profile: Profile, *, inferences: bool) -> Iterator[Compared]:
    figures_a, figures_b = (_known(state, inferences=inferences) for state in (a, b))
    for name in dict.fromkeys((*figures_a, *figures_b)):
        before, after = figures_a.get(name), figures_b.get(name)
        if before is None and after is None:
            continue
        allowed = profile.figures.get(name, 0.0 if name in EXACT else profile.figures_pct)
        change = _change(before, after)
        worse = _worse(name, before, after, change, allowed)
        yield Compared(name=name, a=before, b=after, change_pct=change, regression=worse)


def _change(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None or not before else 100 * (after - before) / before


def _worse(name: str, before: float | None, after: float | None, change: float | None, allowed: float) -> bool:
    if before is None or after is None:
        return False
    if change is None:
        return after > before and name not in HIGHER_IS_BETTER
    return -change > allowed if name in HIGHER_IS_BETTER else change > allowed


def _modules(a: Sequence[Operator], b: Sequence[Operator], profile: Profile) -> Iterator[ComparedModule]:
    modules_a, modules_b = _by_module(a), _by_module(b)
    modules = []
    for name in dict.fromkeys((*modules_a, *modules_b)):
        before, after = modules_a.get(name), modules_b.get(name)
        cycles_a, cycles_b = before[0] if before else None, after[0] if after else None
        change, lost = _change(cycles_a, cycles_b), (cycles_b or 0) - (cycles_a or 0)
        grown = change is None or change > profile.modules_pct
        modules.append(
            ComparedModule(
                name=name,
                a=cycles_a,
                b=cycles_b,
                change_pct=change,
                regression=grown and lost >= profile.module_cycles,
                line_a=before[1] if before else None,
                line_b=after[1] if after else None,
            )
        )
    yield from sorted(modules, key=lambda module: -abs((module.b or 0) - (module.a or 0)))


def _by_module(operators: Sequence[Operator]) -> dict[str, tuple[int, str | None]]:
    """Cycles of each module's operators together, and the line of that with the most."""
    most: dict[str, int] = {}
    modules: dict[str, tuple[int, str | None]] = {}
    for operator in operators:
        own = operator.cycles or 0
        cycles, line = modules.get(operator.name, (0, None))
        if own >= most.get(operator.name, -1):
            most[operator.name], line = own, operator.line or line
        modules[operator.name] = cycles + own, line
    return modules
