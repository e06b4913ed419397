"""A share corrected for the errors of the classifier that counted it (Rogan & Gladen 1978).

P = (A + Sp - 1) / (Se + Sp - 1), A the apparent share.  Where sensitivity and specificity are estimated from counts the
interval is that of Lang & Reiczigel (2014, Preventive Veterinary Medicine 113, 13-22, eq. 6, 7, 16 and 17), which
keeps its level near 0; where both are stated, the exact interval of A, transformed (Reiczigel, Foeldi & Ozsvari 2010).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtri

from analyzer.errors import BadInput, NotEnoughData
from analyzer.shares.rates import TRANSPORT_CAVEAT, Rate, clopper_pearson

Given = Rate | float | tuple[int, int]
_WITHOUT_N = "stated without n: the interval leaves its own error out and is too narrow"
WITHOUT_N = f"sensitivity and specificity {_WITHOUT_N}"


@dataclass(frozen=True, slots=True)
class CorrectedShare:
    """A share as counted and as corrected; shares lie in [0, 1].

    raw: the point estimate before it was clipped to [0, 1]; `clipped` says that it was.
    low, high: interval of the corrected share at `level`.  false_flag_share: share of the flags that are false
    (1 - positive predictive value) with bounds; None where nothing was flagged.
    """

    k: int
    n: int
    level: float
    apparent: float
    apparent_low: float
    apparent_high: float
    corrected: float
    low: float
    high: float
    raw: float
    clipped: bool
    false_flag_share: float | None
    false_flag_low: float | None
    false_flag_high: float | None
    sensitivity: Rate
    specificity: Rate
    method: str
    warnings: tuple[str, ...] = ()
    caveats: tuple[str, ...] = (TRANSPORT_CAVEAT,)


def false_flag_share(share: float, sensitivity: float, false_positives: float) -> float:
    """Share of flags that are false where a share of all is true.

    False flags are (1 - share) x false_positives, true ones share x sensitivity.  Raises NotEnoughData where nothing
    would be flagged.
    """
    false, true = (1 - share) * false_positives, share * sensitivity
    if false + true <= 0:
        raise NotEnoughData("with these rates nothing would be flagged at all")
    return false / (false + true)


def corrected_share(
    k: int,
    n: int,
    sensitivity: Given,
    specificity: Given,
    level: float = 0.95,
    *,
    design_effect: float = 1.0,
) -> CorrectedShare:
    """The share of true ones among n, of which k were flagged.

    sensitivity, specificity: a number, or counts (hits, n), specificity being unflagged ones of those without use.
    design_effect: by how much the variance of k exceeds the binomial one (flows of one client are alike); >= 1.
    Raises NotEnoughData for n = 0, and where sensitivity + specificity is not above 1 beyond its own error;
    BadInput for counts that are none.
    """
    _check(k, n, level, design_effect)
    se, sp = Rate.of(sensitivity), Rate.of(specificity)
    _refuse_uninformative(se, sp, level)
    raw = (k / n + sp.value - 1) / (se.value + sp.value - 1)
    corrected = min(max(raw, 0.0), 1.0)
    known = se.is_stated and sp.is_stated
    size = n / design_effect
    apparent_low, apparent_high = clopper_pearson(k / design_effect, size, level)
    bounds = _transformed if known else _lang_reiczigel
    low, high = bounds(k / design_effect, size, se, sp, level)
    flags = _false_flags((corrected, low, high), (k / n, apparent_low, apparent_high), se, sp.complement, level)
    return CorrectedShare(
        k=k,
        n=n,
        level=level,
        apparent=k / n,
        apparent_low=apparent_low,
        apparent_high=apparent_high,
        corrected=corrected,
        low=min(low, corrected),
        high=max(high, corrected),
        raw=raw,
        clipped=raw != corrected,
        false_flag_share=flags[0],
        false_flag_low=flags[1],
        false_flag_high=flags[2],
        sensitivity=se,
        specificity=sp,
        method="exact, rates taken as known" if known else "Lang-Reiczigel",
        warnings=tuple(_warnings(se, sp, raw, low)),
    )


def _check(k: int, n: int, level: float, design_effect: float) -> None:
    if n < 1:
        raise NotEnoughData("nothing was counted: a share of nothing is not 0")
    if not 0 <= k <= n:
        raise BadInput(f"{k} flagged of {n}: the flagged are part of all")
    if not 0.5 < level < 1:
        raise BadInput(f"level lies between 0.5 and 1, not {level:g}")
    if not design_effect >= 1:
        raise BadInput(f"a design effect is at least 1, not {design_effect:g}")


def _refuse_uninformative(se: Rate, sp: Rate, level: float) -> None:
    """Youden's J with the interval of Newcombe (1998, method 10) for a sum of two shares."""
    j = se.value + sp.value - 1
    reach = math.hypot(se.value - se.interval(level)[0], sp.value - sp.interval(level)[0])
    if j <= 0:
        raise NotEnoughData(
            f"sensitivity {se} and specificity {sp} add up to {j + 1:.3g}, not above 1: the flags say nothing of use"
        )
    if j - reach <= 0:
        raise NotEnoughData(
            f"sensitivity {se} and specificity {sp} rest on so few cases that their sum may not exceed 1 "
            f"(it reaches down to {1 + j - reach:.3g}): the flags may say nothing of use"
        )


