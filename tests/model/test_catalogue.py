"""Models are listed without importing them; a name that cannot be a model is refused at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tui.errors import UsageError
from tui.model import catalogue
from tui.toolchain.toolchains import own

GOOD = "import torch\nModelUnderTest = torch.nn.ReLU()\nModelInputs = (torch.ones(1, 4),)\n"


def test_samples_and_mlperf_tiny_come_first() -> None:
    names = [model.name for model in catalogue.models(own())]
    assert names[0] == "sample:digits"
    assert {"sample:mobilenet_v2", "sample:split", "sample:transformer"} <= set(names)
    first = names.index("executorch:resnet8")
    assert names[first : first + 4] == [f"executorch:{name}" for name in catalogue.FEATURED]


def test_every_registered_executorch_model_is_listed() -> None:
    code = "from executorch.examples.models import MODEL_NAME_TO_MODEL as m; print('\\n'.join(m))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    listed = {model.name.partition(":")[2] for model in catalogue.executorch_models(own())}
    assert listed == set(done.stdout.split())


def test_a_model_whose_package_is_missing_says_which() -> None:
    missing = {model.name: model.missing for model in catalogue.executorch_models(own())}
    assert missing["executorch:yolo26"] == ("ultralytics",)
    assert "torchtune" in missing["executorch:smollm2"], "imports of imports count"
    assert missing["executorch:resnet8"] == ()


def test_listing_imports_neither_torch_nor_executorch() -> None:
    code = (
        "import sys; from tui.model import catalogue; from tui.toolchain.toolchains import own;"
        " catalogue.models(own()); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x = 1\n", "does not define ModelUnderTest and ModelInputs"),
        ("ModelUnderTest = 1\n", "does not define ModelInputs"),
        ("def f(:\n", r":1: syntax error"),
        ("\n\n  x = 1\n", r":3: syntax error"),
        ("x = '\0'\n", "cannot read|syntax error"),
    ],
)
def test_a_file_that_cannot_be_a_model_is_refused(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "model.py"
    file.write_text(content)
    with pytest.raises(UsageError, match=words):
        catalogue.resolve(str(file), own())


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        "from mine import *\n",
        "from mine import net as ModelUnderTest, x as ModelInputs\n",
        "import torch\nwith torch.no_grad():\n    ModelUnderTest, ModelInputs = 1, 2\n",
        "ModelUnderTest: int = 1\ntry:\n    ModelInputs = 1\nfinally:\n    pass\n",
    ],
)
def test_a_file_that_may_bind_the_names_is_taken(tmp_path: Path, content: str) -> None:
    file = tmp_path / "model.py"
    file.write_text(content)
    assert catalogue.resolve(str(file), own()) == str(file)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere.py", "no file nowhere.py"),
        ("sample:digit", "did you mean sample:digits"),
        ("executorch:nothing", "unknown model"),
        ("executorch:yolo26", "needs ultralytics"),
        ("resnet8", "did you mean executorch:resnet8"),
        ("/etc/hostname", "is not a model"),
        ("", "is not a model"),
    ],
)
def test_a_name_that_is_no_model_says_what_to_do(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        catalogue.resolve(name, own())
