"""The form of a spec: a field for each option that has one, which keeps any value of it."""

from pathlib import Path

import msgspec
import pytest
from textual.app import App, ComposeResult

from tui.app.widgets.spec_form import FORM, SpecForm
from tui.run import spec
from tui.run.board_options import Serial
from tui.run.spec import Spec
from tui.toolchain import vela
from tui.toolchain.target import Target, on_board_of


class OnlyForm(App[None]):
    CSS = "FieldGroup { height: auto; }"

    def __init__(self, base: Spec = spec.DEFAULT) -> None:
        super().__init__()
        self.base = base

    def compose(self) -> ComposeResult:
        yield SpecForm(self.base, id="options")


@pytest.fixture
def specs(tmp_path: Path) -> list[Spec]:
    """Specs that differ from the default in every value the form has."""
    file, archive = str(tmp_path / "i.npy"), str(tmp_path / "all.npz")
    known = vela.lists()
    target = Target(known.accelerators[-1], known.system_configs[-1], known.memory_modes[-1])
    changed = Spec(
        model="m",
        target=target,
        quantize="a16w8",
        channels_last=True,
        calibration=file,
        platform="simulator",
        engine="firmware",
        inferences=7,
        inputs=(file, file),
    )
    return [
        Spec(model="m"),
        changed,
        Spec(model="m", target=on_board_of("ethos-u65-512")),
        Spec(model="m", target=Target("ethos-u55-32", "Ethos_U55_Deep_Embedded", "Sram_Only")),
        msgspec.structs.replace(changed, inputs=(), dataset=archive, serve=True),
        msgspec.structs.replace(changed, until="emit"),
    ]


async def test_what_is_filled_in_is_read_back(specs: list[Spec]) -> None:
    app = OnlyForm()
    async with app.run_test():
        form = app.query_one(SpecForm)
        for one in specs:
            form.fill(one)
            assert form.read(Spec(model="m", timeout_s=5), "m") == msgspec.structs.replace(one, timeout_s=5)
        # An FVP has no engine.
        form.fill(msgspec.structs.replace(specs[1], platform="fvp"))
        assert form.read(Spec(model="m"), "m").engine == "auto"


async def test_every_option_with_a_form_has_a_field_with_its_words() -> None:
    board = Serial(port="/dev/ttyBOARD")
    app = OnlyForm(Spec(model="", toolchain="/opt/nightly/bin/python", platform="serial", serial=board))
    async with app.run_test():
        form = app.query_one(SpecForm)
        # The family is a part of the target's name, "Do" chooses between commands, and parameters have a screen.
        labels = [field.label for field in form.fields if field.id not in ("npu", "until", "parameters")]
        assert labels == [option.form.label for option in FORM if option.form]
        for option in FORM:
            field = form.field(option.key.replace("_", "-"))
            assert option.form is not None and field.about == option.form.about


async def test_there_is_no_choice_of_toolchains_where_none_is_named() -> None:
    app = OnlyForm()
    async with app.run_test():
        assert "toolchain" not in [field.id for field in app.query_one(SpecForm).fields]


async def test_a_board_is_offered_where_there_is_a_port() -> None:
    plain = Spec(model="m")
    on_board = msgspec.structs.replace(plain, serial=Serial(port="/dev/ttyBOARD", reset="reset it"))
    app = OnlyForm(on_board)
    async with app.run_test():
        form = app.query_one(SpecForm)
        # Naming the port is enough on the command line; on the screen it is said.
        assert form.platform == "serial"
        form.offer(is_lowered=False)
        assert [field.id for field in form.fields if not field.shown] == ["engine", "inputs", "parameters"]
        assert form.read(on_board, "m") == msgspec.structs.replace(on_board, platform="serial")
        form.field("platform").value = "simulator"
        form.offer(is_lowered=False)
        assert not form.field("port").shown
        assert form.read(on_board, "m") == msgspec.structs.replace(plain, platform="simulator")


def test_what_a_field_means_fits_into_a_line_of_eighty_columns() -> None:
    fields = SpecForm(spec.DEFAULT, id="options").fields
    assert fields and not [field.about for field in fields if len(field.about) > 80 - 2]
