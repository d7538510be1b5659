"""Keyword spotting on MFCC frames: depthwise separable convolutions, probabilities as output."""

import torch
from torch import nn


class Separable(nn.Sequential):
    """A depthwise convolution, then a pointwise one."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )


class KeywordNet(nn.Module):
    """Probabilities (N, 12) of features (N, 49, 10)."""

    def __init__(self, channels: int = 24) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, channels, (10, 4), stride=(2, 2), padding=(5, 1), bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Dropout(0.2),
        )
        self.layers = nn.Sequential(Separable(channels), Separable(channels))
        self.pool = nn.AvgPool2d((25, 5))
        self.fc = nn.Linear(channels, 12)

    def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
        """Probabilities of a batch of utterances."""
        x = self.layers(self.stem(mfcc.unsqueeze(1)))
        return torch.softmax(self.fc(self.pool(x).flatten(1)), dim=-1)


torch.manual_seed(15)
model = KeywordNet()
with torch.no_grad():
    for _ in range(20):
        model(3 * torch.randn(8, 49, 10))

ModelUnderTest = model.eval()
ModelInputs = (3 * torch.randn(1, 49, 10),)
ModelCalibration = [(3 * torch.randn(1, 49, 10),) for _ in range(8)]
