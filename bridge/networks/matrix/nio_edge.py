"""The one file that knows matrix-nio: each call to the homeserver as a method, a path and a body, and no I/O.

Where nio has a builder for a call it gives the method and the percent-encoded path. Its builders also write the
access token into the query; that is taken out again here, for a token belongs in the `Authorization` header and never
in an address that a log may keep. Calls that nio does not know, or knows only in an older form, are built by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from nio.api import Api, ResizingMethod  # type: ignore[import-untyped]

from bridge.model.errors import Rejected

CLIENT = "/_matrix/client"
_NO_TOKEN = "-"
_EMPTY = b"{}"


@dataclass(frozen=True, slots=True)
class Request:
    """One call: `path` is percent-encoded and begins with `/_matrix/`; `query` is not encoded yet."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str = "application/json"

    def target(self, more: Sequence[tuple[str, str]] = ()) -> str:
        """The path with the whole query, percent-encoded; `more` is added after the call's own query."""
        query = (*self.query, *more)
        return f"{self.path}?{urlencode(query)}" if query else self.path


def encode(content: Any) -> bytes:
    """`content` as JSON; Rejected (400, M_BAD_JSON) for what JSON cannot say, as the homeserver would answer it."""
    try:
        return msgspec.json.encode(content)
    except (UnicodeEncodeError, TypeError, OverflowError) as error:
        raise Rejected(f"not to be written as JSON: {error}", status=400, errcode="M_BAD_JSON") from error


def path_of(*parts: str, under: str = f"{CLIENT}/v3") -> str:
    """A path below `under` of parts that are percent-encoded here, slashes in them too."""
    return "/".join((under, *(quote(part, safe="") for part in parts)))


