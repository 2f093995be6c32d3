"""Learns a line through points, and keeps it as a model."""

import json
import os
from pathlib import Path

from metaflow import FlowSpec, Parameter, step


class TrainFlow(FlowSpec):
    epochs = Parameter("epochs", default=200, type=int, help="How often it sees the points.")

    @step
    def start(self):
        points = [(x, 3 * x + 1) for x in range(10)]
        self.slope, self.offset = 0.0, 0.0
        for _ in range(self.epochs):
            for x, y in points:
                error = self.slope * x + self.offset - y
                self.slope -= 0.01 * error * x
                self.offset -= 0.01 * error
        print(f"after {self.epochs} epochs: y = {self.slope:.2f} x + {self.offset:.2f}")
        self.next(self.end)

    @step
    def end(self):
        file = Path(os.environ.get("MODEL_FOLDER", "."), "model.json")
        file.write_text(json.dumps({"slope": self.slope, "offset": self.offset}))


if __name__ == "__main__":
    TrainFlow()
