"""Prints what scikit-learn, SciPy, NumPy and statsmodels make of fixed arrays, as reference.json has it:

    python3 -m venv /tmp/reference && /tmp/reference/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 statsmodels
    /tmp/reference/bin/python labeler/metrics/testing/generate-reference.py > labeler/metrics/testing/reference.json

A figure that the array does not define is null; one that none of these has is computed here from its definition.
"""

import json
import sys
import warnings

import numpy as np
import scipy
import sklearn
import statsmodels
import statsmodels.api as sm
from scipy import optimize, special, stats
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

warnings.simplefilter("ignore")
rng = np.random.default_rng(20010604)
EPS = np.finfo(float).eps


def w_of(weights, n):
    return np.ones(n) if weights is None else np.asarray(weights, float)


# Two classes


def recalibration(y, s, w):
    clipped = np.clip(s, EPS, 1 - EPS)
    x = np.log(clipped) - np.log1p(-clipped)
    if len(set(y)) < 2:
        return None, None
    intercept = optimize.brentq(lambda a: np.sum(w * (y - special.expit(a + x))), -100, 100, xtol=1e-14, rtol=1e-14)
    pos, neg = clipped[y == 1], clipped[y == 0]
    if not (pos.min() < neg.max() and neg.min() < pos.max()):
        return None, intercept
    start = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, max_iter=10_000).fit(x[:, None], y, sample_weight=w)

    def gradient(b):
        residual = w * (y - special.expit(b[0] + b[1] * x))
        return [residual.sum(), (residual * x).sum()]

    found = optimize.root(gradient, [start.intercept_[0], start.coef_[0, 0]], tol=1e-14)
    return found.x[1], intercept


def debiased_ece(y, s, w):
    """Kumar, Liang and Ma's correction with the mean of SciPy's folded normal in place of drawn ones."""
    edges = np.linspace(0, 1, 11)
    bins = np.searchsorted(edges[1:-1], s)
    total = w.sum()
    plain, corrected = 0.0, 0.0
    for b in np.unique(bins):
        k = bins == b
        share, r = w[k] / total, (y - s)[k]
        gap = np.sum(share * r)
        centred = share * (r - gap / share.sum())
        m = k.sum()
        observed = np.sum(centred**2) * m / (m - 1) if m > 1 else 0.0
        sigma = np.sqrt(max(observed, np.sum(share**2 * s[k] * (1 - s[k]))))
        folded = stats.foldnorm.mean(abs(gap) / sigma, scale=sigma) if sigma > 0 else abs(gap)
        plain += abs(gap)
        corrected += 2 * abs(gap) - folded
    return plain, max(0.0, corrected)


def lift(y, s, w):
    """Cumulative gains by interpolation between distinct scores."""
    if y.sum() == 0:
        return None
    distinct = np.unique(s)[::-1]
    at = np.array([0.0] + [w[s >= t].sum() for t in distinct]) / w.sum()
    gained = np.array([0.0] + [(w * y)[s >= t].sum() for t in distinct]) / (w * y).sum()
    return np.interp(np.arange(1, 11) / 10, at, gained).tolist()


