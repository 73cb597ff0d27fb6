"""`tradsys audit tables`: the record of a run as tables to ask questions of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tradsys.journal.read_model import ReadModel

FILE = "tables.db"
"""In the run folder, unless another is named."""


def tables(
    run: Annotated[Path, typer.Argument(help="A run folder, or the folder of its journal.")],
    to: Annotated[Path | None, typer.Option(help=f"SQLite file; default: {FILE} in the run folder.")] = None,
    connection_file: Annotated[
        Path | None, typer.Option(help="Or PostgreSQL: file of mode 0600 with the connection string.")
    ] = None,
    schema: Annotated[str, typer.Option(help="Schema there, of this run alone.")] = "tradsys",
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Make tables of orders, trades, positions and causes from the journal, or bring them up to it; it is only read."""
    import msgspec

    from tradsys.core.errors import ConfigError, ResourceError
    from tradsys.engine.live_journal import store_in

    if to is not None and connection_file is not None:
        raise ConfigError("name one place for the tables", value=str(to), limit="--to or --connection-file")
    store = store_in(run)
    folder = run if (run / "journal").is_dir() else run.parent
    where = to or folder / FILE
    model = _in_file(where) if connection_file is None else _on_server(connection_file, schema)
    try:
        taken = model.catch_up(store.read)
        body = {"records": model.position, "taken": taken, "kept": model.position - taken}
    except OSError as error:
        raise ResourceError(f"the journal cannot be read: {error}", value=str(run), fix="see to the disk") from error
    finally:
        model.close()
    place = str(where) if connection_file is None else f"schema {schema}"
    if json:
        typer.echo(msgspec.json.encode({"tables": place, **body}).decode())
    else:
        typer.echo(f"{place}: {body['records']:,} records, {taken:,} of them new")


def _in_file(path: Path) -> ReadModel:
    from tradsys.execution.tags import tag_of
    from tradsys.journal.sqlite import ProjectionStore

    return ProjectionStore(path, tag_of=tag_of)


def _on_server(file: Path, schema: str) -> ReadModel:
    from tradsys.core.errors import ConfigError
    from tradsys.engine.account_key import secret_in_file
    from tradsys.execution.tags import tag_of

    try:
        from tradsys.journal.postgres import Database
        from tradsys.journal.postgres_tables import PostgresProjections
    except ImportError as error:
        raise ConfigError(
            "tables in PostgreSQL need a package that is not installed",
            value=error.name,
            fix='pip install "tradsys[postgres]"',
        ) from None
    text = secret_in_file(file, file="connection file", what="PostgreSQL's connection string")
    return PostgresProjections(Database(text, schema=schema, connections=0), tag_of=tag_of)
