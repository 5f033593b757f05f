"""Every bound of the gate: one name, one unit, one home.

A limit protects the service from a request; a threshold, which decides what is refused, lives in the policy instead.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one request. Units are in the names; `safelight doctor` and docs/reference print them."""

    body_max_bytes: int = 64 * 1024 * 1024
    """One HTTP request body, form or JSON."""
    bodies_held_max_bytes: int = 512 * 1024 * 1024
    """Bodies and fetched images of all requests under way in one process."""
    body_timeout_s: float = 60.0
    """From the first to the last byte of one request body."""
    json_max_values: int = 200_000
    """Commas and opening brackets of a JSON body: what it costs to parse."""
    image_max_bytes: int = 50 * 1024 * 1024
    """One uploaded or fetched image, as encoded (the OpenAI bound)."""
    image_max_pixels: int = 24_000_000
    """Width × height of one frame, read from the header before anything is decoded."""
    image_max_side_px: int = 16_384
    """The longer side of one frame."""
    image_max_frames: int = 64
    """Frames of one animation; a longer one is refused, never sampled."""
    image_max_total_pixels: int = 48_000_000
    """Width × height × frames of one image."""
    images_max_total_pixels: int = 64_000_000
    """Width × height × frames of all images of one request together."""
    image_max_metadata_bytes: int = 1024 * 1024
    """Text read from one image's metadata."""
    images_max_count: int = 16
    """Images in one request (the OpenAI bound on edits)."""
    outputs_max_count: int = 10
    """Images that one request may ask for (`n`)."""
    prompt_max_chars: int = 32_000
    """Unicode characters of one text field (the OpenAI bound on `prompt`)."""
    text_max_chars: int = 128_000
    """Unicode characters of all text fields and turns together."""
    turns_max_count: int = 200
    """Turns of one conversation."""
    json_max_depth: int = 32
    """Nesting of the options that go on to the model; the JSON parser itself stops at 200."""
    form_max_fields: int = 64
    """Text fields of one multipart form."""
    report_form_max_bytes: int = 512 * 1024
    """One form of the public pages of reports, as it travels."""
    fetch_max_redirects: int = 3
    """Redirects followed when an `image_url` is fetched, each address checked again."""
    fetch_timeout_s: float = 10.0
    """One `image_url`, from first byte asked to last byte read."""
    decode_deadline_s: float = 10.0
    """Decoding every image of one stage of one request."""
    observe_deadline_s: float = 10.0
    """All detectors on one stage of one request, side by side; what is later is Missing."""
    backend_timeout_s: float = 180.0
    """One answer of the image model."""
    backend_answer_max_bytes: int = 160 * 1024 * 1024
    """One answer of the image model, partial images included, as it travels."""
    verify_all_per_minute: int = 120
    """Pictures that all visitors of /verify together may have checked in a minute."""
    verify_at_once_max_count: int = 2
    """Pictures of visitors of /verify that are looked at side by side; further ones are told to come back."""
    marks_deadline_s: float = 10.0
    """Marking one picture: drawing the watermark, encoding, or signing."""
    store_timeout_s: float = 5.0
    """One transaction, waiting for the writer included."""
    ledger_behind_max_s: float = 20.0
    """How long the log's tree may be behind its leaves before nothing is released any more."""
    moderations_max_count: int = 64
    """Inputs of one `/v1/moderations` request; each is judged and recorded by itself."""
    ready_max_age_s: float = 1.0
    """How long an answer of `/ready` is given again before the parts are looked at anew."""
    consents_max_count: int = 16
    """Consent records that one request may name."""
    consent_max_bytes: int = 64 * 1024
    """One signed consent statement, as it arrives."""
    consent_max_days: int = 366
    """The longest time for which one consent statement can be in force."""
    copies_max_count: int = 100_000
    """Pictures whose features are kept, so that cropped and turned copies of them are found."""
    past_copies_max_count: int = 100_000
    """Past outputs, the newest, among which copies of such a picture are looked for once."""
    in_flight_max_count: int = 64
    """Requests inside the gate at once; one more is told to come back."""


DEFAULT_LIMITS = Limits()
