"""`python -m ops keys`: the first key of a server is created here."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.access.keys import authenticate, create_key, list_keys
from core.db.engines import Database, open_database
from core.db.tables import Key
from core.errors import Unauthenticated
from core.settings import ROOT
from ops.errors import KeyRefused, NoDatabase, OpsError, SettingsRefused
from ops.keys import MAX_NAME_LENGTH, MAX_OWNER_LENGTH, app
from ops.stack import KEY_OWNER, create_stack_key, plan_stack


@pytest.fixture
def data_dir(tmp_path: Path, migrated_sqlite: Path) -> str:
    (tmp_path / "batchlight.db").write_bytes(migrated_sqlite.read_bytes())
    return str(tmp_path)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def command_in(error: OpsError) -> list[str]:
    """Return the command that an error message asks for."""
    found = re.search(r"\S+ -m ops .*$", str(error))
    assert found, error
    return shlex.split(found[0])


def test_a_created_key_authenticates_its_owner(data_dir: str) -> None:
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


def test_a_missing_database_is_reported_with_a_command_that_creates_it(tmp_path: Path) -> None:
    absent = tmp_path / "not there"

    with pytest.raises(NoDatabase) as refusal:
        run("create", "--owner", "ada", "--data-dir", str(absent))

    command = command_in(refusal.value)
    assert command[-3:] == ["up", "--data-dir", str(absent)]
    assert subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_revoking_an_unknown_key_is_refused_with_a_command_that_lists_the_keys(data_dir: str) -> None:
    run("create", "--owner", "ada", "--data-dir", data_dir)

    with pytest.raises(KeyRefused, match="no key 'deadbeef'") as refusal:
        run("revoke", "deadbeef", "--data-dir", data_dir)

    listed = subprocess.run(command_in(refusal.value), cwd=ROOT, capture_output=True, text=True, check=True)
    assert "ada" in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--owner", ""), "--owner has 0 characters; give it 1 to 100."),
        (("--owner", "o" * 101), "--owner has 101 characters; give it 1 to 100."),
        (("--owner", "ada", "--name", "n" * 101), "--name has 101 characters; give it 0 to 100."),
    ],
)
def test_an_owner_or_name_that_the_database_cannot_store_is_refused(
    data_dir: str, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(KeyRefused, match=re.escape(message)):
        run("create", *arguments, "--data-dir", data_dir)


def test_the_length_limits_are_those_of_the_columns() -> None:
    columns = Key.__table__.columns

    lengths = [getattr(columns[name].type, "length", None) for name in ("owner", "name")]

    assert lengths == [MAX_OWNER_LENGTH, MAX_NAME_LENGTH]


def test_a_setting_of_the_wrong_type_is_refused_with_its_name_and_value(
    data_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHLIGHT_LEASE_S", "soon")

    with pytest.raises(SettingsRefused, match="BATCHLIGHT_LEASE_S=soon: "):
        run("list", "--data-dir", data_dir)


def test_each_start_of_a_stack_replaces_the_key_of_the_start_before(data_dir: str) -> None:
    stack = plan_stack(Path(data_dir))
    database = open_database(stack.settings.database_url)
    with database.write.begin() as session:
        create_key(session, owner="ada", name="ops up")
        create_key(session, owner=KEY_OWNER, name="laptop")

    first, second = (create_stack_key(stack, name="ops up") for _ in range(2))

    assert live_keys(database) == [("ada", "ops up"), (KEY_OWNER, "laptop"), (KEY_OWNER, "ops up")]
    with database.read.begin() as session:
        assert authenticate(session, second).owner == KEY_OWNER
        with pytest.raises(Unauthenticated):
            authenticate(session, first)
    database.dispose()


def live_keys(database: Database) -> list[tuple[str, str]]:
    with database.read.begin() as session:
        return sorted((key.owner, key.name) for key in list_keys(session) if key.revoked_at is None)
