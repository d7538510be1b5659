"""Buffers that a model changes: found when it is exported, left alone by compiling, kept as ExecuTorch keeps them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tui.compile import mutation
from tui.model import pte
from tui.simulator.interpreter import Method

pytestmark = pytest.mark.xdist_group("torch")

ROW = torch.ones(1, 4)


class _Kept(nn.Module):
    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("s", torch.full((1, 4), start))


class Added(_Kept):
    def forward(self, x: torch.Tensor) -> Any:
        self.s.add_(x)
        return self.s * 2


class Assigned(_Kept):
    def forward(self, x: torch.Tensor) -> Any:
        self.s = self.s + x
        return self.s * 2


class Written(_Kept):
    def forward(self, x: torch.Tensor) -> Any:
        new = self.s + x
        self.s.copy_(new)
        return new * 2


class Shifted(nn.Module):
    """A window over its inputs, moved by slices."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.zeros(1, 4, 8))

    def forward(self, x: torch.Tensor) -> Any:
        self.window[:, :, :-1] = self.window[:, :, 1:].clone()
        self.window[:, :, -1:] = x[..., None]
        return self.window * 2


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(4, 4)
        self.register_buffer("h", torch.zeros(1, 4))
        self.register_buffer("c", torch.zeros(1, 4))

    def forward(self, x: torch.Tensor) -> Any:
        h, c = self.cell(x, (self.h, self.c))
        self.h.copy_(h)
        self.c.copy_(c)
        return h


class Counting(nn.Module):
    """Counts, and nobody asks."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("n", torch.zeros((), dtype=torch.long))

    def forward(self, x: torch.Tensor) -> Any:
        self.n.add_(1)
        return self.layer(x)


class Counted(Counting):
    def forward(self, x: torch.Tensor) -> Any:
        self.n.add_(1)
        return self.layer(x), self.n + 0


class Stored(Counting):
    """Keeps its last output, which no output depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("last", torch.zeros(1, 4))

    def forward(self, x: torch.Tensor) -> Any:
        y = self.layer(x)
        self.last.copy_(y)
        return y


class Training(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x: torch.Tensor) -> Any:
        return self.norm(x)


