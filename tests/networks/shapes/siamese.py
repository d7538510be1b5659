"""Siamese network: two images through the same trunk, and how alike they are."""

import torch
from torch import nn
from torch.nn import functional as F


class Siamese(nn.Module):
    """Cosine similarity (N) of pairs of images (N, 1, 28, 28)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 8, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(256, 32),
        )

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Similarity of each pair."""
        return F.cosine_similarity(self.trunk(left), self.trunk(right))


torch.manual_seed(16)

ModelUnderTest = Siamese().eval()
ModelInputs = (torch.rand(1, 1, 28, 28), torch.rand(1, 1, 28, 28))
ModelCalibration = [(torch.rand(1, 1, 28, 28), torch.rand(1, 1, 28, 28)) for _ in range(8)]
