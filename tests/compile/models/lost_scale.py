"""A convolution whose result an addition takes at once: in a16w8, ExecuTorch 1.4 leaves out its scale."""

import torch
from torch import nn


class Residual(nn.Module):
    """A convolution beside what it convolves."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(4, 4, 3, padding=1)
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add both."""
        return self.convolution(x) + self.share * x


torch.manual_seed(0)
ModelUnderTest = Residual(100.0)
ModelInputs = (torch.linspace(-4, 4, 64).reshape(1, 4, 4, 4),)
