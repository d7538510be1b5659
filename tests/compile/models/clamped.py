"""Sums over tokens that are clamped before a linear layer, which Vela 5.1 miscompiles."""

import torch
from torch import nn


class Net(nn.Module):
    """A sum, and a product of a difference."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both, of 6 tokens."""
        return self.first(torch.relu(x + y)), self.second(torch.relu((x - y) * y))


torch.manual_seed(0)
ModelUnderTest = Net().eval()
ModelInputs = (torch.randn(1, 6, 8), torch.randn(1, 6, 8))
