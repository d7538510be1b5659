"""MLP-Mixer: layers along patches and along channels, in turn."""

import torch
from torch import nn


class MLP(nn.Sequential):
    """Two linear layers with GELU between them."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__(nn.Linear(size, hidden), nn.GELU(), nn.Linear(hidden, size))


class MixerBlock(nn.Module):
    """Mix tokens, then channels."""

    def __init__(self, tokens: int, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.tokens = MLP(tokens, 32)
        self.norm2 = nn.LayerNorm(channels)
        self.channels = MLP(channels, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens of the same shape."""
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    """Scores (N, 10) of images (N, 3, 32, 32)."""

    def __init__(self, channels: int = 32, patch: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels, patch, patch)
        self.blocks = nn.Sequential(*[MixerBlock((32 // patch) ** 2, channels) for _ in range(2)])
        self.norm = nn.LayerNorm(channels)
        self.head = nn.Linear(channels, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of a batch of images."""
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = self.norm(self.blocks(x))
        return self.head(x.mean(dim=1))


torch.manual_seed(14)

ModelUnderTest = Mixer().eval()
ModelInputs = (torch.randn(1, 3, 32, 32),)
ModelCalibration = [(torch.randn(1, 3, 32, 32),) for _ in range(8)]
