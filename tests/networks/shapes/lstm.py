"""Bidirectional LSTM that labels every step, as for phonemes or handwriting."""

import torch
from torch import nn


class Tagger(nn.Module):
    """Log probabilities (N, 8, 11) of frames (N, 8, 13)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(13, 16, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(32, 11)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Log probabilities of the labels of each step."""
        states, _ = self.lstm(frames)
        return torch.log_softmax(self.fc(states), dim=-1)


torch.manual_seed(8)

ModelUnderTest = Tagger().eval()
ModelInputs = (torch.randn(1, 8, 13),)
ModelCalibration = [(torch.randn(1, 8, 13),) for _ in range(8)]
