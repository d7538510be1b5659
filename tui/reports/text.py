"""A state as plain text: what ``run`` and ``show`` print where there is no screen."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from tui.reports import memory
from tui.reports import operators as arrange
from tui.reports.format import (
    UNKNOWN,
    accuracy,
    cosine,
    decibels,
    difference,
    duration,
    field,
    kib,
    kib_words,
    ms,
    number,
    percentage,
    table,
)
from tui.reports.memory import Area, Peak
from tui.reports.operators import Entry
from tui.run.figures import (
    AT_BOUNDARY,
    NOISY_DB,
    Check,
    Cpu,
    CpuCause,
    CpuOperator,
    Delegation,
    Inference,
    Layer,
    Link,
    MemoryPool,
    Operator,
    OutputCheck,
    PoolNeed,
    Profiled,
    Spread,
    Statistics,
    TensorPlace,
    broken,
    first_noisy,
    spread,
)
from tui.run.state import State, badge, checked, npu_ms, outcome, progress_words
from tui.text import clean

TOP_OPERATORS = 12


def title(state: State) -> str:
    """What ran on what."""
    spec = state.spec
    if spec is None:
        return state.run.id
    target = spec.target
    name = Path(spec.model).name if "/" in spec.model else spec.model
    return clean(f"{name}  {target.accelerator}  {target.memory_mode}  {target.system_config}  {spec.quantize}")


def status_line(state: State) -> str:
    """How the run stands, in one line."""
    run = state.run
    parts, hint = [outcome(state).upper()], run.hint
    if run.seconds is not None:
        parts.append(duration(run.seconds))
    if run.reason:
        parts.append(clean(run.reason))
    elif outcome(state) == "mismatch" and (found := checked(state)) is not None and found.reason:
        parts.append(clean(found.reason))
        hint = found.hint or hint
    line = "  ".join(parts)
    return f"{line} ({clean(hint)})" if hint else line


AGAINST = {
    "tosa": "the TOSA reference model",
    "float": "the float model",
    "bundle": "the outputs bundled with the program",
}


def inference_line(state: State, inference: Inference) -> str:
    """One inference: its number, its cycles and whose they are."""
    cycles = inference.npu_cycles
    figures = f"{number(cycles)} NPU cycles"
    if cycles is not None:
        figures += f", {ms(npu_ms(state, cycles))}, {inference.source}"
    return f"inference {inference.index + 1}: {figures}"


def check_line(check: Check | None) -> str:
    """Whether the outputs are right, in one line."""
    if check is None:
        return UNKNOWN
    text = check.status.upper()
    if check.status == "skipped" or broken(check.links) is not None:
        return f"{text}: {clean(check.reason or '')}"
    errors = [o.max_abs_error for o in check.outputs if o.max_abs_error is not None]
    if errors:
        text += (
            f"  max error {difference(max(errors))} against {AGAINST.get(check.reference or '', 'the quantized model')}"
        )
    steps = [o.tolerance for o in check.outputs if o.tolerance is not None]
    if errors and steps and max(errors) > 0:
        text += f" (allowed {difference(max(steps))})"
    if check.sqnr_db is not None:
        text += f", SQNR {decibels(check.sqnr_db)} against float"
    return f"{text}: {check.reason}" if check.reason else text


STARTS = {"tosa": "lowered", "quantized": "quantized", "float": "float", "bundle": "bundled"}
"""What the platform's outputs are compared with, in a word, by the check's reference."""


def link_rows(check: Check) -> list[list[str]]:
    """The links of a check's chain: both ends, how it stands, the signal that is left at its end, and its error."""
    start = {"quantized": "float", "lowered": "quantized", "platform": STARTS.get(check.reference or "tosa", "lowered")}
    return [[f"{start[link.name]} -> {link.name}", *_link_cells(link)] for link in check.links]


def _link_cells(link: Link) -> list[str]:
    stands = {"match": "holds", "mismatch": "BROKEN", "skipped": "not compared"}[link.status]
    if link.max_abs_error is None:
        return [stands, UNKNOWN, clean(link.reason or "")]
    left = decibels(link.sqnr_db)
    allowed = "" if link.allowed is None else f", allowed {difference(link.allowed)}"
    place = ", ".join(filter(None, (link.operator, link.line)))
    return [
        stands,
        left,
        clean(f"error {difference(link.max_abs_error)}{allowed}" + (f", first at {place}" if place else "")),
    ]


