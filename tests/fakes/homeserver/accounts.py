"""Accounts: what the server can do, signing in, registering, and devices."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from aiohttp import web
from yarl import URL

from tests.fakes.homeserver.calls import Call, Reply, Route
from tests.fakes.homeserver.errors import MatrixError, bad_request, forbidden, not_found
from tests.fakes.homeserver.world import Appservice, Memory, User, World

_SPEC_VERSIONS = ["r0.5.0", "r0.6.0", "r0.6.1", *(f"v1.{minor}" for minor in range(1, 16))]
_AS_LOGIN = "m.login.application_service"


class Accounts:
    """Handlers for accounts; `secret` is the shared registration secret."""

    def __init__(self, world: World, memory: Memory, secret: str) -> None:
        self._world = world
        self._memory = memory
        self._secret = secret

    def routes(self) -> list[Route]:
        """What this part answers."""
        return [
            Route("GET", "/_matrix/client/versions", self._versions, auth=False),
            Route("GET", "/capabilities", self._capabilities),
            Route("GET", "/login", self._flows, auth=False),
            Route("POST", "/login", self._login, auth=False),
            Route("GET", "/login/sso/redirect", self._sso, auth=False),
            Route("POST", "/logout", self._logout),
            Route("GET", "/account/whoami", self._whoami),
            Route("POST", "/register", self._register, auth=False),
            Route("GET", "/_synapse/admin/v1/register", self._nonce, auth=False),
            Route("POST", "/_synapse/admin/v1/register", self._register_with_secret, auth=False),
            Route("GET", "/devices", self._devices),
            Route("GET", "/devices/{device}", self._device),
            Route("PUT", "/devices/{device}", self._put_device),
            Route("DELETE", "/devices/{device}", self._delete_device),
        ]

    async def _versions(self, _: Call) -> Reply:
        return {"versions": _SPEC_VERSIONS, "unstable_features": {"fi.mau.msc2659.stable": True}}

    async def _capabilities(self, _: Call) -> Reply:
        versions = {"default": self._world.room_version, "available": {str(n): "stable" for n in range(1, 13)}}
        enabled = ("m.change_password", "m.set_displayname", "m.set_avatar_url", "m.profile_fields")
        return {"capabilities": {"m.room_versions": versions, **{name: {"enabled": True} for name in enabled}}}

    async def _flows(self, _: Call) -> Reply:
        sso = ["m.login.sso", "m.login.token"] if self._world.sso_user else []
        return {"flows": [{"type": kind} for kind in (*sso, "m.login.password", _AS_LOGIN)]}

    async def _sso(self, call: Call) -> Reply:
        """Lead back at once: whoever comes here is signed in on these pages already."""
        if not self._world.sso_user:
            raise bad_request("Homeserver not configured for SSO.", "M_UNRECOGNIZED")
        token = self._world.opaque("login")
        self._memory.login_tokens[token] = self._world.sso_user
        back = URL(call.wanted_query("redirectUrl")).update_query(loginToken=token)
        return web.Response(status=302, headers={"Location": str(back)})

    async def _login(self, call: Call) -> Reply:
        body = call.body()
        if body.get("type") == _AS_LOGIN:
            message = "This appservice has MSC4190 enabled, so appservice login cannot be used."
            raise bad_request(message, "M_APPSERVICE_LOGIN_UNSUPPORTED")
        device = str(body.get("device_id") or self._world.opaque("device")[:10].upper())
        if body.get("type") == "m.login.token":
            user_id = self._memory.login_tokens.pop(str(body.get("token")), None)
            if user_id is None:
                raise forbidden("Invalid login token")
            return self._session(self._world.users[user_id], device, body.get("initial_device_display_name"))
        if body.get("type") != "m.login.password":
            raise bad_request(f"Unknown login type {body.get('type')}")
        name = str(body.get("identifier", {}).get("user") or body.get("user") or "")
        user = self._world.users.get(name if name.startswith("@") else self._world.user(name))
        if user is None or user.password is None or user.password != body.get("password"):
            raise forbidden("Invalid username or password")
        return self._session(user, device, body.get("initial_device_display_name"))

    def _session(self, user: User, device: str, display_name: str | None = None) -> dict[str, Any]:
        # A device has one session: an earlier one is over.
        for old in [old for old, owner in self._world.tokens.items() if owner == (user.user_id, device)]:
            del self._world.tokens[old]
        token = "fake_" + self._world.opaque("token")
        user.devices.setdefault(device, display_name)
        self._world.tokens[token] = (user.user_id, device)
        return {
            "user_id": user.user_id,
            "access_token": token,
            "home_server": self._world.server_name,
            "device_id": device,
        }

    async def _logout(self, call: Call) -> Reply:
        self._world.tokens.pop(call.requester.token, None)
        call.user().devices.pop(call.requester.device_id or "", None)
        return {}

    async def _whoami(self, call: Call) -> Reply:
        device = call.requester.device_id
        return {"user_id": call.user_id, "is_guest": False} | ({"device_id": device} if device else {})

    async def _register(self, call: Call) -> Reply:
        body = call.body()
        if body.get("type") != _AS_LOGIN:
            raise forbidden("Registration has been disabled")
        service = self._service(call)
        user_id = self._world.user(str(body.get("username", "")))
        if not service.owns_user(user_id):
            raise bad_request("Invalid user localpart for this application service.", "M_EXCLUSIVE")
        self._add(user_id, None)
        if not body.get("inhibit_login"):
            # Synapse refuses only after it has made the account.
            message = "This appservice has MSC4190 enabled, so the inhibit_login parameter must be set to true."
            raise bad_request(message, "M_APPSERVICE_LOGIN_UNSUPPORTED")
        return {"user_id": user_id, "home_server": self._world.server_name}

    def _service(self, call: Call) -> Appservice:
        token = call.request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not token:
            raise bad_request(f"Appservice token must be provided when using a type of {_AS_LOGIN}")
        for service in self._world.appservices.values():
            if service.as_token == token:
                return service
        raise MatrixError(401, "M_UNKNOWN_TOKEN", "Unrecognised access token", soft_logout=False)

    def _add(self, user_id: str, password: str | None, *, admin: bool = False) -> User:
        known = self._world.users.get(user_id)
        if known is not None and known.registered:
            raise bad_request("User ID already taken.", "M_USER_IN_USE")
        profile = {"displayname": user_id[1:].partition(":")[0]} | (known.profile if known else {})
        devices = known.devices if known else {}
        user = User(user_id, password, admin=admin, profile=profile, devices=devices)
        self._world.users[user_id] = user
        return user

    async def _nonce(self, _: Call) -> Reply:
        nonce = self._world.opaque("nonce")
        self._memory.nonces.add(nonce)
        return {"nonce": nonce}

    async def _register_with_secret(self, call: Call) -> Reply:
        body = call.body()
        nonce, name, password = (str(body.get(key, "")) for key in ("nonce", "username", "password"))
        if nonce not in self._memory.nonces:
            raise bad_request("unrecognised nonce")
        parts = (nonce, name, password, "admin" if body.get("admin") else "notadmin")
        mac = hmac.new(self._secret.encode(), b"\0".join(part.encode() for part in parts), hashlib.sha1).hexdigest()
        if not hmac.compare_digest(mac, str(body.get("mac", ""))):
            raise forbidden("HMAC incorrect")
        self._memory.nonces.discard(nonce)
        user = self._add(self._world.user(name), password, admin=bool(body.get("admin")))
        return self._session(user, self._world.opaque("device")[:10].upper())

    async def _devices(self, call: Call) -> Reply:
        return {"devices": [_shown(call, device) for device in call.user().devices]}

    async def _device(self, call: Call) -> Reply:
        if call.path["device"] not in call.user().devices:
            raise not_found("Not found")
        return _shown(call, call.path["device"])

    async def _put_device(self, call: Call) -> Reply:
        """MSC4190: an application service makes devices with this call; everybody else can only rename them."""
        devices, device = call.user().devices, call.path["device"]
        known = device in devices
        service = call.requester.appservice
        if not known and (service is None or not service.msc4190):
            if "display_name" in call.body():
                raise not_found("Not found")
            return {}
        devices[device] = call.body().get("display_name", devices.get(device))
        return (200 if known else 201), {}

    async def _delete_device(self, call: Call) -> Reply:
        if call.requester.appservice is None:
            raise MatrixError(401, "M_FORBIDDEN", "This server deletes devices of application services only")
        call.user().devices.pop(call.path["device"], None)
        return {}


def _shown(call: Call, device: str) -> dict[str, Any]:
    name = call.user().devices[device]
    return {
        "user_id": call.user_id,
        "device_id": device,
        "display_name": name,
        "last_seen_ts": None,
        "last_seen_ip": None,
    }
