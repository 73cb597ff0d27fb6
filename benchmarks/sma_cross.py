"""One million one-minute bars through a Python strategy called on every bar."""

from benchmarks.agreement import shared_bars
from benchmarks.crosses import run_workload

if __name__ == "__main__":
    run_workload("sma_cross", [shared_bars().bars(1_000_000)])
