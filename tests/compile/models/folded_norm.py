"""PyTorch folds the BatchNorm into a convolution that the residual path reads, too: that path is normalized as well."""

import torch
from torch import nn


class FoldedNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.2, 2)
        self.second = nn.Conv2d(8, 8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        y = self.second(torch.relu(self.norm(x)))
        return x + y


ModelUnderTest = FoldedNorm()
ModelInputs = (torch.randn(1, 8, 8, 8),)
