"""The sketch behind the port: draws in two threads of its own, so that the service keeps answering meanwhile."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.backends.ports import CleanImage, Job, Made
from safelight.backends.sketch.edit import Weight, edit_photo, vary_photo
from safelight.backends.sketch.finish import Finish, caption, encode, finish_of, fit
from safelight.backends.sketch.scene import draw_scene
from safelight.backends.sketch.words import plan_edit, plan_scene, seed_of
from safelight.core.clock import Clock, utc_now
from safelight.core.errors import BackendCode, BackendFailed
from safelight.core.request import Operation

_PARTIALS_MAX_COUNT = 3


class SketchBackend:
    """Pictures without a model. Deterministic: the same job gives the same bytes."""

    name = "sketch"

    def __init__(self, *, now: Clock = utc_now) -> None:
        self._now = now
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="sketch")
        self._is_closed = False

    async def make(self, job: Job, *, stream: bool = False) -> Made:
        """Draw or edit; see `Backend.make`. With `stream`, `partial_images` coarser states of the first picture."""
        if job.operation is Operation.CHECK:
            raise ValueError("'check' is no job for an image model")
        await self.ready()
        created = int(self._now().timestamp())
        return await asyncio.get_running_loop().run_in_executor(self._threads, _make, job, stream, created)

    async def ready(self) -> None:
        """Ready until closed: there is nothing to load."""
        if self._is_closed:
            raise BackendFailed("the sketch is closed; start the service again", code=BackendCode.UNREACHABLE)

    async def close(self) -> None:
        """Let the threads end."""
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)


def _make(job: Job, stream: bool, created: int) -> Made:
    finish = finish_of(job.options)
    photo = _decoded(job.photos[0]) if job.photos else None
    size = finish.size_for(photo)
    pictures = [_picture(job, photo, size, finish, number) for number in range(job.count)]
    partials = _coarser(pictures[0], _partials_count(job)) if stream else []
    return Made(
        images=tuple(encode(caption(picture), finish) for picture in pictures),
        partials=tuple(encode(caption(picture), finish) for picture in partials),
        revised_prompts=(None,) * job.count,
        extra={
            "created": created,
            "background": "opaque",
            "output_format": finish.output_format,
            "quality": finish.quality,
            "size": f"{size[0]}x{size[1]}",
        },
    )


def _picture(
    job: Job, photo: NDArray[np.uint8] | None, size: tuple[int, int], finish: Finish, number: int
) -> NDArray[np.uint8]:
    if job.operation is Operation.GENERATE:
        scene = plan_scene(job.prompt, number=number)
        if finish.quality == "low":  # half the work, and it shows
            return fit(draw_scene(scene, -(-size[0] // 2), -(-size[1] // 2)), size)
        return draw_scene(scene, *size)
    if photo is None:
        raise BackendFailed(
            "the sketch needs a photo for this; send one as `image`", code=BackendCode.REJECTED, param="image"
        )
    if job.operation is Operation.VARIATE:
        return vary_photo(fit(photo, size), seed_of(job.photos[0].content, str(number)))
    region = None if job.mask is None else fit_region(job.mask, photo.shape[:2], size)
    plan = plan_edit(job.prompt, has_mask=region is not None, number=number)
    return edit_photo(fit(photo, size), region, plan)


def fit_region(mask: CleanImage, shape: tuple[int, ...], size: tuple[int, int]) -> Weight:
    """Where `mask` asks for a change, cut and scaled as the photo of `shape` (height, width) is: 1 is to be changed.

    Transparent pixels are to be changed (the OpenAI rule); in a mask without transparency it is the white ones.
    """
    image = cv2.imdecode(np.frombuffer(mask.content, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise BackendFailed("the mask could not be read; send it as PNG", code=BackendCode.REJECTED, param="mask")
    if image.ndim == 3 and image.shape[2] == 4:
        region = 255 - image[..., 3]
    else:
        region = image if image.ndim == 2 else image.max(axis=2)
    region = cv2.resize(region, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(fit(np.asarray(region, np.uint8), size), np.float32) / np.float32(255)


def _decoded(photo: CleanImage) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(photo.content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise BackendFailed("the photo could not be read; send it as PNG", code=BackendCode.REJECTED, param="image")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _partials_count(job: Job) -> int:
    asked = str(job.options.get("partial_images") or 0)
    return min(int(asked), _PARTIALS_MAX_COUNT) if asked.isdecimal() else 0


def _coarser(picture: NDArray[np.uint8], count: int) -> list[NDArray[np.uint8]]:
    """`count` states of `picture`, the coarsest first."""
    height, width = picture.shape[:2]
    states = []
    for step in range(count):
        part = 2 ** (count - step + 2)
        small = cv2.resize(picture, (max(1, width // part), max(1, height // part)), interpolation=cv2.INTER_AREA)
        states.append(np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8))
    return states
