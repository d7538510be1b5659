"""Train the digits sample and write data/digits.npz: weights, held-out images with labels, calibration images.

    pip install scikit-learn && python train_digits.py

Takes about half a minute on a laptop. The split is by a fixed seed; nothing of the held-out fifth is trained on.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

HERE = Path(__file__).parent
HELD_OUT = 360
CALIBRATION = 64
EPOCHS = 60


def _architecture() -> nn.Module:
    """The class of digits.py, without loading the weights that this script is about to write."""
    source = (HERE / "digits.py").read_text(encoding="utf-8")
    spec = importlib.util.spec_from_loader("digits_architecture", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(HERE / "digits.py")
    sys.modules[spec.name] = module
    exec(compile(source.split("def _load(")[0], "digits.py", "exec"), module.__dict__)
    return module.Digits()


def main() -> None:
    """Train, print the accuracy on the held-out images, write the data file."""
    torch.manual_seed(0)
    bundle = load_digits()
    order = np.random.default_rng(0).permutation(len(bundle.images))
    images = bundle.images[order][:, None].astype(np.uint8)
    labels = bundle.target[order].astype(np.int64)
    held_out, train = slice(0, HELD_OUT), slice(HELD_OUT, None)
    x = torch.from_numpy(images[train].astype(np.float32) / 16)
    y = torch.from_numpy(labels[train])
    test = torch.from_numpy(images[held_out].astype(np.float32) / 16)

    model = _architecture()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(x)).split(64):
            # A pixel's shift in any direction is still the same digit.
            dx, dy = (int(v) for v in torch.randint(-1, 2, (2,)))
            shifted = torch.roll(x[batch], (dy, dx), (2, 3))
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(shifted), y[batch], label_smoothing=0.05).backward()
            optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        right = int((model(test).argmax(1).numpy() == labels[held_out]).sum())
    print(f"{right} of {HELD_OUT} held-out digits right")

    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    (HERE / "data").mkdir(exist_ok=True)
    np.savez_compressed(
        HERE / "data" / "digits.npz",
        held_out=images[held_out],
        labels=labels[held_out].astype(np.int64),
        calibration=images[train][:CALIBRATION],
        **weights,
    )


if __name__ == "__main__":
    main()
