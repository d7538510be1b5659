"""GRU over a sequence of sensor frames; the last state is classified."""

import torch
from torch import nn


class ActivityGRU(nn.Module):
    """Scores (N, 6) of sequences (N, 12, 6)."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(6, 24, batch_first=True)
        self.fc = nn.Linear(24, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of a batch of sequences."""
        _, h = self.gru(x)
        return self.fc(h[-1])


torch.manual_seed(7)

ModelUnderTest = ActivityGRU().eval()
ModelInputs = (torch.randn(1, 12, 6),)
ModelCalibration = [(torch.randn(1, 12, 6),) for _ in range(8)]