def binary(name, y, s, weights=None, threshold=0.5, note=None):
    y, s = np.asarray(y, int), np.asarray(s, float)
    w = w_of(weights, len(y))
    both = len(set(y[w > 0])) == 2
    probability = len(s) > 0 and s.min() >= 0 and s.max() <= 1
    called = (s >= threshold).astype(int)
    tp, fp = np.sum(w * called * y), np.sum(w * called * (1 - y))
    fn, tn = np.sum(w * (1 - called) * y), np.sum(w * (1 - called) * (1 - y))
    expected = {
        "roc_auc": metrics.roc_auc_score(y, s, sample_weight=w) if both else None,
        "pr_auc": metrics.average_precision_score(y, s, sample_weight=w) if y.sum() > 0 else None,
        "precision": metrics.precision_score(y, called, sample_weight=w, zero_division=np.nan) if tp + fp > 0 else None,
        "recall": metrics.recall_score(y, called, sample_weight=w, zero_division=np.nan) if tp + fn > 0 else None,
        "f1": metrics.f1_score(y, called, sample_weight=w) if tp + fp + fn > 0 else None,
        "accuracy": metrics.accuracy_score(y, called, sample_weight=w) if len(y) else None,
        "confusion": [tp, fp, fn, tn],
        "gains": lift(y, s, w) if len(y) else None,
    }
    if probability:
        plain, corrected = debiased_ece(y, s, w)
        slope, intercept = recalibration(y, s, w)
        unweighted = weights is None
        rate, mean_score = calibration_curve(y, s, n_bins=10) if unweighted and len(set(y)) == 2 else ([], [])
        expected |= {
            "log_loss": metrics.log_loss(y, s, sample_weight=w, labels=[0, 1]),
            "brier": metrics.brier_score_loss(y, s, sample_weight=w, labels=[0, 1]) if len(y) else None,
            "ece": corrected,
            "plug_in_ece": plain,
            "calibration_slope": slope,
            "calibration_intercept": intercept,
        }
        if len(rate):
            expected |= {"curve_rate": list(rate), "curve_mean_score": list(mean_score)}
    return {
        "name": name,
        "task": "binary",
        "scores": s.tolist(),
        "outcomes": y.tolist(),
        **({} if weights is None else {"weights": w.tolist()}),
        "threshold": threshold,
        "expected": expected,
    }


def binary_cases():
    n = 60
    s = np.round(rng.beta(2, 3, n), 2) + 0.003
    y = rng.binomial(1, np.clip(s * 1.1, 0, 1))
    yield binary("ties", y, s)
    yield binary("ties with whole weights", y, s, rng.integers(1, 6, n))
    yield binary("ties with fractions as weights", y, s, rng.gamma(1.5, 1, n))
    yield binary("weights of zero", y, s, rng.integers(0, 3, n))
    yield binary("weights from 1e-12 to 1e12", y, s, 10.0 ** rng.integers(-12, 13, n))
    yield binary("positives only", [1] * 12, s[:12])
    yield binary("negatives only", [0] * 12, s[:12])
    yield binary("empty", [], [])
    yield binary("all scores equal", y, np.full(n, 0.4))
    yield binary("all scores equal, weighted", y, np.full(n, 0.4), rng.gamma(1.5, 1, n))
    yield binary("perfect order", [0, 0, 0, 0, 1, 1, 1], [0.05, 0.13, 0.22, 0.31, 0.66, 0.74, 0.93])
    yield binary("perfect order turned round", [1, 1, 1, 0, 0, 0, 0], [0.05, 0.13, 0.22, 0.31, 0.66, 0.74, 0.93])
    yield binary("two rows", [0, 1], [0.35, 0.45])
    yield binary("one positive", [0, 0, 1, 0, 0, 0], [0.15, 0.27, 0.27, 0.55, 0.33, 0.08])
    rare = rng.beta(0.4, 12, 500)
    yield binary("rare positives", rng.binomial(1, rare), rare, threshold=0.2)
    yield binary("rare positives, weighted", rng.binomial(1, rare), rare, rng.gamma(0.7, 2, 500), threshold=0.2)
    yield binary("scores of 0 and 1, some wrong", [0, 1, 1, 0, 1, 0, 0, 1], [0, 1, 0, 1, 0.5, 0.25, 0, 1])
    yield binary("tiny scores", rng.binomial(1, 0.4, 30), 10.0 ** rng.uniform(-300, -1, 30), threshold=1e-100)
    yield binary("scores on the edges of bins", rng.binomial(1, 0.5, 44), np.tile(np.arange(11) / 10, 4))
    single = np.float32(rng.beta(2, 2, 80))
    yield binary("scores of single precision", rng.binomial(1, single), single.astype(float))
    margins = np.concatenate([rng.normal(0, 1e200, 20), rng.normal(0, 1e-200, 20)])
    yield binary("margins from 1e-200 to 1e200", rng.binomial(1, 0.5, 40), margins, threshold=0)
    many = np.round(rng.beta(1, 1, 700), 3)
    yield binary("overconfident", rng.binomial(1, 0.3 + 0.4 * many), many, threshold=0.7)


