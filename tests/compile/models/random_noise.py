"""A sampler: no two inferences give the same, so that none can be compared."""

import torch
from torch import nn


class Sampler(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = torch.relu(self.mean(x))
        return mean + torch.randn_like(mean)


ModelUnderTest = Sampler()
ModelInputs = (torch.randn(1, 8),)