class OfItsInput(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        x.add_(1)
        return x * 2


class InPlace(nn.Module):
    """Changes what it has made itself, which is nobody's state."""

    def forward(self, x: torch.Tensor) -> Any:
        y = torch.relu_(x * 2)
        y[:, 0] = 1
        return y


def exported(model: nn.Module, given: torch.Tensor = ROW) -> Any:
    model.requires_grad_(False)
    return torch.export.export(model, (given,))


@pytest.mark.parametrize(
    ("model", "given", "names", "state"),
    [
        (Added(), ROW, {"s"}, {"s"}),
        (Assigned(), ROW, {"s"}, {"s"}),
        (Written(), ROW, {"s"}, {"s"}),
        (Shifted(), ROW, {"window"}, {"window"}),
        (Recurrent(), ROW, {"h", "c"}, {"h", "c"}),
        (Counting(), ROW, {"n"}, set()),
        (Counted(), ROW, {"n"}, {"n"}),
        (Stored(), ROW, {"last"}, set()),
        (
            Training(),
            torch.randn(8, 4),
            {"norm.running_mean", "norm.running_var", "norm.num_batches_tracked"},
            set(),
        ),
        (OfItsInput(), ROW, set(), set()),
        (InPlace(), ROW, set(), set()),
        (Training().eval(), ROW, set(), set()),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_buffers_and_those_that_outputs_depend_on(
    model: nn.Module, given: torch.Tensor, names: set[str], state: set[str]
) -> None:
    program = exported(model, given)
    found = mutation.of_program(program)
    assert {change.name for change in found.buffers} == names
    assert {change.name for change in found.state} == state
    assert all(change.line and Path(change.line.rpartition(":")[0]) == Path(__file__) for change in found.state)
    # What PyTorch itself finds, which has to take the program apart for it.
    inference = program.run_decompositions({})
    assert set(inference.graph_signature.buffers_to_mutate.values()) == names
    assert {change.name for change in mutation.of_program(inference).state} <= names
    inputs = set(inference.graph_signature.user_inputs_to_mutate.values())
    assert {change.name for change in found.inputs} == inputs


def test_running_leaves_a_model_as_it_was_and_inferences_follow_each_other() -> None:
    for model in (Added(1.0), Assigned(1.0), Written(1.0)):
        before = model.s
        for _ in range(2):
            ran = [float(outputs[0][0, 0]) for outputs in mutation.run(model, [(ROW,)] * 3, ["s"])]
            assert ran == [4.0, 6.0, 8.0]
        assert model.s is before
        assert bool((before == 1).all())
        anew = [float(outputs[0][0, 0]) for outputs in mutation.run(model, [(ROW,)] * 3, ["s"], anew=True)]
        assert anew == [4.0, 4.0, 4.0]
    given = ROW.clone()
    ((back, own),) = mutation.run(OfItsInput(), [(given,)], [], returned=[0])
    assert (float(given[0, 0]), float(back[0, 0]), float(own[0, 0])) == (1.0, 2.0, 4.0)


@pytest.mark.parametrize("make", [Added, Assigned, Written, Recurrent, Counted, Stored])
def test_quantization_leaves_the_users_model_and_its_own_in_their_first_state(make: Callable[[], nn.Module]) -> None:
    from executorch.backends.arm.quantizer import TOSAQuantizer, get_symmetric_quantization_config
    from executorch.backends.arm.tosa.specification import TosaSpecification

    from tui.compile import quantization
    from tui.compile.links import layers

    model = make().eval()
    program = exported(model)
    quantizer = TOSAQuantizer(TosaSpecification.create_from_string("TOSA-1.0+INT"))
    quantizer.set_global(get_symmetric_quantization_config(is_per_channel=True))
    made = quantization.convert(program, quantizer, [(ROW,)] * 3, (ROW,))
    layers.compare(made.float_module, made.module, [(ROW,)] * 3)
    for module in (model, made.module, made.float_module):
        state = dict(module.named_buffers())
        for change in mutation.of_program(program).buffers:
            assert change.name not in state or not state[change.name].any(), (type(module), change.name)


def emitted(model: nn.Module, *passes: Any) -> bytes:
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    edge = to_edge_transform_and_lower(exported(model), compile_config=EdgeCompileConfig(_check_ir_validity=False))
    return bytes((edge.transform(list(passes)) if passes else edge).to_executorch().buffer)


def _compared(data: bytes) -> list[list[float]]:
    """The first output's last element: of ExecuTorch's own runtime, and of the interpreter."""
    from executorch.extension.pybindings import portable_lib

    runtime = portable_lib._load_for_executorch_from_buffer(data)
    method = Method(pte.parse(data))
    found: list[list[float]] = []
    for k in range(1, 5):
        theirs = runtime.run_method("forward", (ROW * k,))
        (given,) = method.inputs
        assert given is not None
        given.array[...] = k
        method.execute()
        for ours, wanted in zip(method.outputs, theirs, strict=True):
            np.testing.assert_allclose(ours.array, wanted.numpy(), rtol=1e-5, atol=1e-6)
        found.append([float(theirs[0].flatten()[-1]), float(method.outputs[0].array.flatten()[-1])])
    return found


@pytest.mark.parametrize("make", [Added, Assigned, Shifted, Recurrent, Counted, Stored, OfItsInput])
def test_state_is_kept_as_executorchs_runtime_keeps_it(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    data = emitted(make().eval())
    state = pte.parse(data).main.state
    assert len(state) == {Recurrent: 2, OfItsInput: 0}.get(make, 1)
    found = _compared(data)
    if make is Added:
        assert found[-1] == [20.0, 20.0]


def test_a_first_value_that_the_program_holds_is_where_state_starts() -> None:
    from executorch.exir.passes.init_mutable_pass import InitializedMutableBufferPass

    data = emitted(Added(3.0), InitializedMutableBufferPass(["s"]))
    assert _compared(data) == [[8.0, 8.0], [12.0, 12.0], [18.0, 18.0], [26.0, 26.0]]
    # Without that pass ExecuTorch keeps shape and type only: the interpreter's memory starts with zeros.
    plain = Method(pte.parse(emitted(Added(3.0))))
    (given,) = plain.inputs
    assert given is not None
    given.array[...] = 1
    plain.execute()
    assert float(plain.outputs[0].array[0, 0]) == 2.0


class Plain(Written):
    """Beside a buffer, it keeps a tensor that is none."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = torch.zeros(1, 4)
        self.fixed = torch.ones(1, 4)

    def forward(self, x: torch.Tensor) -> Any:
        self.plain = self.plain + self.fixed
        return super().forward(x) + self.plain


def test_plain_attributes_that_a_model_replaces_are_found_and_nothing_is_changed() -> None:
    model = Plain()
    before = model.plain
    (found,) = mutation.unregistered(model, (ROW,))
    assert (found.name, found.module, found.read) == ("plain", "", True)
    assert model.plain is before
    assert not model.s.any()
    assert mutation.unregistered(Written(), (ROW,)) == ()