# Several classes


def classes(name, observed, predicted, weights=None, probabilities=None, labels=None):
    w = w_of(weights, len(observed))
    named = sorted(set(observed) | set(predicted))
    expected = {"accuracy": metrics.accuracy_score(observed, predicted, sample_weight=w) if len(observed) else None}
    if len(observed):
        each = metrics.precision_recall_fscore_support(observed, predicted, labels=named, sample_weight=w, zero_division=np.nan)
        macro = metrics.precision_recall_fscore_support(
            observed, predicted, labels=named, sample_weight=w, average="macro", zero_division=0
        )
        none = lambda values: [None if np.isnan(v) else float(v) for v in values]
        expected |= {
            "classes": named,
            "precision": none(each[0]),
            "recall": none(each[1]),
            "f1": none(metrics.f1_score(observed, predicted, labels=named, average=None, sample_weight=w, zero_division=0)),
            "macro_precision": macro[0],
            "macro_recall": macro[1],
            "macro_f1": macro[2],
            "confusion": metrics.confusion_matrix(observed, predicted, labels=named, sample_weight=w).tolist(),
        }
    else:
        expected |= {"macro_precision": None, "macro_recall": None, "macro_f1": None}
    if probabilities is not None:
        expected["log_loss"] = metrics.log_loss(observed, probabilities, labels=labels, sample_weight=w)
        index = {label: at for at, label in enumerate(labels)}
        likelihoods = [float(row[index[o]]) for row, o in zip(probabilities, observed)]
    return {
        "name": name,
        "task": "classes",
        "observed": list(observed),
        "predicted": list(predicted),
        **({} if weights is None else {"weights": w.tolist()}),
        **({} if probabilities is None else {"likelihoods": likelihoods}),
        "expected": expected,
    }


def class_cases():
    labels = ["cat", "dog", "fish"]
    shares = rng.dirichlet([1, 1, 1], 50)
    observed = [labels[rng.choice(3, p=row)] for row in shares]
    predicted = [labels[at] for at in shares.argmax(1)]
    yield classes("three classes", observed, predicted, None, shares, labels)
    yield classes("three classes, weighted", observed, predicted, rng.gamma(1.5, 1, 50), shares, labels)
    yield classes("one class", ["cat"] * 5, ["cat"] * 5)
    yield classes("a class that never came, and one never called", ["a", "b", "b", "d"], ["a", "c", "b", "a"])
    letters = [chr(97 + at) for at in rng.integers(0, 26, 200)]
    yield classes("26 classes", letters, [c if rng.random() < 0.6 else chr(97 + rng.integers(0, 26)) for c in letters])
    yield classes("no rows of classes", [], [])
    certain = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]], float)
    yield classes("probabilities of 0 and 1", ["cat", "dog", "dog", "dog"], ["cat", "dog", "fish", "dog"], None, certain, labels)


# Numbers


def regression(name, observed, predicted, weights=None, quantile=0.8, scale=1):
    observed, predicted = np.asarray(observed, float), np.asarray(predicted, float)
    w = w_of(weights, len(observed))
    errors = predicted - observed
    some = len(observed) > 0
    method = dict(method="inverted_cdf", weights=w) if weights is not None else {}
    expected = {
        "mae": metrics.mean_absolute_error(observed, predicted, sample_weight=w) if some else None,
        "rmse": metrics.root_mean_squared_error(observed, predicted, sample_weight=w) if some else None,
        "bias": float(np.average(errors, weights=w)) if some else None,
        "r2": metrics.r2_score(observed, predicted, sample_weight=w) if some and np.ptp(observed) > 0 else None,
        "pinball": metrics.mean_pinball_loss(observed, predicted, alpha=quantile, sample_weight=w) if some else None,
        "coverage": float(np.average(predicted >= observed, weights=w)) if some else None,
        "quantiles": [float(np.quantile(errors, q, **method)) for q in (0.1, 0.5, 0.9)] if some else None,
    }
    return {
        "name": name,
        "task": "regression",
        "observed": observed.tolist(),
        "predicted": predicted.tolist(),
        **({} if weights is None else {"weights": w.tolist()}),
        "quantile": quantile,
        "scale": scale,
        "expected": expected,
    }


