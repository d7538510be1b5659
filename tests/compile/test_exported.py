"""Modules of the caller's own process: what travels as a .pt2, what is refused, and that the module stays as it is."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tui.api import handed
from tui.compile import exported
from tui.errors import UsageError, UserError

IMAGE = torch.rand(1, 3, 8, 8)


class Net(nn.Module):
    """With a dropout, whose training mode would be seen in the program."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 8, 3)
        self.drop = nn.Dropout(0.5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.drop(self.features(image)).mean((2, 3))


class Undecided(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image if image.sum() > 0 else -image


class Fixed(Net):
    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("there is only one of me")


@pytest.fixture(scope="module")
def own_operator() -> Iterator[nn.Module]:
    """A module that calls an operator of this process."""
    with torch.library._scoped_library("fvp_tui_tests", "DEF") as library:
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: x * 2, "CompositeExplicitAutograd")
        library.impl("twice", lambda x: torch.empty_like(x), "Meta")

        class Own(nn.Module):
            def forward(self, image: torch.Tensor) -> torch.Tensor:
                return torch.ops.fvp_tui_tests.twice(image)

        yield Own()


def loaded(content: bytes) -> torch.export.ExportedProgram:
    return torch.export.load(io.BytesIO(content))


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_program_computes_what_the_module_does_and_the_module_stays_as_it_is(channels_last: bool) -> None:
    net = Net()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    program = loaded(exported.to_bytes(net, IMAGE, channels_last=channels_last))
    assert torch.allclose(program.module()(IMAGE), net.eval()(IMAGE), atol=1e-6)
    net.train()
    assert all(parameter.requires_grad and parameter.is_contiguous() for parameter in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert program.example_inputs is not None
    (image,), _ = program.example_inputs
    assert torch.equal(image, IMAGE)
    assert image.is_contiguous(memory_format=torch.channels_last) is channels_last


def test_a_module_in_training_is_exported_for_inference_and_goes_on_training() -> None:
    net = Net().train()
    program = loaded(exported.to_bytes(net, (IMAGE.numpy(),)))
    assert net.training and net.drop.training
    assert torch.equal(program.module()(IMAGE), program.module()(IMAGE))


@pytest.mark.parametrize(
    ("module", "inputs", "said"),
    [
        (Net(), None, "a module needs its inputs"),
        (Net(), torch.rand(1, 4, 8, 8), "forward of Net fails on the inputs given: RuntimeError"),
        (Net(), (IMAGE, IMAGE), "forward of Net fails on the inputs given: TypeError"),
        (Undecided(), IMAGE, "torch.export cannot export Undecided: "),
        (Fixed(), IMAGE, "Fixed cannot be copied: there is only one of me"),
    ],
)
def test_what_cannot_travel_is_refused_with_the_reason(module: nn.Module, inputs: Any, said: str) -> None:
    with pytest.raises(UserError) as error:
        exported.to_bytes(module, inputs)
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


def test_an_operator_of_this_process_alone_is_refused(own_operator: nn.Module) -> None:
    with pytest.raises(UserError, match="Own calls fvp_tui_tests::twice, an operator that only this process has"):
        exported.to_bytes(own_operator, IMAGE)


def test_an_exported_program_is_taken_as_it_is_and_keeps_its_layout() -> None:
    program = torch.export.export(Net().eval(), (IMAGE,))
    assert torch.equal(loaded(exported.to_bytes(program, None)).module()(IMAGE), program.module()(IMAGE))
    with pytest.raises(UsageError, match="an exported program has a fixed layout"):
        exported.to_bytes(program, None, channels_last=True)


def test_the_same_module_is_the_same_model_to_every_run(home: Path) -> None:
    net = Net()
    model, inputs = handed.model_of(net, IMAGE, channels_last=False)
    assert Path(model).is_relative_to(home / handed.FOLDER) and Path(model).name == "Net.pt2"
    assert inputs == ()  # the program has them
    assert handed.model_of(net, [IMAGE], channels_last=False) == (model, ())
    assert handed.model_of(Net(), IMAGE, channels_last=False)[0] != model


def test_arrays_and_tensors_become_files_and_files_stay_what_they_are(home: Path) -> None:
    array = np.arange(6, dtype=np.int8).reshape(2, 3)
    model, inputs = handed.model_of("sample:digits", [array, "x.npy", IMAGE.requires_grad_()], channels_last=False)
    assert (model, inputs[1]) == ("sample:digits", "x.npy")
    assert np.array_equal(np.load(inputs[0]), array) and np.array_equal(np.load(inputs[2]), IMAGE.detach().numpy())
    assert handed.model_of("sample:digits", array, channels_last=False)[1] != inputs[:1]
    with pytest.raises(UsageError, match=r"input 0, a Tensor, has no form as an array.*torch\.save"):
        handed.model_of("sample:digits", IMAGE.to(torch.bfloat16), channels_last=False)
