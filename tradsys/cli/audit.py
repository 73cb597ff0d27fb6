"""`tradsys audit`: check the record of a run without trusting who wrote it, and hand it over."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradsys.journal import Disk, Lease
    from tradsys.journal.audit import Verdict
    from tradsys.journal.audit_export import Export
    from tradsys.journal.seals import Seal
    from tradsys.journal.signatures import PublicKey

audit_app = typer.Typer(help="Check, seal and export the record of a run.", no_args_is_help=True)

Run = Annotated[Path, typer.Argument(help="A run folder, or the folder of its journal.")]
Key = Annotated[
    Path | None, typer.Option(help="Public key (PEM, raw or hex): each seal, or one after it, must be signed with it.")
]
Seals = Annotated[Path | None, typer.Option(help="Seals kept elsewhere, one a line: the journal must have them all.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@audit_app.command()
def verify(run: Run, key: Key = None, seals: Seals = None, json: Json = False) -> None:
    """Check every record, the chain, the seals. Reads only; the run may go on meanwhile."""
    from tradsys.cli.progress import watch
    from tradsys.core.errors import ResourceError
    from tradsys.engine.live_journal import store_in
    from tradsys.journal.audit import verify as check
    from tradsys.journal.reading import segments

    store, public, elsewhere = store_in(run), _key(key), _seals(seals)
    try:
        names = segments(store.disk)
        with watch(f"checking {run}") as progress:
            verdict = check(
                store.disk,
                source=store.read,
                key=public,
                elsewhere=elsewhere,
                progress=lambda name: progress(names.index(name) if name in names else len(names), len(names)),
            )
    except OSError as error:
        raise ResourceError(f"the journal cannot be read: {error}", value=str(run), fix="see to the disk") from error
    _say(verdict, run, as_json=json)
    raise typer.Exit(1 if verdict.first_bad else 0)


@audit_app.command()
def seal(
    run: Run,
    sign: Annotated[Path | None, typer.Option(help="Private key (PEM or raw) in a file of mode 0600.")] = None,
    json: Json = False,
) -> None:
    """Seal everything since the last seal, of a run that has ended; a running one seals itself."""
    import msgspec

    from tradsys.engine.live_journal import store_in
    from tradsys.journal.seals import Sealer
    from tradsys.journal.signatures import read_private_key

    signer, store, now = read_private_key(sign) if sign else None, store_in(run), time.time_ns()
    disk, lease = store.disk, _lease(store.disk, above=store.epoch)
    made = Sealer(disk, store.open(lease=lease)).seal(at=now, recorded_at=now, signer=signer)
    disk.unlock() if lease is None else lease.release()
    if json:
        typer.echo(msgspec.json.encode(made).decode())
    else:
        typer.echo(f"{run}: records {made.first} to {made.last} sealed, root {made.root}")
        typer.echo("  keep the seal elsewhere, too: it shows an end that was taken away")


def _lease(disk: Disk, *, above: int) -> Lease | None:
    """The lease of a journal that is written under one. Raises `ResourceError` while the run goes on."""
    from tradsys.journal.lease import Lease, epochs

    holder = f"audit seal {os.getpid()}"
    return Lease.acquire(disk, holder=holder, now=time.monotonic_ns(), above=above) if above or epochs(disk) else None


@audit_app.command()
def export(
    run: Run,
    to: Annotated[Path, typer.Option(help="New folder for the bundle.")],
    key: Key = None,
    seals: Seals = None,
    prove: Annotated[list[str] | None, typer.Option(help="Kind of records to prove one by one, or all.")] = None,
    json: Json = False,
) -> None:
    """Write the bundle that is kept for five years: records, seals, proofs, and a program that checks them alone."""
    from tradsys.core.errors import ResourceError
    from tradsys.engine.live_journal import store_in
    from tradsys.journal.audit_export import export as bundle
    from tradsys.journal.journal import INTENT

    store, public, elsewhere = store_in(run), _key(key), _seals(seals)
    verifier = Path(__file__).with_name("verify_bundle.py").read_text()
    try:
        made = bundle(
            store.disk,
            source=store.read,
            to=to,
            verifier=verifier,
            key=public,
            elsewhere=elsewhere,
            prove=prove or [INTENT],
        )
    except OSError as error:
        raise ResourceError(f"the bundle cannot be written: {error}", value=str(to), fix="see to the disk") from error
    _report(made, to, as_json=json)
    raise typer.Exit(1 if made.verdict.first_bad else 0)


def _key(path: Path | None) -> PublicKey | None:
    from tradsys.journal.signatures import read_public_key

    return read_public_key(path) if path else None


def _seals(path: Path | None) -> Sequence[Seal]:
    from tradsys.core.errors import ConfigError
    from tradsys.journal.seals import read_seals

    if path is None:
        return ()
    if not path.is_file():
        raise ConfigError("no such file of seals", value=str(path), fix="name a file of one seal a line")
    return read_seals(path.read_bytes().splitlines())


def _say(verdict: Verdict, run: Path, *, as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.encode(verdict).decode())
        return
    typer.echo(f"{run}: {verdict.records:,} records, {_sealed(verdict)}")
    if verdict.torn_bytes:
        typer.echo(f"  the last commit was not finished: {verdict.torn_bytes:,} bytes after the last record, no damage")
    bad = verdict.first_bad
    typer.echo(f"  BAD at record {bad.seq}, {bad.segment} byte {bad.offset}: {bad.why}" if bad else "  all as written")


def _sealed(verdict: Verdict) -> str:
    signatures = f"{verdict.signed} signed" + ("" if verdict.checked else ", signatures not checked (--key)")
    return f"{verdict.seals} seals ({signatures}), {verdict.unsealed:,} records not sealed yet"


def _report(made: Export, to: Path, *, as_json: bool) -> None:
    import msgspec

    verdict, manifest = made.verdict, made.manifest
    if as_json:
        body = {**msgspec.structs.asdict(verdict), "to": str(to) if manifest else None, "manifest": manifest}
        typer.echo(msgspec.json.encode(body).decode())
    elif manifest is None:
        _say(verdict, to, as_json=False)
        typer.echo("  nothing was exported")
    else:
        typer.echo(f"{to}: {verdict.records:,} records, {_sealed(verdict)}, {manifest.proofs:,} proofs")
        typer.echo(f"  to be kept until {manifest.retain_until}; checked alone with: python {to / 'verify.py'}")
