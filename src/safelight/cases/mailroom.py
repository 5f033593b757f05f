"""Letters: written in the transaction that they speak of, kept word for word, sent by an effect.

Whoever left no way to be reached reads theirs with the receipt.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from safelight.accounts.languages import language_of as language_of_account
from safelight.cases.draft import Contact, ContactKind
from safelight.cases.letters.compose import FALLBACK, OF_DECISIONS, LetterFacts, LetterKind, compose, language_of
from safelight.cases.model import Party
from safelight.cases.receipts import code_digest, new_code, new_pin, pin_digest
from safelight.cases.records import LETTER, Book
from safelight.cases.reporter_model import Letter
from safelight.cases.sealing import GONE
from safelight.cases.sheet import Sheet
from safelight.cases.spelling import read_contact, write_contact
from safelight.cases.stay_down import known_by
from safelight.core.clock import to_rfc3339
from safelight.core.ids import new_id
from safelight.store.cases_tables import case_effects, case_letters, case_receipts, case_reports

Holder = Row[Any] | SimpleNamespace
"""A receipt: its row, or what is to become one."""
_OF_ACCOUNT = select(case_receipts).where(
    case_receipts.c.case_id == bindparam("this"), case_receipts.c.party == Party.ACCOUNT.value
)
_DOTS = "····"
"""In place of an account's code and PIN."""