def _transformed(k: float, n: float, se: Rate, sp: Rate, level: float) -> tuple[float, float]:
    low, high = clopper_pearson(k, n, level)
    j = se.value + sp.value - 1
    return _clip((low + sp.value - 1) / j), _clip((high + sp.value - 1) / j)


def _lang_reiczigel(k: float, n: float, se: Rate, sp: Rate, level: float) -> tuple[float, float]:
    z = float(ndtri((1 + level) / 2))
    size = n + z * z
    a = (k + z * z / 2) / size
    hit, hit_var = _shrunk(se)
    clear, clear_var = _shrunk(sp)
    j = hit + clear - 1
    p = (a + clear - 1) / j
    shift = 2 * z * z * (p * hit_var - (1 - p) * clear_var)
    spread = z * math.sqrt(a * (1 - a) / size + p * p * hit_var + (1 - p) ** 2 * clear_var) / j
    return _clip(p + shift - spread), _clip(p + shift + spread)


def _shrunk(rate: Rate) -> tuple[float, float]:
    """One success and one failure added, and the variance of that share; a stated rate has none."""
    if rate.hits is None or rate.n is None:
        return rate.value, 0.0
    value = (rate.hits + 1) / (rate.n + 2)
    return value, value * (1 - value) / (rate.n + 2)


def _clip(share: float) -> float:
    return min(max(share, 0.0), 1.0)


_Three = tuple[float, float, float]  # estimate, low, high


def _false_flags(
    share: _Three, apparent: _Three, se: Rate, false: Rate, level: float
) -> _Three | tuple[None, None, None]:
    """Share of the flags that are false, with the tighter of two bounds on each side; None without a flag.

    It is (1 - P) f / A, and also 1 - P Se / A: the first is tight where nearly all flags are true, the second where the
    false-positive rate is hardly known.  Coverage of the two together is in docs/method.md.
    """
    if apparent[0] == 0:
        return None, None, None
    f_low, f_high = false.interval(level)
    point = _clip((1 - share[0]) * false.value / apparent[0])
    least = (1 - share[2]) * f_low / apparent[2]
    most = (1 - share[1]) * f_high / apparent[1] if apparent[1] > 0 else 1.0
    low = max(least, 1 - share[2] * se.value / apparent[0])
    high = min(most, 1 - share[1] * se.value / apparent[0])
    return point, min(_clip(low), point), max(_clip(high), point)


def _warnings(se: Rate, sp: Rate, raw: float, low: float) -> list[str]:
    said = []
    if bare := [name for name, rate in (("sensitivity", se), ("specificity", sp)) if rate.is_stated]:
        said.append(WITHOUT_N if len(bare) == 2 else f"{bare[0]} {_WITHOUT_N}")
    if raw < 0:
        said.append(f"estimate clipped to 0 (raw {raw:.3g}): false positives alone would flag more than were flagged")
    if raw > 1:
        said.append(f"estimate clipped to 1 (raw {raw:.3g}): more were flagged than this sensitivity would flag")
    if raw >= 0 and low == 0:
        said.append("the interval reaches 0: false positives alone could account for the flags")
    return said
