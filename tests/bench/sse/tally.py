"""What one reader has received of each job's numbered states."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass
class Track:
    """One job's numbers, as one reader saw them."""

    #: The highest number seen.
    last: int
    #: Numbers below it that have not come.
    missing: set[int] = field(default_factory=set)
    received: int = 0
    duplicates: int = 0
    out_of_order: int = 0

    def saw(self, seq: int) -> None:
        """Count a number."""
        self.received += 1
        if seq == self.last + 1:
            self.last = seq
        elif seq > self.last:
            self.missing.update(range(self.last + 1, seq))
            self.last = seq
        elif seq in self.missing:
            self.missing.remove(seq)
            self.out_of_order += 1
        else:
            self.duplicates += 1


class Tally:
    """Counts what one stream brings. A job's first number is where its counting begins."""

    def __init__(self) -> None:
        self.tracks: dict[bytes, Track] = {}
        #: Seconds from the sender's clock to ours.
        self.latencies = array("d")

    def saw(self, states: Iterable[Sequence[bytes]], now_ns: int) -> None:
        """Count states as `wire.STATE` finds them, all read at `now_ns`."""
        for job_id, digits, sent in states:
            seq = int(digits)
            track = self.tracks.get(job_id)
            if track is None:
                track = self.tracks[job_id] = Track(seq - 1)
            track.saw(seq)
            if sent:
                self.latencies.append((now_ns - int(sent)) / 1e9)

    def last(self, job_id: str) -> int | None:
        """Give the newest number of a job; None before the first."""
        track = self.tracks.get(job_id.encode())
        return None if track is None else track.last


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The sums of many tallies."""

    received: int
    missing: int
    duplicates: int
    out_of_order: int

    @classmethod
    def of(cls, tallies: Iterable[Tally]) -> Totals:
        """Sum up."""
        tracks = [track for tally in tallies for track in tally.tracks.values()]
        return cls(
            received=sum(track.received for track in tracks),
            missing=sum(len(track.missing) for track in tracks),
            duplicates=sum(track.duplicates for track in tracks),
            out_of_order=sum(track.out_of_order for track in tracks),
        )


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which so large a share (0 to 1) of the values lies; nan of none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
