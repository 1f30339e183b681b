"""`python -m ops keys`: API keys, made, listed and revoked on the server itself."""

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
from core.states import Scope
from ops.data_dir import stack_settings
from ops.errors import NoDatabase

DEFAULT_SCOPES = sorted(USER_SCOPES)

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)

DataDir = Annotated[Path, typer.Option(help="Data folder of the stack, unless BATCHLIGHT_DATABASE_URL is set.")]
Scopes = Annotated[list[Scope], typer.Option("--scope", help="What the key may do; may be given more than once.")]


@app.command()
def create(
    owner: Annotated[str, typer.Option(help="Whose jobs the key sees.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    scope: Scopes = DEFAULT_SCOPES,
    data_dir: DataDir = Path("var"),
) -> None:
    """Make a key and print its secret, which cannot be shown again."""
    with _session(data_dir) as session:
        _, secret = create_key(session, owner=owner, name=name, scopes=frozenset(scope))
    typer.echo(secret)


@app.command("list")
def show(data_dir: DataDir = Path("var")) -> None:
    """Show every key, without its secret."""
    with _session(data_dir) as session:
        keys = list_keys(session)
    table = Table("id", "owner", "name", "scopes", "made", "state")
    for key in keys:
        made = f"{key.created_at:%Y-%m-%d %H:%M}"
        table.add_row(key.id, key.owner, key.name, " ".join(key.scopes), made, _state(key))
    Console().print(table)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The 8 characters after bl_.")],
    data_dir: DataDir = Path("var"),
) -> None:
    """End a key at once."""
    with _session(data_dir) as session:
        revoke_key(session, key_id)
    typer.echo(f"Key {key_id} is revoked.")


def _state(key: Key) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    return f"ends {key.expires_at:%Y-%m-%d}" if key.expires_at else "live"


@contextmanager
def _session(data_dir: Path) -> Iterator[Session]:
    """A transaction on the stack's database; raises OpsError."""
    url = stack_settings(data_dir).database_url
    database = open_database(url)
    try:
        with database.write.begin() as session:
            yield session
    except (OperationalError, ProgrammingError) as error:
        raise NoDatabase(
            f"The database cannot be used ({error.orig}). "
            "Start the stack once with `python -m ops up`, or run `alembic upgrade head`."
        ) from error
    finally:
        database.dispose()
