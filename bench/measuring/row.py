# SPDX-License-Identifier: BSD-3-Clause
"""Samples become rows: what is told of one kind of work."""

import statistics
from dataclasses import asdict, dataclass
from typing import Any, Iterable

# How far the middle half of the ratios may reach, over their median; above it a row says so. One of
# five may be anything.
SPREAD = 0.5


@dataclass(frozen=True)
class Sample:
    """What one piece of work took. Under emulation the guest's processors are threads of the
    host, so both kinds of processor time are of the same coin."""

    seconds: float
    host_cpu_seconds: float
    guest_cpu_seconds: float = 0.0

    def cpu_seconds(self) -> float:
        return self.host_cpu_seconds + self.guest_cpu_seconds


def rounded(value: float) -> float:
    """To four digits that count."""
    return float(f"{value:.4g}")


def spread(values: Iterable[float]) -> dict[str, float]:
    found = list(values)
    return {"median": rounded(statistics.median(found)), "min": rounded(min(found)),
            "max": rounded(max(found))}


def summary(samples: list[Sample]) -> dict[str, Any]:
    """Medians, and the spread of the time."""
    columns = {name: [asdict(sample)[name] for sample in samples] for name in asdict(samples[0])}
    told = {name: rounded(statistics.median(values)) for name, values in columns.items()}
    return {**told, "seconds_min": rounded(min(columns["seconds"])),
            "seconds_max": rounded(max(columns["seconds"]))}


def judged(row: dict[str, Any], bar: float | None, most: bool = False) -> dict[str, Any]:
    """Say whether the row's ratio is at least its bar, or at most, where there is one."""
    if bar is None:
        return row
    met = row["ratio"] <= bar if most else row["ratio"] >= bar
    return {**row, "bar": bar, **({"bar_is": "at most"} if most else {}), "met": met}


def ratios(found: list[float]) -> dict[str, Any]:
    """What a row tells of its pairs."""
    middle = spread(found)
    low, _, high = statistics.quantiles(found, n=4, method="inclusive")
    return {"pairs": len(found), "ratio": middle["median"], "ratio_min": middle["min"],
            "ratio_max": middle["max"], "ratio_middle": [rounded(low), rounded(high)]}


def compare(work: str, own: list[Sample], peer: list[Sample], bar: float | None, *,
            by: str = "seconds", **facts: Any) -> dict[str, Any]:
    """Ours beside a peer's: how many times as fast, the median of the ratios pair by pair, so
    that what disturbs a pair disturbs both of it. `by` is what a ratio is of: "seconds", or
    "cpu_seconds" for work that never waits, which takes no more than that."""
    def of(sample: Sample) -> float:
        return sample.seconds if by == "seconds" else sample.cpu_seconds()

    sides = {"own": summary(own), "peer": summary(peer)}
    found = ratios([of(theirs) / of(ours) for ours, theirs in zip(own, peer)])
    return judged({"work": work, **facts, **sides, "ratio_of": by, **found}, bar)


def disturbed(row: dict[str, Any], words: list[str]) -> dict[str, Any]:
    """The row, saying what disturbed it."""
    words = list(words)
    low, high = row.get("ratio_middle", (0, 0))
    if high - low > SPREAD * row.get("ratio", 0):
        words.append(f"the middle half of the ratios is {low:g} to {high:g}")
    return {**row, "disturbed": words} if words else row


def _seconds(side: dict[str, Any]) -> str:
    return f"{side['seconds']:.4g} s ({side['seconds_min']:.3g}-{side['seconds_max']:.3g})"


def told(row: dict[str, Any]) -> str:
    """One line for a person."""
    if "skipped" in row:
        return f"{row['work']}: skipped: {row['skipped']}"
    words = [f"{row['work']}:"]
    for side in ("own", "peer"):
        if side in row:
            words.append(f"{'us' if side == 'own' else row.get('against', 'peer')} {_seconds(row[side])};")
    if "ratio" in row:
        unit = row.get("unit", "times as fast")
        words.append(f"{row['ratio']:g} {unit}")
    if "bar" in row:
        words.append(f"(bar {row.get('bar_is', 'at least')} {row['bar']:g}: "
                     f"{'met' if row['met'] else 'MISSED'})")
    if "disturbed" in row:
        words.append(f"[disturbed: {'; '.join(row['disturbed'])}]")
    return " ".join(words)
