"""The register: issued, active, expired, revoked; what was written can be neither changed nor removed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Connection, create_engine, delete, text, update
from sqlalchemy.exc import SQLAlchemyError

from safelight.consent import register
from safelight.consent.statement import sign
from safelight.core.consent import ConsentState
from safelight.core.errors import BadInput
from safelight.store.database import sqlite_url
from safelight.store.tables import metadata
from tests.consent.people import START, enrol, key, statement
from tests.database import lay_empty


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    lay_empty(tmp_path / "test.db")
    engine = create_engine(sqlite_url(tmp_path / "test.db"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def state(connection: Connection, record_id: str, now: datetime = START) -> ConsentState:
    return register.find(connection, [record_id], "default")[record_id].state_at(now)


def added(connection: Connection, photo: bytes = b"photo") -> str:
    signer = enrol(connection)
    signed = sign(statement(signer.id, photo), key())
    return register.add(connection, signed, platform="default", by="desk 4", now=START)


def test_a_record_is_in_force_from_its_first_to_its_last_moment(connection: Connection) -> None:
    record = added(connection)
    end = START + timedelta(days=30)
    assert state(connection, record, START - timedelta(seconds=1)) is ConsentState.ISSUED
    assert state(connection, record, START) is ConsentState.ACTIVE
    assert state(connection, record, end - timedelta(microseconds=1)) is ConsentState.ACTIVE
    assert state(connection, record, end) is ConsentState.EXPIRED


def test_a_record_belongs_to_one_platform(connection: Connection) -> None:
    assert register.find(connection, [added(connection)], "other") == {}


def test_a_signer_takes_every_record_along(connection: Connection) -> None:
    record = added(connection)
    signer = register.list_signers(connection)[0]
    register.revoke(connection, signer.id, platform=None, by="desk 4", reason="key lost", now=START)
    assert state(connection, record) is ConsentState.REVOKED
    with pytest.raises(BadInput):
        register.add(connection, sign(statement(signer.id, b"2"), key()), platform=None, by="desk 4", now=START)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE consent_records SET statement = replace(statement, 'swimwear', 'lingerie')",
        "UPDATE consent_records SET statement = 'null'",
        "UPDATE consent_records SET signature = zeroblob(64)",
        "UPDATE consent_signers SET public_key = zeroblob(32)",
    ],
)
def test_a_row_changed_behind_our_back_is_worth_nothing(connection: Connection, change: str) -> None:
    record = added(connection)
    table = change.split()[1]
    with pytest.raises(SQLAlchemyError, match="append only"):
        connection.execute(text(change))
    connection.execute(text(f"DROP TRIGGER {table}_no_update"))
    connection.execute(text(change))
    assert state(connection, record) is ConsentState.TAMPERED


@pytest.mark.parametrize("table", ["consent_signers", "consent_records", "consent_events"])
def test_nothing_can_be_removed_or_changed(connection: Connection, table: str) -> None:
    added(connection)
    for change in (delete(metadata.tables[table]), update(metadata.tables[table]).values(id="x")):
        with pytest.raises(SQLAlchemyError, match="append only"):
            connection.execute(change)


def test_what_could_never_count_is_not_taken(connection: Connection) -> None:
    signer = enrol(connection)
    good = sign(statement(signer.id, b"photo"), key())
    for signed, now in (
        (sign(statement(signer.id, b"photo"), key(2)), START),
        (sign(statement("csg_" + "0" * 26, b"photo"), key()), START),
        (sign(statement(signer.id, b"photo", platform="other"), key()), START),
        (good, START + timedelta(days=31)),
    ):
        with pytest.raises(BadInput):
            register.add(connection, signed, platform=None, by="desk 4", now=now)
    record = register.add(connection, good, platform=None, by="desk 4", now=START)
    register.revoke(connection, record, platform=None, by="desk 4", reason="", now=START)
    with pytest.raises(BadInput, match="already"):
        register.add(connection, good, platform=None, by="desk 4", now=START)


def test_a_key_is_one_persons_and_the_check_is_named(connection: Connection) -> None:
    enrol(connection)
    with pytest.raises(BadInput, match="already"):
        enrol(connection)
    with pytest.raises(BadInput, match="who checked"):
        register.enrol(connection, public_key=b"1" * 32, platform="p", reference=" ", checked_by="x", now=START)
    with pytest.raises(BadInput, match="32 bytes"):
        register.enrol(connection, public_key=b"1", platform="p", reference="r", checked_by="x", now=START)


class Life(RuleBasedStateMachine):
    """Records are added, time passes, some are revoked, keys are lost: each always stands where a simple model says."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "life.db"
        lay_empty(path)
        self.engine = create_engine(sqlite_url(path))
        self.connection = self.engine.connect()
        self.now = START
        self.signers: dict[str, int] = {}
        self.lost: set[str] = set()
        self.model: dict[str, tuple[str, datetime, datetime]] = {}
        self.revoked: set[str] = set()
        self.events = 0

    @precondition(lambda self: len(self.signers) < 3)
    @rule()
    def enrol(self) -> None:
        number = len(self.signers) + 1
        self.signers[enrol(self.connection, number, now=self.now).id] = number
        self.events += 1

    @precondition(lambda self: self.signers)
    @rule(at=st.integers(0, 2), starts=st.integers(-2, 5), lasts=st.integers(1, 10))
    def add(self, at: int, starts: int, lasts: int) -> None:
        signer = list(self.signers)[at % len(self.signers)]
        begin = self.now + timedelta(days=starts)
        end = begin + timedelta(days=lasts)
        one = statement(signer, str(len(self.model)).encode(), not_before=begin, expires_at=end)
        signed = sign(one, key(self.signers[signer]))
        try:
            record = register.add(self.connection, signed, platform="default", by="x", now=self.now)
        except BadInput:
            assert signer in self.lost or self.now >= end
        else:
            assert signer not in self.lost
            self.model[record] = (signer, begin, end)
            self.events += 1

    @precondition(lambda self: self.model)
    @rule(at=st.integers(0, 50))
    def revoke(self, at: int) -> None:
        record = list(self.model)[at % len(self.model)]
        register.revoke(self.connection, record, platform="default", by="x", reason="", now=self.now)
        if record not in self.revoked and self.model[record][0] not in self.lost:
            self.events += 1
        self.revoked.add(record)

    @precondition(lambda self: self.signers)
    @rule(at=st.integers(0, 2))
    def lose_key(self, at: int) -> None:
        signer = list(self.signers)[at % len(self.signers)]
        register.revoke(self.connection, signer, platform=None, by="x", reason="lost", now=self.now)
        if signer not in self.lost:
            self.events += 1
        self.lost.add(signer)

    @rule(days=st.integers(1, 6))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @invariant()
    def each_stands_where_the_model_says(self) -> None:
        records = register.find(self.connection, list(self.model), "default")
        for record, (signer, begin, end) in self.model.items():
            if record in self.revoked or signer in self.lost:
                expected = ConsentState.REVOKED
            elif self.now < begin:
                expected = ConsentState.ISSUED
            else:
                expected = ConsentState.ACTIVE if self.now < end else ConsentState.EXPIRED
            assert records[record].state_at(self.now) is expected

    @invariant()
    def every_change_is_one_event(self) -> None:
        count = self.connection.execute(text("SELECT count(*) FROM consent_events")).scalar()
        assert count == self.events

    def teardown(self) -> None:
        self.connection.close()
        self.engine.dispose()
        self.folder.cleanup()


Life.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestLife = Life.TestCase
