"""One seed as it is told to others: what to run, what came out in one line, and the command that shows it again."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from pathlib import Path
from random import Random

import msgspec

from tests.simulation.faults import ALL, Swarm, drawn
from tests.simulation.host import Killed
from tests.simulation.scenario import TROUBLE, Report, run

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = Path(__file__).with_name("kept.json")
CRASH = "crash"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a run: `rates` of its faults, `trouble` in seconds. `law` is what it once broke, empty if none."""

    seed: int
    rates: dict[str, float]
    trouble: int = TROUBLE
    law: str = ""

    def without(self, kind: str) -> Case:
        """The same with one kind of fault off."""
        return msgspec.structs.replace(self, rates={each: r for each, r in self.rates.items() if each != kind})


def case_of(seed: int, *, without: tuple[str, ...] = (), trouble: int = TROUBLE) -> Case:
    """A seed with the faults that it draws, but for some."""
    rates = drawn(Random(seed)).rates
    return Case(seed=seed, rates={kind: rate for kind, rate in rates.items() if kind not in without}, trouble=trouble)


def attempt(case: Case, *, log: list[str] | None = None) -> Report:
    """Run it. What the product raises is a law broken too: `crash`."""
    try:
        return run(case.seed, swarm=Swarm(case.rates), trouble=case.trouble, log=log)
    except (Exception, Killed) as error:
        return _crashed(case.seed, error)


def _crashed(seed: int, error: BaseException) -> Report:
    return Report(
        seed=seed,
        events=0,
        orders=0,
        faults=0,
        trades=0,
        restarts=0,
        records=0,
        trace="",
        law=CRASH,
        what=f"{type(error).__name__}: {error} {_where(error)}",
    )


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"


def line(case: Case, report: Report) -> str:
    """All that is needed to see it again, in one line."""
    kinds = ",".join(kind for kind in ALL if case.rates.get(kind))
    scenario = f"{kinds or 'no-faults'}/{case.trouble}s"
    return (
        f"SEED={case.seed} COMMIT={commit()} PY={platform.python_version()} SCENARIO={scenario} "
        f"EVENT#={report.at_event} INVARIANT={report.what or report.law}"
    )


def again(case: Case) -> str:
    """The command that runs it again and shows what happened."""
    off = [kind for kind in drawn(Random(case.seed)).kinds if kind not in case.rates]
    options = f" --without {','.join(off)}" if off else ""
    options += f" --trouble {case.trouble}" if case.trouble != TROUBLE else ""
    return f"python -m tests.simulation --seed {case.seed}{options} --log"


def commit() -> str:
    """The commit that is checked out, as git shortens it; `none` outside a repository."""
    asked = ["git", "rev-parse", "--short", "HEAD"]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "none"


def code_hash() -> str:
    """SHA-256 over the product and the simulator: as long as it stays, every seed gives what it gave."""
    found = hashlib.sha256()
    for folder in ("tradsys", "tests/simulation"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def fresh_base() -> int:
    """Where the suite's seeds begin: elsewhere after every change of the code, the same for the same code."""
    return int(code_hash()[:8], 16)


def kept() -> list[Case]:
    """Seeds that once failed, made small."""
    return msgspec.json.decode(KEPT.read_bytes(), type=list[Case])


def keep(case: Case) -> None:
    """Add one to those that are run for ever."""
    cases = [*(each for each in kept() if each.seed != case.seed), case]
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(cases), indent=1) + b"\n")
