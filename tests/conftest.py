"""Fixtures that several rooms share; and no property is held to a clock, which says how busy the machine is."""

import io
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import skimage.data
import structlog
from PIL import Image

from tests.service import Service, serving

hypothesis.settings.register_profile(
    "safelight", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("safelight")


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command run inside the test process sets the logs up for itself: put them back, whichever test comes next."""
    yield
    structlog.reset_defaults()


def png(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> bytes:
    """`pixels` as PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def portrait() -> bytes:
    """The astronaut of scikit-image: a photograph of a clothed adult, 512 by 512, PNG."""
    return png(skimage.data.astronaut())


@pytest.fixture(scope="session")
def cup() -> bytes:
    """A cup of coffee, PNG."""
    return png(skimage.data.coffee())


@pytest.fixture(scope="session")
def flat() -> bytes:
    """A small grey square, PNG: the cheapest image that is one."""
    return png(np.full((64, 64, 3), 128, np.uint8))


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Safelight with every real detector and the sketch backend, behind a real server; started once."""
    folder: Path = tmp_path_factory.mktemp("real")
    with serving(folder, try_page=True) as service:
        yield service
