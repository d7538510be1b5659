"""The stages load and export: from a spec to an exported program and the data to quantize and compare it with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch.export import ExportedProgram

from tui.compile import models, mutation, samples
from tui.compile.carried import Carried
from tui.compile.inputs import Inputs
from tui.compile.models import Model
from tui.compile.samples import Samples
from tui.run.spec import Spec


@dataclass(frozen=True)
class Loaded:
    """A model with the samples to infer and to calibrate on."""

    model: Model
    samples: Samples
    calibration: Sequence[Inputs]


@dataclass(frozen=True)
class Exported(Loaded):
    """The same with the exported program, and the state it carries."""

    program: ExportedProgram
    state: Carried


def load(spec: Spec, *, ones: bool) -> Loaded:
    """Load the model of a spec and its data; with `ones` the samples are ones."""
    model = models.load(spec.model, spec.folder)
    models.check(model, spec)
    # The Cortex-M kernels know no other layout.
    if spec.channels_last or spec.target.is_cpu:
        model = models.channels_last(model)
    return Loaded(
        model,
        samples.ones(model) if ones else samples.for_run(spec, model),
        samples.for_calibration(spec, model),
    )


def export(spec: Spec, loaded: Loaded, warn: Callable[[str], None]) -> Exported:
    """Export a model, and give each inference a sample where the model has state."""
    model, run_samples, calibration = loaded.model, loaded.samples, loaded.calibration
    program = models.export(model)
    with model.at_home():
        unregistered = () if model.program is not None else mutation.unregistered(model.module, model.example)
    state = Carried(program, warn, unregistered)
    if state.changes.state:
        run_samples = samples.each_inference(run_samples, spec.inferences)
        calibration = state.steps(calibration, spec.inferences)
    return Exported(model, run_samples, calibration, program, state)
