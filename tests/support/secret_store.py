"""A store for passwords that works, or fails in a way that can be chosen."""

from __future__ import annotations


class SecretStore:
    """Holds secrets in memory; `error` is raised by whatever is asked next, if it is set."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.error: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        self._fail()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._fail()
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._fail()
        del self.held[service, username]

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error
