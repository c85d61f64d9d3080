#!/usr/bin/env python3
"""How many instructions of its own a program needs for one request or batch (`make bench-instructions`, and at the end of
`.ci/run`).

Time on a machine that does other things too says little; the number of instructions that valgrind counts is nearly the
same each time. So it is kept in budgets.toml, for each profile, and whoever makes one dearer by more than the tolerance
sees this fail. What the kernel does for a request is not in it: read it beside the time of `make bench-gateway` and
`make bench`. Valgrind shows programs a processor with AVX2 and nothing later, so what they choose by that is the same on
all that have it; the C library is that of the machine, and well within the tolerance.

Each other file of this folder with a `measure(work, binaries)` is a case: it starts programs with `callgrind.Program`,
asks them, and returns the instructions of one request by name; or counts whole runs with `callgrind.of_a_run`.

  run.py [CASE…]   all of them unless named, such as `gateway`
  PROFILE          dev (default), which needs no build of its own beside the tests', or release; built beforehand
  CARGO_TARGET_DIR target
"""

import importlib
import os
import sys
import tempfile
import tomllib
from pathlib import Path

from callgrind import provide

HERE = Path(__file__).parent
TOLERANCE = 0.05
# What is no case.
SHARED = {"run", "callgrind", "judged"}
PROFILE = os.environ.get("PROFILE", "dev")
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or HERE.parent.parent / "target")
BINARIES = TARGET / ("debug" if PROFILE == "dev" else PROFILE)


def judge(name, instructions, budget):
    """One line of the table, and whether the budget holds."""
    if budget is None:
        return f"{name:<40} {instructions:>9.0f}  has no budget for the profile {PROFILE} in budgets.toml", False
    ratio = instructions / budget
    said = "within the budget"
    if ratio > 1 + TOLERANCE:
        said = "OVER THE BUDGET"
    elif ratio < 1 - TOLERANCE:
        said = "less than the budget: lower it"
    return f"{name:<40} {instructions:>9.0f} {budget:>9} {ratio:>6.2f}  {said}", ratio <= 1 + TOLERANCE


def main():
    provide(TARGET)
    cases = sys.argv[1:] or sorted(file.stem for file in HERE.glob("*.py") if file.stem not in SHARED)
    budgets = tomllib.loads((HERE / "budgets.toml").read_text()).get(PROFILE, {})
    print(f"{'instructions of one request or batch':<40} {'counted':>9} {'budget':>9} {'ratio':>6}")
    held = True
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="hms-instructions-") as work:
            measured = importlib.import_module(case).measure(Path(work), BINARIES)
        for name, instructions in measured.items():
            line, good = judge(name, instructions, budgets.get(name))
            print(line, flush=True)
            held &= good
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