def output_words(output: OutputCheck) -> str:
    """How near an output is to the float model's, and to the quantized one's."""
    words = [f"{clean(output.dtype)}[{','.join(map(str, output.shape))}]"]
    if output.max_abs_error is not None:
        words.append(f"max error {difference(output.max_abs_error)}")
    if output.sqnr_db is not None:
        words.append(f"SQNR {decibels(output.sqnr_db)}")
    if output.cosine is not None:
        words.append(f"cosine {cosine(output.cosine)}")
    shares = [(output.top1_float, "float"), (output.top1_quantized, "quantized")]
    same = [f"as {whose} {accuracy(share)}" for share, whose in shares if share is not None]
    return "  ".join([*words, f"top-1 {', '.join(same)}"] if same else words)


def layers_line(layers: Sequence[Layer]) -> str | None:
    """Where quantization hurts the most; None where layers were not compared."""
    known = [layer for layer in layers if layer.sqnr_db is not None]
    if not known:
        return None
    if (bad := first_noisy(layers)) is not None:
        return f"{layer_words(bad)}, is the first below {NOISY_DB:.0f} dB against float"
    return f"{layer_words(min(known, key=lambda layer: layer.sqnr_db or 0.0))}, is the noisiest against float"


def layer_words(layer: Layer) -> str:
    """A layer with its noise and its place."""
    line = f"  {clean(layer.line)}" if layer.line else ""
    return f"{clean(layer.name, 60)} ({clean(layer.op, 40)}), {decibels(layer.sqnr_db)}{line}"


def layers_table(state: State) -> str:
    """All layers of the quantized model against the float model's."""
    if not state.layers:
        return "layers were not compared: the model is not quantized, or was not compiled in this run"
    rows = [["layer", "", "SQNR dB", "drop", "max error", "of", "line"]]
    rows += [
        [
            clean(layer.name, 40),
            clean(layer.op, 30),
            field("sqnr_db", layer.sqnr_db),
            field("drop_db", layer.drop_db),
            difference(layer.max_abs_error),
            difference(layer.max_abs),
            clean(layer.line or UNKNOWN),
        ]
        for layer in state.layers
    ]
    said = layers_line(state.layers)
    return "\n".join([*table(rows, right=(2, 3, 4, 5)), *([said] if said else [])])


def accuracy_line(check: Check | None) -> str | None:
    """Right answers of float, quantized and platform; None where inputs carry no labels."""
    found = check.accuracy if check else None
    if found is None:
        return None
    return (
        f"float {found.float_correct}, quantized {found.quantized_correct}, platform {found.platform_correct}"
        f" of {found.inputs} right; platform and quantized agree on {found.agree}"
    )


def _stages(state: State) -> str:
    done = [s for s in state.stages if s.status != "pending"]
    words = []
    for s in done:
        seconds = "" if s.seconds is None or s.status == "skipped" else f" {s.seconds:.1f}"
        # Of a run that is over, a stage that never ended was cut off with it.
        goes_on = " ..." if state.run.status == "running" else " cut off"
        marks = {"failed": " FAILED", "stopped": " stopped", "skipped": " skipped", "running": goes_on}
        mark = marks.get(s.status, "")
        far = f" ({clean(progress_words(s.progress), 60)})" if s.progress else ""
        words.append(f"{s.name}{seconds}{mark}{far}")
    return " · ".join(words)


def inference_summary(state: State, inferences: Sequence[Inference]) -> str:
    """NPU cycles of the inferences: one figure, or how they are spread."""
    found = spread(i.npu_cycles for i in inferences)
    if found is None:
        return UNKNOWN
    if found.min == found.max:
        return f"{found.min:,} cycles, {ms(npu_ms(state, int(found.min)))}"
    return f"{spread_words(found)} cycles, {deviation_words(found)}" + ("" if found.steady else "  VARIES")


def spread_words(found: Spread) -> str:
    """Smallest, middle, nearly largest and largest."""
    return f"min {found.min:,}  median {found.median:,.0f}  p99 {found.p99:,}  max {found.max:,}"


