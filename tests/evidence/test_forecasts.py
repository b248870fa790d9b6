"""Names of columns that say what a forecast is."""

from __future__ import annotations

import pytest

from gate.evidence.forecasts import centre_column, interval_columns, quantile_columns


@pytest.mark.parametrize(
    ("names", "interval", "centre"),
    [
        (["ds", "yhat", "yhat_lower", "yhat_upper"], ("yhat_lower", "yhat_upper"), "yhat"),
        (["prediction", "lower", "upper"], ("lower", "upper"), "prediction"),
        (
            ["prediction", "prediction_lower", "prediction_upper"],
            ("prediction_lower", "prediction_upper"),
            "prediction",
        ),
        (["AutoARIMA", "AutoARIMA-lo-90", "AutoARIMA-hi-90"], ("AutoARIMA-lo-90", "AutoARIMA-hi-90"), "AutoARIMA"),
        (["q0.1", "q0.5", "q0.9"], ("q0.1", "q0.9"), "q0.5"),
        (["p10", "p50", "p90"], ("p10", "p90"), "p50"),
        (["flow", "fhigh"], None, None),
        (["lower", "x"], None, None),
        (["p1", "p2"], None, None),
    ],
)
def test_intervals_and_middles(names, interval, centre):
    """Both bounds must be there; words inside other words are no bounds."""
    assert (interval_columns(names), centre_column(names)) == (interval, centre)


@pytest.mark.parametrize(
    ("names", "levels"),
    [
        (["0.1", "0.9"], [0.1, 0.9]),
        (["quantile_0.05", "quantile_0.95"], [0.05, 0.95]),
        (["q05", "q95"], [0.05, 0.95]),
        (["q0.1"], []),
        (["q1", "q2", "q3", "q4"], []),
    ],
)
def test_levels_of_quantiles(names, levels):
    """One alone says nothing, and quarters are no quantiles."""
    assert list(quantile_columns(names).values()) == levels
