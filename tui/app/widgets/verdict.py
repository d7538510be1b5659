"""Panel: the check of the outputs, limits, and notes on the figures."""

import shlex
from collections.abc import Iterator
from typing import ClassVar

from textual.content import Content

from tui.app.widgets.panel import TextPanel, awaited
from tui.reports.check import accuracy_line, layers_line, link_rows
from tui.reports.confusion import CLASSES, class_note, class_rows, disagreement_words, worst_rows
from tui.reports.format import accuracy, cosine, decibels, difference, field, table
from tui.reports.memory import pool_need_words
from tui.run.check import Check, Confusion, LimitResult, OutputCheck, broken
from tui.run.derived import checked, outcome
from tui.run.state import State
from tui.text import clean, counted

SHOWN_WORST = 8
"""Inputs with the least margin that are named."""
TONES = {"match": "bold $ok", "mismatch": "bold $fail", "skipped": "bold"}


class VerdictPanel(TextPanel):
    """Check, accuracy, limits, notes, files."""

    TITLE = "Check"
    FIGURES: ClassVar = (
        (
            "MATCH",
            "Every link from the float model to the platform's outputs holds: the quantized model, the lowered one"
            " (on Arm's TOSA reference model) and the platform each agree with the one before, within rounding.",
        ),
        ("BROKEN", "The link that does not hold; for a lowered program also the first operator whose result differs."),
        ("max error", "Largest absolute difference from the reference, over all inferences."),
        ("SQNR", "Signal to quantization noise against the float model, in dB: what quantization costs."),
        ("top-1", "The largest output element is the quantized model's, too."),
        ("cosine", "Cosine of the angle to the float model's output: 1 is the same direction."),
        ("as float", "Share of outputs whose largest element is the float model's, too."),
        ("answer", "The largest output elements of the last inference: index and value."),
        (
            "layers",
            "The layer that quantization changes most; fvp-tui show --layers lists all.",
        ),
        ("needs", "Memory that the program needs in the runner's pools, known before it runs."),
        (
            "accuracy",
            "Correct answers on labelled inputs: float and quantized model in PyTorch, and the platform.",
        ),
    )

    def summary(self, state: State) -> str:
        """MATCH or MISMATCH, and the number of notes."""
        words = [word] if (word := self._word(state)) else []
        if broken := sum(not limit.ok for limit in state.limits):
            words.append(f"{counted(broken, 'limit')} exceeded")
        if state.notes:
            words.append(counted(len(state.notes), "note"))
        return ", ".join(words)

    def brief(self, state: State) -> str:
        """MATCH or MISMATCH, as short as it can be told."""
        word = self._word(state)
        return {"MATCH": "✓", "MISMATCH": "✗ MISMATCH"}.get(word, word.lower())

    def _word(self, state: State) -> str:
        found = checked(state)
        # Before the platform has run only a broken link is news.
        return found.status.upper() if found is not None and (state.check is not None or broken(state.links)) else ""

    def alarms(self, state: State) -> bool:
        """Tell whether the outputs are not the model's."""
        return outcome(state) == "mismatch" or broken(state.links) is not None

    def content(self, state: State) -> Content:
        """The panel's text."""
        lines = [*_check(state)]
        if noisiest := layers_line(state.layers):
            lines.append(Content.assemble(("Layers ", "bold"), noisiest))
        lines += [Content.assemble(("Needs ", "bold"), pool_need_words(pool)) for pool in state.pools]
        lines += [_limit(limit) for limit in state.limits]
        lines += [Content.assemble(("Note ", "bold"), clean(note, 600)) for note in state.notes]
        lines += _provenance(state)
        return Content("\n").join(lines)


LIMITS = {
    "npu_cycles": ("NPU cycles at most", ""),
    "inference_ms": ("inference at most", " ms"),
    "sram_kib": ("SRAM at most", " KiB"),
    "delegated_percent": ("delegated at least", " %"),
}


def _limit(limit: LimitResult) -> Content:
    verdict = ("kept", "$ok") if limit.ok else ("EXCEEDED", "bold $fail")
    if limit.name == "match":
        verdict = verdict if limit.ok else ("NOT MET", "bold $fail")
        return Content.assemble(("Limit ", "bold"), "outputs must match  ", verdict)
    words, unit = LIMITS.get(limit.name, (clean(limit.name, 40), ""))
    value = field(limit.name, limit.value)
    return Content.assemble(
        ("Limit ", "bold"), f"{words} {field(limit.name, limit.limit)}{unit}, came to {value}{unit}  ", verdict
    )