def regression_cases():
    x = rng.normal(10, 4, 45)
    said = np.round(x + rng.normal(0.3, 2, 45), 1)
    yield regression("numbers", x, said)
    yield regression("numbers, weighted", x, said, rng.gamma(1.5, 1, 45))
    yield regression("errors with ties", np.round(x), np.round(said))
    yield regression("constant observed", np.full(8, 3.0), said[:8])
    yield regression("numbers around 1e150", x * 1e150, said * 1e150, scale=1e150)
    yield regression("numbers around 1e-150", x * 1e-150, said * 1e-150, scale=1e-150)
    yield regression("numbers near 1e9 that differ by little", 1e9 + x, 1e9 + said)
    yield regression("one number", [2.0], [2.5])
    yield regression("no numbers", [], [])
    yield regression("a skewed quantile", rng.lognormal(0, 1.5, 200), np.full(200, 3.5), quantile=0.95)


# Intervals


def t_interval(value, variance, clusters, level=0.95):
    half = stats.t.ppf((1 + level) / 2, clusters - 1) * np.sqrt(variance)
    return [value - half, value + half]


def two_way(sums_of, groups):
    """max(V_a + V_b - V_ab, V_a, V_b) by summed scores, each with G / (G - 1)."""

    def one(ids):
        _, number = np.unique(ids, axis=0, return_inverse=True)
        sums = np.bincount(number.ravel(), weights=sums_of)
        return np.sum(sums**2) * len(sums) / (len(sums) - 1)

    a, b = one(groups[0]), one(groups[1])
    return max(a + b - one(np.column_stack(groups)), a, b)


