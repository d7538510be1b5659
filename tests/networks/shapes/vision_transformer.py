"""Vision transformer of PyTorch's own encoder layers: patches, a class token, learned positions."""

import torch
from torch import nn


class ViT(nn.Module):
    """Scores (N, 10) of images (N, 3, 32, 32)."""

    def __init__(self, width: int = 32, patch: int = 8) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, width, patch, stride=patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, (32 // patch) ** 2 + 1, width))
        layer = nn.TransformerEncoderLayer(
            width, nhead=4, dim_feedforward=64, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers=1, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of a batch of images."""
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        x = self.encoder(x)
        return self.head(self.norm(x[:, 0]))


torch.manual_seed(9)

ModelUnderTest = ViT().eval()
ModelInputs = (torch.randn(1, 3, 32, 32),)
ModelCalibration = [(torch.randn(1, 3, 32, 32),) for _ in range(8)]
