"""What our manifests say, in C2PA's own JSON. Source: C2PA 2.x, "Actions" and "Ingredient"; IPTC digital source types.

A manifest holds no account, no prompt and no receipt: the receipt exists only once the decision has been recorded, and
the picture is signed before that. Its own assertion names the decision instead, from which the register leads on.
"""

import uuid
from typing import Any

from safelight import __version__
from safelight.core.clock import to_rfc3339
from safelight.provenance.model import SOFTWARE, How, Origin

OWN_ASSERTION = "org.safelight.decision"
_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_SOURCE_TYPE = {How.CREATED: "trainedAlgorithmicMedia", How.EDITED: "compositeWithTrainedAlgorithmicMedia"}


def manifest_of(origin: Origin) -> dict[str, Any]:
    """The definition that the library signs."""
    labels = [_label(number) for number in range(1, len(origin.sources) + 1)]
    done: dict[str, Any] = {
        "action": f"c2pa.{origin.how.value}",
        "digitalSourceType": _TYPES + _SOURCE_TYPE[origin.how],
        "softwareAgent": {"name": origin.model},
        "when": to_rfc3339(origin.at),
    }
    actions = [done]
    if origin.how is How.EDITED and labels:
        # An edit begins with the opening of its one parent; further photos went into it.
        actions = [{"action": "c2pa.opened", "parameters": {"ingredientIds": labels[:1]}}, done]
        if labels[1:]:
            done["parameters"] = {"ingredientIds": labels[1:]}
    return {
        "claim_generator_info": [{"name": SOFTWARE, "version": __version__}],
        "title": origin.output_id,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {
                "label": OWN_ASSERTION,
                "data": {
                    "output": origin.output_id,
                    "request": origin.request_id,
                    "decision": origin.decision_id,
                    "policy": origin.policy_version,
                },
            },
        ],
    }


def ingredient_of(number: int) -> dict[str, str]:
    """How the photo `number`, from 1, is named among the ingredients.

    By an id of our own: the library would take over the one in the photo's metadata, which leads to its owner's files.
    """
    relationship = "parentOf" if number == 1 else "inputTo"
    named = {"title": f"photo {number}", "relationship": relationship, "label": _label(number)}
    return named | {"instance_id": f"xmp.iid:{uuid.uuid4()}"}


def _label(number: int) -> str:
    return f"photo-{number}"
