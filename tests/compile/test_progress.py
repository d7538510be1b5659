"""Progress of a long stage: reported by the compiler, kept in the journal, shown by every view."""

from pathlib import Path

import msgspec
import torch
from torch import nn
from torch.fx import GraphModule, Interpreter, symbolic_trace
from torch.fx.passes.infra.pass_base import PassResult
from torch.fx.passes.infra.pass_manager import PassManager

from tests.app import fakes
from tests.conftest import Fvp
from tui.compile import lowering, models, progress, quantization
from tui.reports import state_json, text
from tui.run import derived, events, state
from tui.toolchain.target import Target

Told = list[tuple[str, int, int | None]]


def nothing(module: GraphModule) -> PassResult:
    return PassResult(module, False)


def test_passes_and_the_nodes_between_them_are_told_of() -> None:
    module, told = symbolic_trace(nn.Sequential(nn.ReLU(), nn.ReLU())), Told()
    with progress.watching(lambda *one: told.append(one)):
        PassManager([nothing] * 12)(module)
        PassManager([nothing] * 3)(module)
        Interpreter(module).run(torch.zeros(1))
    nodes = len(module.graph.nodes)
    assert told == [("passes", at, 12) for at in range(12)] + [("nodes traced", at + 1, nodes) for at in range(nodes)]
    told.clear()
    PassManager([nothing] * 12)(module)
    Interpreter(module).run(torch.zeros(1))
    assert told == []


def test_a_short_stage_tells_nothing() -> None:
    told: list[events.Event] = []
    progress.reporter(told.append, "lower", every_s=3600)("passes", 1, 2)
    assert told == []
    progress.reporter(told.append, "lower", every_s=0)("passes", 1, 2)
    assert told == [events.StageProgressed(stage="lower", what="passes", done=1, total=2)]


def begun(*more: events.Event) -> state.State:
    return state.fold_all([events.StageStarted(t=1.0, stage="lower"), *more])


FAR = events.StageProgressed(t=2.0, stage="lower", what="passes", done=1_034, total=1_470)


def test_the_state_has_it_while_the_stage_runs_and_where_it_failed() -> None:
    assert "lower ... (passes 1,034 of 1,470)" in text.summary(begun(FAR))
    lower = next(one for one in state_json.to_json(begun(FAR))["stages"] if one["name"] == "lower")
    assert lower["progress"] == {"what": "passes", "done": 1034, "total": 1470}
    failed = begun(FAR, events.StageFinished(stage="lower", status="failed", seconds=3.0))
    assert state.stage(failed, "lower").progress == state.stage(begun(FAR), "lower").progress
    over = begun(FAR, events.StageFinished(stage="lower", status="ok", seconds=3.0))
    assert state.stage(over, "lower").progress is None
    assert derived.progress_words(msgspec.structs.replace(FAR, total=None, done=0)) == "passes"


def test_without_a_terminal_a_line_is_printed_now_and_then(home: Path, fvp_tui: Fvp) -> None:
    name, request = "20261123-061531-split-u85-256-dddd", fakes.spec_of()
    run = fakes.make(name, request, fakes.begun(name, request))
    at = fakes.T0 + 100
    fakes.append(run, [events.StageStarted(t=at, stage="lower")])
    fakes.append(run, [msgspec.structs.replace(FAR, t=at + s, done=s) for s in (1, 9, 11, 12, 20, 22)])
    fakes.append(run, [events.StageFinished(t=at + 23, stage="lower", status="ok", seconds=23.0)])
    fakes.append(run, fakes.finished())
    said = fvp_tui("attach", name).stderr.splitlines()
    lines = [line.strip() for line in said if line.strip().startswith("lower")]
    assert lines == ["lower     passes 11 of 1,470", "lower     passes 22 of 1,470", "lower       23.0 s"]


def test_a_recurrent_layer_says_into_how_many_steps_it_was_unrolled(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.memory = nn.LSTM(4, 4, batch_first=True)\n\n"
        "    def forward(self, x):\n        return self.memory(x)[0]\n\n\n"
        "ModelUnderTest = Net()\nModelInputs = (torch.randn(1, 5, 4),)\n"
    )
    model = models.load(str(file))
    quantizer = quantization.quantizer_of(lowering.compile_spec(Target(), tmp_path), "int8")
    made = quantization.convert(models.export(model), quantizer, [model.example], model.example)
    (sentence,) = made.unrolled
    assert sentence.startswith("memory (LSTM) is unrolled into 5 steps of ") and f"{file}:11" in sentence
