"""`python -m ops keys`: the first key of a server comes from here."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.access.keys import authenticate
from core.db.engines import open_database
from ops.errors import NoDatabase
from ops.keys import app


@pytest.fixture
def data_dir(tmp_path: Path, migrated_sqlite: Path) -> str:
    (tmp_path / "batchlight.db").write_bytes(migrated_sqlite.read_bytes())
    return str(tmp_path)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_made_key_opens_the_database_to_its_owner(data_dir: str) -> None:
    secret = run("create", "--owner", "ada", "--scope", "jobs:read", "--data-dir", data_dir).strip()

    database = open_database(f"sqlite:///{data_dir}/batchlight.db")
    with database.read.begin() as session:
        key = authenticate(session, secret)
    database.dispose()

    assert (key.owner, key.scopes) == ("ada", ["jobs:read"])


def test_a_list_shows_keys_without_their_secrets_and_which_are_revoked(data_dir: str) -> None:
    secret = run("create", "--owner", "ada", "--name", "laptop", "--data-dir", data_dir).strip()
    key_id = secret.split("_")[1]

    run("revoke", key_id, "--data-dir", data_dir)
    listed = run("list", "--data-dir", data_dir)

    assert "revoked" in listed
    assert key_id in listed
    assert secret not in listed


def test_a_database_that_is_not_there_is_said_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NoDatabase, match="ops up"):
        run("create", "--owner", "ada", "--data-dir", str(tmp_path / "nothing"))
