"""How right the labels of captures are: `python bench/accuracy.py FOLDER` (captures and their truth.csv).

On flows that the truth calls "yes": family and provider.  On those it calls "no": false positives, which are labels
that are neither a lookalike nor encapsulation, with a confidence of header, name or dated_list.  Suspicions
(statistical) are scored apart.  "Unclear" flows are printed, not scored.  Beside every rate over flows, which are not
independent within a capture, stands the share of captures without an error; both with exact (Clopper-Pearson) 95 %
intervals.  Exit code 0 where the marks set at the top of `report` are reached.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from _truth import NO_PROVIDER, OBFUSCATED, STATISTICAL, family_fits, protocol, provider_fits
from scipy.stats import beta

from analyzer.capture.records import Label

End = tuple[bytes, int]
Key = tuple[int, frozenset[End]]
_INNOCENT = {"lookalike", "encapsulation"}
_ALLOWED_SUSPICIONS, _ALLOWED_FALSE = 20, 2


class Row(NamedTuple):
    """A flow of the truth."""

    file: str
    key: Key
    verdict: str  # yes, no, unclear
    family: str
    provider: str
    text: str  # for people


class Scored(NamedTuple):
    """A flow of the truth with the labels of all records of its 5-tuple."""

    row: Row
    labels: list[Label]

    @property
    def is_right(self) -> bool:
        return any(family_fits(self.row.family, x.family) and self._may_count(x) for x in self.labels)

    @property
    def is_named_right(self) -> bool:
        return any(provider_fits(self.row.provider, x.provider) for x in self.labels)

    def _may_count(self, found: Label) -> bool:
        return found.confidence != "statistical" or self.row.family in STATISTICAL or OBFUSCATED in self.row.file


def labelled_flows(path: Path) -> Iterator[tuple[Key, Label | None]]:
    """Flows of a capture with their labels, by the engine as every user runs it."""
    from analyzer.capture.engine import flows_of
    from analyzer.capture.finish import address
    from analyzer.capture.records import Tally

    with FileIO(path) as raw:
        for batch in flows_of(raw, path.name, Tally()):
            columns = zip(
                batch.proto.tolist(),
                batch.v6.tolist(),
                *(getattr(batch, c).tolist() for c in ("src0", "src1", "sport", "dst0", "dst1", "dport", "label")),
                strict=True,
            )
            for proto, v6, src0, src1, sport, dst0, dst1, dport, label in columns:
                ends = frozenset(((address(src0, src1, v6), sport), (address(dst0, dst1, v6), dport)))
                yield (proto, ends), batch.labels[label] if label >= 0 else None


def truth(folder: Path) -> list[Row]:
    """Rows of truth.csv."""
    with (folder / "truth.csv").open(newline="", encoding="utf-8") as lines:
        return [_row(r) for r in csv.DictReader(lines)]


def _row(r: dict[str, str]) -> Row:
    ends = ((r["src_ip"], r["src_port"]), (r["dst_ip"], r["dst_port"]))
    key = protocol(r["proto"]), frozenset((ip_address(a).packed, int(p)) for a, p in ends)
    text = f"{r['proto']} {r['src_port']}-{r['dst_port']} {r['ndpi_label'] or r['family']}"
    return Row(r["file"], key, r["is_circumvention"], r["family"], r["provider"], text)


def score(
    folder: Path, rows: Iterable[Row], flows: Callable[[Path], Iterable[tuple[Key, Label | None]]]
) -> list[Scored]:
    """Every row of the truth with what the engine says of its flow."""
    by_file: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_file[row.file].append(row)
    out = []
    for file, wanted in by_file.items():
        found: defaultdict[Key, list[Label]] = defaultdict(list)
        for key, label in flows(folder / file):
            if label is not None:
                found[key].append(label)
        out += [Scored(row, found[row.key]) for row in wanted]
    return out


def interval(hits: int, n: int) -> str:
    """Share with its exact 95 % interval, for print."""
    if not n:
        return "no cases"
    low = beta.ppf(0.025, hits, n - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    return f"{hits} of {n} = {hits / n:.1%} ({low:.1%} to {high:.1%})"


def by_capture(scored: Iterable[Scored], good: Callable[[Scored], bool]) -> str:
    """Captures in which every flow is good, of all captures with such flows."""
    files: defaultdict[str, bool] = defaultdict(lambda: True)
    for s in scored:
        files[s.row.file] &= good(s)
    return "captures without an error: " + interval(sum(files.values()), len(files))


def mean_over_pairs(scored: Iterable[Scored]) -> float:
    """Mean over (capture, family) pairs of the share of their flows that are right."""
    pairs: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for s in scored:
        pairs[s.row.file, s.row.family].append(s.is_right)
    return sum(sum(p) / len(p) for p in pairs.values()) / len(pairs) if pairs else float("nan")


def false_labels(s: Scored) -> list[Label]:
    """Labels of a "no" flow that claim more than suspicion."""
    return [x for x in s.labels if x.kind not in _INNOCENT and x.confidence != "statistical"]


def suspicions(s: Scored) -> list[Label]:
    """Labels of a "no" flow that are suspicion only."""
    return [x for x in s.labels if x.kind not in _INNOCENT and x.confidence == "statistical"]


def report(scored: list[Scored]) -> bool:
    """Prints everything; whether the marks that the product sets itself are reached."""
    yes, no = ([s for s in scored if s.row.verdict == v] for v in ("yes", "no"))
    reached = _report_yes("yes", yes)
    _report_yes("yes without opera-vpn", [s for s in yes if "opera-vpn" not in s.row.file])
    named = [s for s in yes if s.row.provider not in NO_PROVIDER]
    print(f"provider: {interval(sum(s.is_named_right for s in named), len(named))};", end=" ")
    print(by_capture(named, lambda s: s.is_named_right))
    wrong, suspected = [s for s in no if false_labels(s)], [s for s in no if suspicions(s)]
    print(f"false positives: {interval(len(wrong), len(no))}; {by_capture(no, lambda s: not false_labels(s))}")
    print(f"suspicions on no flows: {interval(len(suspected), len(no))}; {by_capture(no, lambda s: not suspicions(s))}")
    hidden = [s for s in yes if s.row.family in STATISTICAL or OBFUSCATED in s.row.file]
    print(f"by suspicion or better, headerless and scrambled: {interval(sum(s.is_right for s in hidden), len(hidden))}")
    _listing("missed family", [s for s in yes if not s.is_right], lambda s: s.labels)
    _listing("missed provider", [s for s in named if not s.is_named_right], lambda s: s.labels)
    _listing("false positive", wrong, false_labels)
    _listing("suspicion on a no flow", suspected, suspicions)
    _unclear([s for s in scored if s.row.verdict == "unclear"])
    return reached and len(wrong) <= _ALLOWED_FALSE and len(suspected) <= _ALLOWED_SUSPICIONS


def _report_yes(title: str, yes: list[Scored]) -> bool:
    right = sum(s.is_right for s in yes)
    print(f"family, {title}: {interval(right, len(yes))}; {by_capture(yes, lambda s: s.is_right)}")
    mean = mean_over_pairs(yes)
    print(f"  mean over (capture, family) pairs: {mean:.3f}")
    return bool(yes) and right >= 0.96 * len(yes) and mean >= 0.93


def _listing(title: str, scored: list[Scored], which: Callable[[Scored], list[Label]]) -> None:
    if scored:
        print(f"\n{title}:")
    for s in scored:
        said = "; ".join(f"{x.rule} ({x.confidence}): {x.reason}" for x in which(s)) or "no label"
        print(f"  {s.row.file}: {s.row.text}: {said}")


def _unclear(scored: list[Scored]) -> None:
    said = Counter((s.row.file, s.row.family, *sorted({x.rule for x in s.labels})) for s in scored)
    print("\nunclear, not scored (capture, family, our rules):")
    for words, n in sorted(said.items()):
        print(f"  {n:4d} {' '.join(words)}")


def main(folder: str) -> int:
    """0 where the marks are reached, else 1."""
    path = Path(folder)
    return 0 if report(score(path, truth(path), labelled_flows)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
