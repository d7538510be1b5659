"""Data sets and calibration data: folders, .npz and .pt files; what is wrong with one is said in a line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import REPOSITORY, Fvp, Ran
from tui.errors import UsageError
from tui.model import datasets

RanModel = Callable[..., Ran]
DIGITS = "sample:digits"
COUNT = 12


def digits() -> tuple[Any, Any]:
    """Held-out images, float32 [n, 1, 8, 8], and their labels."""
    with np.load(next((REPOSITORY / "sample_models" / "data").glob("digits*.npz"))) as data:
        return data["held_out"].astype(np.float32) / 16, data["labels"]


def test_the_folders_names_are_labels(tmp_path: Path) -> None:
    for name in ("10/b.npy", "9/a.npy", "9/c.pt", "9/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [(str(item.file.relative_to(tmp_path)), item.label) for item in datasets.items(tmp_path)]
    assert found == [("10/b.npy", 10), ("9/a.npy", 9), ("9/c.pt", 9)]
    (tmp_path / "9").rename(tmp_path / "cat")
    assert [item.label for item in datasets.items(tmp_path)] == [10, 1, 1]
    (tmp_path / "loose.npy").touch()
    assert [item.label for item in datasets.items(tmp_path)] == [None] * 4


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no \.npy or \.pt files in"):
        datasets.items(tmp_path)
    (tmp_path / "bad.npz").write_bytes(b"PK no archive")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.savez(tmp_path / "short.npz", inputs=np.zeros((3, 2)), labels=np.zeros(2, np.int64))
    np.savez(tmp_path / "empty.npz", inputs=np.zeros((0, 2)))
    for name, said in (("bad", "cannot read"), ("other", "cannot read"), ("short", "3 inputs and 2"), ("empty", "0 i")):
        with pytest.raises(UsageError, match=said):
            datasets.items(tmp_path / f"{name}.npz")


def test_accuracy_on_a_data_set_is_that_of_the_same_images_in_the_model(fvp_tui: Fvp, tmp_path: Path) -> None:
    images, labels = digits()
    np.savez(tmp_path / "all.npz", inputs=images[:COUNT], labels=labels[:COUNT])
    done = fvp_tui("run", DIGITS, "--dataset", str(tmp_path / "all.npz"), "--json")
    assert done.returncode == 0, done.stderr
    own = json.loads(fvp_tui("run", DIGITS, "--inferences", str(COUNT), "--json").stdout)
    found = json.loads(done.stdout)
    assert found["spec"]["inferences"] == len(found["inferences"]) == COUNT
    assert found["check"] == own["check"]
    assert found["check"]["accuracy"]["inputs"] == COUNT
    (output,) = found["check"]["outputs"]
    assert output["top1_quantized"] == found["check"]["accuracy"]["agree"] / COUNT == 1.0
    assert 0.99 < output["cosine"] <= 1
    # In folders, the same images are the same data set, in another order.
    for at, (image, label) in enumerate(zip(images[:COUNT], labels[:COUNT], strict=True)):
        folder = tmp_path / "tree" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{at}.npy", image[None])
    tree = json.loads(fvp_tui("run", DIGITS, "--dataset", str(tmp_path / "tree"), "--json").stdout)
    assert tree["check"]["accuracy"] == own["check"]["accuracy"]


def test_calibration_is_the_same_from_a_folder_and_from_an_archive(fvp_tui: Fvp, ran: RanModel, tmp_path: Path) -> None:
    images, _ = digits()
    folder = tmp_path / "calibration"
    folder.mkdir()
    for at, image in enumerate(images[:4]):
        torch.save(torch.from_numpy(image[None]), folder / f"{at}.pt")
    np.savez(tmp_path / "calibration.npz", inputs=images[:4])
    np.save(tmp_path / "one.npy", images[0][None] / 8)

    def program(calibration: Path) -> str:
        done = fvp_tui("compile", DIGITS, "--calibration", str(calibration), "--json")
        assert done.returncode == 0, done.stderr
        return next(a["sha256"] for a in json.loads(done.stdout)["artifacts"] if a["name"] == "model.pte")

    same = program(folder)
    assert same == program(tmp_path / "calibration.npz")
    assert same != program(tmp_path / "one.npy")


def refusals() -> list[tuple[str, list[str], str]]:
    return [
        ("wide.npz", ["--dataset"], "shape (1, 9, 9), the model takes (1, 1, 8, 8)"),
        ("double.npz", ["--dataset"], "torch.float64, the model takes torch.float32"),
        ("wide.npz", ["--calibration"], "shape (1, 9, 9), the model takes (1, 1, 8, 8)"),
        ("junk.pt", ["--calibration"], "cannot read"),
        ("notes.txt", ["--calibration"], "is not a .npy, .npz or .pt file"),
        ("gone", ["--dataset"], "no data set at"),
        ("wide.npz", ["--inferences", "0", "--dataset"], "--inferences must be at least 1"),
        ("wide.npz", ["--input", "wide.npz", "--dataset"], "--dataset and --input exclude each other"),
    ]


def test_what_does_not_fit_is_said(fvp_tui: Fvp, tmp_path: Path) -> None:
    np.savez(tmp_path / "wide.npz", inputs=np.zeros((2, 1, 9, 9), np.float32))
    np.savez(tmp_path / "double.npz", inputs=np.zeros((2, 1, 8, 8)))
    (tmp_path / "junk.pt").write_bytes(b"junk")
    (tmp_path / "notes.txt").write_text("notes")
    for name, options, said in refusals():
        done = fvp_tui("run", DIGITS, *options, str(tmp_path / name), cwd=tmp_path)
        assert done.returncode == 2, (name, options, done.stdout, done.stderr)
        assert said in done.stdout + done.stderr, (name, options)
