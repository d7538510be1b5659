"""Semantic segmentation: dilated convolutions in parallel, then bilinear enlargement to the image's size."""

import torch
from torch import nn
from torch.nn import functional as F


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution, batch normalization, ReLU."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class ASPP(nn.Module):
    """The same features at several rates and from the whole image."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.rates = nn.ModuleList([conv(inputs, outputs, 1), conv(inputs, outputs, dilation=2)])
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(inputs, outputs, 1), nn.ReLU())
        self.project = conv(3 * outputs, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of the same size."""
        pooled = F.interpolate(self.pool(x), size=x.shape[-2:], mode="bilinear", align_corners=False)
        return self.project(torch.cat([*(rate(x) for rate in self.rates), pooled], dim=1))


class Segmenter(nn.Module):
    """Scores (N, 5, 32, 32) of images (N, 3, 32, 32)."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(conv(3, 8, stride=2), conv(8, 16, stride=2))
        self.aspp = ASPP(16, 16)
        self.classifier = nn.Conv2d(16, 5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of every pixel."""
        size = x.shape[-2:]
        x = self.classifier(self.aspp(self.backbone(x)))
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


torch.manual_seed(18)
model = Segmenter()
with torch.no_grad():
    for _ in range(20):
        model(torch.randn(4, 3, 32, 32))

ModelUnderTest = model.eval()
ModelInputs = (torch.randn(1, 3, 32, 32),)
ModelCalibration = [(torch.randn(1, 3, 32, 32),) for _ in range(8)]
