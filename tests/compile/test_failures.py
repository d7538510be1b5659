"""A model whose own code fails: the line, a hint that fits, and the whole text in the log."""

import json
from pathlib import Path

from tests.conftest import Fvp
from tui.compile.diagnostics import failures
from tui.run import events, journal, store

HEAD = """import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 4, 3)
        self.fc = torch.nn.Linear(10, 2)
    def forward(self, x):
"""
TAIL = "ModelUnderTest = Net()\nModelInputs = (torch.ones(1, 1, 8, 8),)\n"
LINE = 8

CASES = {
    # (what forward does, the stage that fails, words of the reason)
    "return self.conv3(x)": ("export", "'Net' object has no attribute 'conv3'", "(did you mean conv1?)"),
    "return self.head(x)": ("export", "has no attribute 'head'", "(correct the name, or set it in __init__ of Net)"),
    "return torch.reluu(x)": ("export", "module 'torch' has no attribute 'reluu'", "(did you mean relu?)"),
    "return relu(x)": ("export", "name 'relu' is not defined", "(define or import the name"),
    "return self.fc(x)": ("export", "shapes cannot be multiplied (8x8 and 10x2)", "(the shapes do not match"),
    "return self.conv1(x, 3)": ("export", "takes 2 positional arguments", "(call the function with the arguments"),
    "return (x, x)[7]": (
        "export",
        "IndexError: tuple index out of range",
        "(ModelUnderTest(*ModelInputs) must run in python)",
    ),
    "import no_such_thing": ("export", "No module named 'no_such_thing'", "(install it in "),
    # It is found only where it is computed, not where it is traced.
    "return x @ torch.ones(8, 8, dtype=torch.float64)": ("quantize", "same dtype", "(the element types do not match"),
    "return x if x.sum() > 0 else -x": ("export", "data-dependent", "torch.export must be able to trace forward()"),
}


def test_hints_fit_what_the_models_own_code_raises(tmp_path: Path, fvp_tui: Fvp) -> None:
    for body, (stage, what, hint) in CASES.items():
        file = tmp_path / "model.py"
        file.write_text(f"{HEAD}        {body}\n{TAIL}")
        found = json.loads(fvp_tui("compile", str(file), "--json").stdout)
        reason = found["run"]["reason"]
        assert reason.startswith(f"{stage}: ") and what in reason and hint in reason, reason
        assert f"at {file}:{LINE}" in reason
        happened = list(journal.read(store.resolve("last") / journal.FILE))
        failed = next(e for e in happened if isinstance(e, events.StageFinished) and e.status == "failed")
        assert failed.line == f"{file}:{LINE}"
        if stage == "export" and "data-dependent" not in what:
            # All of it, from the user's code on, with the telling line as an error.
            text = (store.resolve("last") / "artifacts" / "failure.txt").read_text(encoding="utf-8")
            logged = [e for e in happened if isinstance(e, events.Logged) and e.text and e.text in text]
            assert "\n".join(e.text for e in logged).endswith(text.rstrip("\n"))
            assert [e.level for e in logged[-text.rstrip("\n").count("\n") - 1 :]].count("error") == 1
            assert "torch/export" not in text and "tui/compile" not in text and what in text


def test_what_vela_cannot_place_has_a_next_step_that_works(tmp_path: Path, fvp_tui: Fvp) -> None:
    file = tmp_path / "model.py"
    layers = "torch.nn.Conv2d(4, 8, 3), torch.nn.ConvTranspose2d(8, 4, 3, stride=2)"
    file.write_text(
        f"import torch\nModelUnderTest = torch.nn.Sequential({layers})\nModelInputs = (torch.ones(1, 4, 8, 8),)\n"
    )
    done = fvp_tui("compile", str(file), "--target", "ethos-u55-128", "--quantize", "a16w8")
    assert done.returncode != 0
    assert "(Conv2D) could not run on NPU" in done.stdout and f"({failures.NOT_ON_NPU})" in done.stdout
    for other in (("--target", "ethos-u55-128"), ("--target", "ethos-u85-256", "--quantize", "a16w8")):
        assert fvp_tui("compile", str(file), *other).returncode == 0


def test_a_compiler_that_crashes_is_named_with_its_stage(tmp_path: Path, fvp_tui: Fvp) -> None:
    file = tmp_path / "model.py"
    file.write_text(
        "import os, signal, torch\n"
        "from ethosu import regor\n"
        "regor.compile = lambda *_, **__: os.kill(os.getpid(), signal.SIGSEGV)\n"
        "ModelUnderTest, ModelInputs = torch.nn.Conv2d(1, 4, 3), (torch.ones(1, 1, 8, 8),)\n"
    )
    done = fvp_tui("compile", str(file))
    assert done.returncode != 0
    assert "the compile worker was ended by SIGSEGV in vela" in done.stdout


def test_a_file_beside_the_model_is_named_and_so_are_wrong_inputs(tmp_path: Path, fvp_tui: Fvp) -> None:
    file, helper = tmp_path / "model.py", tmp_path / "helper.py"
    helper.write_text("x = 1\ndef f(:\n")
    file.write_text("import helper\nModelUnderTest = ModelInputs = 1\n")
    done = fvp_tui("compile", str(file))
    assert f"at {helper}:2" in done.stdout and f"-m py_compile {helper} checks the file" in done.stdout
    file.write_text(f"{HEAD}        return x\nModelUnderTest = Net()\nModelInputs = (torch.ones(1), torch.ones(1))\n")
    assert "ModelInputs must be a tuple with one value for each argument" in fvp_tui("compile", str(file)).stdout
