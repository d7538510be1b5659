"""Noise of quantization by layer: the first layer that adds it is named, with its line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Fvp, Ran

LOSES = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Linear(8, 8), torch.nn.Linear(8, 4)

    def forward(self, x):
        y = torch.relu(self.first(x)) + 1000.0
        z = y - 1000.0
        return self.last(z)

ModelUnderTest = Net()
ModelInputs = (torch.linspace(-1, 1, 8).reshape(1, 8),)
"""


def test_the_first_layer_that_loses_the_signal_is_named(fvp_tui: Fvp, tmp_path: Path) -> None:
    model = tmp_path / "loses.py"
    model.write_text(LOSES)
    done = fvp_tui("run", str(model), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    layers = {layer["name"]: layer for layer in found["layers"]}
    line = f"{model}:{LOSES.splitlines().index('        z = y - 1000.0') + 1}"
    assert (layers["sub"]["op"], layers["sub"]["line"]) == ("aten.sub", line)
    assert layers["sub"]["sqnr_db"] < 10 < 40 < min(layers["first"]["sqnr_db"], layers["x"]["sqnr_db"])
    assert layers["sub"]["drop_db"] == max(layer["drop_db"] or 0 for layer in found["layers"])
    # The last layer's noise is the output's, but for the rounding of its own result.
    (output,) = found["check"]["outputs"]
    assert layers["last"]["sqnr_db"] == pytest.approx(output["sqnr_db"], abs=1)
    (said,) = [text for text in fvp_tui("show", "last").stdout.splitlines() if text.startswith("Layers ")]
    assert "first below 20.0 dB against float: " in said and said.endswith(line)
    assert line in fvp_tui("show", "last", "--layers").stdout
    advice = json.loads(fvp_tui("advise", "last", "--json").stdout)["advice"]
    (noise,) = [one for one in advice if one["kind"] == "noise"]
    assert (noise["line"], noise["change"]) == (line, {"quantize": "a16w8"})


@pytest.mark.parametrize("model", ["sample:digits", "sample:transformer", "sample:split", "executorch:resnet8"])
def test_layers_of_the_models_have_places_and_noise(model: str, ran: Callable[..., Ran]) -> None:
    layers = ran(model).state["layers"]
    assert len(layers) > 5
    assert all(layer["line"] for layer in layers if layer["op"] != "input")
    noisy = [layer for layer in layers if layer["sqnr_db"] is not None]
    assert len(noisy) >= 0.9 * len(layers)
    worst, output = min(layer["sqnr_db"] for layer in noisy), ran(model).state["check"]["outputs"][0]["sqnr_db"]
    # The NPU rounds more often than PyTorch's quantized model.
    assert output is None or worst <= output + 3
