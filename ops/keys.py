"""`python -m ops keys`: create, list and revoke API keys on the server itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from core.access.keys import USER_SCOPES, create_key, list_keys, revoke_key
from core.db.engines import open_database
from core.db.tables import Key
from core.errors import NotFound
from core.states import Scope
from ops.data_dir import own_database_url, stack_settings
from ops.errors import KeyRefused, NoDatabase
from ops.shell import keys_command, python_command

DEFAULT_SCOPES = sorted(USER_SCOPES)
MAX_OWNER_LENGTH = MAX_NAME_LENGTH = 100
"""The lengths of the columns `keys.owner` and `keys.name`."""

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)

DataDir = Annotated[Path, typer.Option(help="Data folder of the stack, unless BATCHLIGHT_DATABASE_URL is set.")]
Scopes = Annotated[list[Scope], typer.Option("--scope", help="What the key permits; may be given more than once.")]


@app.command()
def create(
    owner: Annotated[str, typer.Option(help="Owner of the key, who sees the jobs of this owner only.")],
    name: Annotated[str, typer.Option(help="Purpose of the key, shown in the list.")] = "",
    scope: Scopes = DEFAULT_SCOPES,
    data_dir: DataDir = Path("var"),
) -> None:
    """Create a key and print its secret, which cannot be shown again."""
    _check_length("--owner", owner, at_least=1, at_most=MAX_OWNER_LENGTH)
    _check_length("--name", name, at_least=0, at_most=MAX_NAME_LENGTH)
    with _session(data_dir) as session:
        _, secret = create_key(session, owner=owner, name=name, scopes=frozenset(scope))
    typer.echo(secret)


@app.command("list")
def show(data_dir: DataDir = Path("var")) -> None:
    """Show every key, without its secret."""
    with _session(data_dir) as session:
        keys = list_keys(session)
    table = Table("id", "owner", "name", "scopes", "created", "state")
    for key in keys:
        created = f"{key.created_at:%Y-%m-%d %H:%M}"
        table.add_row(key.id, key.owner, key.name, " ".join(key.scopes), created, _state(key))
    Console().print(table)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The 8 characters after bl_.")],
    data_dir: DataDir = Path("var"),
) -> None:
    """Revoke a key at once."""
    try:
        with _session(data_dir) as session:
            revoke_key(session, key_id)
    except NotFound:
        raise KeyRefused(
            f"There is no key {key_id!r}. List the keys: {keys_command('list', data_dir=data_dir)}"
        ) from None
    typer.echo(f"Key {key_id} is revoked.")


def _check_length(option: str, value: str, *, at_least: int, at_most: int) -> None:
    if not at_least <= len(value) <= at_most:
        raise KeyRefused(f"{option} has {len(value)} characters; give it {at_least} to {at_most}.")


def _state(key: Key) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    return f"expires {key.expires_at:%Y-%m-%d}" if key.expires_at else "live"


@contextmanager
def _session(data_dir: Path) -> Iterator[Session]:
    """Open a transaction on the stack's database. Raises OpsError."""
    url = stack_settings(data_dir).database_url
    database = open_database(url)
    try:
        with database.write.begin() as session:
            yield session
    except (OperationalError, ProgrammingError) as error:
        in_data_dir = url == own_database_url(data_dir)
        raise NoDatabase(_not_started(data_dir, error) if in_data_dir else _configured_elsewhere(error)) from error
    finally:
        database.dispose()


def _configured_elsewhere(error: OperationalError | ProgrammingError) -> str:
    return (
        f"The database of BATCHLIGHT_DATABASE_URL cannot be used ({error.orig}). Start it and create its tables: "
        f"{python_command('alembic', 'upgrade', 'head')} (with Docker Compose: docker compose up -d)"
    )


def _not_started(data_dir: Path, error: OperationalError | ProgrammingError) -> str:
    return (
        f"The database in {data_dir} cannot be used ({error.orig}). The stack creates it when it first starts: "
        f"{python_command('ops', 'up', '--data-dir', str(data_dir))}"
    )
