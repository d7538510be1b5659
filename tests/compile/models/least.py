"""A least value along an axis that is dropped, which Vela 5.1 miscompiles for an Ethos-U55."""

import torch
from torch import nn


class Net(nn.Module):
    """The least of each row."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Rows (1, 8) of (1, 8, 5)."""
        return torch.amin(x, 2)


ModelUnderTest = Net().eval()
ModelInputs = (torch.linspace(-1, 1, 40).reshape(1, 8, 5),)
