"""Computes reference values of a rule's value, and writes them to reference.json beside this file.

    python3 -m venv /tmp/reference && /tmp/reference/bin/pip install numpy scipy
    /tmp/reference/bin/python labeler/policy/testing/reference.py

Estimators are written from their definitions over arrays; the standard error of the self-normalised one is the derivative by each
decision's weight, taken numerically. The rewards' model is given, so that it is the same in both programs.
"""
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy import stats


def case(name, seed, n, keys, shares):
    random = np.random.default_rng(seed)
    key = random.integers(0, keys, n)
    score = np.round(random.uniform(size=n), 6)
    names = list(shares)
    thresholds = np.linspace(0.3, 0.7, len(names))
    decisions = np.array([score > t for t in thresholds])
    of_key = random.choice(len(names), size=keys, p=list(shares.values()))[key]
    action = decisions[of_key, np.arange(n)]
    target = score > 0.5
    reward = np.round(np.where(action, 1 - 3 * (random.uniform(size=n) > score), -0.5 * score) + 0.2 * random.standard_normal(n), 6)
    share = np.array(list(shares.values()))
    propensity = (share[:, None] * (decisions == action)).sum(0)
    target_propensity = (share[:, None] * (decisions == target)).sum(0)
    assert (target_propensity > 0).all()
    weight = np.where(action == target, 1 / propensity, 0)
    modelled = lambda chosen: np.where(chosen, 4 * score - 2.1, -0.4 * score)
    robust = modelled(target) + weight * (reward - modelled(action))
    snips = lambda w: (w * weight * reward).sum() / (w * weight).sum()
    h = 1e-5
    influence = np.array([(snips(1 + h * (np.arange(n) == i)) - snips(1 - h * (np.arange(n) == i))) / (2 * h) for i in range(n)])
    by_key = np.array([weight[key == k].sum() for k in np.unique(key)])

    def interval(value, psi):
        sums = np.array([psi[key == k].sum() for k in np.unique(key)])
        g = len(sums)
        half = stats.t.ppf(0.975, g - 1) * np.sqrt(g / (g - 1) * (sums**2).sum())
        return [float(value), float(value - half), float(value + half)]

    return {
        "name": name,
        "shares": shares,
        "key": [int(k) for k in key],
        "score": score.tolist(),
        "reward": reward.tolist(),
        "action": [int(a) for a in action],
        "target": [int(a) for a in target],
        "decisions": [[int(d) for d in of] for of in decisions],
        "self_normalised": interval(snips(np.ones(n)), influence),
        "doubly_robust": interval(robust.mean(), (robust - robust.mean()) / n),
        "gain": interval((robust - reward).mean(), (robust - reward - (robust - reward).mean()) / n),
        "logged": interval(reward.mean(), (reward - reward.mean()) / n),
        "effective_keys": float(by_key.sum() ** 2 / (by_key**2).sum()),
        "largest_weight": float(weight.max()),
        "largest_key_share": float(by_key.max() / by_key.sum()),
    }


result = {
    "versions": {name: version(name) for name in ("numpy", "scipy")},
    "cases": [
        case("two versions, half each", 1, 400, 300, {"1": 0.5, "2": 0.5}),
        case("a challenger of a fifth", 2, 600, 400, {"1": 0.8, "2": 0.2}),
        case("three versions, several decisions a key", 3, 600, 250, {"1": 0.5, "2": 0.3, "3": 0.2}),
    ],
}
Path(__file__).with_name("reference.json").write_text(json.dumps(result) + "\n")
print(result["versions"])
