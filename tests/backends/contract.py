"""What every backend must do. Inherit `BackendContract`, give the fixture `backend`, and run.

A test that uses the network turns the fixture into whatever it needs; the contract only speaks through the port.
"""

import io

import pytest
from PIL import Image

from safelight.backends.ports import Backend, CleanImage, Job
from safelight.core.errors import BackendFailed
from safelight.core.request import Operation
from tests.upstream import picture

PHOTO = CleanImage(picture(96), "image/png")


def mask(side_px: int = 96) -> CleanImage:
    """Transparent, so to be changed, in its upper half."""
    image = Image.new("RGBA", (side_px, side_px), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, side_px, side_px // 2))
    out = io.BytesIO()
    image.save(out, "PNG")
    return CleanImage(out.getvalue(), "image/png")


class BackendContract:
    """Inherited by the test class of each backend."""

    JOBS = (
        Job(Operation.GENERATE, "a boat on a calm sea"),
        Job(Operation.EDIT, "make the background a sunset", photos=(PHOTO,)),
        Job(Operation.EDIT, "make the sky blue", photos=(PHOTO, PHOTO), mask=mask()),
        Job(Operation.VARIATE, photos=(PHOTO,)),
    )

    @pytest.mark.parametrize("job", JOBS, ids=["generate", "edit", "edit with mask", "variate"])
    async def test_makes_an_image_that_can_be_decoded(self, backend: Backend, job: Job) -> None:
        made = await backend.make(job)
        assert len(made.images) == len(made.revised_prompts) == 1
        with Image.open(io.BytesIO(made.images[0])) as image:
            image.load()
            assert image.format in {"PNG", "JPEG", "WEBP"}

    async def test_makes_as_many_images_as_asked(self, backend: Backend) -> None:
        made = await backend.make(Job(Operation.GENERATE, "three hills", count=3))
        assert len(made.images) == len(made.revised_prompts) == 3

    async def test_gives_partial_images_only_when_a_stream_was_asked_for(self, backend: Backend) -> None:
        job = Job(Operation.GENERATE, "a forest", options={"partial_images": 2})
        assert (await backend.make(job)).partials == ()
        assert len((await backend.make(job, stream=True)).partials) in {0, 1, 2}

    async def test_a_check_is_no_job(self, backend: Backend) -> None:
        with pytest.raises(ValueError, match="no job"):
            await backend.make(Job(Operation.CHECK, "anything"))

    async def test_ready_says_so_by_returning(self, backend: Backend) -> None:
        await backend.ready()

    async def test_close_may_be_called_twice_and_nothing_is_made_after_it(self, backend: Backend) -> None:
        await backend.close()
        await backend.close()
        with pytest.raises(BackendFailed):
            await backend.make(Job(Operation.GENERATE, "a hill"))

    async def test_has_a_stable_lower_case_name(self, backend: Backend) -> None:
        assert backend.name.isidentifier()
        assert backend.name == backend.name.lower()
