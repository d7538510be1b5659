"""MobileNetV2 at 224x224, the model of Arm's tutorial.

Written from the paper: M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen, "MobileNetV2: Inverted Residuals and
Linear Bottlenecks", CVPR 2018, table 2. The weights are random with a fixed seed (no network is needed): cycles,
memory and delegation are those of the trained model, its answers mean nothing.
"""

import torch
from torch import nn

# Rows of table 2: expansion t, output channels c, repeats n, stride s of the first.
BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """Expand by t, filter depthwise, project linearly; with a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = _conv(inputs, hidden, 1) if expansion != 1 else nn.Identity()
        self.depthwise = _conv(hidden, hidden, 3, stride, groups=hidden)
        self.project = nn.Sequential(nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


class MobileNetV2(nn.Module):
    """Logits (N, classes) of images (N, 3, 224, 224)."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(3, 32, 3, stride=2)]
        channels = 32
        for expansion, outputs, repeats, stride in BLOCKS:
            for at in range(repeats):
                layers.append(InvertedResidual(channels, outputs, stride if at == 0 else 1, expansion))
                channels = outputs
        layers.append(_conv(channels, 1280, 1))
        self.features = nn.Sequential(*layers)
        self.classify = nn.Linear(1280, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of images."""
        return self.classify(self.features(image).mean((2, 3)))


def _model() -> nn.Module:
    """Random weights whose batch norms have seen data, so that values neither vanish nor saturate on their way."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(2018)
        model = MobileNetV2()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # a plain average of what it sees
        model.train()(torch.randn(2, 3, 224, 224))
        return model.eval()


ModelUnderTest = _model()
ModelInputs = (torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)),)
