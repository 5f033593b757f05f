"""The in-memory twin: answers with what it was given, and remembers what it was asked. For tests only."""

from safelight.backends.ports import Job, Made
from safelight.core.errors import BackendFailed
from safelight.core.request import Operation


class MemoryBackend:
    """A backend whose next answers are set by hand; without any it answers with `image`, once for each output."""

    name = "memory"

    def __init__(self, image: bytes = b"", partials: tuple[bytes, ...] = ()) -> None:
        self.image = image
        self.partials = partials
        self.answers: list[Made | BackendFailed] = []
        """Used up in order, before `image`."""
        self.jobs: list[Job] = []
        """Every job that arrived, oldest first."""
        self.closed = False

    async def make(self, job: Job, *, stream: bool = False) -> Made:
        """The next prepared answer, raised if it is an error."""
        if job.operation is Operation.CHECK:
            raise ValueError("'check' is no job for an image model")
        await self.ready()
        self.jobs.append(job)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, BackendFailed):
                raise answer
            return answer
        return Made(
            images=(self.image,) * job.count,
            partials=self.partials if stream else (),
            revised_prompts=(None,) * job.count,
        )

    async def ready(self) -> None:
        """Ready until closed."""
        if self.closed:
            raise BackendFailed("the backend is closed; make a new one")

    async def close(self) -> None:
        """Not ready any more."""
        self.closed = True
