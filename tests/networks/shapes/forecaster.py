"""Series forecaster: each series is normalized by itself, split into trend and season, and continued linearly."""

import torch
from torch import nn


class DLinear(nn.Module):
    """The next 12 steps (N, 12, 3) after windows (N, 48, 3)."""

    def __init__(self, window: int = 48, horizon: int = 12, kernel: int = 13) -> None:
        super().__init__()
        self.average = nn.AvgPool1d(kernel, stride=1, padding=kernel // 2, count_include_pad=False)
        self.season = nn.Linear(window, horizon)
        self.trend = nn.Linear(window, horizon)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What comes next, on the scale of the input."""
        mean = x.mean(dim=1, keepdim=True)
        std = torch.sqrt(x.var(dim=1, keepdim=True, unbiased=False) + 1e-5)
        y = ((x - mean) / std).transpose(1, 2)
        trend = self.average(y)
        y = self.season(y - trend) + self.trend(trend)
        return y.transpose(1, 2) * std + mean


def window() -> torch.Tensor:
    """A season, a slope and noise in three channels."""
    t = torch.arange(48.0).view(1, 48, 1)
    return torch.sin(t / 4 + torch.rand(1, 1, 3) * 6) + 0.03 * t * torch.randn(1, 1, 3) + 0.1 * torch.randn(1, 48, 3)


torch.manual_seed(19)

ModelUnderTest = DLinear().eval()
ModelInputs = (window(),)
ModelCalibration = [(window(),) for _ in range(8)]
