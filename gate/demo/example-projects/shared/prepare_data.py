"""Split scikit-learn's diabetes data, in the units they were measured in, into rows to train on and rows held out."""

from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

HELD_OUT = 0.4
SEED = 42


def main() -> None:
    """Write data/train.parquet and data/eval.parquet."""
    patients = load_diabetes(as_frame=True, scaled=False).frame
    patients = patients.rename(columns={"target": "progression"})
    patients.insert(0, "row_id", range(1, len(patients) + 1))

    train, held_out = train_test_split(patients, test_size=HELD_OUT, random_state=SEED)

    Path("data").mkdir(exist_ok=True)
    train.to_parquet("data/train.parquet", index=False)
    held_out.to_parquet("data/eval.parquet", index=False)


if __name__ == "__main__":
    main()
