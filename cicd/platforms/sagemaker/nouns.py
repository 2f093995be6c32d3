"""What the API calls its things: operations and fields are made of one word each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Noun:
    """``kind``: ours; ``word``: the API's; ``listed``: the field of a list that has its items."""

    kind: str
    word: str
    listed: str

    @property
    def name(self) -> str:
        """The field with the name of one."""
        return f"{self.word}Name"

    @property
    def arn(self) -> str:
        """The field with the name of one in all of AWS."""
        return f"{self.word}Arn"

    @property
    def status(self) -> str:
        """The field with the status of one, where it has any."""
        return f"{self.word}Status"


NOUNS: dict[str, Noun] = {
    noun.kind: noun
    for noun in (
        Noun("training_job", "TrainingJob", "TrainingJobSummaries"),
        Noun("processing_job", "ProcessingJob", "ProcessingJobSummaries"),
        Noun("transform_job", "TransformJob", "TransformJobSummaries"),
        Noun("model", "Model", "Models"),
        Noun("endpoint_config", "EndpointConfig", "EndpointConfigs"),
        Noun("endpoint", "Endpoint", "Endpoints"),
    )
}
