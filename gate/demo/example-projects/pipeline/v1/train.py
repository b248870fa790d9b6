"""Predict how far diabetes has progressed after one year, with a linear regression that MLflow logs by itself."""

import argparse
from pathlib import Path

import mlflow
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

MODEL = "diabetes-pipeline"
TRAIN, EVAL = Path("data/train.parquet").resolve(), Path("data/eval.parquet").resolve()
TARGET = "progression"
NOT_FEATURES = ["row_id", TARGET]
MEASURED = ["age", "sex", "bmi", "bp"]


def make_model() -> Pipeline:
    """Scale what is measured in the practice, leave the rest out, fit a line."""
    return Pipeline(
        [
            ("columns", ColumnTransformer([("scale", StandardScaler(), MEASURED)])),
            ("regress", LinearRegression()),
        ]
    )


def main(max_age: float) -> None:
    """Train on the patients up to an age, measure on the rows held out; autolog registers a new version."""
    train, held_out = pd.read_parquet(TRAIN), pd.read_parquet(EVAL)
    young = train[train["age"] <= max_age]

    mlflow.set_experiment(MODEL)
    mlflow.sklearn.autolog(log_input_examples=True, log_datasets=False, registered_model_name=MODEL)
    with mlflow.start_run():
        mlflow.log_param("max_age", max_age)
        mlflow.log_input(mlflow.data.from_pandas(train, source=str(TRAIN), name="train", targets=TARGET), "training")
        mlflow.log_input(mlflow.data.from_pandas(held_out, source=str(EVAL), name="eval", targets=TARGET), "evaluation")

        model = make_model().fit(young.drop(columns=NOT_FEATURES), young[TARGET])

        predicted = model.predict(held_out.drop(columns=NOT_FEATURES))
        mlflow.log_metrics(
            {
                "rmse": root_mean_squared_error(held_out[TARGET], predicted),
                "mae": mean_absolute_error(held_out[TARGET], predicted),
                "r2": r2_score(held_out[TARGET], predicted),
            }
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-age", type=float, default=60, help="leave older patients out of the training")
    main(parser.parse_args().max_age)
