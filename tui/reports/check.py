"""The check of outputs as text: each link of its chain, how near the outputs are, and where quantization hurts."""

from collections.abc import Iterator, Sequence

from tui.reports.confusion import accuracy_words
from tui.reports.format import UNKNOWN, accuracy, cosine, decibels, difference, field, labelled, table
from tui.run.check import NOISY_DB, BundleTest, Check, Layer, Link, OutputCheck, broken, first_noisy
from tui.run.derived import checked
from tui.run.state import State
from tui.text import clean

AGAINST = {
    "tosa": "the TOSA reference model",
    "float": "the float model",
    "bundle": "the outputs bundled with the program",
    "litert": "Google's LiteRT interpreter",
}
"""The reference of a check in words."""

STARTS = {"tosa": "lowered", "quantized": "quantized", "float": "float", "bundle": "bundled", "litert": "network"}
"""The start of the chain's last link, by the check's reference."""


def check_lines(state: State) -> Iterator[str]:
    """Verdict, links, outputs, accuracy and the noisiest layer."""
    if (check := checked(state)) is not None:
        yield labelled("Check", check_line(check))
        yield from (f"  {line}" for line in table(link_rows(check), right=(2,)))
        yield from (f"  {output_line(output)}" for output in check.outputs)
        yield from (f"  {bundle_line(test)}" for test in state.bundle)
        if correct := accuracy_line(check):
            yield labelled("Accuracy", correct)
    if noisiest := layers_line(state.layers):
        yield labelled("Layers", noisiest)


def check_line(check: Check | None) -> str:
    """The verdict in one line: the largest error, against what, and the noise."""
    if check is None:
        return UNKNOWN
    text = check.status.upper()
    if check.status == "skipped" or broken(check.links) is not None:
        return f"{text}: {clean(check.reason or '')}"
    errors = [output.max_abs_error for output in check.outputs if output.max_abs_error is not None]
    tolerances = [output.tolerance for output in check.outputs if output.tolerance is not None]
    if errors:
        reference = AGAINST.get(check.reference or "", "the quantized model")
        text += f"  max error {difference(max(errors))} against {reference}"
    if errors and tolerances and max(errors) > 0:
        text += f" (allowed {difference(max(tolerances))})"
    if check.sqnr_db is not None:
        text += f", SQNR {decibels(check.sqnr_db)} against float"
    return f"{text}: {check.reason}" if check.reason else text


def link_rows(check: Check) -> list[list[str]]:
    """The links of the chain: both ends, verdict, SQNR at the end, and error."""
    return [[both_ends(check, link), *_link_cells(link)] for link in check.links]


def both_ends(check: Check, link: Link) -> str:
    """``float -> quantized``: a link of the chain."""
    start = {"quantized": "float", "lowered": "quantized", "platform": STARTS.get(check.reference or "tosa", "lowered")}
    return f"{start[link.name]} -> {link.name}"


def _link_cells(link: Link) -> list[str]:
    verdict = {"match": "holds", "mismatch": "BROKEN", "skipped": "not compared"}[link.status]
    if link.max_abs_error is None:
        return [verdict, UNKNOWN, clean(link.reason or "")]
    allowed = "" if link.allowed is None else f", allowed {difference(link.allowed)}"
    place = ", ".join(filter(None, (link.operator, link.line)))
    first = f", first at {place}" if place else ""
    return [verdict, decibels(link.sqnr_db), clean(f"error {difference(link.max_abs_error)}{allowed}{first}")]


def output_line(output: OutputCheck) -> str:
    """An output's type and its distance from the float model's and the quantized one's."""
    words = [f"{clean(output.dtype)}[{','.join(map(str, output.shape))}]"]
    if output.max_abs_error is not None:
        words.append(f"max error {difference(output.max_abs_error)}")
    if output.sqnr_db is not None:
        words.append(f"SQNR {decibels(output.sqnr_db)}")
    if output.cosine is not None:
        words.append(f"cosine {cosine(output.cosine)}")
    agreement = [(output.top1_float, "float"), (output.top1_quantized, "quantized")]
    same = [f"as {model} {accuracy(share)}" for share, model in agreement if share is not None]
    return "  ".join([*words, f"top-1 {', '.join(same)}"] if same else words)


def bundle_line(test: BundleTest) -> str:
    """A bundled test case as the runner compared it, in one line."""
    verdict = {True: "passed", False: "FAILED", None: "no verdict"}[test.passed]
    errors = (
        ("mean", test.mean_abs_error),
        ("max", test.max_abs_error),
        ("mean relative", test.mean_relative_error),
        ("max relative", test.max_relative_error),
    )
    words = [f"{name} error {difference(error)}" for name, error in errors if error is not None]
    return "  ".join([f"test case {test.index} by the runner: {verdict}", *words])


def accuracy_line(check: Check | None) -> str | None:
    """Correct answers of float, quantized and platform; None where inputs carry no labels."""
    right = check.accuracy if check else None
    return None if right is None else accuracy_words(right)


def layers_line(layers: Sequence[Layer]) -> str | None:
    """The layer that quantization hurts most; None where layers were not compared."""
    if (noisy := first_noisy(layers)) is not None:
        return f"first below {decibels(NOISY_DB)} against float: {_layer(noisy)}"
    measured = [layer for layer in layers if layer.sqnr_db is not None]
    if not measured:
        return None
    return f"noisiest against float: {_layer(min(measured, key=lambda layer: layer.sqnr_db or 0.0))}"


def _layer(layer: Layer) -> str:
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
    noisiest = layers_line(state.layers)
    return "\n".join([*table(rows, right=(2, 3, 4, 5)), *([noisiest] if noisiest else [])])
