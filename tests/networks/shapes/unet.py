"""U-Net: two levels down and up again, with skip connections that are concatenated."""

import torch
from torch import nn


class DoubleConv(nn.Sequential):
    """Convolution, batch normalization and ReLU, twice."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Masks (N, 2, 32, 32) of images (N, 1, 32, 32)."""

    def __init__(self) -> None:
        super().__init__()
        self.down0 = DoubleConv(1, 8)
        self.down1 = DoubleConv(8, 16)
        self.bottom = DoubleConv(16, 32)
        self.pool = nn.MaxPool2d(2)
        self.up1 = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.conv1 = DoubleConv(32, 16)
        self.up0 = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.conv0 = DoubleConv(16, 8)
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of every pixel."""
        x0 = self.down0(x)
        x1 = self.down1(self.pool(x0))
        x = self.bottom(self.pool(x1))
        x = self.conv1(torch.cat([x1, self.up1(x)], dim=1))
        x = self.conv0(torch.cat([x0, self.up0(x)], dim=1))
        return self.out(x)


torch.manual_seed(5)
model = UNet()
with torch.no_grad():
    for _ in range(20):
        model(torch.rand(4, 1, 32, 32))

ModelUnderTest = model.eval()
ModelInputs = (torch.rand(1, 1, 32, 32),)
ModelCalibration = [(torch.rand(1, 1, 32, 32),) for _ in range(8)]
