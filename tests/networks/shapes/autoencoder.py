"""Convolutional autoencoder through a narrow code, for anomalies in images."""

import torch
from torch import nn


class Autoencoder(nn.Module):
    """Images (N, 1, 28, 28), reconstructed."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * 7 * 7, 16),
        )
        self.decoder = nn.Sequential(
            nn.Linear(16, 16 * 7 * 7),
            nn.ReLU(),
            nn.Unflatten(1, (16, 7, 7)),
            nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=1),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The reconstruction of a batch of images."""
        return self.decoder(self.encoder(x))


torch.manual_seed(13)

ModelUnderTest = Autoencoder().eval()
ModelInputs = (torch.rand(1, 1, 28, 28),)
ModelCalibration = [(torch.rand(1, 1, 28, 28),) for _ in range(8)]
