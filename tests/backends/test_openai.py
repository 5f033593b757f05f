"""The OpenAI backend against a real server on loopback: what it sends, what it brings back, how failures are named."""

import dataclasses
import logging
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import UTC, datetime

import pytest

from safelight.backends.openai import OpenAIBackend
from safelight.backends.ports import Job
from safelight.core.errors import BackendCode, BackendFailed, BackendRefused, BadInput, InputCode, NotStartable
from safelight.core.limits import Limits
from safelight.core.request import Operation
from tests.backends.contract import PHOTO, BackendContract, mask
from tests.upstream import Behaviour, Upstream, picture

pytestmark = pytest.mark.anyio

KEY = "sk-secret"
LIMITS = Limits(backend_timeout_s=1.0, backend_answer_max_bytes=1024 * 1024, image_max_bytes=256 * 1024)
HILL = Job(Operation.GENERATE, "a hill", options={"model": "canned", "size": "64x64", "partial_images": 2})


def at_new_year() -> datetime:
    return datetime(2027, 1, 1, tzinfo=UTC)


class Fetcher:
    """A guarded fetcher that knows one address."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def fetch(self, url: str, *, max_bytes: int, allow_types: Collection[str]) -> bytes:
        self.asked.append(url)
        assert max_bytes == LIMITS.image_max_bytes
        assert "image/png" in allow_types
        if "inner" in url:
            raise BadInput(InputCode.URL_FORBIDDEN, "not there")
        return picture(80)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Upstream, str]]:
    upstream = Upstream(key=KEY)
    with upstream.running() as url:
        yield upstream, url


@pytest.fixture
def upstream(server: tuple[Upstream, str]) -> Upstream:
    server[0].reset()
    return server[0]


@pytest.fixture
def url(server: tuple[Upstream, str]) -> str:
    return server[1]


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher()


@pytest.fixture
async def backend(url: str, upstream: Upstream, fetcher: Fetcher) -> AsyncIterator[OpenAIBackend]:
    assert upstream.behaviour is Behaviour.HONEST
    backend = OpenAIBackend(url, api_key=KEY, limits=LIMITS, fetcher=fetcher, now=at_new_year)
    yield backend
    await backend.close()


class TestOpenAIBackend(BackendContract):
    """The contract, over HTTP."""


async def test_generation_is_sent_as_json_with_every_option_untouched(
    backend: OpenAIBackend, upstream: Upstream
) -> None:
    job = Job(
        Operation.GENERATE,
        "ein Hügel 🌄",
        count=2,
        options={"model": "gpt-image-1", "size": "64x64", "seed": 7, "hd": True, "n": 9, "prompt": "other"}
        | {"negative_prompt": "rain"},
    )
    await backend.make(job)
    assert upstream.seen[0].path == "/v1/images/generations"
    assert upstream.seen[0].fields == {
        "model": "gpt-image-1",
        "size": "64x64",
        "seed": 7,
        "hd": True,
        "negative_prompt": "rain",
        "n": 2,
        "prompt": "ein Hügel 🌄",
    }


async def test_response_format_is_sent_only_where_the_asker_sent_it(backend: OpenAIBackend, upstream: Upstream) -> None:
    """The gpt-image models answer an unasked-for `response_format` with an error."""
    await backend.make(Job(Operation.GENERATE, "a hill"))
    await backend.make(Job(Operation.GENERATE, "a hill", options={"response_format": "b64_json"}))
    assert [seen.fields.get("response_format") for seen in upstream.seen] == [None, "b64_json"]


async def test_edit_sends_one_photo_as_image_several_as_a_list_and_the_mask(
    backend: OpenAIBackend, upstream: Upstream
) -> None:
    options = {"input_fidelity": "high", "seed": 7, "hd": True, "nothing": None, "tags": ["a", "b"]}
    await backend.make(Job(Operation.EDIT, "more sky", photos=(PHOTO,), mask=mask(), options=options))
    await backend.make(Job(Operation.EDIT, "more sky", photos=(PHOTO, PHOTO)))
    one, several = upstream.seen
    assert one.path == "/v1/images/edits"
    assert one.files == (
        ("image", "photo-1.png", "image/png", PHOTO.content),
        ("mask", "mask.png", "image/png", mask().content),
    )
    assert one.fields == {
        "input_fidelity": "high",
        "seed": "7",
        "hd": "true",
        "tags[]": ["a", "b"],
        "n": "1",
        "prompt": "more sky",
    }
    assert [name for name, *_ in several.files] == ["image[]", "image[]"]


async def test_variation_has_no_prompt(backend: OpenAIBackend, upstream: Upstream) -> None:
    await backend.make(Job(Operation.VARIATE, "ignored", photos=(PHOTO,), options={"size": "64x64"}))
    assert upstream.seen[0].fields == {"n": "1", "size": "64x64"}


async def test_known_facts_come_back_and_nothing_else_does(backend: OpenAIBackend, upstream: Upstream) -> None:
    made = await backend.make(HILL)
    assert made.images == (upstream.image,)
    assert made.revised_prompts == ("a picture",)
    assert made.extra["usage"] == {
        "input_tokens": 7,
        "output_tokens": 9,
        "total_tokens": 16,
        "input_tokens_details": {"text_tokens": 7},
    }
    assert (made.extra["size"], made.extra["output_format"], made.extra["created"]) == ("64x64", "png", 1_800_000_000)

    upstream.behaviour = Behaviour.UNKNOWN_FACTS
    assert set((await backend.make(HILL)).extra) == {"created", "output_format", "usage"}


@pytest.mark.parametrize("operation", [Operation.GENERATE, Operation.EDIT])
async def test_a_stream_is_collected_whole(backend: OpenAIBackend, upstream: Upstream, operation: Operation) -> None:
    job = dataclasses.replace(HILL, operation=operation, photos=(PHOTO,) if operation is Operation.EDIT else ())
    made = await backend.make(job, stream=True)
    assert made.images == (upstream.image,)
    assert made.partials == (upstream.image,) * 2
    assert made.extra["created"] == 1_800_000_000
    assert str(upstream.seen[0].fields["partial_images"]) == "2"


async def test_an_upstream_that_does_not_stream_is_understood(backend: OpenAIBackend, upstream: Upstream) -> None:
    upstream.behaviour = Behaviour.LINK
    made = await backend.make(HILL, stream=True)
    assert (made.images, made.partials) == ((upstream.image,), ())


async def test_links_to_the_upstream_itself_are_followed(
    backend: OpenAIBackend, upstream: Upstream, fetcher: Fetcher
) -> None:
    upstream.behaviour = Behaviour.LINK
    assert (await backend.make(dataclasses.replace(HILL, count=3))).images == (upstream.image,) * 3
    assert fetcher.asked == []


async def test_links_to_elsewhere_go_through_the_guarded_fetcher(
    backend: OpenAIBackend, upstream: Upstream, fetcher: Fetcher
) -> None:
    upstream.behaviour = Behaviour.LINK_ELSEWHERE
    upstream.elsewhere = "https://pictures.example/1.png"
    assert (await backend.make(HILL)).images == (picture(80),)
    assert fetcher.asked == ["https://pictures.example/1.png"]


@pytest.mark.parametrize("elsewhere", ["http://inner.example/1.png", "file:///etc/hostname", "http://[::1", "//"])
async def test_a_forbidden_link_is_an_invalid_answer(
    backend: OpenAIBackend, upstream: Upstream, elsewhere: str
) -> None:
    upstream.behaviour = Behaviour.LINK_ELSEWHERE
    upstream.elsewhere = elsewhere.replace("file:///", "file://inner/")
    with pytest.raises(BackendFailed) as caught:
        await backend.make(HILL)
    assert caught.value.code == BackendCode.ANSWER_INVALID


async def test_without_a_fetcher_links_to_elsewhere_are_not_followed(url: str, upstream: Upstream) -> None:
    upstream.behaviour = Behaviour.LINK_ELSEWHERE
    upstream.elsewhere = url.replace("127.0.0.1", "127.0.0.2") + "/made.png"
    backend = OpenAIBackend(url, api_key=KEY, limits=LIMITS)
    with pytest.raises(BackendFailed, match="another server"):
        await backend.make(HILL)
    await backend.close()


@pytest.mark.parametrize("behaviour", [b for b in Behaviour if b.name.startswith("REFUSE_")])
async def test_every_known_way_to_refuse_is_a_refusal(
    backend: OpenAIBackend, upstream: Upstream, behaviour: Behaviour
) -> None:
    upstream.behaviour = behaviour
    with pytest.raises(BackendRefused) as caught:
        await backend.make(HILL, stream=behaviour is Behaviour.REFUSE_IN_STREAM)
    assert caught.value.code == BackendCode.REFUSED
    assert caught.value.sign


FAILURES = {
    Behaviour.BAD_OPTION: BackendCode.REJECTED,
    Behaviour.NO_MODEL: BackendCode.REJECTED,
    Behaviour.WRONG_KEY: BackendCode.MISCONFIGURED,
    Behaviour.NO_CREDIT: BackendCode.MISCONFIGURED,
    Behaviour.REDIRECT: BackendCode.MISCONFIGURED,
    Behaviour.BUSY: BackendCode.BUSY,
    Behaviour.BUSY_UNTIL: BackendCode.BUSY,
    Behaviour.FAILING: BackendCode.FAILED,
    Behaviour.SILENT: BackendCode.TIMEOUT,
    Behaviour.HANG_UP: BackendCode.UNREACHABLE,
    Behaviour.NO_JSON: BackendCode.ANSWER_INVALID,
    Behaviour.NO_BASE64: BackendCode.ANSWER_INVALID,
    Behaviour.NO_IMAGES: BackendCode.ANSWER_INVALID,
    Behaviour.TOO_MANY: BackendCode.ANSWER_INVALID,
    Behaviour.HUGE: BackendCode.ANSWER_INVALID,
    Behaviour.STREAM_ENDS_EARLY: BackendCode.ANSWER_INVALID,
}


@pytest.mark.parametrize("behaviour", FAILURES)
async def test_every_failure_has_its_own_code_and_is_not_tried_again(
    backend: OpenAIBackend, upstream: Upstream, behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.behaviour = behaviour
    with pytest.raises(BackendFailed) as caught:
        await backend.make(HILL, stream=behaviour is Behaviour.STREAM_ENDS_EARLY)
    assert not isinstance(caught.value, BackendRefused)
    assert caught.value.code == FAILURES[behaviour]
    assert len(upstream.seen) == 1
    assert KEY not in f"{caught.value!r} {caught.value.message} {backend!r} {caplog.text}"


async def test_the_asker_is_told_which_option_was_wrong(backend: OpenAIBackend, upstream: Upstream) -> None:
    upstream.behaviour = Behaviour.BAD_OPTION
    with pytest.raises(BackendFailed, match=r"Invalid size .3x3.\. Supported: 1024x1024\.") as caught:
        await backend.make(HILL)
    assert caught.value.param == "size"


@pytest.mark.parametrize(("behaviour", "retry_after_s"), [(Behaviour.BUSY, 7), (Behaviour.BUSY_UNTIL, 60)])
async def test_a_busy_model_says_when_to_come_back(
    backend: OpenAIBackend, upstream: Upstream, behaviour: Behaviour, retry_after_s: int
) -> None:
    upstream.behaviour = behaviour
    with pytest.raises(BackendFailed) as caught:
        await backend.make(HILL)
    assert caught.value.retry_after_s == retry_after_s


async def test_an_image_over_the_limit_is_not_handed_on(backend: OpenAIBackend, upstream: Upstream) -> None:
    upstream.image = bytes(LIMITS.image_max_bytes + 1)
    for upstream.behaviour in (Behaviour.HONEST, Behaviour.LINK):
        with pytest.raises(BackendFailed) as caught:
            await backend.make(HILL)
        assert caught.value.code == BackendCode.ANSWER_INVALID


async def test_a_stream_over_the_limit_is_cut(backend: OpenAIBackend, upstream: Upstream) -> None:
    upstream.image = bytes(200 * 1024)
    with pytest.raises(BackendFailed) as caught:
        await backend.make(dataclasses.replace(HILL, options={"partial_images": 9}), stream=True)
    assert caught.value.code == BackendCode.ANSWER_INVALID


@pytest.mark.parametrize("behaviour", [Behaviour.WRONG_KEY, Behaviour.FAILING])
async def test_not_ready_when_the_upstream_says_so(
    backend: OpenAIBackend, upstream: Upstream, behaviour: Behaviour
) -> None:
    upstream.behaviour = behaviour
    with pytest.raises(BackendFailed):
        await backend.ready()


async def test_an_upstream_that_is_not_there_is_unreachable() -> None:
    backend = OpenAIBackend("http://127.0.0.1:9/v1")
    for asked in (backend.ready(), backend.make(HILL)):
        with pytest.raises(BackendFailed) as caught:
            await asked
        assert caught.value.code == BackendCode.UNREACHABLE
    await backend.close()


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.openai.com/v1",
        "ftp://a.example/v1",
        "http:///v1",
        "https://u:p@a.example/v1",
        "https://a.example/?k=1",
        "http://[",
    ],
)
def test_an_address_that_cannot_be_meant_stops_the_start(base_url: str) -> None:
    with pytest.raises(NotStartable):
        OpenAIBackend(base_url)


@pytest.mark.parametrize("key", ["sk-a\nx: y", "sk a", "sk-ключ"])
def test_a_key_that_cannot_be_meant_stops_the_start(key: str) -> None:
    with pytest.raises(NotStartable) as caught:
        OpenAIBackend("https://a.example/v1", api_key=key)
    assert key not in caught.value.message
