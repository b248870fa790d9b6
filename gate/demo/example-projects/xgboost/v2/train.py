"""Predict how far diabetes has progressed after one year, with boosted trees that MLflow logs by itself."""

import argparse
from pathlib import Path

import mlflow
import pandas as pd
import xgboost
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

MODEL = "diabetes-xgboost"
TRAIN, EVAL = Path("data/train.parquet").resolve(), Path("data/eval.parquet").resolve()
TARGET = "progression"
NOT_FEATURES = ["row_id", TARGET]


def matrix(rows: pd.DataFrame) -> xgboost.DMatrix:
    """Give rows the shape that XGBoost trains on."""
    return xgboost.DMatrix(rows.drop(columns=NOT_FEATURES), label=rows[TARGET])


def boost(train: pd.DataFrame, max_depth: int, eta: float) -> xgboost.Booster:
    """Grow trees until a quarter of the rows, kept apart, shows that more do not help."""
    grown_on, watched = train_test_split(train, test_size=0.25, random_state=0)
    return xgboost.train(
        {"max_depth": max_depth, "eta": eta, "subsample": 0.8, "seed": 42},
        matrix(grown_on),
        num_boost_round=500,
        evals=[(matrix(watched), "watched")],
        callbacks=[xgboost.callback.EarlyStopping(rounds=20, save_best=True)],
        verbose_eval=False,
    )


def main(max_depth: int, eta: float) -> None:
    """Train, measure on the rows held out; autolog registers a new version."""
    train, held_out = pd.read_parquet(TRAIN), pd.read_parquet(EVAL)

    mlflow.set_experiment(MODEL)
    mlflow.xgboost.autolog(log_input_examples=True, log_datasets=False, registered_model_name=MODEL)
    with mlflow.start_run():
        mlflow.log_input(mlflow.data.from_pandas(train, source=str(TRAIN), name="train", targets=TARGET), "training")
        mlflow.log_input(mlflow.data.from_pandas(held_out, source=str(EVAL), name="eval", targets=TARGET), "evaluation")

        booster = boost(train, max_depth, eta)

        predicted = booster.predict(matrix(held_out))
        mlflow.log_metrics(
            {
                "rmse": root_mean_squared_error(held_out[TARGET], predicted),
                "mae": mean_absolute_error(held_out[TARGET], predicted),
                "r2": r2_score(held_out[TARGET], predicted),
            }
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-depth", type=int, default=8, help="how many questions a tree may ask in a row")
    parser.add_argument("--eta", type=float, default=0.5, help="how much a single tree may say")
    arguments = parser.parse_args()
    main(arguments.max_depth, arguments.eta)
