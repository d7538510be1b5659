"""A detector head that only partly fits the NPU: three partitions, two CPU operators.

The NPU has neither top-k nor atan2. Convolutions find features (NPU), the strongest are picked (CPU), a small network
turns each into a vector (NPU), its direction is taken (CPU), and a last layer weighs the directions (NPU).
"""

import torch
from torch import nn


class Split(nn.Module):
    """Scores (N, 4) of images (N, 3, 32, 32)."""

    def __init__(self, picks: int = 32) -> None:
        super().__init__()
        self.picks = picks
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 8, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.vector = nn.Sequential(nn.Linear(picks, 64), nn.ReLU(), nn.Linear(64, 32))
        self.weigh = nn.Linear(16, 4)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Scores of a batch of images."""
        features = self.backbone(image).flatten(1)
        strongest, _ = torch.topk(features, self.picks)
        vectors = self.vector(strongest)
        angles = torch.atan2(vectors[:, :16], vectors[:, 16:])
        return self.weigh(angles)


def _model() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Split().eval()


def _image(seed: int) -> tuple[torch.Tensor]:
    return (torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(seed)),)


ModelUnderTest = _model()
ModelInputs = _image(0)
ModelCalibration = [_image(seed) for seed in range(8)]
