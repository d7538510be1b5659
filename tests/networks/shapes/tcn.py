"""Temporal convolutional network: dilated causal convolutions with weight normalization and shortcuts."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm


class Chomp(nn.Module):
    """Cut what a causal convolution must not see."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """All but the last steps."""
        return x[:, :, : -self.size].contiguous()


class TemporalBlock(nn.Module):
    """Two dilated convolutions around a shortcut."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        padding = 2 * dilation
        self.net = nn.Sequential(
            weight_norm(nn.Conv1d(inputs, outputs, 3, padding=padding, dilation=dilation)),
            Chomp(padding),
            nn.ReLU(),
            nn.Dropout(0.2),
            weight_norm(nn.Conv1d(outputs, outputs, 3, padding=padding, dilation=dilation)),
            Chomp(padding),
            nn.ReLU(),
            nn.Dropout(0.2),
        )
        self.downsample = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else None
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of every step."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.net(x) + shortcut)


class TCN(nn.Module):
    """The next value (N, 1) of series (N, 4, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(TemporalBlock(4, 16, 1), TemporalBlock(16, 16, 2), TemporalBlock(16, 16, 4))
        self.linear = nn.Linear(16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One value from the last step's features."""
        return self.linear(self.network(x)[:, :, -1])


torch.manual_seed(6)

ModelUnderTest = TCN().eval()
ModelInputs = (torch.randn(1, 4, 64),)
ModelCalibration = [(torch.randn(1, 4, 64),) for _ in range(8)]
