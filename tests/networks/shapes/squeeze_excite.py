"""Squeeze-and-excite blocks with SiLU, as in EfficientNet."""

import torch
from torch import nn


class SqueezeExcite(nn.Module):
    """Scale channels by a gate that sees all of the image."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = nn.SiLU(inplace=True)
        self.scale_activation = nn.Sigmoid()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Gated features."""
        scale = self.avgpool(x)
        scale = self.activation(self.fc1(scale))
        return self.scale_activation(self.fc2(scale)) * x


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch normalization, SiLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(inplace=True),
    )


class MBConv(nn.Module):
    """Expand, depthwise, squeeze-and-excite, project; with a shortcut."""

    def __init__(self, channels: int, expansion: int = 4) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = conv(channels, wide, 1)
        self.depthwise = conv(wide, wide, 3, groups=wide)
        self.excite = SqueezeExcite(wide, max(1, channels // 4))
        self.project = nn.Sequential(nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of the same shape."""
        return x + self.project(self.excite(self.depthwise(self.expand(x))))


class Net(nn.Module):
    """Scores (N, 10) of images (N, 3, 32, 32)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(conv(3, 16, 3, stride=2), MBConv(16), conv(16, 32, 3, stride=2))
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of a batch of images."""
        x = self.features(x).mean([2, 3])
        return self.classifier(self.dropout(x))


torch.manual_seed(3)
model = Net()
with torch.no_grad():
    for _ in range(20):
        model(torch.randn(8, 3, 32, 32))

ModelUnderTest = model.eval()
ModelInputs = (torch.randn(1, 3, 32, 32),)
ModelCalibration = [(torch.randn(1, 3, 32, 32),) for _ in range(8)]
