"""Reports to JSON and back, as they are sealed: each writer has its reader, and a test holds them together."""

from typing import Any

from safelight.cases.draft import (
    Addition,
    Contact,
    ContactKind,
    Declarations,
    Fingerprint,
    Matter,
    Place,
    PlaceKind,
    ReportDraft,
    Reporter,
    Route,
)
from safelight.matching.fingerprints import HashKind

Plain = dict[str, Any]


def write_report(draft: ReportDraft) -> Plain:
    """As it was sent."""
    return {
        "matter": draft.matter,
        "route": draft.route,
        "language": draft.language,
        "reporter": draft.reporter,
        "person_is_child": draft.person_is_child,
        "reporter_is_child": draft.reporter_is_child,
        "in_danger": draft.in_danger,
        "was_made": draft.was_made,
        "places": [write_place(place) for place in draft.places],
        "fingerprints": [write_fingerprint(one) for one in draft.fingerprints],
        "explanation": draft.explanation,
        "declarations": _write_declarations(draft.declarations),
        "contact": write_contact(draft.contact) if draft.contact else None,
        "views": draft.views,
        "about_account": draft.about_account,
    }


def read_report(plain: Plain) -> ReportDraft:
    """The inverse of `write_report`."""
    return ReportDraft(
        matter=Matter(plain["matter"]) if plain["matter"] else None,
        route=Route(plain["route"]),
        language=plain["language"],
        reporter=Reporter(plain["reporter"]) if plain["reporter"] else None,
        person_is_child=plain["person_is_child"],
        reporter_is_child=plain["reporter_is_child"],
        in_danger=plain["in_danger"],
        was_made=plain["was_made"],
        places=tuple(read_place(place) for place in plain["places"]),
        fingerprints=tuple(read_fingerprint(one) for one in plain["fingerprints"]),
        explanation=plain["explanation"],
        declarations=Declarations(**plain["declarations"]),
        contact=read_contact(plain["contact"]) if plain["contact"] else None,
        views=plain["views"],
        about_account=plain["about_account"],
    )


def write_addition(more: Addition) -> Plain:
    """What was added later."""
    return {
        "places": [write_place(place) for place in more.places],
        "fingerprints": [write_fingerprint(one) for one in more.fingerprints],
        "explanation": more.explanation,
        "reporter": more.reporter,
        "contact": write_contact(more.contact) if more.contact else None,
        "person_is_child": more.person_is_child,
        "in_danger": more.in_danger,
        "declarations": _write_declarations(more.declarations),
    }


def read_addition(plain: Plain) -> Addition:
    """The inverse of `write_addition`."""
    return Addition(
        places=tuple(read_place(place) for place in plain["places"]),
        fingerprints=tuple(read_fingerprint(one) for one in plain["fingerprints"]),
        explanation=plain["explanation"],
        reporter=Reporter(plain["reporter"]) if plain["reporter"] else None,
        contact=read_contact(plain["contact"]) if plain["contact"] else None,
        person_is_child=plain["person_is_child"],
        in_danger=plain["in_danger"],
        declarations=Declarations(**plain["declarations"]),
    )


def write_place(place: Place) -> Plain:
    """A place."""
    return {"kind": place.kind, "value": place.value}


def read_place(plain: Plain) -> Place:
    """The inverse of `write_place`. Raises ReportInvalid, ValueError or KeyError for what came from elsewhere."""
    return Place(PlaceKind(plain["kind"]), plain["value"])


def write_fingerprint(one: Fingerprint) -> Plain:
    """A fingerprint."""
    return {"kind": one.kind, "hex": one.hex, "quality": one.quality}


def read_fingerprint(plain: Plain) -> Fingerprint:
    """The inverse of `write_fingerprint`."""
    return Fingerprint(HashKind(plain["kind"]), plain["hex"], plain["quality"])


def write_contact(contact: Contact) -> Plain:
    """A contact."""
    return {"kind": contact.kind, "value": contact.value}


def read_contact(plain: Plain) -> Contact:
    """The inverse of `write_contact`."""
    return Contact(ContactKind(plain["kind"]), plain["value"])


def _write_declarations(said: Declarations) -> Plain:
    return {
        "shows_intimate_content": said.shows_intimate_content,
        "no_consent": said.no_consent,
        "true_and_in_good_faith": said.true_and_in_good_faith,
        "signature": said.signature,
    }
