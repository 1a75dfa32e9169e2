"""Parameters of a run, validated once."""

from __future__ import annotations

from dataclasses import dataclass, fields

from clustering.documents import Run
from clustering.errors import BadParameters

ALGORITHMS = ("dbscan", "hdbscan")


@dataclass(frozen=True)
class RunParameters:
    """How to cluster a collection; raises BadParameters for values out of range.

    ``eps`` is a cosine distance (None: the embedder's own); ``max_images`` 0 means all of them;
    ``full`` looks at every object again; without ``allow_removals`` a run fails that misses many of
    the photos that are known; a ``preview`` is shown to readers only when it is applied;
    without ``refine`` the labels are plain DBSCAN's.
    """

    eps: float | None = None
    min_samples: int = 2
    algorithm: str = "dbscan"
    refine: bool = True
    skip_quality_filter: bool = False
    full: bool = False
    preview: bool = False
    allow_removals: bool = False
    max_images: int = 0
    batch_size: int = 30
    max_concurrent: int = 12

    @classmethod
    def of(cls, run: Run, *, allow_removals: bool) -> RunParameters:
        """Return what a run was asked for."""
        names = (one.name for one in fields(cls) if one.name != "allow_removals")
        return cls(**{name: getattr(run, name) for name in names}, allow_removals=allow_removals)

    def __post_init__(self) -> None:
        """Raise BadParameters for values out of range."""
        _within("eps", self.eps, 0.0, 2.0)
        _within("min_samples", self.min_samples, 2, 100)
        _within("batch_size", self.batch_size, 1, 50)
        _within("max_concurrent", self.max_concurrent, 1, 20)
        _within("max_images", self.max_images, 0, 10**9)
        if self.algorithm not in ALGORITHMS:
            raise BadParameters(
                f"The algorithm is one of {', '.join(ALGORITHMS)}, not {self.algorithm!r}."
            )


def _within(name: str, value: float | None, low: float, high: float) -> None:
    """Raise BadParameters for a number outside its range, including NaN."""
    if value is not None and not low <= value <= high:
        raise BadParameters(f"{name} has to lie between {low} and {high}, not {value}.")
