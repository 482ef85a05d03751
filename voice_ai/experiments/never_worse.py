"""Is the challenger worse? A test that may be looked at after every call, and as often as wanted.

*In a canary* the hash puts each call on the challenger's side with a known chance, so that of the
calls in which something went wrong (somebody opted out) a known share is the challenger's when it
is no worse: an event is the challenger's with chance `p = s m / (s m + 1 - s)`, where `s` is its
share of the calls and `m` the tolerated ratio of the two rates. *At 100 %* no champion is left
beside it: there `p` is the rate that is accepted, and every call is an event or none.

Either way it is a sequence of draws that are 1 with chance at most `p` under "no worse". The test
is a one-sided mixture sequential probability ratio test (Robbins 1970): the likelihood ratio
against `p`, averaged over all worse chances with a Beta(1/2, 1/2) prior cut to `(p, 1)`. Under "no
worse" it is a supermartingale that begins at 1, so by Ville's inequality it *ever* reaches `1 / a`
with chance at most `a`; its inverse is an always-valid p-value (Johari, Koomen, Pekelis and Walsh
2017, 2022). No normal approximation: exact for the smallest counts, which rare events are. The
conditional form for counts is that of Lindon and Malek (2022), "Anytime-valid inference for
multinomial count data"; for confidence sequences of the same kind see Howard et al. (2021).
"""

import math

from scipy.special import betaincc, betaln

_PRIOR = 0.5


def never_worse_p(hits: int, draws: int, p: float) -> float:
    """Always-valid p-value of "each of the draws is a hit with chance at most `p`".

    Rejecting when it is at most `a`, whenever looked at, errs with chance at most `a`.
    Raises ValueError for counts or chances that cannot be.
    """
    if not 0 <= hits <= draws or not 0 <= p <= 1:
        raise ValueError(f"{hits} of {draws} with chance {p}")
    if hits == 0 or p in (0.0, 1.0):
        # Chance 0 is refuted by one hit, chance 1 by nothing.
        return 0.0 if hits and p == 0 else 1.0
    return math.exp(-max(0.0, _log_ratio(hits, draws, p)))


def _log_ratio(hits: int, draws: int, p: float) -> float:
    """The logarithm of the averaged likelihood ratio; -inf where it vanishes."""
    a, b = _PRIOR + hits, _PRIOR + draws - hits
    beyond, before = float(betaincc(a, b, p)), float(betaincc(_PRIOR, _PRIOR, p))
    if beyond == 0.0:
        return -math.inf
    averaged = float(betaln(a, b) - betaln(_PRIOR, _PRIOR)) + math.log(beyond / before)
    return averaged - hits * math.log(p) - (draws - hits) * math.log1p(-p)


def challengers_chance(share: float, ratio: float) -> float:
    """That an event is the challenger's: `share` (0–1) of the calls, `ratio` of the two rates."""
    return share * ratio / (share * ratio + 1 - share)
