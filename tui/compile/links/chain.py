"""The compiled model's links, each judged, and a broken one traced to its operator and cause."""

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tui.compile.links import first_change, judging, known_faults, state_links
from tui.compile.links.preparation import Change
from tui.compile.models import Samples
from tui.errors import one_line
from tui.model import tensors
from tui.model.tensors import Manifest, NDArray
from tui.run import events
from tui.run.check import Link

if TYPE_CHECKING:
    from tui.compile.lowering import Quantized
    from tui.compile.worker import Worker


def judge(work: "Worker", made: "Quantized | None", changed: Change | None, target: Any, samples: Samples) -> None:
    """Say whether the lowered program still is the user's model, and if not, since which operator and why.

    `made` is the quantized model, `changed` what preparing for quantization changed already, `target` ExecuTorch's
    compile spec; references and manifest lie in the run's artifacts.
    """
    manifest = tensors.read_manifest(work.artifacts)
    with np.load(work.artifacts / tensors.REFERENCES) as packed:
        references = dict(packed)
    first, second = judging.judge(references, manifest, quantized=made is not None)
    if changed is not None and first.status != "skipped":
        first = judging.prepared(first, changed)
    if second.status == "mismatch" and made is not None and target is not None:
        second = _explained(work, second, made, samples, references, manifest)
        second = _located(work, second, made, target, samples)
    work.emit(events.LinksKnown(links=state_links.compiled((first, second), manifest.state)))


def _explained(
    work: "Worker",
    link: Link,
    made: "Quantized",
    samples: Samples,
    references: dict[str, NDArray],
    manifest: Manifest,
) -> Link:
    """The broken link with the known faults that do what lowering did, and what helps."""
    outputs = range(len(manifest.outputs))
    lowered = [[references[f"tosa_{k}_{j}"] for j in outputs] for k in range(len(samples.inputs))]
    steps = [info.step for info in manifest.outputs]
    try:
        found = known_faults.explain(made.module, samples.inputs, steps, lowered, link.output or 0)
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        work.note(f"known faults of the compiler were not tried on the model: {one_line(error, 160)}")
        return link
    said = [f"a known fault ({fault.name}): {fault.cause}; what helps: {fault.remedy}" for fault in found]
    return msgspec.structs.replace(link, hint="; ".join(said) or None)


def _located(work: "Worker", link: Link, made: "Quantized", target: Any, samples: Samples) -> Link:
    """The broken link with the first operator whose result lowering changes, where one can be found."""

    def say(text: str) -> None:
        work.emit(events.Logged(source="compile", text=f"lowering changed the result: {text}", level="warning"))

    try:
        place = first_change.find(made.module, target, samples.inputs, say)
    except Exception as error:  # noqa: BLE001 - compilers fail on a part of a model in as many ways as on the whole
        work.note(f"the operator that lowering changed was not found: {one_line(error, 160)}")
        return link
    if place is None:
        work.note("no part of the model by itself shows where lowering changed the result")
        return link
    return msgspec.structs.replace(link, operator=place.name, line=place.line)
