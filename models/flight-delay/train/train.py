"""Trains both versions on the rows that train.ts wrote, and exports them as ONNX. Called by train.ts."""

import json
import sys
from pathlib import Path

import lightgbm
import numpy as np
import onnx
import onnxruntime
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.metrics import log_loss, roc_auc_score

ROUNDS = 100
PARAMETERS = {
    "objective": "binary",
    "num_leaves": 31,
    "learning_rate": 0.1,
    "seed": 20010101,
    "num_threads": 2,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
# Every 50th training row hides what may be missing when it is served, so that the model learns what to do without it.
HIDDEN_EVERY = 50
TOLERANCE = 1e-5
GOLDEN_ROWS = 20


def read_split(directory: Path, split: str, width: int) -> tuple[np.ndarray, np.ndarray]:
    features = np.fromfile(directory / f"{split}.features.f32", dtype="<f4").reshape(-1, width)
    return features, np.fromfile(directory / f"{split}.late.u8", dtype=np.uint8)


def hide(features: np.ndarray, names: list[str]) -> np.ndarray:
    """Hides, in rows of their own, what an unknown airport and what an unavailable online store would hide."""
    hidden = features.copy()
    by_lookup = [index for index, name in enumerate(names) if name in ("hour", "weekday")]
    online = [index for index, name in enumerate(names) if name.endswith("_3h")]
    hidden[HIDDEN_EVERY // 2 :: HIDDEN_EVERY, by_lookup] = np.nan
    hidden[::HIDDEN_EVERY, online] = np.nan
    return hidden


def train(features: np.ndarray, late: np.ndarray, names: list[str]) -> lightgbm.Booster:
    data = lightgbm.Dataset(hide(features, names), label=late, feature_name=names, free_raw_data=True)
    return with_float32_thresholds(lightgbm.train(PARAMETERS, data, ROUNDS))


def with_float32_thresholds(booster: lightgbm.Booster) -> lightgbm.Booster:
    """Rounds each threshold down to a float32. No float32 lies between the two, so no row changes its side."""
    lines = booster.model_to_string().split("\n")
    rounded = [round_thresholds(line) if line.startswith("threshold=") else line for line in lines]
    # tree_sizes are byte counts that the new numbers change; without them LightGBM parses the trees one after another.
    return lightgbm.Booster(model_str="\n".join(line for line in rounded if not line.startswith("tree_sizes=")))


def round_thresholds(line: str) -> str:
    thresholds = np.array([float(text) for text in line.removeprefix("threshold=").split()])
    nearest = thresholds.astype(np.float32)
    down = np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    return "threshold=" + " ".join(repr(float(value)) for value in down)


def export(booster: lightgbm.Booster, width: int, path: Path, name: str) -> onnx.ModelProto:
    types = [("features", FloatTensorType([None, width]))]
    model = convert_lightgbm(booster, name=name, initial_types=types, zipmap=False, target_opset=15)
    # The converter lists operator sets in an order of its own each time; sorted, the same booster gives the same bytes.
    operator_sets = sorted(model.opset_import, key=lambda entry: entry.domain)
    del model.opset_import[:]
    model.opset_import.extend(operator_sets)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return model


def predict_onnx(path: Path, features: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"features": features})[0][:, 1]


def check(booster: lightgbm.Booster, path: Path, features: np.ndarray) -> float:
    """The largest difference between ONNX and LightGBM; fails above the tolerance."""
    difference = float(np.abs(predict_onnx(path, features) - booster.predict(features.astype(np.float64))).max())
    if difference > TOLERANCE:
        sys.exit(f"{path}: ONNX and LightGBM differ by {difference}")
    return difference


def golden_rows(features: np.ndarray, names: list[str]) -> list[dict[str, float]]:
    """Rows spread over the test set, then the same with each feature missing in turn, and with all online ones missing."""
    rows = features[np.linspace(0, len(features) - 1, GOLDEN_ROWS).astype(int)]
    incomplete = [np.where(np.arange(len(names)) == column, np.nan, rows[column]) for column in range(1, len(names))]
    bare = np.where([name.endswith("_3h") for name in names], np.nan, rows[-1])
    return [
        {name: float(value) for name, value in zip(names, row, strict=True) if not np.isnan(value)}
        for row in np.array([*rows, *incomplete, bare], dtype=np.float32)
    ]


def main(directory: Path) -> None:
    plan = json.loads((directory / "plan.json").read_text())
    columns = plan["columns"]
    train_x, train_y = read_split(directory, "train", len(columns))
    test_x, test_y = read_split(directory, "test", len(columns))
    results = {}
    for version, names in plan["versions"].items():
        chosen = [columns.index(name) for name in names]
        booster = train(train_x[:, chosen], train_y, names)
        path = directory / f"{version}.onnx"
        model = export(booster, len(names), path, f"flight-delay-{version}")
        features = np.ascontiguousarray(test_x[:, chosen])
        difference = max(check(booster, path, features), check(booster, path, hide(features, names)))
        predicted = predict_onnx(path, features)
        results[version] = {
            "ir_version": model.ir_version,
            "opsets": {entry.domain or "ai.onnx": entry.version for entry in model.opset_import},
            "producer": f"{model.producer_name} {model.producer_version}".strip(),
            "trained_with": f"lightgbm {lightgbm.__version__}",
            "parameters": {**PARAMETERS, "rounds": ROUNDS, "hidden_every": HIDDEN_EVERY},
            "metrics": {
                "test_rows": len(test_y),
                "test_positive_rate": float(test_y.mean()),
                "test_roc_auc": float(roc_auc_score(test_y, predicted)),
                "test_log_loss": float(log_loss(test_y, predicted)),
                "onnx_max_difference": difference,
            },
            "golden": golden_rows(features, names),
        }
    (directory / "results.json").write_text(json.dumps(results))


main(Path(sys.argv[1]))