def deviation_words(found: Spread) -> str:
    """How far they are from each other."""
    if found.min == found.max:
        return "all the same"
    return UNKNOWN if found.deviation_pct is None else f"deviation {found.deviation_pct:.2f} %"


def ratio(operator: Operator) -> str:
    """Traced cycles to estimated ones."""
    if operator.traced_cycles is None or not operator.total_cycles:
        return UNKNOWN
    return f"{operator.traced_cycles / operator.total_cycles:.2f}"


def statistics_words(found: Statistics) -> str:
    """What the platform said of itself at its end; empty where it said nothing."""
    words = []
    if found.instructions is not None:
        words.append(f"{found.instructions:,} instructions")
    if found.mips is not None:
        words.append(f"{found.mips:,.2f} MIPS")
    if found.simulated_s is not None:
        words.append(f"{found.simulated_s:,.6g} s simulated")
    if found.wall_s is not None:
        words.append(f"{found.wall_s:,.3g} s of wall time")
    return ", ".join(words)


def cpu_words(cpu: Cpu) -> str | None:
    """Instructions of the newest inference, of its parts, and before it; None where none were counted."""
    newest = cpu.newest
    if newest is None or newest.execute is None:
        return None
    handed = [step.instructions for step in cpu.operators if step.partition is not None]
    words = [f"{newest.execute:,} instructions an inference"]
    if handed and None not in handed:
        words.append(f"{sum(count or 0 for count in handed):,} of them to hand over to the NPU")
    if newest.boot is not None:
        words.append(f"{newest.boot:,} to boot and load")
    return ", ".join(words)


def _steps(cpu: Cpu) -> Iterator[str]:
    """The steps of the plan with what the CPU executed for each."""
    known = [step for step in cpu.operators if step.instructions is not None]
    if not known:
        return
    yield "CPU          instructions of each step of the program, counted"
    rows = [
        [f"  {clean(step.name, 50)}", clean(step.op, 50), number(step.instructions), clean(step.line or "")]
        for step in known
    ]
    yield from table(rows, right=(2,))


def pool_words(pool: MemoryPool) -> str:
    """A memory pool of the runner: bytes used, of how many."""
    sizes = [f"{size:,}" for size in (pool.used, pool.size) if size is not None]
    return f"{clean(pool.name, 40)} {' of '.join(sizes) or number(None)} bytes"


def pool_need_words(pool: PoolNeed) -> str:
    """What a program asks of a pool of the runner, before it is run."""
    size = "" if pool.available is None else f" of {pool.available:,}"
    over = f", {pool.excess:,} TOO MANY" if pool.excess else ""
    return f"{pool.name} at least {pool.needed:,}{size} bytes{over}"


def memory_area_words(area: Area) -> str:
    """Which memory of which partition, and how much of it is used."""
    partition = f", partition {area.partition}" if area.partition else ""
    return f"{clean(area.memory, 20)}{partition}: {kib(area.size)}, {len(area.tensors)} tensors in {area.steps} steps"


def memory_peak_words(area: Area, peak: Peak) -> str:
    """How much is needed at most, and when."""
    at = f" while {clean(peak.operator.name, 60)} ({clean(peak.operator.op, 20)}) runs" if peak.operator else ""
    return f"peak {kib(peak.bytes)} in step {peak.time}{at}:"


def tensor_words(tensor: TensorPlace) -> str:
    """A tensor in a legend."""
    name = clean(tensor.module or tensor.name, 60)
    return f"{kib(tensor.bytes)}  {name}  {clean(tensor.dtype, 10)} {clean(tensor.format, 10)}"


def memory_map(state: State, width: int = 100, height: int = 16) -> str:
    """What lies where in the NPU's memories, and when."""
    lines = []
    for area in memory.areas(state.tensors):
        found = memory.peak(area, state.operators)
        lines += [memory_area_words(area), memory_peak_words(area, found)]
        lines += [f"  {area.mark(tensor)} {tensor_words(tensor)}" for tensor in found.tensors]
        lines += memory.picture(area, width, height)
    return "\n".join(lines or ["where tensors lie is not known: the run has no Vela report"])


