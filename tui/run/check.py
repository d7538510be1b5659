"""Figures of the check: outputs against their reference, the links that lead there, layers, accuracy and limits."""

from collections.abc import Iterable, Sequence
from typing import Literal

from tui.run.figures import Figure


class OutputCheck(Figure):
    """An output compared with the references', over all inferences."""

    shape: tuple[int, ...]
    dtype: str
    max_abs_error: float | None = None
    """Largest difference from the reference."""
    tolerance: float | None = None
    """Largest error that still counts as a match."""
    quantized_max_abs_error: float | None = None
    """Largest difference from PyTorch's quantized model, whose arithmetic is in floating point."""
    sqnr_db: float | None = None
    """Signal to quantization noise against the float model in dB; None where there is no noise or no signal."""
    cosine: float | None = None
    """Cosine of the angle to the float model's output, over all inferences: 1 for the same direction."""
    top1_match: bool | None = None
    """True if the largest element is the reference's, in every inference."""
    top1_float: float | None = None
    """Share of answers, 0..1, in which the largest element is the same as the float model's."""
    top1_quantized: float | None = None
    """Share of answers in which PyTorch's quantized model has the same largest element."""
    top: tuple[tuple[int, float], ...] = ()
    """Places and values of the platform's largest elements in the last inference; empty where they are no ranking."""


class Layer(Figure):
    """A layer of the quantized model, compared with that of the float model over some of the run's inputs."""

    name: str
    """Path of the nn.Module; of what the model does itself, the exported node."""
    op: str
    """PyTorch's operator; ``input`` for an input of the model."""
    sqnr_db: float | None = None
    """Signal to quantization noise in dB, noise of all layers before included; None without noise or signal."""
    drop_db: float | None = None
    """Loss against the noisiest of its inputs in dB; None where none of those is known."""
    max_abs_error: float | None = None
    max_abs: float | None = None
    """Largest value in the float model."""
    line: str | None = None
    """``FILE:LINE`` in the model's source."""


NOISY_DB = 20.0
"""Signal to quantization noise below which what matters is lost: the noise is a tenth of the signal."""


def first_noisy(layers: Iterable[Layer]) -> Layer | None:
    """The first layer whose signal is lost in noise; None where there is none."""
    return next((layer for layer in layers if layer.sqnr_db is not None and layer.sqnr_db < NOISY_DB), None)


class Accuracy(Figure):
    """Correct answers on inputs that carry a label."""

    inputs: int
    float_correct: int
    quantized_correct: int
    platform_correct: int
    agree: int
    """Inputs on which platform and quantized model give the same answer."""


class Doubt(Figure):
    """An input, and how near the platform's answer was to another one."""

    item: int
    """Place in the data set, from 0."""
    label: int
    answer: int
    """The platform's."""
    margin: float | None
    """Score of the label less the best other score, in units of the output: negative where the answer is wrong. None
    where the label is no place of the output."""


Counts = tuple[int, int, int, int, int]
"""Label, answer of the float model, of the quantized model, and of the platform; and the number of such inputs."""


class Confusion(Figure):
    """Answers of the three models to labelled inputs, counted (`tui.run.confusion`)."""

    counts: tuple[Counts, ...] = ()
    worst: tuple[Doubt, ...] = ()
    """The inputs with the least margin, the least first."""


class Answer(Figure):
    """The answer of one inference: the largest elements of its first output, where they are a ranking."""

    inference: int
    label: int | None = None
    """The correct answer; None where it is not known."""
    top: tuple[tuple[int, float], ...] = ()
    """Places and values of the largest elements, the largest first."""


CheckStatus = Literal["match", "mismatch", "skipped"]


LinkName = Literal["quantized", "lowered", "platform"]


class Link(Figure):
    """A step from the user's float model to the platform's output, named by its end and compared with its start.

    The chain is float -> quantized -> lowered -> platform. Over all outputs and inferences; `output` is the one that
    comes nearest to breaking the link, or is the farthest beyond.
    """

    name: LinkName
    status: CheckStatus
    sqnr_db: float | None = None
    """Signal to noise in dB of this end against the float model: what is left of the signal up to here."""
    max_abs_error: float | None = None
    """Largest difference between both ends of the link, in units of the output."""
    allowed: float | None = None
    """Largest difference that does not break the link."""
    reason: str | None = None
    """Cause of a broken link, or of one that was not compared."""
    output: int | None = None
    operator: str | None = None
    """The first operator of a broken link whose result differs, where it is known: ``features.3 (aten.relu)``."""
    line: str | None = None
    """``FILE:LINE`` of that operator in the model's source."""
    hint: str | None = None
    """Known cause of a broken link, and a way out that was tried."""


def broken(links: Iterable[Link]) -> Link | None:
    """The first link of a chain that does not hold; None where all that were compared do."""
    return next((link for link in links if link.status == "mismatch"), None)


def why_broken(links: Sequence[Link]) -> str | None:
    """The first broken link of a chain in a sentence; None where none is.

    ``LOWERING CHANGED THE RESULT 45.4 dB -> 7.9 dB, first at relu (aten.relu), model.py:8``.
    """
    link = broken(links)
    if link is None:
        return None
    before = links[links.index(link) - 1] if link is not links[0] else None
    decibels = [f"{level:.1f} dB" for level in (before.sqnr_db if before else None, link.sqnr_db) if level is not None]
    levels = f" {' -> '.join(decibels)}" if link.sqnr_db is not None else ""
    place = ", ".join(part for part in (link.operator, link.line) if part)
    match link.name:
        case "quantized":
            return f"QUANTIZATION CHANGED THE RESULT{levels}" + (f", first at {place}" if place else f": {link.reason}")
        case "lowered":
            return f"LOWERING CHANGED THE RESULT{levels}" + (f", first at {place}" if place else f": {link.reason}")
        case "platform":
            return f"THE PLATFORM COMPUTED SOMETHING ELSE: {link.reason}"


class Check(Figure):
    """The platform's outputs against the reference, and each link of the chain that leads there."""

    status: CheckStatus
    """A match only where no link is broken."""
    reason: str | None = None
    links: tuple[Link, ...] = ()
    reference: Literal["tosa", "quantized", "float", "bundle"] | None = None
    """Reference of the outputs: the lowered program with Arm's TOSA reference model in the NPU's place; failing that,
    PyTorch's quantized model; of a model that is not quantized, the float model; of a bundled program, its
    expected outputs."""
    outputs: tuple[OutputCheck, ...] = ()
    accuracy: Accuracy | None = None
    confusion: Confusion | None = None

    @property
    def hint(self) -> str | None:
        """Advice on a broken link."""
        link = broken(self.links)
        return None if link is None else link.hint

    @property
    def sqnr_db(self) -> float | None:
        """Signal to noise of the noisiest output; None where none is known."""
        return min((output.sqnr_db for output in self.outputs if output.sqnr_db is not None), default=None)


class BundleTest(Figure):
    """A test case of a bundled program, as the runner itself compared it (BundleIO)."""

    index: int
    passed: bool | None = None
    """The runner's verdict; None where it is not printed."""
    mean_abs_error: float | None = None
    max_abs_error: float | None = None
    mean_relative_error: float | None = None
    max_relative_error: float | None = None


class LimitResult(Figure):
    """A limit of the spec and the run's value, which is None where it is not known."""

    name: str
    limit: float
    value: float | None
    ok: bool

    @property
    def words(self) -> str:
        """``npu_cycles is 964, the limit is 900``."""
        value = "unknown" if self.value is None else f"{self.value:,.7g}"
        return f"{self.name} is {value}, the limit is {self.limit:,.7g}"
