"""What things of ours are called on the homeserver, and whose a name of ours is."""

from __future__ import annotations

from bridge.model.ids import PersonId

DEVICE = "RIALTO"
"""Every ghost's one device: with it the homeserver remembers transaction IDs over its own restart (MSC4190)."""


class Naming:
    """Builds and reads Matrix IDs of one installation: `prefix` is the bot's localpart, `server` its server name."""

    def __init__(self, prefix: str, server: str) -> None:
        self._prefix = prefix
        self._server = server
        self.bot = f"@{prefix}:{server}"

    def localpart(self, person: PersonId) -> str:
        """Return the localpart of a person's ghost: the person's ID never changes, whatever their name."""
        return f"{self._prefix}_{person}"

    def ghost(self, person: PersonId) -> str:
        """Return the user ID of a person's ghost."""
        return f"@{self.localpart(person)}:{self._server}"

    def person(self, user_id: str) -> PersonId | None:
        """Return whose ghost a user ID is, or None for everyone else."""
        start, end = f"@{self._prefix}_", f":{self._server}"
        if not user_id.startswith(start) or not user_id.endswith(end):
            return None
        return PersonId(user_id[len(start) : -len(end)])

    def ours(self, user_id: str) -> bool:
        """Tell whether a user ID is our bot or one of our ghosts."""
        return user_id == self.bot or self.person(user_id) is not None

    def alias_localpart(self, slug: str) -> str:
        """Return the localpart of a room's alias."""
        return f"{self._prefix}_{slug}"

    def alias(self, slug: str) -> str:
        """Return a room's whole alias."""
        return f"#{self.alias_localpart(slug)}:{self._server}"

    def slug(self, alias: str) -> str | None:
        """Return the slug in an alias of ours, or None for every other alias."""
        start, end = f"#{self._prefix}_", f":{self._server}"
        if not alias.startswith(start) or not alias.endswith(end):
            return None
        return alias[len(start) : -len(end)]
