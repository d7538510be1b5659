"""Answers of inferences as they come, and how many of them are right so far."""

from pathlib import Path

import msgspec
import numpy as np

from tui.model import tensors
from tui.model.tensors import Manifest, NDArray
from tui.pipeline import check
from tui.run import events
from tui.run.check import Accuracy, Answer

MOST = 10
"""Largest elements of an answer that are told."""

NONE_YET = Accuracy(inputs=0, float_correct=0, quantized_correct=0, platform_correct=0, agree=0)


class Answers:
    """The first output of each inference as an answer, where it is a ranking, held against labels and references."""

    def __init__(self, artifacts: Path, manifest: Manifest) -> None:
        self._manifest = manifest
        self._references = _first_outputs(artifacts, manifest)
        self._ranked = bool(self._references) and (bool(manifest.labels) or _ranked(self._references, manifest))
        self._accuracy = NONE_YET if manifest.labels else None

    def answered(self, inference: int, outputs: list[bytes], *, on_sample: bool) -> events.Answered | None:
        """The event of an inference's outputs; None where they are no answer."""
        if not self._ranked or not outputs:
            return None
        try:
            got = tensors.from_bytes(outputs[0], self._manifest.outputs[0])
        except ValueError:
            return None  # of another size, which the check says
        sample = tensors.sample_of(self._manifest, inference)
        label = self._manifest.labels[sample] if on_sample and self._manifest.labels else None
        if label is not None:
            self._count(sample, label, int(got.argmax()))
        answer = Answer(inference=inference, label=label, top=check.top(got, MOST))
        return events.Answered(answer=answer, accuracy=self._accuracy) if answer.top else None

    def _count(self, sample: int, label: int, platform: int) -> None:
        """Count an answer on a labelled sample, and those of the references to the same."""
        quantized = self._answer("tosa", sample)
        quantized = self._answer("quantized", sample) if quantized is None else quantized
        before = self._accuracy or NONE_YET
        self._accuracy = msgspec.structs.replace(
            before,
            inputs=before.inputs + 1,
            float_correct=before.float_correct + (self._answer("float", sample) == label),
            quantized_correct=before.quantized_correct + (quantized == label),
            platform_correct=before.platform_correct + (platform == label),
            agree=before.agree + (quantized == platform),
        )

    def _answer(self, kind: str, sample: int) -> int | None:
        output = self._references.get(f"{kind}_{sample}_0")
        return None if output is None else int(output.argmax())


def _first_outputs(artifacts: Path, manifest: Manifest) -> dict[str, NDArray]:
    """The references' first outputs; empty where none can be compared with the platform's."""
    path = artifacts / tensors.REFERENCES
    if manifest.unchecked is not None or not manifest.outputs or not path.exists():
        return {}
    with np.load(path) as packed:
        return {name: packed[name] for name in packed.files if name.endswith("_0") and not name.startswith("bundle")}


def _ranked(references: dict[str, NDArray], manifest: Manifest) -> bool:
    floats = [references.get(f"float_{sample}_0") for sample in range(manifest.samples)]
    known = [output for output in floats if output is not None]
    return bool(known) and check.is_ranking(known)
