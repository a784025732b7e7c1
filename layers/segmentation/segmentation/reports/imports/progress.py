"""The progress of an import, which is saved with its job."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from segmentation.jobs.leases import Step
from segmentation.reports.imports.layout import Layout
from segmentation.reports.imports.loading import Place
from segmentation.reports.imports.orders import VERDICTS

Phase = Literal["load", "count", "apply", "remove", "write", "end"]


@dataclass(frozen=True)
class Progress:
    """The phase, the place where the next worker continues, and what was found so far."""

    phase: Phase = "load"
    place: Place | None = None
    lines: int = 0
    """The lines that are not blank. While the file is loaded, those so far."""

    after_user: int = 0
    after_line: int = 0
    added: int = 0
    already: int = 0
    removed: int = 0
    absent: int = 0
    duplicate: int = 0
    invalid: int = 0
    until: str = ""
    """The instant of a replacement. Members who enter later stay."""

    members: int = 0
    unnamed: int = 0
    """The members whom no line names. They are counted before they are removed."""

    unnamed_removed: int = 0
    failure: str = ""
    """Why the job has to fail after it has written the verdicts so far."""

    file: dict[str, Any] | None = None
    """The progress of the file with the verdicts."""

    @property
    def file_name(self) -> str:
        """Return the name of the file with the verdicts. It is empty before the file begins."""
        return str(self.file["file_name"]) if self.file else ""

    @property
    def done(self) -> int:
        """Return the number of lines that have a verdict."""
        return self.added + self.already + self.removed + self.absent + self.duplicate + self.invalid

    def step(self) -> Step:
        """Return what is saved with the job. Invalid lines count as done before the others are applied."""
        return Step(self.done, None if self.phase == "load" else self.lines, asdict(self), advanced=True)

    def verdicts(self) -> dict[str, int]:
        """Return the number of lines with each verdict."""
        return {name: getattr(self, name) for name in VERDICTS}

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "Progress":
        """Return a saved progress."""
        place = saved.get("place")
        if place is None:
            return cls(**saved)
        return cls(**saved | {"place": Place(Layout(**place["layout"]), place["offset"], place["number"])})
