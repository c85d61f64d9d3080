"""What a batch of events costs, from the outbox of one service to the effect in another, on SQLite and within the process."""

from callgrind import of_a_run

# The start and the end of the program are in both, and the first batches with them.
FEW, MANY = 2, 6


def measure(work, binaries):
    program = binaries / "examples/outbox_batch"
    few, many = (of_a_run(work, [program, times]) for times in (FEW, MANY))
    return {"outbox-batch-of-100": (many - few) / (MANY - FEW)}
