"""8x8 handwritten digits, a small trained CNN.

Trained by ``train_digits.py`` on scikit-learn's bundled digits (Optical Recognition of Handwritten Digits, E. Alpaydin
and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0). 360 images were held out; they are this model's inputs,
with labels, so that its accuracy means something.

    python digits.py            how many held-out digits the float model, the int8 model and the platform get right

ExecuTorch's own compiler takes this file too: ``aot_arm_compiler -m digits.py -d -q -t ethos-u85-256``.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

DATA = Path(__file__).parent / "data" / "digits.npz"


class Digits(nn.Module):
    """Logits (N, 10) of images (N, 1, 8, 8) whose grey values lie between 0 and 1."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(2),
        )
        self.classify = nn.Linear(32 * 2 * 2, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of images."""
        return self.classify(self.features(image).flatten(1))


def _load() -> tuple[Digits, torch.Tensor, torch.Tensor, torch.Tensor]:
    with np.load(DATA) as data:
        model = Digits()
        model.load_state_dict({name: torch.from_numpy(data[name]) for name in model.state_dict()})
        images = [torch.from_numpy(data[name].astype(np.float32) / 16) for name in ("held_out", "calibration")]
        return model.eval(), images[0], torch.from_numpy(data["labels"]), images[1]


ModelUnderTest, _images, _labels, _calibration = _load()

ModelDataset = [((image[None],), int(label)) for image, label in zip(_images, _labels, strict=True)]
"""(inputs, label) of each held-out image; never seen in training or calibration."""
ModelCalibration = [(image[None],) for image in _calibration]
"""Inputs to calibrate quantization on: images of the training set."""
ModelInputs = ModelDataset[0][0]


def _evaluate(arguments: list[str]) -> int:
    """Run all held-out images through ``fvp-tui`` and print the three accuracies."""
    import json
    import subprocess

    command = [sys.executable, "-m", "tui", "run", "sample:digits", "--inferences", str(len(ModelDataset)), "--json"]
    done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        return done.returncode
    state = json.loads(done.stdout)
    found = state["check"]["accuracy"]
    for name, key in (("float", "float_correct"), ("int8", "quantized_correct"), ("platform", "platform_correct")):
        print(f"{name:10} {found[key]:4} of {found['inputs']} right   {found[key] / found['inputs']:.2%}")
    print(f"{state['platform']['name']} and the int8 model agree on {found['agree']} of {found['inputs']} images")
    return 0


if __name__ == "__main__":
    sys.exit(_evaluate(sys.argv[1:]))
