"""The store and the verbs on it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from datetime import date
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from analyzer import blocks, records
from analyzer.api.studies import Study, now, write_brief
from analyzer.blocks import Catalogue
from analyzer.errors import BadInput
from analyzer.store import Store
from analyzer.store.loading import captures_ahead, expand, load_file
from analyzer.store.released import select

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.scan import Report, ScanQuestion
    from analyzer.shares.question import ShareReport
    from analyzer.study.typical import Typical

Progress = Callable[[int, int], None]


class Database:
    """A store and what can be done with it; nothing is created before the first load."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.store = Store(Path(path))

    def load(
        self,
        *paths: str | PathLike[str],
        source: str | None = None,
        tz: str | None = None,
        cc: str | None = None,
        retrieved: date | None = None,
        mapping: str | PathLike[str] | None = None,
        k: int | None = None,
        sampling: int = 1,
        addresses: Sequence[str | PathLike[str]] = (),
        progress: Progress | None = None,
        skipped: Callable[[str], None] = warnings.warn,
    ) -> list[records.LoadResult]:
        """Load files, folders or globs (`-` is standard input); each file all or nothing, the same bytes once.

        k (10 unless given) and sampling are for captures: cells of fewer than k clients are suppressed; where one in
        `sampling` packets was captured, bytes and packets are multiplied by it; `addresses` are files of dated address
        lists (list,family,provider,date,network).  Several captures use two processes.

        A file that was named and cannot be read raises BadInput; the files before it stay loaded.  A file that was only
        found in a folder is left out, and `skipped` is told why; BadInput where none in the folder could be loaded.
        """
        options: dict[str, Any] = {"source": source, "tz": tz, "cc": cc, "retrieved": retrieved, "progress": progress}
        options["mapping"] = None if mapping is None else str(mapping)
        results: list[records.LoadResult] = []
        try:
            with captures_ahead(self.store, paths, k=k, sampling=sampling, addresses=addresses) as ready:
                for given in paths:
                    files = expand([str(given)])
                    found = [r for f in files if (r := self._load_one(f, given, skipped, captures=ready, **options))]
                    if not found:
                        raise BadInput(f"{given}: no file in this folder could be loaded")
                    results += found
        finally:
            if results:  # only after a load: a store into which nothing could be loaded stays as it was
                with self.store.writing() as con:
                    blocks.fill(con)
        return results

    def _load_one(
        self, path: str, given: str | PathLike[str], skipped: Callable[[str], None], **options: Any
    ) -> records.LoadResult | None:
        try:
            return replace(load_file(self.store, path, **options), origin=path)
        except BadInput as error:
            if not Path(given).is_dir():
                raise
            skipped(f"left out: {error}")
            return None

    def fetch(self, source: str, *, cc: str, start: date, end: date, **options: Any) -> list[records.LoadResult]:
        """Download a source's native files for a country and days [start, end), then load them."""
        from analyzer import fetching

        options.setdefault("folder", self.store.path.parent / "snapshots")
        return self.load(*fetching.fetch(source, cc, start, end, **options), source=source)

    def query(self, name: str | PathLike[str], **parameters: Any) -> pd.DataFrame:
        """A named query of `queries/`, or SQL (text or a `.sql` file) over a copy of the released tables."""
        import pandas as pd

        columns, rows = select(self.store, str(name), parameters)
        return pd.DataFrame(rows, columns=columns)

    def blocks(
        self, cc: str | None = None, *, start: date | None = None, end: date | None = None
    ) -> tuple[records.Block, ...]:
        """Blocks and non-events of a country (or all) that touch the days [start, end)."""
        return blocks.listed(self.catalogue(), cc, start, end)

    def catalogue(self) -> Catalogue:
        """The catalogue: the store's when it exists, else the shipped tables."""
        return blocks.catalogue(self.store if self.store.exists else None)

    def estimate(
        self,
        block_id: str | None = None,
        *,
        cc: str | None = None,
        date: date | None = None,
        indicator: str | None = None,
        horizons: Iterable[str] | None = None,
        estimator: str | None = None,
        shapes: Literal["moved", "all", "none"] = "moved",
        plan: str | PathLike[str] | None = None,
    ) -> Study:
        """The study of a block, or of a country and local calendar date that is no block.

        A worldwide event (of XX) with a country is asked of that country's series.
        estimator: replay (the usual), or did, synthetic_control, sdid or difp, which weight donor countries.  shapes:
        `moved` reads the shape of a change (peak, half-life, what is left) where the headline says rise or fall, `all`
        that of every series, `none` none.  plan: id or file of a frozen plan: its question, unless another is named
        beside it, which is then exploratory.  Raises UnknownName for an unknown block, country, indicator, horizon,
        estimator or plan, and for a plan's file that was changed; rows that cannot be estimated are in the study with
        their reason.
        """
        from analyzer import study
        from analyzer.study import planned

        catalogue = self.catalogue()
        frozen = None if plan is None else planned.named(self.store, catalogue, str(plan))
        if frozen is not None and block_id is None and cc is None and date is None:
            asked = planned.event_of(frozen)
        else:
            asked = study.event(catalogue, block_id, cc, date)
        options: dict[str, Any] = {"indicator": indicator, "estimator": estimator, "shapes": shapes, "plan": frozen}
        answer = study.ask(self.store, catalogue, asked, horizons=tuple(horizons or ()), now=now(), **options)
        return Study(**{f.name: getattr(answer, f.name) for f in fields(records.Study)})

    def plan_new(self, path: str | PathLike[str] | None = None, **given: dict[str, Any]) -> str:
        """A plan's draft as TOML, written to `path` where one is named.

        given: values by section, as event={"block": ...}, primary={"indicator": ..., "horizon": ...}; the sections and
        fields are those of the file.  Raises BadInput for a value that cannot be meant, or a path that is taken.
        """
        from analyzer.study import planned

        return planned.draft(self.catalogue(), given, None if path is None else Path(path))

    def plan_freeze(self, path: str | PathLike[str]) -> dict[str, Any]:
        """Freeze the plan of a file; the same content again changes nothing.  Returns the row of `plans`, and `fresh`.

        Raises BadInput where the file holds no plan, StoreError where the store cannot be written.
        """
        from analyzer.study import planned

        clock_set = bool(os.environ.get("SOURCE_DATE_EPOCH"))
        frozen, fresh = planned.freeze(self.store, self.catalogue(), path, now=now(), clock_set=clock_set)
        return {**planned.row(frozen), "fresh": fresh}

    def plans(self) -> list[dict[str, Any]]:
        """Every frozen plan, oldest first, each with whether it came before its data."""
        from analyzer.study import planned

        return [planned.row(plan) for plan in planned.every(self.store, self.catalogue())]

    def curve(
        self,
        block_id: str | None = None,
        *,
        cc: str | None = None,
        date: date | None = None,
        indicator: str | None = None,
        horizon: str = "14d",
        progress: Progress | None = None,
    ) -> pd.DataFrame:
        """One estimate per defensible choice of base, gap, donors, masks and weekends: the rows of `vpn-uptake curve`.

        `attrs["summary"]` holds a sentence per series.  Raises UnknownName for what is not known.
        """
        import pandas as pd

        from analyzer import study
        from analyzer.study import curve

        catalogue = self.catalogue()
        block = study.event(catalogue, block_id, cc, date)
        options: dict[str, Any] = {"indicator": indicator, "horizon": horizon, "progress": progress}
        rows, summary = curve.curve(self.store, catalogue, block, now=now(), **options)
        frame = pd.DataFrame(rows, columns=list(curve.COLUMNS))
        frame.attrs["summary"] = summary
        return frame

    def people(
        self,
        block_id: str | None = None,
        *,
        cc: str | None = None,
        date: date | None = None,
        indicator: str | None = None,
        horizons: Iterable[str] | None = None,
        anchors: str | PathLike[str] | None = None,
    ) -> Study:
        """The study of a block or date whose `people` use a file of anchors beside the shipped ones.

        Raises what `estimate` raises, and BadInput for anchors that cannot be meant.
        """
        from analyzer import study
        from analyzer.people import read_anchors, shipped_anchors

        given = () if anchors is None else read_anchors(Path(anchors))
        options: dict[str, Any] = {"cc": cc, "date": date, "indicator": indicator, "horizons": horizons}
        found = self.estimate(block_id, shapes="none", **options)
        return replace(found, people=study.people_of(self.store, found, (*given, *shipped_anchors())))

    def combine(
        self,
        block_id: str | None = None,
        *,
        cc: str | None = None,
        date: date | None = None,
        horizon: str | None = None,
    ) -> Study:
        """The study of a block or date with its indicators combined within types: `syntheses` and `concordance`.

        horizon: one such as 14d; without it the first of the headline's that any series could be estimated at.  Types
        are never combined with each other.  Raises UnknownName as `estimate` does.
        """
        wanted = None if horizon is None else (horizon,)
        return self.estimate(block_id, cc=cc, date=date, horizons=wanted, shapes="none")

    def typical(
        self,
        kind: str,
        *,
        indicator: str | None = None,
        horizon: str = "14d",
        progress: Progress | None = None,
    ) -> tuple[Typical, ...]:
        """One indicator over all blocks of a kind that became known whatever their effect was, a record per series.

        Every block of that kind that is left out is named with the reason.  Raises UnknownName for a kind, indicator or
        horizon that cannot be meant.
        """
        from analyzer.study.typical import typical

        options: dict[str, Any] = {"indicator": indicator, "horizon": horizon, "progress": progress}
        return typical(self.store, self.catalogue(), kind, **options)

    def repeated(self, cc: str, *, indicator: str | None = None, horizon: str = "14d") -> list[dict[str, Any]]:
        """What each of a country's repeated blocks added to what the earlier ones left: one row per block and series.

        Raises UnknownName for an unknown country, indicator or horizon.
        """
        from analyzer import study
        from analyzer.places import check_country

        code = check_country(cc)
        keys = study.series_keys(self.store, code, indicator)
        return study.repeated(self.store, self.catalogue(), code, keys, horizon)

    def shares(
        self, *, cc: str, start: date, end: date, rates: str | PathLike[str] | None = None, **options: Any
    ) -> ShareReport:
        """Shares of flows, clients or bytes in the local days [start, end), corrected for classifier error.

        rates: a CSV or TOML file, or the `rates_id` of a shipped row; or sensitivity= and false_positives= as `a/b`.
        The other options are those of `vpn-uptake shares`.  Raises NotEnoughData where no flows are there, BadInput
        or UnknownName for rates or options that cannot be meant.
        """
        from analyzer.shares import asking, report

        question = asking.question(cc, start, end, rates=rates, **options)
        first, last = question.window
        return report.answer(question, self.store.rows("share_inputs", cc=question.cc, start=first, end=last))

    def scan(
        self,
        *,
        cc: str | Iterable[str] = (),
        indicator: str | None = None,
        start: date | None = None,
        end: date | None = None,
        q: float = 0.05,
        alarms: bool = False,
        progress: Progress | None = None,
    ) -> pd.DataFrame:
        """Flagged changes of every series, the share of false flags over all of them kept to q; one row per event.

        The columns are those of `vpn-uptake scan --format csv`; `attrs` holds the summary and what was not scanned.
        Raises UnknownName for an unknown country or indicator, BadInput for days or a q that cannot be meant.
        """
        import pandas as pd

        from analyzer.scan import FlagRow, ScanQuestion

        countries = (cc,) if isinstance(cc, str) else tuple(cc)
        report = scan_report(self, ScanQuestion(countries, indicator, start, end, q, alarms), progress)
        columns = [f.name for f in fields(FlagRow)]
        frame = pd.DataFrame([[getattr(row, c) for c in columns] for row in report.rows], columns=columns)
        frame.attrs.update(summary=report.summary, not_scanned=dict(report.not_scanned), left_out=report.left_out)
        return frame

    def brief(
        self,
        path: str | PathLike[str],
        *block_ids: str,
        cc: str | None = None,
        start: date | None = None,
        end: date | None = None,
        command: str = "",
    ) -> Path:
        """Write the brief of blocks, or of a country and the days [start, end); returns the path."""
        from analyzer import study

        asked = study.BriefQuestion(block_ids, cc, start, end)
        return write_brief(study.dossier(self.store, self.catalogue(), asked, command=command, now=now()), path)


def scan_report(db: Database, question: ScanQuestion, progress: Progress | None = None) -> Report:
    """The scan of a store as a record, with its counts."""
    from analyzer import scan

    return scan.scan(db.store, db.catalogue(), question, progress)
