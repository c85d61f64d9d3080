#!/usr/bin/env python3
"""That run.py refuses what it is there to refuse."""

from run import TOLERANCE, judge

BUDGET = 1_000_000
CASES = [
    (BUDGET, True, "within the budget"),
    (BUDGET * (1 + TOLERANCE) - 1, True, "within the budget"),
    (BUDGET * (1 + TOLERANCE) + 1_000, False, "OVER THE BUDGET"),
    (BUDGET * 2, False, "OVER THE BUDGET"),
    (BUDGET * (1 - TOLERANCE) - 1_000, True, "lower it"),
]

for counted, good, words in CASES:
    line, held = judge("a case", counted, BUDGET)
    assert held == good and words in line, (counted, line)
line, held = judge("a case", BUDGET, None)
assert not held and "has no budget" in line, line
