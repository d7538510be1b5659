"""Wake word from raw audio: 1-D convolutions with pooling between them."""

import torch
from torch import nn
from torch.nn import functional as F


class M5(nn.Module):
    """Log probabilities (N, 2) of waveforms (N, 1, 2000)."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, width, kernel_size=40, stride=8)
        self.bn1 = nn.BatchNorm1d(width)
        self.pool1 = nn.MaxPool1d(4)
        self.conv2 = nn.Conv1d(width, width, kernel_size=3)
        self.bn2 = nn.BatchNorm1d(width)
        self.pool2 = nn.MaxPool1d(4)
        self.conv3 = nn.Conv1d(width, 2 * width, kernel_size=3)
        self.bn3 = nn.BatchNorm1d(2 * width)
        self.fc = nn.Linear(2 * width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Log probabilities of a batch of waveforms."""
        x = self.pool1(F.relu(self.bn1(self.conv1(x))))
        x = self.pool2(F.relu(self.bn2(self.conv2(x))))
        x = F.relu(self.bn3(self.conv3(x)))
        x = F.avg_pool1d(x, x.shape[-1]).squeeze(-1)
        return F.log_softmax(self.fc(x), dim=1)


torch.manual_seed(11)
model = M5()
with torch.no_grad():
    for _ in range(20):
        model(0.3 * torch.randn(8, 1, 2000))

ModelUnderTest = model.eval()
ModelInputs = (0.3 * torch.randn(1, 1, 2000),)
ModelCalibration = [(0.3 * torch.randn(1, 1, 2000),) for _ in range(8)]
