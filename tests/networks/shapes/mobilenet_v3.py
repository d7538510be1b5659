"""Inverted residuals with hard swish and ReLU6, as in MobileNetV3."""

import torch
from torch import nn
from torch.nn import functional as F


class InvertedResidual(nn.Module):
    """Expand, depthwise, gate, project."""

    def __init__(self, inputs: int, wide: int, outputs: int, stride: int, gated: bool, hard_swish: bool) -> None:
        super().__init__()
        activation = nn.Hardswish if hard_swish else nn.ReLU6
        self.shortcut = stride == 1 and inputs == outputs
        self.expand = nn.Sequential(
            nn.Conv2d(inputs, wide, 1, bias=False), nn.BatchNorm2d(wide), activation(inplace=True)
        )
        self.depthwise = nn.Sequential(
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), activation(inplace=True)
        )
        self.gate = None
        if gated:
            self.gate = nn.Sequential(
                nn.AdaptiveAvgPool2d(1),
                nn.Conv2d(wide, wide // 4, 1),
                nn.ReLU(inplace=True),
                nn.Conv2d(wide // 4, wide, 1),
                nn.Hardsigmoid(inplace=True),
            )
        self.project = nn.Sequential(nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of the next level."""
        y = self.depthwise(self.expand(x))
        if self.gate is not None:
            y = y * self.gate(y)
        y = self.project(y)
        return x + y if self.shortcut else y


class MobileNet(nn.Module):
    """Scores (N, 10) of images (N, 3, 48, 48)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish(inplace=True))
        self.blocks = nn.Sequential(
            InvertedResidual(8, 16, 8, stride=1, gated=True, hard_swish=False),
            InvertedResidual(8, 32, 16, stride=2, gated=True, hard_swish=True),
        )
        self.classifier = nn.Sequential(nn.Linear(16, 32), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(32, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of a batch of images."""
        x = self.blocks(self.stem(x))
        x = F.adaptive_avg_pool2d(x, 1)
        return self.classifier(torch.flatten(x, 1))


torch.manual_seed(4)
model = MobileNet()
with torch.no_grad():
    for _ in range(20):
        model(torch.randn(8, 3, 48, 48))

ModelUnderTest = model.eval()
ModelInputs = (torch.randn(1, 3, 48, 48),)
ModelCalibration = [(torch.randn(1, 3, 48, 48),) for _ in range(8)]
