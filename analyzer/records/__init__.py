"""The nouns: frozen records that the layers hand to each other.

Times are naive UTC datetimes; intervals are half-open.  None is "not known" or "not applicable",
0 is zero.  Importing this package loads nothing beyond the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.records.estimated import (
    Check as Check,
)
from analyzer.records.estimated import (
    Effect as Effect,
)
from analyzer.records.estimated import (
    Estimate as Estimate,
)
from analyzer.records.estimated import (
    PlaceboWindows as PlaceboWindows,
)
from analyzer.records.estimated import (
    Pool as Pool,
)
from analyzer.records.estimated import (
    Specification as Specification,
)
from analyzer.records.observed import (
    Block as Block,
)
from analyzer.records.observed import (
    Claim as Claim,
)
from analyzer.records.observed import (
    Context as Context,
)
from analyzer.records.observed import (
    DonorExclusion as DonorExclusion,
)
from analyzer.records.observed import (
    Lines as Lines,
)
from analyzer.records.observed import (
    Observation as Observation,
)
from analyzer.records.observed import (
    Origin as Origin,
)
from analyzer.records.observed import (
    Published as Published,
)
from analyzer.records.observed import (
    Rejection as Rejection,
)
from analyzer.records.observed import (
    Request as Request,
)
from analyzer.records.observed import (
    Snapshot as Snapshot,
)
from analyzer.records.observed import (
    Source as Source,
)
from analyzer.records.studied import (
    Breakdown as Breakdown,
)
from analyzer.records.studied import (
    Concordance as Concordance,
)
from analyzer.records.studied import (
    Dossier as Dossier,
)
from analyzer.records.studied import (
    Family as Family,
)
from analyzer.records.studied import (
    FamilyRow as FamilyRow,
)
from analyzer.records.studied import (
    Feature as Feature,
)
from analyzer.records.studied import (
    LoadResult as LoadResult,
)
from analyzer.records.studied import (
    Output as Output,
)
from analyzer.records.studied import (
    Overlap as Overlap,
)
from analyzer.records.studied import (
    PeopleRange as PeopleRange,
)
from analyzer.records.studied import (
    PublisherRow as PublisherRow,
)
from analyzer.records.studied import (
    RunCount as RunCount,
)
from analyzer.records.studied import (
    SeriesShape as SeriesShape,
)
from analyzer.records.studied import (
    SeriesView as SeriesView,
)
from analyzer.records.studied import (
    Study as Study,
)
from analyzer.records.studied import (
    Synthesis as Synthesis,
)
from analyzer.records.studied import (
    Verified as Verified,
)
from analyzer.records.words import (
    Attribution as Attribution,
)
from analyzer.records.words import (
    IndicatorType as IndicatorType,
)
from analyzer.records.words import (
    Outcome as Outcome,
)
from analyzer.records.words import (
    Precision as Precision,
)
from analyzer.records.words import (
    Role as Role,
)
from analyzer.records.words import (
    State as State,
)
from analyzer.records.words import (
    Verdict as Verdict,
)
from analyzer.records.words import (
    Verification as Verification,
)

if TYPE_CHECKING:
    from analyzer.records.estimated import Floats as Floats
    from analyzer.records.estimated import Ints as Ints
