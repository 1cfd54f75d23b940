"""What a sweep costs as bucket and table grow: seconds, memory, and requests to AWS.

Run it as ``python -m benchmarks.sweep``; it prints a table. Bucket and table exist in numbers
only, so the seconds are those of the sweep's own work: to them come those of the requests. Each
size is swept twice with ``--delete``, in a fresh process: with everything in order, and with one
owner in a hundred leaving an orphan and an expired upload.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZES = [1_000, 10_000, 100_000, 1_000_000]
ONE_IN = [0, 100]
ROW = "{:>10}  {:>9}  {:>8}  {:>8}  {:>11}  {}"


def row_of(size: int, wrong_each: int) -> str:
    """Return what a fresh process measured."""
    done = subprocess.run(  # noqa: S603 (this very file)
        [sys.executable, "-W", "ignore", "-m", "benchmarks.sweep", str(size), str(wrong_each)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        env={"DJANGO_SETTINGS_MODULE": "config.settings", "PATH": os.defpath},
        text=True,
    )
    return done.stdout.rstrip()


def measure(size: int, wrong_each: int) -> None:
    """Sweep ``size`` objects and items in this process, and print what it took."""
    # Only the fresh process has the settings that these need.
    import django  # noqa: PLC0415

    django.setup()
    from tests.unit.test_sweeping import Counted  # noqa: PLC0415

    world = Counted(size, wrong_each=wrong_each, look=lambda: None)
    before, start = peak_megabytes(), time.perf_counter()
    found = sum(1 for _finding in world.findings())
    seconds, peak = time.perf_counter() - start, peak_megabytes()
    asked = ", ".join(f"{count:,} {request}" for request, count in sorted(world.asked.items()))
    cost = (f"{seconds:.1f}", f"{peak - before:.1f}", f"{peak:.0f}")
    print(ROW.format(f"{size:,}", f"{found:,}", *cost, asked))


def peak_megabytes() -> float:
    """Return the most memory this process has had; Linux tells it in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    print(ROW.format("objects", "findings", "seconds", "grown MB", "process MB", "requests"))
    for size in SIZES:
        for wrong_each in ONE_IN:
            print(row_of(size, wrong_each), flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(int(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
