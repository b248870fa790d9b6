"""Summaries of rows that do not fit in memory: update with a batch, merge two, finish.

Whatever the batches, their order and the tree of merges, the same rows give the same result, bit by bit: counts and
sums are exact, extremes are ordered by value and then by what the row holds.
"""
