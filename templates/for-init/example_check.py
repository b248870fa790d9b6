"""Checks of your own: plain functions, one a question. `gate check` and plain pytest both run them."""

from gate import check


@check(category="outliers", severity="warning")
def check_mean_moves_little(predictions, baseline_predictions, measure):
    """The mean prediction moves by less than a tenth of the baseline's spread."""
    if "prediction" not in predictions or predictions["prediction"].dtype.kind not in "if":
        import pytest

        pytest.skip("the answers are no single numbers")
    spread = float(baseline_predictions["prediction"].std())
    moved = abs(float(predictions["prediction"].mean() - baseline_predictions["prediction"].mean()))
    measure("mean_delta", moved, max=0.1 * spread if spread > 0 else 1e-9)
