"""What an operator may plug into the gate besides detectors and backends."""

from typing import Protocol


class FileResolver(Protocol):
    """Looks up a `file_id` in the platform's own storage. None is built in, so a `file_id` is refused."""

    async def resolve(self, file_id: str) -> bytes:
        """The file's bytes. Raises BadInput with FILE_ID_UNRESOLVED."""
