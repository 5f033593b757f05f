"""Whoever lists a picture learns that it was made here before, and when; once, and never the picture."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

import numpy as np
import pytest
from sqlalchemy import Connection, insert, select

from safelight.core.clock import to_rfc3339
from safelight.core.errors import StoreFailed
from safelight.core.ids import made_at, new_id
from safelight.matching import past as module
from safelight.matching.banks import create_bank, events_of
from safelight.matching.fingerprints import HashKind
from safelight.matching.hashes import BankHashes
from safelight.matching.intake import take_in
from safelight.matching.model import Bank, BankCategory, BankKind, Entry
from safelight.matching.past import (
    MATCHED_BACK,
    PAST_OUTPUT_KNOWN,
    PastOutput,
    StoredOutputs,
    match_back,
    past_matches_of,
)
from safelight.matching.pdq import Frame, Pdq, Turn, distance, pdq
from safelight.matching.protect import protect, protection
from safelight.matching.turns import turned
from safelight.store.database import Database
from safelight.store.provenance_tables import outputs
from safelight.store.tables import decisions, made_images, outbox, policies
from tests.matching.conftest import NOW
from tests.matching.pictures import hash_of, jpeg, photo
from tests.matching.test_intake import random_pdqs

MADE = NOW - timedelta(days=3)


def make_bank(database: Database, name: str = "list", kind: BankKind = BankKind.KNOWN) -> Bank:
    return database.write_here(
        lambda c: create_bank(c, name=name, owner="o", source="s", category=BankCategory.NCII, kind=kind, now=NOW)
    )


def released(database: Database, frames: Sequence[Frame], *, registered: bool = True) -> list[str]:
    """Have pictures been released: in the register of outputs, or only in the edit chain. Returns their ids."""
    return released_as(database, [hash_of(frame) for frame in frames], registered=registered)


def released_as(database: Database, fingerprints: Sequence[bytes], *, registered: bool = True) -> list[str]:
    """Have pictures with these hashes been released."""

    def write(connection: Connection) -> list[str]:
        if registered:
            decision = _decision(connection)
        ids = []
        for fingerprint in fingerprints:
            chained = new_id("img", MADE)
            connection.execute(
                insert(made_images).values(
                    id=chained,
                    platform="p",
                    subject_id="s",
                    content_digest="d",
                    fingerprint=fingerprint,
                    edits=1,
                    signals="{}",
                    expires_at=to_rfc3339(NOW + timedelta(days=1)),
                )
            )
            ids.append(chained)
            if registered:
                ids[-1] = new_id("pic", MADE)
                connection.execute(insert(outputs).values(_row(ids[-1], decision, fingerprint, chained)))
        return ids

    return database.write_here(write)


def _decision(connection: Connection) -> str:
    if not connection.execute(select(policies)).first():
        connection.execute(insert(policies).values(version="v", text="t", first_used_at=to_rfc3339(MADE)))
    decision = new_id("dec", MADE)
    row = dict.fromkeys(("key_id", "subject_id", "tier", "prompt_digest", "image_digests", "body"), "x")
    more = {"id": decision, "request_id": "req", "at": to_rfc3339(MADE), "policy_version": "v"}
    connection.execute(insert(decisions).values({**row, **more, "stage": "output", "verdict": "allow"}))
    return decision


def _row(output: str, decision: str, fingerprint: bytes, chained: str) -> dict[str, object]:
    words = {"request_id": "req", "receipt": "r", "place": "output 1", "media_type": "image/png", "how": "created"}
    sizes = {"width": 8, "height": 8, "photos": 0, "parents": "[]"}
    times = {"made_at": to_rfc3339(MADE), "expires_at": to_rfc3339(NOW + timedelta(days=9))}
    known = {"id": output, "decision_id": decision, "fingerprint": fingerprint, "lineage_id": chained}
    return words | sizes | times | known | {"content_digest": "d"}


def entries(*values: bytes) -> list[Entry]:
    return [Entry(HashKind.PDQ, value) for value in values]


def test_a_listed_copy_of_a_past_output_is_found_with_its_time_and_its_decision(
    database: Database, hashes: BankHashes
) -> None:
    bank, past = make_bank(database), StoredOutputs(database)
    wanted, _ = released(database, [photo(), photo("coffee")])
    listed = entries(hash_of(jpeg(photo(), 50)), *random_pdqs(3))
    taken = take_in(database, hashes, bank, listed, now=NOW, past=past)
    assert taken.made_here == 1
    [(at, output, made, decision, bits)] = database.read_here(lambda c: past_matches_of(c, bank.number))
    assert (at, output, made) == (to_rfc3339(NOW), wanted, to_rfc3339(MADE))
    assert 0 < bits <= 31
    [effect] = database.read_here(lambda c: c.execute(select(outbox)).all())
    assert (effect.kind, effect.decision_id) == (PAST_OUTPUT_KNOWN, decision)
    [body] = [body for _, kind, body in database.read_here(lambda c: events_of(c, bank.number)) if kind == MATCHED_BACK]
    assert json.loads(body) == {"first": [wanted], "outputs": 1}


@pytest.mark.parametrize("few", [True, False], ids=["one by one", "through the index"])
def test_a_mirrored_and_turned_past_output_is_found_either_way(
    database: Database, hashes: BankHashes, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not few:
        monkeypatch.setattr(module, "_ONE_BY_ONE_MAX", 0)
    bank = make_bank(database)
    wanted = released(database, [np.ascontiguousarray(photo()[:, ::-1]), np.rot90(photo("rocket")).copy()])
    released(database, [photo("coffee"), photo("chelsea")])
    listed = entries(hash_of(photo()), hash_of(photo("rocket")))
    assert take_in(database, hashes, bank, listed, now=NOW, past=StoredOutputs(database)).made_here == 2
    found = database.read_here(lambda c: past_matches_of(c, bank.number))
    assert {row[1] for row in found} == set(wanted)


def test_what_only_the_edit_chain_remembers_is_found_without_a_decision(database: Database, hashes: BankHashes) -> None:
    bank = make_bank(database)
    [wanted] = released(database, [photo()], registered=False)
    take_in(database, hashes, bank, entries(hash_of(photo())), now=NOW, past=StoredOutputs(database))
    [(_, output, made, decision, _)] = database.read_here(lambda c: past_matches_of(c, bank.number))
    assert (output, decision) == (wanted, None)
    assert made[:19] == to_rfc3339(MADE)[:19]
    assert not database.read_here(lambda c: c.execute(select(outbox)).all())


def test_a_find_stands_once_however_often_the_list_is_read(database: Database, hashes: BankHashes) -> None:
    bank, past = make_bank(database), StoredOutputs(database)
    released(database, [photo()])
    for _ in range(2):
        take_in(database, hashes, bank, entries(hash_of(photo())), now=NOW, past=past)
        assert match_back(database, hashes, past, bank, NOW) == []
    assert len(database.read_here(lambda c: past_matches_of(c, bank.number))) == 1
    assert len(database.read_here(lambda c: c.execute(select(outbox)).all())) == 1


def test_what_was_added_before_a_crash_is_held_against_the_past_when_the_list_is_read_again(
    database: Database, hashes: BankHashes
) -> None:
    """Then nothing of the list is new any more; a page that was half done is the last that somebody would look at."""

    class Broken(StoredOutputs):
        def batches(self) -> Iterator[Sequence[PastOutput]]:
            raise StoreFailed("killed here")

    bank = make_bank(database)
    [wanted] = released(database, [photo()])
    listed = entries(hash_of(photo()))
    with pytest.raises(StoreFailed):
        take_in(database, hashes, bank, listed, now=NOW, past=Broken(database))
    assert hashes.count() == {bank.number: 1}
    taken = [take_in(database, hashes, bank, listed, now=NOW, past=StoredOutputs(database)) for _ in range(2)]
    assert [(one.added, one.made_here) for one in taken] == [(0, 1), (0, 0)]
    assert [row[1] for row in database.read_here(lambda c: past_matches_of(c, bank.number))] == [wanted]


def test_a_list_of_known_false_matches_finds_nothing(database: Database, hashes: BankHashes) -> None:
    bank = make_bank(database, kind=BankKind.NEGATIVE)
    released(database, [photo()])
    taken = take_in(database, hashes, bank, entries(hash_of(photo())), now=NOW, past=StoredOutputs(database))
    assert taken.made_here == 0


def test_a_person_who_protects_a_photo_learns_when_it_was_tried_before(database: Database, hashes: BankHashes) -> None:
    released(database, [photo()])
    for _ in range(2):
        receipt = protect(database, hashes, hash_of(photo()), NOW, StoredOutputs(database))
        assert database.read_here(partial(protection, receipt=receipt)).attempts == ((to_rfc3339(MADE), "output"),)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket", "page"])
def test_a_hash_is_turned_to_near_what_the_turned_picture_has(name: str) -> None:
    found = pdq(photo(name))
    assert isinstance(found, Pdq)
    forms = turned(found.hash)
    assert [turn for turn, _ in forms] == list(Turn)
    for (_, near), (_, exact) in zip(forms, found.forms, strict=True):
        assert distance(near, exact) <= 20


def test_an_identifier_tells_when_it_was_made() -> None:
    assert abs(made_at(new_id("img", NOW)) - NOW) < timedelta(milliseconds=1)
    with pytest.raises(ValueError, match="no identifier"):
        made_at("img_0")
