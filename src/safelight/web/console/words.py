"""The console's words for codes. The console speaks English; letters go out in the language of whoever gets them."""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    # Matters and kinds
    "child": "A child",
    "intimate": "Intimate image",
    "other": "Something else",
    "image": "Picture",
    "account": "Account",
    # States and visibility
    "open": "Open",
    "proposed": "Needs a second",
    "decided": "Decided",
    "contested": "Contested",
    "withdrawn": "Withdrawn",
    "visible": "Visible",
    "hidden": "Hidden for now",
    "removed": "Removed",
    # Outcomes and reasons
    "remove": "Remove it",
    "keep": "Leave it up",
    "measure_stands": "The measure stands",
    "measure_lifted": "Lift the measure",
    "child_sexualised": "Sexualises a child, or somebody who may be one",
    "intimate_without_consent": "Intimate image without consent",
    "other_illegal": "Otherwise illegal",
    "against_terms": "Against the terms of the service",
    "not_intimate_content": "It is no intimate image",
    "not_entitled": "Reported by somebody who is neither shown nor acts for who is",
    "no_child_sexualised": "Sexualises nobody who is or may be under 18",
    "within_terms": "Within the terms of the service",
    "not_found": "Nothing found at the places named, no copy known",
    "measure_right": "The strike or suspension was right",
    "measure_wrong": "The strike or suspension was wrong",
    # Routes and reporters
    "page": "Public page",
    "platform": "Platform's form",
    "copyright": "Copyright form",
    "email": "E-mail",
    "hotline": "Hotline",
    "staff": "Entered by staff",
    "detection": "Found here",
    "by_subject": "the person shown",
    "by_for_subject": "somebody who acts for the person shown",
    "by_other": "somebody who came across it",
    # Laws
    "uk_osa_s10": "UK Online Safety Act, 48 hours",
    "us_take_it_down": "US TAKE IT DOWN Act, 48 hours",
    "house": "The house's own time",
    "law_child": "A child: out of sight at once",
    # Effects of a decision
    "places": "The platform is told: this place and every copy",
    "bank": "Its fingerprint goes into, or out of, the bank of what is refused",
    "index": "The gate's index follows the bank",
    "picture": "The platform is asked for the file, so that crops of it are refused too",
    "match": "What was made here is searched for it",
    "letter": "Letters",
    # What happens to an account
    "strike": "A strike for the account",
    "limited": "The account is limited for a while",
    "suspended": "The account is suspended",
    "reversed": "The account's measures are taken back",
    "reinstated": "The account's measures come back",
    # Clocks
    "overdue": "Over",
    "under_4_h": "Under 4 h",
    "under_12_h": "Under 12 h",
    "under_24_h": "Under 24 h",
    "later": "Later",
    # Routes of time in figures
    "first_look": "Time to the first look",
    "hiding": "Time to hiding",
    "removal": "Time to removal",
    "gone": "Time until it was gone",
}


def say(code: object) -> str:
    """The words for a code; of one that has none, the code itself, readable."""
    text = str(getattr(code, "value", code))
    return WORDS.get(text, text.replace("_", " ").capitalize())
