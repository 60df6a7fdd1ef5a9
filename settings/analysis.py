"""The section `analysis:` of `site.yaml`: the models behind the stream, what they foretell, and how much they keep."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from metrics.durations import seconds
from settings.basic import Duration, FileOrNone, Section


class Analysis(Section, frozen=True):
    """The models."""

    horizons: Annotated[
        list[Duration], Meta(min_length=1, max_length=4, description="How far ahead they look, the usual one first.")
    ] = field(default_factory=lambda: ["1m", "5m"])
    every: Annotated[
        Duration, Meta(description="How often each model foretells of each symbol unasked; these are what is judged.")
    ] = "30s"
    publish: Annotated[
        Duration, Meta(description="How often what was learned becomes a new version; sooner while there is little of it.")
    ] = "1h"
    versions: Annotated[int, Meta(ge=2, le=1000, description="Versions that are kept of each model.")] = 24
    queue: Annotated[int, Meta(ge=1, le=100_000, description="Questions that may wait; above it they are refused.")] = 512
    deadline: Annotated[Duration, Meta(description="A question that waits longer is not begun; callers may ask for less.")] = "2s"
    unsaved: Annotated[
        int,
        Meta(
            ge=100, le=1_000_000, description="Predictions that wait for the data store; above it the oldest are lost, counted."
        ),
    ] = 20_000
    retention: Annotated[Duration, Meta(description="Predictions that were scored longer ago are deleted.")] = "30d"
    token_file: Annotated[
        FileOrNone, Meta(description="A file that holds the token by which the stream knows the models; empty: none is needed.")
    ] = ""

    def __post_init__(self) -> None:
        """Refuses times that are too short, and a horizon that is named twice."""
        for name, given, least in (
            *(("horizons", horizon, "10s") for horizon in self.horizons),
            ("every", self.every, "1s"),
            ("publish", self.publish, "10s"),
            ("deadline", self.deadline, "10ms"),
            ("retention", self.retention, "1h"),
        ):
            if seconds(given) < seconds(least):
                msg = f"{name} is {given}: give at least {least}"
                raise ValueError(msg)
        lengths = [seconds(horizon) for horizon in self.horizons]
        if max(lengths) > seconds("1d"):
            msg = f"horizons holds {self.horizons[lengths.index(max(lengths))]}: give at most 1d"
            raise ValueError(msg)
        if len(set(lengths)) < len(lengths):
            msg = f"horizons holds one length twice: {', '.join(self.horizons)}: give each once"
            raise ValueError(msg)
