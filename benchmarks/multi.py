"""Fifty instruments of 20,000 one-minute bars in one portfolio, a strategy copy for each."""

from benchmarks.agreement import shared_bars
from benchmarks.crosses import run_workload

if __name__ == "__main__":
    run_workload("multi", shared_bars().multi(50, 20_000))
