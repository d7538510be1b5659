"""Face attributes: one trunk, three tasks, a dictionary of outputs."""

import torch
from torch import nn


class MultiTask(nn.Module):
    """Age, expression and landmarks of faces (N, 3, 48, 48)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((3, 8), (8, 16), (16, 32)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.PReLU(outputs)]
        self.trunk = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.age = nn.Sequential(nn.Linear(32, 16), nn.ELU(), nn.Linear(16, 1), nn.Softplus())
        self.expression = nn.Linear(32, 7)
        self.landmarks = nn.Sequential(nn.Linear(32, 10), nn.Sigmoid())

    def forward(self, face: torch.Tensor) -> dict[str, torch.Tensor]:
        """All of the tasks' outputs."""
        features = self.trunk(face)
        return {
            "age": 100 * self.age(features),
            "expression": torch.softmax(self.expression(features), dim=1),
            "landmarks": self.landmarks(features).view(-1, 5, 2),
            "embedding": nn.functional.normalize(features, dim=1),
        }


torch.manual_seed(20)
model = MultiTask()
with torch.no_grad():
    for _ in range(20):
        model(torch.rand(8, 3, 48, 48))

ModelUnderTest = model.eval()
ModelInputs = (torch.rand(1, 3, 48, 48),)
ModelCalibration = [(torch.rand(1, 3, 48, 48),) for _ in range(8)]
