"""What the runs of one reproduction have come to, before it is judged."""

from __future__ import annotations

from dataclasses import dataclass, field

from backproof.reproduction.errata import Effect, Exposure
from backproof.reproduction.published import Numbers
from backproof.reproduction.recipe import Reproduction, Trained

SUBJECT = "subject"


@dataclass(eq=False)
class Outcome:
    """Everything that was obtained for one system; ``errors`` say by whom what was not.

    ``numbers`` and ``trained`` are by implementation, `SUBJECT` among them; ``neighbours`` are the
    subject's numbers on moved data; ``samples`` are by seed.
    """

    reproduction: Reproduction
    numbers: dict[str, Numbers] = field(default_factory=dict)
    trained: dict[str, Trained] = field(default_factory=dict)
    neighbours: dict[str, Numbers] = field(default_factory=dict)
    samples: dict[int, Numbers] = field(default_factory=dict)
    effects: dict[str, tuple[Effect, ...]] = field(default_factory=dict)
    exposures: dict[str, Exposure] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    """Of the frameworks that have trained its twins."""

    @property
    def system(self) -> str:
        """The system's name."""
        return self.reproduction.system
