"""The content of a cell: what changes its figures changes its key, and nothing else does."""

import shutil
from pathlib import Path

import msgspec
import pytest

from tui.campaign import content
from tui.run.spec import Limits, Spec
from tui.toolchain.target import Target

MODEL = "import torch\nModelUnderTest = torch.nn.ReLU()\nModelInputs = (torch.ones(1, 4),)\n"


def model(folder: Path, text: str = MODEL) -> Spec:
    """A model in a folder of its own, with a file beside it."""
    folder.mkdir()
    (folder / "net.py").write_text(text)
    (folder / "weights.bin").write_bytes(b"123")
    return Spec(model=str(folder / "net.py"), folder=str(folder), platform="simulator")


def key(spec: Spec, until: str = "run") -> str:
    content.of_path.cache_clear()
    return content.key(spec, until)


def test_the_same_model_elsewhere_is_the_same(tmp_path: Path) -> None:
    spec = model(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / "__pycache__").mkdir()
    (tmp_path / "b" / "__pycache__" / "net.pyc").write_bytes(b"x")
    moved = msgspec.structs.replace(spec, model=str(tmp_path / "b" / "net.py"), folder=str(tmp_path / "b"))
    assert key(moved) == key(spec)
    # What decides no figure is no part of it.
    for change in ({"limits": Limits(npu_cycles=1)}, {"cache": False}, {"timeout_s": 5.0}):
        assert key(msgspec.structs.replace(spec, **change)) == key(spec)


@pytest.mark.parametrize("file", ["net.py", "weights.bin", "more/new.py"])
def test_a_file_of_the_model_that_changes_makes_another(file: str, tmp_path: Path) -> None:
    spec = model(tmp_path / "a")
    before = key(spec)
    (tmp_path / "a" / file).parent.mkdir(exist_ok=True)
    (tmp_path / "a" / file).write_text(MODEL + "# changed\n")
    assert key(spec) != before


def test_options_and_data_make_another(tmp_path: Path) -> None:
    spec = model(tmp_path / "a")
    (tmp_path / "i.npy").write_bytes(b"1")
    changes: list[dict[str, object]] = [
        {}, {"quantize": "a16w8"}, {"target": Target("ethos-u85-512")}, {"channels_last": True}, {"inferences": 2},
        {"vela": "5.0.0"}, {"inputs": (str(tmp_path / "i.npy"),)}, {"calibration": str(tmp_path / "i.npy")},
    ]  # fmt: skip
    keys = {key(msgspec.structs.replace(spec, **change)) for change in changes} | {key(spec, "estimate")}
    assert len(keys) == len(changes) + 1
    with_data = msgspec.structs.replace(spec, inputs=(str(tmp_path / "i.npy"),))
    before = key(with_data)
    (tmp_path / "i.npy").write_bytes(b"2")
    assert key(with_data) != before
