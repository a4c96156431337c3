"""Computes reference values of the two gates and of unpaired differences, and writes them to reference.json beside this file.

    python3 -m venv /tmp/reference && /tmp/reference/bin/pip install numpy scipy ville
    /tmp/reference/bin/python labeler/compare/testing/reference.py

Gate 1 is found by bisection on the e-process of Wang and Ramdas (arXiv 2310.03722) in m, with every block's sum by itself; gate 2
by integrating exp(l S - l^2 V / 2) over the normal mixing density of l and bisection on m, and by the boundary of ville.
"""
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy import integrate, optimize, stats
from ville import normal_mixture

LEVELS = [0.05, 0.025, 0.05 / 12]


def gate_1(sums, rows, level):
    def log_e(m):
        residuals = sums - m * rows
        t = len(sums)
        share = residuals.sum() ** 2 / ((t + 1) * (residuals**2).sum())
        if share >= 1:
            return np.inf
        return 0.5 * np.log(1 / (t + 1)) - t / 2 * np.log1p(-share)

    return both_sides(lambda m: min(log_e(m), 1e6) - np.log(1 / level), sums.sum() / rows.sum(), sums.std() / rows.mean())


def gate_2(sums, rows, eta, level):
    mean = sums.sum() / rows.sum()
    k = len(sums)
    variance = k / (k - 1) * ((sums - mean * rows) ** 2).sum()

    def log_e(m):
        s = sums.sum() - m * rows.sum()
        # The integrand is Gaussian with mean s / (variance + eta): it is computed relative to its peak.
        centre, width = s / (variance + eta), 1 / np.sqrt(variance + eta)
        peak = centre * s - centre**2 * (variance + eta) / 2
        value, _ = integrate.quad(
            lambda l: np.exp(l * s - l * l * (variance + eta) / 2 - peak) * np.sqrt(eta / (2 * np.pi)),
            centre - 12 * width,
            centre + 12 * width,
            epsabs=0,
            epsrel=1e-12,
        )
        return np.log(value) + peak

    interval = both_sides(lambda m: log_e(m) - np.log(1 / level), mean, np.sqrt(variance) / rows.sum())
    half = float(normal_mixture(variance, level, eta)) / rows.sum()
    assert np.allclose(interval, [mean - half, mean + half], rtol=1e-9, atol=1e-12)
    return interval


def both_sides(excess, inside, step):
    ends = []
    for sign in (-1, 1):
        reach = step
        while excess(inside + sign * reach) < 0:
            reach *= 2
            if reach > 1e6 * step:
                return None
        ends.append(float(optimize.brentq(lambda x: excess(inside + sign * x), 0, reach, xtol=1e-15, rtol=8.9e-16)))
    return [inside - ends[0], inside + ends[1]]


def case(name, seed, groups, level, shift, spread):
    random = np.random.default_rng(seed)
    rows = random.integers(50, 50 + spread, size=groups).astype(float)
    sums = np.round(rows * shift + np.sqrt(rows) * random.standard_normal(groups) * 0.3, 6)
    eta = round(0.4 * float(rows.sum()), 3)
    return {
        "name": name,
        "level": level,
        "sums": sums.tolist(),
        "rows": rows.tolist(),
        "eta": eta,
        "gate_1": gate_1(sums, rows, level),
        "gate_2": gate_2(sums, rows, eta, level),
    }


def unpaired(seed, n, keys, shares):
    """Hajek's difference per revision, weighted by decisions; keys of each version have a small-sample factor of their own."""
    random = np.random.default_rng(seed)
    key = random.integers(0, keys, n)
    revision = random.integers(0, len(shares), n)
    share = np.array(shares)[revision]
    challenger = random.uniform(size=(len(shares), keys))[revision, key] < share
    # Several challengers' weights changed within a revision, so that weights are not all alike.
    probability = np.round(np.where(challenger, share, 1 - share) * random.uniform(0.8, 1, n), 6)
    value = np.round(random.standard_normal(keys)[key] + random.standard_normal(n) - 0.3 * challenger, 6)

    def difference(w):
        total = 0
        for r in range(len(shares)):
            own = revision == r
            mean = lambda arm: (w * value / probability)[own & arm].sum() / (w / probability)[own & arm].sum()
            total += own.mean() * (mean(challenger) - mean(~challenger))
        return total

    h = 1e-5
    influence = np.array([(difference(1 + h * (np.arange(n) == i)) - difference(1 - h * (np.arange(n) == i))) / (2 * h) for i in range(n)])
    counts = [len(np.unique(key[arm])) for arm in (~challenger, challenger)]
    scaled = influence * np.sqrt(np.where(challenger, counts[1] / (counts[1] - 1), counts[0] / (counts[0] - 1)))
    variance = sum(scaled[key == k].sum() ** 2 for k in np.unique(key))
    half = stats.t.ppf(0.975, min(counts) - 1) * np.sqrt(variance)
    estimate = difference(np.ones(n))
    return {
        "revision": revision.tolist(),
        "challenger": [int(c) for c in challenger],
        "key": key.tolist(),
        "probability": probability.tolist(),
        "value": value.tolist(),
        "difference": [float(estimate), float(estimate - half), float(estimate + half)],
    }


cases = []
for number, (groups, shift, spread) in enumerate(
    [(5, 0.0, 1), (7, -0.02, 1), (7, 0.05, 400), (10, 0.0, 50), (15, -0.01, 1000), (30, 0.3, 20), (60, -0.004, 200), (200, 0.001, 5)]
):
    for level in LEVELS:
        cases.append(case(f"{groups} groups, rows 50 to {49 + spread}, level {level:.4g}", number, groups, level, shift, spread))

versions = {name: version(name) for name in ("numpy", "scipy", "ville")}
Path(__file__).with_name("reference.json").write_text(json.dumps({"versions": versions, "cases": cases, "unpaired": [unpaired(1, 200, 120, [0.5]), unpaired(2, 300, 80, [0.2, 0.5, 0.1])]}) + "\n")
print(versions, len(cases), "cases")
