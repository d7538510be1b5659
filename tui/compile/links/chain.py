"""Judge the links of a compiled model, and trace a broken one to its operator and cause."""

from collections.abc import Sequence

import msgspec
import numpy as np
from executorch.backends.arm.ethosu import EthosUCompileSpec

from tui.compile.compilation import Compilation
from tui.compile.links import first_change, judging, known_faults, state_links
from tui.compile.links.known_faults import Fault
from tui.compile.links.preparation import Change
from tui.compile.quantization import Quantized
from tui.compile.samples import Samples
from tui.errors import one_line
from tui.model import tensors
from tui.model.tensors import Manifest, NDArray
from tui.run import events
from tui.run.check import Link


def judge(
    work: Compilation,
    quantized: Quantized | None,
    change: Change | None,
    target: EthosUCompileSpec | None,
    samples: Samples,
) -> None:
    """Send the verdict on whether the lowered program is still the user's model; if not, since which operator and why.

    `change` is what preparing for quantization changed already; references and manifest are in the run's artifacts.
    """
    manifest = tensors.read_manifest(work.artifacts)
    with np.load(work.artifacts / tensors.REFERENCES) as packed:
        references = dict(packed)
    first, second = judging.judge(references, manifest, quantized=quantized is not None)
    if change is not None and first.status != "skipped":
        first = judging.prepared(first, change)
    if second.status == "mismatch" and quantized is not None and target is not None:
        second = _explained(work, second, quantized, samples, references, manifest)
        second = _located(work, second, quantized, target, samples)
    work.emit(events.LinksKnown(links=state_links.compiled((first, second), manifest.state)))


def _explained(
    work: Compilation,
    link: Link,
    quantized: Quantized,
    samples: Samples,
    references: dict[str, NDArray],
    manifest: Manifest,
) -> Link:
    """The broken link with the known faults that explain it, and their remedies."""
    if manifest.undefined is not None:
        faults = known_faults.suspects(quantized.module)
        return msgspec.structs.replace(link, hint=_words(faults, "possibly a known fault"))
    outputs = range(len(manifest.outputs))
    lowered = [[references[f"tosa_{k}_{j}"] for j in outputs] for k in range(len(samples.inputs))]
    steps = [info.step for info in manifest.outputs]
    try:
        faults = known_faults.explain(quantized.module, samples.inputs, steps, lowered, link.output or 0)
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        work.note(f"known faults of the compiler could not be tried on the model: {one_line(error, 160)}")
        return link
    return msgspec.structs.replace(link, hint=_words(faults, "a known fault"))


def _words(faults: Sequence[Fault], what: str) -> str | None:
    hints = [f"{what} ({fault.name}): {fault.cause}; remedy: {fault.remedy}" for fault in faults]
    return "; ".join(hints) or None


def _located(work: Compilation, link: Link, quantized: Quantized, target: EthosUCompileSpec, samples: Samples) -> Link:
    """The broken link with the first operator whose result lowering changes, where it can be found."""

    def report(text: str) -> None:
        work.emit(events.Logged(source="compile", text=f"lowering changed the result: {text}", level="warning"))

    try:
        place = first_change.find(quantized.module, target, samples.inputs, report)
    except Exception as error:  # noqa: BLE001 - compilers fail on a part of a model in as many ways as on the whole
        work.note(f"the operator that lowering changed was not found: {one_line(error, 160)}")
        return link
    if place is None:
        work.note("no part of the model alone shows where lowering changed the result")
        return link
    return msgspec.structs.replace(link, operator=place.name, line=place.line)
