"""Reads the content credentials of a file that somebody sent, and says what they are worth.

Rules of this module
- Nothing is fetched: a file that only points to credentials elsewhere has none here.
- A file without the mark of credentials in it is not handed to the library at all, which is nearly every photo.
- Words in credentials are their signer's; only names of standard things are taken over, shortened.
"""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import c2pa

from safelight.provenance.credentials.chain import Trust
from safelight.provenance.credentials.manifest import OWN_ASSERTION
from safelight.provenance.model import NO_CREDENTIALS, Credentials, CredentialState

_MARK = b"c2pa"
"""Stands in the first box of every manifest store (C2PA 2.x, "JUMBF"), whatever the file."""
_ELSEWHERE = "Remote: must fetch"
"""How the library says that a file only points to credentials; it has no class of its own for it."""
_MAX_CHARS = 200
_EXPIRED = {"signingCredential.expired", "claimSignature.outsideValidity", "signingCredential.untrusted"}
_UNTRUSTED = {"signingCredential.untrusted"}
_TRAINING = ("c2pa.training-mining", "cawg.training-mining")
_USES = ("ai_inference", "ai_generative_training", "ai_training", "data_mining")
"""Of these an edit by a model is the first; whoever forbids any of them does not want the picture in one."""


class CredentialReader:
    """Reads, and knows this service's own credentials from those of others under the same roots."""

    def __init__(self, trust: Trust) -> None:
        self._contexts: list[c2pa.Context] = []
        self.trust(trust)

    def trust(self, trust: Trust) -> None:
        """Know the service's own by `trust` from here on."""
        settings = {
            "version": 1,
            "trust": {"user_anchors": trust.roots_pem} if trust.roots_pem else {},
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
        }
        self._contexts.append(c2pa.Context.from_dict(settings))  # another thread may be reading under the one before
        self._signers = {str(number) for number in trust.signers}

    def read(self, content: bytes, media_type: str) -> Credentials:
        """The credentials of `content`; a file that cannot be read says so in the state."""
        if _MARK not in content:
            return NO_CREDENTIALS
        try:
            reader = c2pa.Reader.try_create(media_type, io.BytesIO(content), context=self._contexts[-1])
            if reader is None:
                return NO_CREDENTIALS
            with reader:
                store = json.loads(reader.json())
        except (c2pa.C2paError, ValueError) as error:
            if str(error).startswith(_ELSEWHERE):
                return NO_CREDENTIALS
            return Credentials(CredentialState.UNREADABLE)
        told = _told(store)
        if told.state is CredentialState.TRUSTED and _serial_number(store) not in self._signers:
            # The authority knows them, and this service does not: whoever has a certificate from it could write our
            # assertion, and name anybody's request in it.
            return replace(told, state=CredentialState.VALID)
        return told

    def close(self) -> None:
        """Let go of the trusted roots."""
        for context in self._contexts:
            context.close()


def _active(store: Mapping[str, Any]) -> Mapping[str, Any]:
    active: Mapping[str, Any] = store.get("manifests", {}).get(store.get("active_manifest", ""), {})
    return active


def _serial_number(store: Mapping[str, Any]) -> str:
    return _short((_active(store).get("signature_info") or {}).get("cert_serial_number"))


def _told(store: Mapping[str, Any]) -> Credentials:
    manifests: Mapping[str, Any] = store.get("manifests", {})
    active = _active(store)
    assertions = _assertions(active)
    own = next((data for label, data in assertions if label == OWN_ASSERTION), {})
    actions = [
        action
        for label, data in assertions
        if label.startswith("c2pa.actions")
        for action in _dicts(data.get("actions"))
    ]
    sources = [_short(action.get("digitalSourceType")).rpartition("/")[2] for action in actions]
    signature = active.get("signature_info") or {}
    return Credentials(
        state=_state(store),
        output_id=_short(own.get("output")),
        request_id=_short(own.get("request")),
        decision_id=_short(own.get("decision")),
        policy_version=_short(own.get("policy")),
        signer=_short(signature.get("issuer") or signature.get("common_name")),
        software=_short(next((one.get("name") for one in _dicts(active.get("claim_generator_info"))), "")),
        actions=tuple(_short(action.get("action")) for action in actions),
        digital_source=next((source for source in reversed(sources) if source), ""),
        ingredients=len(_dicts(active.get("ingredients"))),
        forbids_ai=any(_forbids(_assertions(manifest)) for manifest in manifests.values()),
    )


def _state(store: Mapping[str, Any]) -> CredentialState:
    """The library's own verdict, told apart a little further by what it found wrong."""
    state = store.get("validation_state")
    if state == "Trusted":
        return CredentialState.TRUSTED
    results = (store.get("validation_results") or {}).get("activeManifest") or {}
    failures = {_short(one.get("code")) for one in _dicts(results.get("failure"))}
    if state == "Valid" or (failures and failures <= _UNTRUSTED):
        return CredentialState.VALID
    if failures and failures <= _EXPIRED:
        return CredentialState.EXPIRED
    return CredentialState.BROKEN


def _assertions(manifest: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (_short(one.get("label")), one["data"])
        for one in _dicts(manifest.get("assertions"))
        if isinstance(one.get("data"), dict)
    ]


def _forbids(assertions: Iterable[tuple[str, Mapping[str, Any]]]) -> bool:
    """Whether an assertion keeps AI out: "not allowed", or "constrained" by words that no machine can read."""
    for label, data in assertions:
        entries = data.get("entries")
        if not label.startswith(_TRAINING) or not isinstance(entries, dict):
            continue
        for name, entry in entries.items():
            use = entry.get("use") if isinstance(entry, dict) else entry
            if str(name).rpartition(".")[2] in _USES and use in {"notAllowed", "constrained"}:
                return True
    return False


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _short(value: object) -> str:
    return value[:_MAX_CHARS] if isinstance(value, str) else ""
