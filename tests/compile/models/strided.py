"""A classifier whose first convolution has a stride: its input is no longer symmetric in its layout."""

import torch
from torch import nn


class Strided(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.classify = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        x = torch.relu(self.second(x))
        return self.classify(x.mean((2, 3)))


ModelUnderTest = Strided()
ModelInputs = (torch.randn(1, 3, 32, 32),)