def needs_words(operator: Operator) -> str:
    """What each part of the NPU would need by itself, the most first: ``MAC 2,048, output 1,024``."""
    ranked = sorted(operator.needs.items(), key=lambda need: -need[1])
    return ", ".join(f"{clean(part, 20)} {cycles:,}" for part, cycles in ranked)


def _profile(profile: Sequence[Profiled]) -> Iterator[str]:
    """What the CPU and the delegates took, by the runner's ETDump."""
    if profile:
        yield "ETDump       CPU cycles as the runner counted them, the median of the calls"
    rows = [[f"  {clean(p.name, 50)}", f"x{p.calls}", number(p.cycles), clean(p.backend or "", 20)] for p in profile]
    yield from table(rows, right=(1, 2))


Detail = Literal["top", "all", "modules"]
"""Which operators a summary lists: those of most cycles, all, or all below their modules."""


def _operators(operators: Sequence[Operator], detail: Detail) -> Iterator[str]:
    arranged = arrange.tree(operators) if detail == "modules" else arrange.entries(operators)
    shown = arranged[:TOP_OPERATORS] if detail == "top" else arranged
    total = sum(o.cycles or 0 for o in operators)
    rows = [["operator", "", "cycles", "share", "bound", "use of MACs", "traced", "traced / cycles"]]
    rows += [_operator_row(entry, operators, total) for entry in shown]
    columns = len(rows[0]) if any(o.traced_source == "measured" for o in operators) else 6
    yield from (f"  {line}" for line in table([row[:columns] for row in rows], right={2, 3, *range(5, columns)}))
    if rest := arranged[len(shown) :]:
        yield f"  and {len(rest)} more: {sum(entry.cycles or 0 for entry in rest):,} cycles"


def _operator_row(entry: Entry, operators: Sequence[Operator], total: int) -> list[str]:
    cells = [
        "  " * entry.depth + clean(entry.label, 40),
        clean(entry.kind, 40),
        number(entry.cycles),
        percentage((entry.cycles or 0) / total) if total else "",
    ]
    if entry.operator is None:
        return [*cells, "", "", "", ""]
    operator = operators[entry.operator]
    use = percentage(operator.utilization)
    return [*cells, clean(operator.bound or UNKNOWN), use, number(operator.traced_cycles), ratio(operator)]


def _delegation(state: State) -> Iterator[str]:
    found = state.delegation
    if found is None:
        return
    kernels = sum(k.calls for k in found.kernels)
    yield (
        f"Delegation   NPU {found.delegated_nodes} nodes in {found.subgraphs} partition(s);"
        f" CPU {found.non_delegated_nodes} nodes, {kernels} kernel calls"
    )
    rows = [[f"  {clean(k.op, 60)}", f"x{k.calls}"] for k in found.kernels]
    yield from table(rows)
    if price := fallback_price(found):
        yield f"  {price}"
    for cause in found.causes:
        yield f"  {cause_words(cause)}"
        yield f"    {cause_details(found, cause)}"
        if cause.hint:
            yield f"    try: {cause.hint}"


def cause_words(cause: CpuCause) -> str:
    """Which operators are on the CPU, how many, why, and the first place in the model."""
    more = f" and {cause.places - 1} more line{'s' * (cause.places > 2)}" if cause.places > 1 else ""
    where = f"  {clean(cause.line)}{more}" if cause.line else ""
    return f"{cause_operators(cause)} on the CPU: {clean(cause.reason)}{where}"


def cause_operators(cause: CpuCause) -> str:
    """``aten.relu x4, aten.view_copy``."""
    counted = (f"{clean(k.op, 60)}{f' x{k.calls}' if k.calls > 1 else ''}" for k in cause.operators)
    return ", ".join(counted)


def cause_details(found: Delegation, cause: CpuCause) -> str:
    """What goes in and out of a single operator; of several, how many they are and what they bring along."""
    if len(cause.nodes) == 1:
        return next(cpu_operator_words(operator) for operator in found.kept if operator.node == cause.nodes[0])
    price = (
        f", {cause.conversions} conversion{'s' * (cause.conversions != 1)} for their sake" if cause.conversions else ""
    )
    return f"{len(cause.nodes)} operators{price}"


