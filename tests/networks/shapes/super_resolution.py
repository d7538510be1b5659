"""Super-resolution by sub-pixel convolution, on top of the image enlarged."""

import torch
from torch import nn
from torch.nn import functional as F


class ESPCN(nn.Module):
    """Images (N, 1, 48, 48) of images (N, 1, 24, 24)."""

    def __init__(self, factor: int = 2) -> None:
        super().__init__()
        self.factor = factor
        self.conv1 = nn.Conv2d(1, 16, 5, padding=2)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
        self.conv3 = nn.Conv2d(16, factor**2, 3, padding=1)
        self.pixel_shuffle = nn.PixelShuffle(factor)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Larger images, with values from 0 to 1."""
        y = torch.tanh(self.conv1(x))
        y = torch.tanh(self.conv2(y))
        y = self.pixel_shuffle(self.conv3(y))
        enlarged = F.interpolate(x, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return torch.clamp(enlarged + y, 0.0, 1.0)


torch.manual_seed(12)

ModelUnderTest = ESPCN().eval()
ModelInputs = (torch.rand(1, 1, 24, 24),)
ModelCalibration = [(torch.rand(1, 1, 24, 24),) for _ in range(8)]
