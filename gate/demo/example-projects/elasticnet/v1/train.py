"""Predict how far diabetes has progressed after one year, with an elastic net."""

import argparse
import tempfile
from importlib.metadata import version
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import ElasticNet
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

MODEL = "diabetes-elasticnet"
TRAIN, EVAL = Path("data/train.parquet").resolve(), Path("data/eval.parquet").resolve()
TARGET = "progression"
NOT_FEATURES = ["row_id", TARGET]
REQUIREMENTS = [f"{name}=={version(name)}" for name in ("mlflow", "numpy", "pandas", "scikit-learn", "skops")]


def make_model(alpha: float, l1_ratio: float) -> Pipeline:
    """Squeeze every measurement into 0 to 1, then fit a line with a penalty."""
    return Pipeline(
        [
            ("scale", MinMaxScaler()),
            ("regress", ElasticNet(alpha=alpha, l1_ratio=l1_ratio)),
        ]
    )


def log_data(model: Pipeline, train: pd.DataFrame, held_out: pd.DataFrame) -> None:
    """Log what the model was trained on, as it was read and as the regression saw it, and what it is judged on."""
    mlflow.log_input(mlflow.data.from_pandas(train, source=str(TRAIN), name="train", targets=TARGET), "training")
    mlflow.log_input(mlflow.data.from_pandas(held_out, source=str(EVAL), name="eval", targets=TARGET), "evaluation")

    features = train.drop(columns=NOT_FEATURES)
    scaled = pd.DataFrame(model[:-1].transform(features), columns=features.columns)
    with tempfile.TemporaryDirectory() as folder:
        scaled.to_parquet(Path(folder) / "train_scaled.parquet")
        mlflow.log_artifact(str(Path(folder) / "train_scaled.parquet"), "preprocessed")
    source = mlflow.get_artifact_uri("preprocessed/train_scaled.parquet")
    mlflow.log_input(mlflow.data.from_pandas(scaled, source=source, name="train_scaled"), "preprocessed")


def main(alpha: float, l1_ratio: float) -> None:
    """Train, measure on the rows held out, and register the result as a new version."""
    train, held_out = pd.read_parquet(TRAIN), pd.read_parquet(EVAL)
    features, answers = held_out.drop(columns=NOT_FEATURES), held_out[TARGET]

    mlflow.set_experiment(MODEL)
    with mlflow.start_run():
        model = make_model(alpha, l1_ratio).fit(train.drop(columns=NOT_FEATURES), train[TARGET])
        predicted = model.predict(features)

        mlflow.log_params({"alpha": alpha, "l1_ratio": l1_ratio})
        mlflow.log_metrics(
            {
                "rmse": root_mean_squared_error(answers, predicted),
                "mae": mean_absolute_error(answers, predicted),
                "r2": r2_score(answers, predicted),
            }
        )
        log_data(model, train, held_out)
        mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=MODEL,
            signature=infer_signature(features, predicted),
            input_example=features.head(5),
            pip_requirements=REQUIREMENTS,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alpha", type=float, default=0.5, help="how much the penalty weighs")
    parser.add_argument("--l1-ratio", type=float, default=0.5, help="the lasso's share of the penalty")
    arguments = parser.parse_args()
    main(arguments.alpha, arguments.l1_ratio)