def _from_nio(built: Sequence[str], body: bytes | None = None) -> Request:
    """What a builder of nio gave, without the token; `body` replaces nio's own, which escapes all but ASCII."""
    method, target = built[0], built[1]
    path, _, query = target.partition("?")
    kept = tuple((key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key != "access_token")
    if body is None and len(built) > 2:
        body = built[2].encode()
    if body is None and method in ("POST", "PUT"):
        body = _EMPTY  # the specification has a JSON object there, also where every field is optional
    return Request(method, path, kept, body)


# --- the server and our account (client-server API, "Server administration", "Account")


def versions() -> Request:
    """GET /versions; needs no token."""
    return Request("GET", f"{CLIENT}/versions")


def capabilities() -> Request:
    """GET /capabilities."""
    return Request("GET", path_of("capabilities"))


def whoami() -> Request:
    """GET /account/whoami."""
    return _from_nio(Api.whoami(_NO_TOKEN))


def register(localpart: str) -> Request:
    """POST /register as an application service: no device, no token of the ghost's own (`inhibit_login`)."""
    body = {"type": "m.login.application_service", "username": localpart, "inhibit_login": True}
    return Request("POST", path_of("register"), body=encode(body))


def put_device(device_id: str, display_name: str) -> Request:
    """PUT /devices/{id}: with MSC4190 in the registration this makes the device."""
    return _from_nio(Api.update_device(_NO_TOKEN, device_id, {}), encode({"display_name": display_name}))


def ping(appservice_id: str, transaction_id: str) -> Request:
    """POST /appservice/{id}/ping: the homeserver calls our /_matrix/app/v1/ping and says how long that took."""
    path = path_of("appservice", appservice_id, "ping", under=f"{CLIENT}/v1")
    return Request("POST", path, body=encode({"transaction_id": transaction_id}))


# --- profiles


def set_displayname(user_id: str, name: str) -> Request:
    """PUT /profile/{user}/displayname."""
    return _from_nio(Api.profile_set_displayname(_NO_TOKEN, user_id, ""), encode({"displayname": name}))


def set_avatar_url(user_id: str, mxc: str) -> Request:
    """PUT /profile/{user}/avatar_url."""
    return _from_nio(Api.profile_set_avatar(_NO_TOKEN, user_id, ""), encode({"avatar_url": mxc}))


def get_profile(user_id: str) -> Request:
    """GET /profile/{user}."""
    return _from_nio(Api.profile_get(user_id, _NO_TOKEN))


# --- rooms and members


def create_room(body: Mapping[str, Any]) -> Request:
    """POST /createRoom with our own body: nio's cannot say `creation_content` beyond the room's type."""
    return Request("POST", path_of("createRoom"), body=encode(body))


def join(room_id_or_alias: str, via: Sequence[str] = ()) -> Request:
    """POST /join/{room or alias}; `via` names servers that are in the room (`server_name` is its older word)."""
    built = _from_nio(Api.join(_NO_TOKEN, room_id_or_alias))
    servers = tuple((word, server) for word in ("via", "server_name") for server in via)
    return Request(built.method, built.path, servers, built.body)


def leave(room_id: str, reason: str | None = None) -> Request:
    """POST /rooms/{room}/leave."""
    return _from_nio(Api.room_leave(_NO_TOKEN, room_id), encode(_with_reason({}, reason)))


def invite(room_id: str, target: str, reason: str | None = None) -> Request:
    """POST /rooms/{room}/invite."""
    return _from_nio(Api.room_invite(_NO_TOKEN, room_id, target), encode(_with_reason({"user_id": target}, reason)))


def kick(room_id: str, target: str, reason: str | None = None) -> Request:
    """POST /rooms/{room}/kick."""
    return _from_nio(Api.room_kick(_NO_TOKEN, room_id, target), encode(_with_reason({"user_id": target}, reason)))


def ban(room_id: str, target: str, reason: str | None = None) -> Request:
    """POST /rooms/{room}/ban."""
    return _from_nio(Api.room_ban(_NO_TOKEN, room_id, target), encode(_with_reason({"user_id": target}, reason)))


def unban(room_id: str, target: str, reason: str | None = None) -> Request:
    """POST /rooms/{room}/unban (nio's builder knows no reason)."""
    return _from_nio(Api.room_unban(_NO_TOKEN, room_id, target), encode(_with_reason({"user_id": target}, reason)))


def _with_reason(body: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {**body, "reason": reason} if reason else body


def joined_members(room_id: str) -> Request:
    """GET /rooms/{room}/joined_members."""
    return _from_nio(Api.joined_members(_NO_TOKEN, room_id))


def members(room_id: str) -> Request:
    """GET /rooms/{room}/members: member events of every membership."""
    return Request("GET", path_of("rooms", room_id, "members"))


def joined_rooms() -> Request:
    """GET /joined_rooms."""
    return _from_nio(Api.joined_rooms(_NO_TOKEN))


# --- events and state


def send(room_id: str, event_type: str, txn_id: str, content: Any) -> Request:
    """PUT /rooms/{room}/send/{type}/{txn}."""
    return _from_nio(Api.room_send(_NO_TOKEN, room_id, event_type, {}, txn_id), encode(content))


def redact(room_id: str, event_id: str, txn_id: str, content: Mapping[str, Any]) -> Request:
    """PUT /rooms/{room}/redact/{event}/{txn}; `content` becomes the redaction's content."""
    return _from_nio(Api.room_redact(_NO_TOKEN, room_id, event_id, txn_id), encode(content))


def put_state(room_id: str, event_type: str, state_key: str, content: Any) -> Request:
    """PUT /rooms/{room}/state/{type}/{key}."""
    return _from_nio(Api.room_put_state(_NO_TOKEN, room_id, event_type, {}, state_key), encode(content))


def get_state(room_id: str) -> Request:
    """GET /rooms/{room}/state."""
    return _from_nio(Api.room_get_state(_NO_TOKEN, room_id))


def get_state_event(room_id: str, event_type: str, state_key: str) -> Request:
    """GET /rooms/{room}/state/{type}/{key}: the content alone."""
    return _from_nio(Api.room_get_state_event(_NO_TOKEN, room_id, event_type, state_key))


def get_event(room_id: str, event_id: str) -> Request:
    """GET /rooms/{room}/event/{event}."""
    return _from_nio(Api.room_get_event(_NO_TOKEN, room_id, event_id))


def messages(room_id: str, from_token: str | None, direction: str, limit: int) -> Request:
    """GET /rooms/{room}/messages; `direction` is "b" (newest first) or "f"; no `from_token` begins at that end."""
    return _from_nio(Api.room_messages(_NO_TOKEN, room_id, from_token, direction=direction, limit=limit))


# --- aliases and the directory


def resolve_alias(alias: str) -> Request:
    """GET /directory/room/{alias}."""
    return _from_nio(Api.room_resolve_alias(alias))


def put_alias(alias: str, room_id: str) -> Request:
    """PUT /directory/room/{alias}."""
    return _from_nio(Api.room_put_alias(_NO_TOKEN, alias, room_id))


def delete_alias(alias: str) -> Request:
    """DELETE /directory/room/{alias}."""
    return _from_nio(Api.room_delete_alias(_NO_TOKEN, alias))


def set_directory_visibility(room_id: str, visibility: str) -> Request:
    """PUT /directory/list/room/{room}; nio knows only the question."""
    path = path_of("directory", "list", "room", room_id)
    return Request("PUT", path, body=encode({"visibility": visibility}))


# --- media


def media_config() -> Request:
    """GET /media/config of the authenticated media API."""
    return _from_nio(Api.content_repository_config(_NO_TOKEN))


def upload(content_type: str, filename: str | None = None) -> Request:
    """POST /media/v3/upload; the bytes are given beside it."""
    built = _from_nio(Api.upload(_NO_TOKEN, filename))
    return Request(built.method, built.path, built.query, None, content_type)


def create_media() -> Request:
    """POST /media/v1/create: an mxc without bytes (MSC2246)."""
    return Request("POST", "/_matrix/media/v1/create", body=_EMPTY)


def upload_to(mxc: str, content_type: str, filename: str | None = None) -> Request:
    """PUT /media/v3/upload/{server}/{id}; the bytes are given beside it."""
    path = path_of("upload", *split_mxc(mxc), under="/_matrix/media/v3")
    return Request("PUT", path, (("filename", filename),) if filename else (), None, content_type)


def download_media(mxc: str, wait_ms: int) -> Request:
    """GET the authenticated v1 /media/download; the server waits `wait_ms` for bytes that are still on their way."""
    path = path_of("media", "download", *split_mxc(mxc), under=f"{CLIENT}/v1")
    return Request("GET", path, (("timeout_ms", str(wait_ms)),))


def thumbnail(mxc: str, width: int, height: int, method: str, wait_ms: int) -> Request:
    """GET the authenticated v1 /media/thumbnail; `method` is "crop" or "scale", sizes are in pixels."""
    server, media_id = split_mxc(mxc)
    built = _from_nio(Api.thumbnail(server, media_id, width, height, ResizingMethod(method), access_token=_NO_TOKEN))
    # `allow_remote` was deprecated together with the media addresses without a token, and v1 never had it.
    kept = tuple(item for item in built.query if item[0] != "allow_remote")
    path = path_of("media", "thumbnail", server, media_id, under=f"{CLIENT}/v1")
    return Request(built.method, path, (*kept, ("timeout_ms", str(wait_ms))))


def split_mxc(mxc: str) -> tuple[str, str]:
    """`mxc://server/id` as its server and its ID; Rejected (400, M_INVALID_PARAM) for anything else."""
    server, _, media_id = mxc.removeprefix("mxc://").partition("/")
    if not mxc.startswith("mxc://") or not server or not media_id or "/" in media_id:
        raise Rejected(f"not an mxc address: {mxc!r}", status=400, errcode="M_INVALID_PARAM")
    return server, media_id