def fallback_price(found: Delegation) -> str:
    """What operators on the CPU cost beside their own time; empty where there are none."""
    if not found.kept:
        return ""
    conversions = sum(1 for operator in found.left if operator.conversion and operator.reason != AT_BOUNDARY)
    several = "an operator" if len(found.kept) == 1 else f"{len(found.kept)} operators"
    if 1 < len(found.causes) < len(found.kept):
        several += f" for {len(found.causes)} causes"
    return (
        f"{several} on the CPU: {conversions} conversion{'s' * (conversions != 1)} between integers and float,"
        f" {found.subgraphs} partition{'s' * (found.subgraphs != 1)}"
    )


def cpu_operator_words(operator: CpuOperator) -> str:
    """What goes in and out, where in the model, and what it brings along."""
    words = [
        f"{', '.join(map(clean, operator.inputs)) or UNKNOWN} to {', '.join(map(clean, operator.outputs)) or UNKNOWN}"
    ]
    if operator.module:
        words.append(f"in {clean(operator.module, 60)}")
    if operator.conversions:
        words.append(f"{operator.conversions} conversion{'s' * (operator.conversions != 1)} for its sake")
    return "  ".join(words)


ESTIMATORS = {"vela": "Vela", "simulator": "Model"}
"""Whose estimate it is, in a word: the compiler's, or that of the simulator's cycle model."""


def estimated_by(state: State) -> str:
    """The same in a sentence."""
    simulators = state.estimate is not None and state.estimate.source == "simulator"
    return "the simulator's cycle model" if simulators else "Vela"


def summary(state: State, detail: Detail = "top") -> str:
    """The run for a person to read, every figure with its source."""
    lines = [title(state), f"{status_line(state)}"]
    if state.platform is not None:
        version = f" {state.platform.version}" if state.platform.version else ""
        lines.append(f"Platform     {badge(state)}   {clean(state.platform.name)}{version}")
    if stages := _stages(state):
        lines.append(f"Stages       {stages}")
    if state.estimate is not None:
        e = state.estimate
        lines.append(
            f"{ESTIMATORS[e.source]:12} {number(e.total_cycles)} cycles, {ms(e.inference_ms)}, {number(e.macs)} MACs,"
            f" SRAM {kib_words(e.sram_kib)}, DRAM {kib_words(e.dram_kib)},"
            f" flash {kib_words(e.flash_kib)}   (estimated)"
        )
    lines += [f"{'Needs' if not at else '':12} {pool_need_words(pool)}" for at, pool in enumerate(state.pools)]
    if state.inferences:
        source = state.inferences[-1].source
        wall = [i.wall_s for i in state.inferences if i.wall_s is not None]
        took = f", {duration(sum(wall) / len(wall))} each on this machine" if wall else ""
        lines.append(
            f"Inferences   {len(state.inferences)}: {inference_summary(state, state.inferences)}"
            f"{f'   ({source})' if source else ''}{took}"
        )
        for name, count in state.inferences[-1].pmu.items():
            lines.append(f"  {clean(name, 60)}  {count:,}")
    if counted := cpu_words(state.cpu):
        lines.append(f"CPU          {counted}   (counted)")
    if said := statistics_words(state.statistics):
        lines.append(f"Statistics   the whole run: {said}")
    lines += [f"{'Pools' if not at else '':12} {pool_words(pool)}" for at, pool in enumerate(state.memory)]
    if (found := checked(state)) is not None:
        lines.append(f"Check        {check_line(found)}")
        lines += [f"  {line}" for line in table(link_rows(found), right=(2,))]
        lines += [f"  {output_words(output)}" for output in found.outputs]
        if accuracy := accuracy_line(found):
            lines.append(f"Accuracy     {accuracy}")
    if noisiest := layers_line(state.layers):
        lines.append(f"Layers       {noisiest}")
    lines += _delegation(state)
    if state.operators:
        lines.append(f"Operators    on the NPU, cycles estimated by {estimated_by(state)}")
        lines += _operators(state.operators, detail)
    lines += _steps(state.cpu)
    lines += _profile(state.profile)
    lines += [
        f"Limit        {b.name} {field(b.name, b.value)} / {field(b.name, b.limit)}  {'ok' if b.ok else 'EXCEEDED'}"
        for b in state.limits
    ]
    lines += [f"Note         {clean(note)}" for note in state.notes]
    return "\n".join(lines)
