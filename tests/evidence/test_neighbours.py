"""Neighbours, cells and exact repeats by direct calls: who is similar, which part moved, which value is stuck."""

from __future__ import annotations

import numpy as np
import pytest

from gate.evidence.assignment import exchanged
from gate.evidence.cells import cells_of, shared_by, shifted
from gate.evidence.degenerate import cuts, even_step, lost_classes, step_of
from gate.evidence.neighbours import excess, similar
from gate.evidence.outputs import read
from gate.evidence.repeated import stuck

RNG = np.random.default_rng(0)
X = RNG.normal(size=1000)


def test_neighbours_are_near_in_what_tells_of_the_answers():
    """Nine columns of noise beside one that counts."""
    near = similar([X, *RNG.normal(size=(9, 1000))], np.sin(X))
    assert np.median(np.abs(X[near] - X[:, None])) < 0.15


@pytest.mark.parametrize("column", [np.full(1000, 2.0), np.full(1000, np.nan), np.zeros(1000, dtype=np.int64)])
def test_a_column_with_one_value_makes_no_neighbours(column):
    """Nothing tells anything."""
    assert similar([column], X) is None


def test_discordant_rows_are_compared_as_counts():
    """As many each way prove nothing; a hundred against none do."""
    assert excess(20, 20, 2000, 0.0025).p_beyond > 0.5
    assert excess(100, 0, 2000, 0.0025).p_beyond < 1e-9
    assert excess(3, 3, 2000, 0.0025).p_within < 0.01


def test_the_part_that_moved_farthest_is_found():
    """A range of a number, with its rows."""
    found = shifted(
        0.1 * RNG.normal(size=1000) + np.where(np.quantile(X, 0.9) <= X, 1.0, 0.0), [cells_of("x", read(X))], 0.25
    )
    assert found.cell.startswith("x >= ")
    assert found.size == pytest.approx(1.0, abs=0.1)
    assert len(found.rows) == 100


def test_rows_share_a_cell_only_beyond_chance():
    """Rows drawn at random share nothing."""
    columns = [cells_of("x", read(X))]
    assert shared_by(np.arange(0, 1000, 25), columns, 1000) is None
    assert shared_by(np.argsort(X)[-40:], columns, 1000).share == 1.0


@pytest.mark.parametrize(
    ("values", "step"),
    [(np.round(X, 1), 0.1), (np.round(X * 40), 1), (np.round(X, 2).astype(np.float32).astype(float), 0.01), (X, None)],
)
def test_the_step_of_rounded_numbers(values, step):
    """The widest of the usual ones."""
    assert step_of(values) == step


def test_an_even_grid_may_start_anywhere():
    """17.3 apart."""
    assert even_step(np.round(X * 4) * 17.3 + 5) == pytest.approx(17.3)
    assert even_step(X) is None


def test_a_lost_class_needs_rows_to_be_lost():
    """Twenty of them."""
    reference = np.repeat([0, 1, 2], [900, 81, 19])
    assert lost_classes(np.zeros(1000, dtype=np.int64), reference).tolist() == [1]


def test_cuts_lie_at_both_ends():
    """Where the baseline goes on."""
    found = cuts(np.clip(X, -1.5, 1.5), X + 0.05 * RNG.normal(size=1000))
    assert [cut.value for cut in found] == [-1.5, 1.5]


def test_a_value_on_rows_that_the_baseline_tells_apart_is_stuck():
    """Not one on rows that it answers alike."""
    scattered, leaf = X.copy(), X.copy()
    scattered[::100] = 0.3
    leaf[np.argsort(X)[500:510]] = 0.3
    theirs = X + 0.02 * RNG.normal(size=1000)
    assert stuck(scattered, theirs).value == 0.3
    assert stuck(leaf, theirs) is None


def test_rows_that_exchanged_their_answers_are_found_among_the_others():
    """A twentieth of them, in another fit of the model; single wild rows are none."""
    ours, theirs = X + 0.05 * RNG.normal(size=1000), X + 0.05 * RNG.normal(size=1000)
    rows = RNG.choice(1000, 60, replace=False)
    permuted, wild = ours.copy(), ours.copy()
    permuted[rows] = ours[np.roll(rows, 1)]
    wild[rows] += 5
    assert len(set(exchanged(permuted, theirs)) & set(rows)) > 30
    assert len(exchanged(wild, theirs)) == 0
