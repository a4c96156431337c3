"""Computes reference values of label arrival and agreement, and writes them to reference.json beside this file.

    python3 -m venv /tmp/reference && /tmp/reference/bin/pip install numpy scipy lifelines scikit-learn statsmodels
    /tmp/reference/bin/python labeler/quality/testing/reference.py

Kaplan and Meier's curve is lifelines' and SciPy's, kappa scikit-learn's, its standard error statsmodels'; incidence and clustered
standard errors are computed here from their definitions, one decision or day at a time.
"""
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from lifelines import KaplanMeierFitter
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

DAY = 86_400_000
NOW = 40 * DAY


def arrival(name, seed, n, days, step, never):
    random = np.random.default_rng(seed)
    anchor = np.sort(random.integers(NOW - days * DAY, NOW, n))
    slow = random.uniform(0.5, 2, days)[(anchor - (NOW - days * DAY)) // DAY]
    outcome = (random.uniform(size=n) < 0.3).astype(int)
    delay = random.exponential(3 * DAY, n) * slow * (1 + outcome)
    delay = np.floor(delay / step) * step - random.integers(0, 2, n) * step
    visible = np.where(random.uniform(size=n) < never, np.inf, anchor + delay)
    event = visible <= NOW
    age = np.maximum(0, np.where(event, visible, NOW) - anchor)
    fitter = KaplanMeierFitter().fit(age, event)
    ecdf = stats.ecdf(stats.CensoredData.right_censored(age, ~event))
    points = []
    for at in [0, step, DAY, 2 * DAY, 5 * DAY, 9 * DAY]:
        if at > age.max():
            continue
        known = 1 - float(fitter.predict(at))
        assert abs(known - float(ecdf.cdf.evaluate(at))) < 1e-12
        points.append({"age": at, "known": known, "by_outcome": incidence(age, event, outcome, at), "se": max(clustered(age, event, anchor // DAY, at), clustered(age, event, np.arange(n), at))})
    rows = [
        {"anchorMs": int(a), "visibleAtMs": int(v) if np.isfinite(v) else None, "outcome": int(o)} for a, v, o in zip(anchor, visible, outcome)
    ]
    return {"name": name, "now": NOW, "rows": rows, "points": points}


def incidence(age, event, outcome, at):
    sums = {0: 0.0, 1: 0.0}
    surviving = 1.0
    for u in np.unique(age[event]):
        if u > at:
            break
        risk = (age >= u).sum()
        for value in sums:
            sums[value] += surviving * (event & (age == u) & (outcome == value)).sum() / risk
        surviving *= 1 - (event & (age == u)).sum() / risk
    return {str(value): float(total) for value, total in sums.items() if total > 0}


def clustered(age, event, day, at):
    """The standard error of the share known, each cluster's sum of S (dN - dA) / Y as one draw."""
    times = [u for u in np.unique(age[event]) if u <= at]
    days = np.unique(day)
    sums = {d: 0.0 for d in days}
    surviving = 1.0
    for u in times:
        risk = (age >= u).sum()
        deaths = event & (age == u)
        for d in days:
            own = day == d
            sums[d] += ((deaths & own).sum() - (own & (age >= u)).sum() * deaths.sum() / risk) / risk
        surviving *= 1 - deaths.sum() / risk
    g = len(days)
    return float(surviving * np.sqrt(g / (g - 1) * sum(s * s for s in sums.values())))


def kappa(name, seed, n, classes, agree):
    random = np.random.default_rng(seed)
    first = random.integers(0, classes, n)
    second = np.where(random.uniform(size=n) < agree, first, random.integers(0, classes, n))
    cluster = random.integers(0, max(12, n // 5), n)
    labels = range(classes)
    table = np.array([[((first == a) & (second == b)).sum() for b in labels] for a in labels])
    result = cohens_kappa(table)
    value = cohen_kappa_score(first, second)
    assert abs(value - result.kappa) < 1e-12
    # The delete-one derivative of kappa by each decision's weight, numerically.
    def weighted(w):
        total = w.sum()
        p = np.array([[w[(first == a) & (second == b)].sum() for b in labels] for a in labels]) / total
        chance = p.sum(1) @ p.sum(0)
        return (np.trace(p) - chance) / (1 - chance)

    h = 1e-5
    influence = np.array([(weighted(1 + h * (np.arange(n) == i)) - weighted(1 - h * (np.arange(n) == i))) / (2 * h) for i in range(n)])
    sums = np.array([influence[cluster == c].sum() for c in np.unique(cluster)])
    k = len(sums)
    t = stats.t.ppf(0.975, k - 1)
    return {
        "name": name,
        "first": [str(v) for v in first],
        "second": [str(v) for v in second],
        "cluster": [str(v) for v in cluster],
        "kappa": float(value),
        "se": float(result.std_kappa),
        "t": float(stats.t.ppf(0.975, n - 1)),
        "clustered_se": float(np.sqrt(k / (k - 1) * (sums**2).sum())),
        "clustered_t": float(t),
    }


result = {
    "versions": {name: version(name) for name in ("numpy", "scipy", "lifelines", "scikit-learn", "statsmodels")},
    "arrival": [
        arrival("continuous delays", 1, 150, 12, 1, 0),
        arrival("hourly batches, a tenth never comes", 2, 200, 12, 3_600_000, 0.1),
        arrival("daily batches", 3, 120, 15, DAY, 0),
    ],
    "kappa": [
        kappa("two classes", 1, 80, 2, 0.7),
        kappa("four classes", 2, 150, 4, 0.4),
        kappa("by chance", 3, 100, 3, 0),
        kappa("nearly always", 4, 100, 2, 0.97),
    ],
}
Path(__file__).with_name("reference.json").write_text(json.dumps(result) + "\n")
print(result["versions"])