class Mailroom:
    """Receipts and letters, inside a caller's transaction."""

    def __init__(
        self,
        book: Book,
        takes: Callable[[Party, Contact | None], bool],
        language: str = FALLBACK,
        page: str = "",
        *,
        has_platform: bool = True,
    ) -> None:
        """`takes`: whether a post carries letters to them; the others' wait to be read with the receipt.

        `has_platform`: whether letters may say that somebody hides what is reported.
        `language`: of letters to accounts whose platform has not said theirs. `page`: where the report pages are.
        """
        self._page = page
        self._language = language
        self._book = book
        self._takes = takes
        self.has_platform = has_platform

    def issue(
        self,
        sheet: Sheet,
        *,
        code: str,
        pin: str,
        party: Party,
        language: str,
        case_id: str | None = None,
        report_id: str | None = None,
        subject_id: str | None = None,
        event_id: str | None = None,
        contact: Contact | None = None,
    ) -> Holder:
        """Keep a receipt. An account's own is kept sealed as well, because later letters repeat it."""
        digest = code_digest(self._book.key, code)
        sealed = None
        if party is Party.ACCOUNT:
            sealed = self._book.seal.close(digest, {"code": code, "pin": pin})
        elif contact is not None:
            sealed = self._book.seal.close(digest, write_contact(contact))
        row = {
            "code_digest": digest,
            "pin_digest": pin_digest(self._book.key, digest, pin),
            "case_id": case_id,
            "report_id": report_id,
            "party": party.value,
            "subject_id": subject_id,
            "event_id": event_id,
            "language": language,
            "contact": sealed,
            "created_at": to_rfc3339(self._book.clock()),
        }
        sheet.add(case_receipts, row)
        return SimpleNamespace(**row)

    def account_receipt(self, sheet: Sheet, case_id: str, subject_id: str | None) -> Holder:
        """The receipt of the account that published it, made when it is first needed."""
        if found := sheet.of_case(case_id, _OF_ACCOUNT):
            return found[0]
        return self.issue(
            sheet,
            code=new_code(),
            pin=new_pin(),
            party=Party.ACCOUNT,
            language=self.account_language(sheet.connection, subject_id),
            case_id=case_id,
            subject_id=subject_id,
        )

    def account_language(self, connection: Connection, subject_id: str | None) -> str:
        """The language of the letters to an account."""
        return (language_of_account(connection, subject_id) if subject_id else None) or self._language

    def receipts(self, connection: Connection, case_id: str, party: Party) -> Sequence[Row[Any]]:
        """The receipts of one side."""
        query = select(case_receipts).where(case_receipts.c.case_id == case_id, case_receipts.c.party == party.value)
        return connection.execute(query.order_by(case_receipts.c.created_at)).all()

    def credentials(self, receipt: Holder) -> tuple[str, str]:
        """Code and PIN of an account's receipt; empty where they were destroyed."""
        if receipt.contact == GONE:
            return "", ""
        opened = self._book.seal.open(receipt.code_digest, receipt.contact)
        return opened["code"], opened["pin"]

    def letters_for_staff(self, connection: Connection, case_id: str) -> tuple[Letter, ...]:
        """As `letters`, with dots for the account's code and PIN: whoever knew them could contest in its name."""
        rows = self.receipts(connection, case_id, Party.ACCOUNT)
        secrets = [word for row in rows if row.contact != GONE for word in self.credentials(row)]
        found = []
        for letter in self.letters(connection, case_id=case_id):
            body = letter.body
            for secret in secrets:
                body = body.replace(secret, _DOTS)
            found.append(replace(letter, body=body))
        return tuple(found)

    def contact(self, receipt: Holder) -> Contact | None:
        """How a reporter wants to be reached."""
        if receipt.party != Party.REPORTER.value or not receipt.contact:
            return None
        return read_contact(self._book.seal.open(receipt.code_digest, receipt.contact))

    def contact_kinds(self) -> frozenset[ContactKind]:
        """The ways of being reached that may be offered: those that letters go, and none."""
        any_of = {kind: Contact(kind, "a@b" if kind is ContactKind.EMAIL else "1") for kind in ContactKind}
        taken = {kind for kind, contact in any_of.items() if self._takes(Party.REPORTER, contact)}
        return frozenset({*taken, ContactKind.RECEIPT})

    def letters_wait(self, connection: Connection, receipt: Holder, *, is_flood: bool | None = None) -> bool:
        """Whether somebody wants to be written to, and no letter is sent.

        Either nobody carries one there, or it is one of a flood: whoever sends many may name anybody's address.
        `is_flood`: of a report that is in no table yet.
        """
        contact = self.contact(receipt)
        if contact is None or contact.kind is ContactKind.RECEIPT:
            return False
        if is_flood is None:
            query = select(case_reports.c.is_flood).where(case_reports.c.id == receipt.report_id)
            is_flood = bool(connection.execute(query).scalar())
        return is_flood or not self._takes(Party.REPORTER, contact)

    def _sends(self, connection: Connection, receipt: Holder, *, is_flood: bool | None) -> bool:
        if receipt.party == Party.ACCOUNT.value:
            return self._takes(Party.ACCOUNT, None)
        contact = self.contact(receipt)
        is_reachable = contact is not None and contact.kind is not ContactKind.RECEIPT
        return is_reachable and not self.letters_wait(connection, receipt, is_flood=is_flood)

    def write(
        self, sheet: Sheet, receipt: Holder, kind: LetterKind, facts: LetterFacts, *, is_flood: bool | None = None
    ) -> Letter:
        """Write a letter to the holder of `receipt`, and have it sent where they can be reached.

        `is_flood`: of a report that is in no table yet.
        """
        if (kind is LetterKind.REMOVED or facts.comes_down) and facts.known_by is None:
            facts = replace(facts, known_by=known_by(self._book.prints(sheet.connection, receipt.case_id)))
        subject, body = compose(kind, receipt.language, replace(facts, page=self._page, has_platform=self.has_platform))
        now = self._book.clock()
        letter_id = new_id("ltr", now)
        effect_id = None
        if self._sends(sheet.connection, receipt, is_flood=is_flood):
            effect_id = self._book.enqueue(sheet, LETTER, receipt.case_id, letter_id)
        row = {
            "id": letter_id,
            "case_id": receipt.case_id,
            "code_digest": receipt.code_digest,
            "at": to_rfc3339(now),
            "kind": kind.value,
            "language": language_of(receipt.language),
            "effect_id": effect_id,
            "sealed": self._book.seal.close(letter_id, {"subject": subject, "body": body}),
        }
        sheet.add(case_letters, row)
        return Letter(letter_id, now, kind.value, language_of(receipt.language), subject, body)

    def told_of_decision(self, connection: Connection, case_id: str, decided_at: datetime) -> frozenset[str]:
        """Digests of the receipts that got a letter on the decision of `decided_at`."""
        query = select(case_letters.c.code_digest).where(
            case_letters.c.case_id == case_id,
            case_letters.c.at >= to_rfc3339(decided_at),
            case_letters.c.kind.in_([kind.value for kind in OF_DECISIONS]),
        )
        return frozenset(connection.execute(query).scalars())

    def awaits_word(self, connection: Connection, case_id: str) -> bool:
        """Whether the last that the account heard is that somebody decides again."""
        mine = case_letters.join(case_receipts, case_receipts.c.code_digest == case_letters.c.code_digest)
        query = select(case_letters.c.kind, case_letters.c.at).select_from(mine)
        query = query.where(case_letters.c.case_id == case_id, case_receipts.c.party == Party.ACCOUNT.value)
        written = connection.execute(query).all()
        last = max((letter.at for letter in written), default="")
        return any(letter.kind == LetterKind.UNDONE.value for letter in written if letter.at == last)

    def letters(self, connection: Connection, *, case_id: str | None = None, digest: str = "") -> tuple[Letter, ...]:
        """Letters of a case, or of one receipt, as far as they are kept; oldest first."""
        query = (
            select(case_letters, case_effects.c.done_at)
            .outerjoin(case_effects, case_effects.c.id == case_letters.c.effect_id)
            .where(case_letters.c.sealed != GONE)
            .order_by(case_letters.c.id)
        )
        if digest:
            query = query.where(case_letters.c.code_digest == digest)
        else:
            query = query.where(case_letters.c.case_id == case_id)
        found = []
        for row in connection.execute(query):
            opened = self._book.seal.open(row.id, row.sealed)
            at, sent = datetime.fromisoformat(row.at), datetime.fromisoformat(row.done_at) if row.done_at else None
            found.append(Letter(row.id, at, row.kind, row.language, opened["subject"], opened["body"], sent))
        return tuple(found)
