"""Who may ask: a valid key with the permission, an account in standing, a budget that is not spent."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from safelight.accounts.keys import authenticate, create_key, list_keys, revoke_key
from safelight.accounts.model import Permission
from safelight.accounts.service import Accounts, Caller
from safelight.accounts.standing import set_standing
from safelight.core.clock import to_rfc3339
from safelight.core.errors import AccountSuspended, BudgetSpent, NotAllowed, PermissionLacking
from safelight.core.request import Standing, Tier
from safelight.store.database import Database
from safelight.store.digest_key import DigestKey
from safelight.store.tables import api_keys, decisions, policies
from tests.database import empty_database

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = empty_database(tmp_path / "test.db")
    yield database
    database.close()


def made_key(
    database: Database, *permissions: Permission, per_minute: int = 0, platform: str = "default"
) -> tuple[str, str]:
    def work(connection):  # type: ignore[no-untyped-def]
        chosen = permissions or tuple(Permission)
        return create_key(
            connection, name="t", platform=platform, permissions=chosen, requests_per_minute=per_minute, now=NOW
        )

    key, secret = asyncio.run(database.write(work))
    return key.id, secret


def accounts_of(database: Database, **more: object) -> Accounts:
    return Accounts(database, DigestKey(b"k" * 32), lambda: NOW, **more)  # type: ignore[arg-type]


def admit(accounts: Accounts, caller: Caller, permission: Permission = Permission.MAKE):  # type: ignore[no-untyped-def]
    return asyncio.run(accounts.admit(caller, permission))


def decided(database: Database, key_id: str, subject_id: str, count: int, at: datetime) -> None:
    row = {
        "request_id": "req_1",
        "at": to_rfc3339(at),
        "stage": "input",
        "verdict": "allow",
        "category": None,
        "policy_version": "v",
        "key_id": key_id,
        "subject_id": subject_id,
        "tier": "free",
        "prompt_digest": "",
        "image_digests": "[]",
        "body": "{}",
    }

    def work(connection):  # type: ignore[no-untyped-def]
        if not connection.execute(select(policies)).all():
            connection.execute(insert(policies), [{"version": "v", "text": "", "first_used_at": to_rfc3339(at)}])
        connection.execute(insert(decisions), [row | {"id": f"dec_{at.timestamp()}_{n}"} for n in range(count)])

    asyncio.run(database.write(work))


def test_a_valid_key_is_admitted(database: Database) -> None:
    key_id, secret = made_key(database)
    subject = admit(accounts_of(database), Caller(secret, "person-7", Tier.PAID))
    assert (subject.key_id, subject.standing, subject.tier) == (key_id, Standing.GOOD, Tier.PAID)


def test_the_secret_is_not_kept(database: Database) -> None:
    _, secret = made_key(database)
    row = asyncio.run(database.read(lambda c: c.execute(select(api_keys)).one()))
    assert secret.rpartition("_")[2].encode() not in repr(tuple(row)).encode()


@pytest.mark.parametrize(
    "defect", ["", "sl_", "Bearer", "sl_key_0_x", "{}\n", "{}x", " {}", "\0", "sl_key_" + "é" * 26]
)
def test_a_wrong_key_is_turned_away(database: Database, defect: str) -> None:
    _, secret = made_key(database)
    with pytest.raises(NotAllowed):
        admit(accounts_of(database), Caller(defect.replace("{}", secret)))


def test_another_keys_secret_is_turned_away(database: Database) -> None:
    (first, _), (_, second) = made_key(database), made_key(database)
    with pytest.raises(NotAllowed):
        admit(accounts_of(database), Caller(f"sl_{first}_{second[-43:]}"))


def test_a_revoked_key_is_turned_away_and_still_listed(database: Database) -> None:
    key_id, secret = made_key(database)
    assert asyncio.run(database.write(lambda c: revoke_key(c, key_id, NOW)))
    assert not asyncio.run(database.write(lambda c: revoke_key(c, key_id, NOW)))
    with pytest.raises(NotAllowed):
        asyncio.run(database.read(lambda c: authenticate(c, secret)))
    assert [key.revoked for key in asyncio.run(database.read(list_keys))] == [True]


def test_a_key_without_the_permission_is_turned_away(database: Database) -> None:
    _, secret = made_key(database, Permission.CHECK)
    admit(accounts_of(database), Caller(secret), Permission.CHECK)
    with pytest.raises(PermissionLacking, match="gate:image:make"):
        admit(accounts_of(database), Caller(secret), Permission.MAKE)


def test_an_account_is_the_same_by_every_key_of_its_platform_and_by_no_other(database: Database) -> None:
    secrets = [made_key(database, platform=platform)[1] for platform in ("shop", "shop", "forum")]
    accounts = accounts_of(database)
    ids = [admit(accounts, Caller(secret, "person-7")).id for secret in secrets]
    assert ids[0] == ids[1] != ids[2]
    assert "person-7" not in "".join(ids)


def test_one_name_in_two_spellings_is_one_account(database: Database) -> None:
    _, secret = made_key(database)
    accounts = accounts_of(database)
    ids = {admit(accounts, Caller(secret, name)).id for name in ("josé", "josé", " josé ")}
    assert len(ids) == 1


@pytest.mark.parametrize("standing", [Standing.LIMITED, Standing.SUSPENDED])
def test_standing_is_met_by_the_next_request(database: Database, standing: Standing) -> None:
    _, secret = made_key(database)
    accounts = accounts_of(database)
    subject = admit(accounts, Caller(secret, "person-7"))
    asyncio.run(database.write(lambda c: set_standing(c, subject.id, standing, reason="test", now=NOW)))
    if standing is Standing.SUSPENDED:
        with pytest.raises(AccountSuspended):
            admit(accounts, Caller(secret, "person-7"))
    else:
        assert admit(accounts, Caller(secret, "person-7")).standing is Standing.LIMITED
    assert admit(accounts, Caller(secret, "person-8")).standing is Standing.GOOD


def test_a_keys_budget_counts_the_last_minute_only(database: Database) -> None:
    key_id, secret = made_key(database, per_minute=3)
    accounts = accounts_of(database)
    decided(database, key_id, "sub_x", 5, NOW - timedelta(seconds=61))
    decided(database, key_id, "sub_x", 2, NOW - timedelta(seconds=30))
    admit(accounts, Caller(secret))
    decided(database, key_id, "sub_x", 1, NOW)
    with pytest.raises(BudgetSpent) as spent:
        admit(accounts, Caller(secret))
    assert spent.value.retry_after_s == 60


def test_a_clock_that_was_put_right_spends_no_budget_until_it_is_there_again(database: Database) -> None:
    key_id, secret = made_key(database, per_minute=3)
    decided(database, key_id, "sub_x", 5, NOW + timedelta(days=365))
    admit(accounts_of(database), Caller(secret))


def test_one_accounts_budget_leaves_its_neighbours_alone(database: Database) -> None:
    key_id, secret = made_key(database)
    accounts = accounts_of(database, subject_requests_per_minute=2)
    decided(database, key_id, admit(accounts, Caller(secret, "busy")).id, 2, NOW)
    with pytest.raises(BudgetSpent):
        admit(accounts, Caller(secret, "busy"))
    admit(accounts, Caller(secret, "quiet"))


def test_an_open_door_asks_for_no_key(database: Database) -> None:
    assert admit(accounts_of(database, require_key=False), Caller(None)).key_id == "key_open"