def ols_two_way(values, groups):
    """The variance of a mean as statsmodels has it, whose correction is G / (G - 1) for a constant alone."""
    fit = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": np.column_stack(groups)})
    ways = [sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": g}) for g in groups]
    return max(float(np.asarray(f.cov_params()).ravel()[0]) for f in [fit, *ways])


def placements_auc(y, s, w=None):
    pos, neg = s[y == 1], s[y == 0]
    wins = (pos[:, None] > neg[None, :]) + 0.5 * (pos[:, None] == neg[None, :])
    return wins.mean(), wins.mean(1), wins.mean(0)


def obuchowski(y, s, ids):
    """Obuchowski's variance of an area, with a factor for each class."""
    area, of_pos, of_neg = placements_auc(y, s)
    m, n = (y == 1).sum(), (y == 0).sum()
    names = np.unique(ids)
    x = np.array([(of_pos - area)[ids[y == 1] == c].sum() for c in names])
    z = np.array([(of_neg - area)[ids[y == 0] == c].sum() for c in names])
    held_pos, held_neg = len(np.unique(ids[y == 1])), len(np.unique(ids[y == 0]))
    fp, fn = held_pos / (held_pos - 1), held_neg / (held_neg - 1)
    variance = fp * np.sum(x**2) / m**2 + fn * np.sum(z**2) / n**2 + 2 * np.sqrt(fp * fn) * np.sum(x * z) / (m * n)
    return area, variance, min(held_pos, held_neg)


def logit_interval(value, variance, clusters):
    half = stats.t.ppf(0.975, clusters - 1) * np.sqrt(variance) / (value * (1 - value))
    centre = special.logit(value)
    return [special.expit(centre - half), special.expit(centre + half)]


def intervals():
    n = 240
    entity, day = rng.integers(0, 30, n), rng.integers(0, 12, n)
    effect = rng.normal(0, 0.8, 30)[entity] + rng.normal(0, 0.4, 12)[day]
    s = special.expit(rng.normal(-0.4, 1, n) + effect)
    y = rng.binomial(1, s)
    predicted, observed = rng.normal(0, 1, n) + effect, rng.normal(0, 1, n) + 0.8 * effect
    brier, losses = (s - y) ** 2, -np.log(np.where(y == 1, s, 1 - s))
    errors = predicted - observed
    groups = [entity, day]
    clusters = min(len(np.unique(entity)), len(np.unique(day)))
    area, independent, held = obuchowski(y, s, np.arange(n))
    _, by_entity, entities = obuchowski(y, s, entity)
    x = np.column_stack([np.ones(n), special.logit(s)])
    logit = sm.Logit(y, x).fit(disp=0, tol=1e-14, maxiter=200)
    scores = (y - logit.predict(x))[:, None] * x
    bread = np.linalg.inv((x * (logit.predict(x) * (1 - logit.predict(x)))[:, None]).T @ x)
    r2 = metrics.r2_score(observed, predicted)
    spread = (observed - observed.mean()) ** 2
    of_r2 = -(errors**2 - (1 - r2) * spread) / spread.sum()
    half = stats.t.ppf(0.975, clusters - 1) * np.sqrt(two_way(of_r2, groups)) / (1 - r2)
    return {
        "scores": s.tolist(),
        "outcomes": y.tolist(),
        "predicted": predicted.tolist(),
        "observed": observed.tolist(),
        "entities": [f"e{e:02}" for e in entity],
        "days": [f"2001-06-{d + 1:02}" for d in day],
        "expected": {
            "independent": {
                "brier": t_interval(brier.mean(), np.var(brier, ddof=1) / n, n),
                "log_loss": t_interval(losses.mean(), np.var(losses, ddof=1) / n, n),
                "bias": t_interval(errors.mean(), np.var(errors, ddof=1) / n, n),
                "roc_auc": logit_interval(area, independent, held),
            },
            "clustered": {
                "brier": t_interval(brier.mean(), ols_two_way(brier, groups), clusters),
                "log_loss": t_interval(losses.mean(), ols_two_way(losses, groups), clusters),
                "bias": t_interval(errors.mean(), ols_two_way(errors, groups), clusters),
                "calibration_slope": t_interval(logit.params[1], two_way((scores @ bread)[:, 1], groups), clusters),
                "r2": [1 - np.exp(np.log(1 - r2) + half), 1 - np.exp(np.log(1 - r2) - half)],
            },
            "clustered_by_entity": {"roc_auc": logit_interval(area, by_entity, entities)},
        },
    }


def distributions():
    degrees = [1, 2, 3, 4, 7, 9, 10, 29, 90, 499, 500, 1234, 10**6]
    levels = [0.9, 0.95, 0.99, 0.9995]
    return {
        "student": [[(1 + p) / 2, d, float(stats.t.ppf((1 + p) / 2, d))] for d in degrees for p in levels],
        "normal_quantile": [[p, float(stats.norm.ppf(p))] for p in [1e-12, 0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 0.9999]],
        "normal_cdf": [[x, float(stats.norm.cdf(x))] for x in [-8, -4.3, -2, -0.5, 0, 0.7, 3, 6]],
    }


cases = [*binary_cases(), *class_cases(), *regression_cases()]
result = {
    "versions": {
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "statsmodels": statsmodels.__version__,
    },
    "cases": cases,
    "intervals": intervals(),
    "distributions": distributions(),
}
def plain(value):
    return value.item() if isinstance(value, np.generic) else value
json.dump(result, sys.stdout, default=plain, allow_nan=False, separators=(",", ":"))
sys.stdout.write("\n")
print(len(cases), "arrays", file=sys.stderr)
