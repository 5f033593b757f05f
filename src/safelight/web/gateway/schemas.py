"""The shapes that come in, as OpenAI's clients send them.

On the image routes, fields that are not listed go on to the model untouched, after every string in them was judged.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from safelight.core.limits import DEFAULT_LIMITS
from safelight.core.request import Operation, Owner, Role, Surface, Tier

Prompt = Annotated[str, StringConstraints(max_length=DEFAULT_LIMITS.prompt_max_chars)]
Word = Annotated[str, StringConstraints(max_length=200)]
Url = str
"""Not bounded here: a `data:` address holds a whole image, and `gate/fetch.py` reads addresses strictly."""


class ImageReference(BaseModel):
    """An image by address (`https:` or `data:`) or by file id; exactly one of the two."""

    model_config = ConfigDict(extra="forbid")
    image_url: Url | None = None
    file_id: Word | None = None


class AskedBody(BaseModel):
    """What the image routes share."""

    model_config = ConfigDict(extra="allow")
    model: Word | None = None
    n: int | None = Field(None, ge=1, le=DEFAULT_LIMITS.outputs_max_count)
    size: Word | None = None
    quality: Word | None = None
    background: Word | None = None
    output_format: Literal["png", "jpeg", "webp", "avif"] | None = None
    output_compression: int | None = Field(None, ge=0, le=100)
    partial_images: int | None = Field(None, ge=0, le=3)
    response_format: Literal["url", "b64_json"] | None = None
    stream: bool | None = None
    safety_identifier: Word | None = None
    user: Word | None = None
    """The older name of the same; OpenAI reads it where there is no `safety_identifier`."""

    @property
    def account(self) -> str:
        """The platform's name for the account that asks; empty where it names none."""
        return self.safety_identifier or self.user or ""


class GenerationBody(AskedBody):
    """`POST /v1/images/generations`."""

    prompt: Annotated[Prompt, StringConstraints(min_length=1)]
    moderation: Literal["low", "auto"] | None = None
    style: Word | None = None


class EditFields(AskedBody):
    """`POST /v1/images/edits`, without its images."""

    prompt: Annotated[Prompt, StringConstraints(min_length=1)]
    input_fidelity: Word | None = None


class EditBody(EditFields):
    """`POST /v1/images/edits` as JSON."""

    images: list[ImageReference] = Field(min_length=1, max_length=DEFAULT_LIMITS.images_max_count)
    mask: ImageReference | None = None


class VariationFields(AskedBody):
    """`POST /v1/images/variations`, without its image."""


class ImageUrl(BaseModel):
    """The `image_url` of a content part."""

    model_config = ConfigDict(extra="forbid")
    url: Url
    detail: Literal["auto", "low", "high"] | None = None


class TextPart(BaseModel):
    """Text within a message."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["text", "input_text"]
    text: Prompt


class ImagePart(BaseModel):
    """An image within a message, and whose it is."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["image_url", "input_image"]
    image_url: ImageUrl | Url
    owner: Owner = Owner.UNKNOWN
    file_name: Word = ""


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


Inputs = Annotated[list[Prompt], Field(max_length=DEFAULT_LIMITS.moderations_max_count)]
Parts = Annotated[list[Part], Field(max_length=DEFAULT_LIMITS.moderations_max_count)]


class ModerationBody(BaseModel):
    """`POST /v1/moderations`. A list of parts is one input; a list of strings is one input each."""

    model_config = ConfigDict(extra="forbid")
    input: Prompt | Inputs | Parts
    model: Word | None = None


class Message(BaseModel):
    """One turn of the conversation."""

    model_config = ConfigDict(extra="forbid")
    role: Role
    content: Prompt | Parts


class SubjectBody(BaseModel):
    """Who asks, in the platform's own terms. The id is kept only as a keyed digest."""

    model_config = ConfigDict(extra="forbid")
    id: Word = ""
    tier: Tier | None = None
    """For parity audits only: no rule can name it. Without one, the header `safelight-tier` says it."""


class CheckBody(BaseModel):
    """`POST /v1/check`: a decision without making anything."""

    model_config = ConfigDict(extra="forbid")
    messages: list[Message] = Field(min_length=1, max_length=DEFAULT_LIMITS.turns_max_count)
    """The conversation so far, oldest first; the last one is what is asked now."""
    mask: ImageReference | None = None
    fields: dict[Word, Prompt] = Field(default_factory=dict, max_length=DEFAULT_LIMITS.form_max_fields)
    """Text beside the prompt: `negative_prompt`, `style`, `file_name`, a LoRA's name, …"""
    consent: list[Word] = Field(default_factory=list, max_length=DEFAULT_LIMITS.consents_max_count)
    """Ids of the consent records that the request rests on; the header `safelight-consent` says the same."""
    operation: Operation = Operation.CHECK
    surface: Surface = Surface.API
    subject: SubjectBody = Field(default_factory=SubjectBody)


class SignedBody(BaseModel):
    """A consent statement and its signature, as `safelight consent sign` writes it; read in full by `consent/`."""

    model_config = ConfigDict(extra="forbid")
    statement: dict[str, str | list[str]]
    signature: Word


class ReasonAnswer(BaseModel):
    """Why a rule spoke."""

    code: str
    rule: str
    text: str
    signals: list[str]


class CheckAnswer(BaseModel):
    """The answer of `POST /v1/check`."""

    id: str
    request_id: str
    verdict: Literal["allow", "refuse"]
    category: str | None
    reasons: list[ReasonAnswer]
    explanation: str
    policy_version: str
    at: str
    facts: dict[str, str | int | bool]
    asked: list[str]
    answered: list[str]
    missing: list[dict[str, str | list[str]]]
    signals: list[dict[str, str | float | int | bool]]
    receipts: list[str]


class ErrorDetail(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(extra="allow")
    message: str
    type: str
    param: str | None
    code: str


class ErrorAnswer(BaseModel):
    """The one shape of every error."""

    error: ErrorDetail
