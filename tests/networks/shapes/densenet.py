"""DenseNet: every layer reads the concatenation of all before it."""

import torch
from torch import nn
from torch.nn import functional as F


class DenseLayer(nn.Module):
    """Normalization, activation, then the convolution."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Input and new features together."""
        new = self.conv1(F.relu(self.norm1(x)))
        new = self.conv2(F.relu(self.norm2(new)))
        return torch.cat([x, new], 1)


class DenseNet(nn.Module):
    """Scores (N, 10) of images (N, 3, 32, 32)."""

    def __init__(self, growth: int = 8) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
            DenseLayer(16, growth),
            DenseLayer(16 + growth, growth),
            nn.BatchNorm2d(16 + 2 * growth),
            nn.ReLU(),
            nn.Conv2d(16 + 2 * growth, 16, 1, bias=False),
            nn.AvgPool2d(2),
            DenseLayer(16, growth),
            nn.BatchNorm2d(16 + growth),
        )
        self.classifier = nn.Linear(16 + growth, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of a batch of images."""
        x = F.relu(self.features(x), inplace=True)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.classifier(x)


torch.manual_seed(2)
model = DenseNet()
with torch.no_grad():
    for _ in range(20):
        model(torch.randn(8, 3, 32, 32))

ModelUnderTest = model.eval()
ModelInputs = (torch.randn(1, 3, 32, 32),)
ModelCalibration = [(torch.randn(1, 3, 32, 32),) for _ in range(8)]
