"""One-shot detector: a backbone, a feature pyramid, and heads for boxes and classes on two levels."""

import torch
from torch import nn
from torch.nn import functional as F


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalization, leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1, inplace=True)
    )


class Detector(nn.Module):
    """Boxes, objectness and classes on two grids, of images (N, 3, 64, 64)."""

    def __init__(self, anchors: int = 3, classes: int = 4) -> None:
        super().__init__()
        self.anchors, self.classes = anchors, classes
        self.c2 = nn.Sequential(conv(3, 8, 2), conv(8, 16, 2))
        self.c3 = conv(16, 32, 2)
        self.lateral2 = nn.Conv2d(16, 16, 1)
        self.lateral3 = nn.Conv2d(32, 16, 1)
        self.smooth = conv(16, 16)
        self.heads = nn.ModuleList(nn.Conv2d(16, anchors * (5 + classes), 1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Predictions (N, anchors, rows, columns, 5 + classes) of each level."""
        c2 = self.c2(x)
        c3 = self.c3(c2)
        p3 = self.lateral3(c3)
        p2 = self.smooth(self.lateral2(c2) + F.interpolate(p3, scale_factor=2, mode="nearest"))
        outputs = []
        for head, level in zip(self.heads, (p2, p3), strict=True):
            y = head(level)
            n, _, rows, columns = y.shape
            y = y.view(n, self.anchors, 5 + self.classes, rows, columns).permute(0, 1, 3, 4, 2)
            outputs.append(torch.cat([y[..., :2].sigmoid(), y[..., 2:4], y[..., 4:].sigmoid()], dim=-1))
        return outputs


torch.manual_seed(10)
model = Detector()
with torch.no_grad():
    for _ in range(20):
        model(torch.rand(4, 3, 64, 64))

ModelUnderTest = model.eval()
ModelInputs = (torch.rand(1, 3, 64, 64),)
ModelCalibration = [(torch.rand(1, 3, 64, 64),) for _ in range(8)]