def _check(state: State) -> Iterator[Content]:
    found = state.check
    if found is None:
        yield Content(clean(awaited(state, "check")))
        if (known := checked(state)) is not None:
            if known.status == "mismatch":
                yield Content.assemble((clean(known.reason or "", 400), TONES["mismatch"]))
            yield from _links(known)
        return
    reason = f"  {clean(found.reason, 400)}" if found.reason else ""
    yield Content.assemble((found.status.upper(), TONES[found.status]), reason)
    yield from _links(found)
    for index, output in enumerate(found.outputs):
        yield Content(_output(index, output))
        yield from _answer(output)
    yield from _accuracy(found)


def _links(check: Check) -> Iterator[Content]:
    """The chain from the float model to the platform's outputs."""
    for link, line in zip(check.links, table(link_rows(check), right=(2,)), strict=True):
        yield Content.assemble((clean(line, 400), TONES["mismatch"] if link.status == "mismatch" else ""))


def _output(index: int, output: OutputCheck) -> str:
    shape = "x".join(str(n) for n in output.shape) or "scalar"
    allowed = f" (allowed {difference(output.tolerance)})" if output.tolerance is not None else ""
    words = [
        f"output {index}  {clean(output.dtype, 20)} {shape}",
        f"max error {difference(output.max_abs_error)}{allowed}",
    ]
    if output.sqnr_db is not None:
        words.append(f"SQNR {decibels(output.sqnr_db)}")
    if output.cosine is not None:
        words.append(f"cosine {cosine(output.cosine)}")
    if output.top1_match is not None:
        words.append(f"top-1 {'same' if output.top1_match else 'DIFFERENT'}")
    if output.top1_float is not None:
        words.append(f"as float {accuracy(output.top1_float)}")
    return "   ".join(words)


def _answer(output: OutputCheck) -> Iterator[Content]:
    """The largest elements of the last inference."""
    if output.top:
        (place, value), *others = output.top
        rest = "  ".join(f"{at} {other:.4g}" for at, other in others)
        yield Content.assemble(
            ("Answer ", "bold"), (f"{place}", "bold $accent"), f" {value:.4g}", (f"   {rest}", "$muted")
        )


def _accuracy(check: Check) -> Iterator[Content]:
    found = check.accuracy
    if found is not None:
        yield Content.assemble(
            ("Accuracy ", "bold"),
            f"{accuracy(found.platform_correct / max(found.inputs, 1))}   ",
            accuracy_line(check) or "",
        )
    # One answer has no classes.
    if found is not None and found.inputs > 1 and check.confusion is not None:
        yield Content.styled(disagreement_words(check.confusion), "$muted")
        yield from map(Content, table([list(CLASSES), *class_rows(check.confusion)], right=(1, 2, 3, 4, 5)))
        if note := class_note(check.confusion):
            yield Content.styled(note, "$muted")
        yield Content.assemble(("Least margin ", "bold"), *_worst(check.confusion))


def _worst(found: Confusion) -> Iterator[Content]:
    """The inputs with the least margin, in a line."""
    for item, label, answer, margin in worst_rows(found, SHOWN_WORST):
        wrong = "" if label == answer else f" taken for {answer}"
        yield Content.assemble(f"{item}: {label}{wrong} ", (f"{margin}   ", "$muted"))


def _provenance(state: State) -> Iterator[Content]:
    if state.platform is not None:
        version = f" {state.platform.version}" if state.platform.version else ""
        why = f" ({state.platform.why})" if state.platform.why else ""
        yield Content.assemble(("Platform ", "bold"), clean(f"{state.platform.name}{version}{why}", 400))
        if state.platform.argv:
            yield Content.assemble(("Command ", "bold"), clean(shlex.join(state.platform.argv), 4000))
    known = [
        f"{name} {value}"
        for name, value in (
            ("executorch", state.versions.executorch),
            ("vela", state.versions.vela),
            ("torch", state.versions.torch),
        )
        if value
    ]
    if known:
        yield Content.assemble(("Versions ", "bold"), clean("  ".join(known)))
    for artifact in state.artifacts:
        yield Content.assemble(("File ", "bold"), clean(f"{artifact.path}  {artifact.bytes:,} bytes"))
