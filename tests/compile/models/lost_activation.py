"""ExecuTorch 1.5 loses the relu between a convolution and a cat with an input that has negative values."""

import torch
from torch import nn


class LostActivation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.out = nn.Conv2d(16, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        active = torch.relu(self.conv(x))
        return self.out(torch.cat((x, active), 1))


ModelUnderTest = LostActivation()
ModelInputs = (torch.randn(1, 8, 8, 8),)
