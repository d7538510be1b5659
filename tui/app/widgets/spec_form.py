"""The fields of a spec beside its model."""

from pathlib import Path
from typing import TypeVar, cast

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui.app.widgets.choice import Choice, Field, Number
from tui.app.widgets.files_field import FilesField
from tui.run import spec
from tui.run.derived import ESTIMATED, MEASURED
from tui.run.spec import EngineChoice, PlatformChoice, Quantization, Spec
from tui.toolchain import boards, vela
from tui.toolchain.target import Target

CHANNELS_LAST = "channels_last"
BADGES = {
    "fvp": MEASURED,
    "simulator": ESTIMATED,
    "auto": "FVP if found, else SIMULATOR",
}

FieldType = TypeVar("FieldType", bound=Field)


def is_data_set(files: tuple[str, ...]) -> bool:
    """Whether files of inputs are a data set: a folder or an archive."""
    return len(files) == 1 and (files[0].endswith(".npz") or Path(files[0]).is_dir())


def _words(values: Spec) -> dict[str, str]:
    """What the choices stand on, by their ids."""
    return {
        "accelerator": values.target.accelerator,
        "memory-mode": values.target.memory_mode,
        "system-config": values.target.system_config,
        "quantize": values.quantize,
        "layout": CHANNELS_LAST if values.channels_last else "",
        "until": "emit" if values.until == "emit" else "serve" if values.serve else "check",
        "platform": values.platform,
        "engine": values.engine,
    }


def _files(values: Spec) -> dict[str, tuple[str, ...]]:
    """The files that fields name, by their ids."""
    return {
        "calibration": (values.calibration,) if values.calibration else (),
        "inputs": (values.dataset,) if values.dataset else values.inputs,
    }


def is_folder(path: str | None) -> bool:
    """Whether there is such a folder."""
    return path is not None and Path(path).is_dir()


class SpecForm(Vertical):
    """Target, program and platform, named as Vela and ExecuTorch name their values."""

    def __init__(self, values: Spec, *, id: str) -> None:
        super().__init__(id=id)
        self._first = values

    def compose(self) -> ComposeResult:
        """The fields, with the first values."""
        try:
            known = vela.lists()
        except vela.VelaMissing:
            known = None  # spec.check says so where the user sees it
        first, files = _words(self._first), _files(self._first)
        yield Static("Target", classes="group", markup=False)
        yield Choice(
            "NPU",
            [(name, name.rsplit("-", 1)[-1]) for name in known.accelerators] if known else [],
            "Size of the Ethos-U85: 8-bit multiply-accumulates a cycle.",
            id="accelerator",
            value=first["accelerator"],
            unit="MACs",
        )
        yield Choice(
            "Memory",
            [(name, name) for name in known.memory_modes] if known else [],
            "Vela's memory mode: where weights and intermediate tensors lie.",
            id="memory-mode",
            value=first["memory-mode"],
        )
        yield Choice(
            "System",
            [(name, boards.short_system_config(name)) for name in known.system_configs] if known else [],
            "Vela's system config: clock, and speed of SRAM and of the memory outside.",
            id="system-config",
            value=first["system-config"],
        )
        yield Static("Program", classes="group", markup=False)
        yield Choice(
            "Quantize",
            [(name, name) for name in spec.QUANTIZATIONS],
            "int8; a16w8: 16-bit activations; none: float, which the NPU cannot run.",
            id="quantize",
            value=first["quantize"],
        )
        yield FilesField(
            "Calibrate",
            "on the model's inputs",
            "What quantization takes its ranges from: files or a folder.",
            id="calibration",
            value=files["calibration"],
        )
        yield Choice(
            "Layout",
            [("", "as written"), (CHANNELS_LAST, "channels last")],
            "Channels last is the NPU's own layout: no transposition of the input, which is then NHWC in memory.",
            id="layout",
            value=first["layout"],
        )
        yield Choice(
            "Do",
            [("check", "compile and run"), ("emit", "compile only"), ("serve", "run and stay")],
            "Compile only stops after the .pte and its analysis; run and stay keeps the platform for more inferences.",
            id="until",
            value=first["until"],
        )
        yield Static("Platform", classes="group", markup=False)
        yield Choice(
            "Run on",
            [(name, name) for name in spec.PLATFORMS],
            "auto takes the FVP when it and a runner are found, else the simulator.",
            id="platform",
            value=first["platform"],
        )
        yield Choice(
            "Engine",
            [(name, name) for name in spec.ENGINES],
            "How the simulator runs the CPU: in Python, or Arm's firmware on an emulated core.",
            id="engine",
            value=first["engine"],
        )
        yield FilesField(
            "Inputs",
            "the model's own",
            "What to infer on: files, or a folder or .npz with many samples, labelled or not.",
            id="inputs",
            value=files["inputs"],
        )
        yield Number(
            "Inferences",
            "How many inferences, each with the model's next input.",
            id="inferences",
            value=self._first.inferences,
        )
        yield Static("", id="option-problem", classes="problem", markup=False)
        yield Static("", id="expected", markup=False)
        yield Static("", id="about", markup=False)

    def _field(self, id: str, kind: type[FieldType]) -> FieldType:
        return self.query_one(f"#{id}", kind)

    def _choice(self, id: str) -> str:
        return self._field(id, Choice).value

    def fill(self, values: Spec) -> None:
        """Show the values of a spec."""
        for id, word in _words(values).items():
            self._field(id, Choice).value = word
        for id, files in _files(values).items():
            self._field(id, FilesField).value = files
        self._field("inferences", Number).value = values.inferences

    def read(self, base: Spec, model: str) -> Spec:
        """`base` with the fields' values and a model."""
        platform, compiles = cast(PlatformChoice, self._choice("platform")), self._choice("until") == "emit"
        inputs, calibration = self._field("inputs", FilesField).value, self._field("calibration", FilesField).value
        many = is_data_set(inputs)
        return msgspec.structs.replace(
            base,
            model=model,
            # A model that was run in another folder runs there again.
            folder=base.folder if base.model == model and is_folder(base.folder) else spec.folder_for(model),
            target=Target(
                accelerator=self._choice("accelerator"),
                system_config=self._choice("system-config"),
                memory_mode=self._choice("memory-mode"),
            ),
            quantize=cast(Quantization, self._choice("quantize")),
            calibration=calibration[0] if calibration else None,
            channels_last=self._choice("layout") == CHANNELS_LAST,
            inputs=() if many else inputs,
            dataset=inputs[0] if many else None,
            until="emit" if compiles else "check",
            platform=platform,
            engine="auto" if platform == "fvp" else cast(EngineChoice, self._choice("engine")),
            inferences=self._field("inferences", Number).value,
            serve=self._choice("until") == "serve",
        )

    def offer(self, *, is_program: bool) -> None:
        """Show only the fields that have a meaning for the rest of the choice; `is_program`: it is compiled already."""
        compiles = self._choice("until") == "emit"
        for id in ("platform", "inputs", "inferences"):
            self._field(id, Field).display = not compiles
        self._field("engine", Field).display = not compiles and self._choice("platform") != "fvp"
        for id in ("quantize", "calibration", "layout"):
            self._field(id, Field).display = not is_program

    @property
    def badge(self) -> str:
        """Where the run would take place, and what its figures would be worth."""
        return "compile only" if self._choice("until") == "emit" else BADGES[self._choice("platform")]
