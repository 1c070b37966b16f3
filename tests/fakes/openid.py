"""An OpenID provider of our own: keeps to the specification, and breaks it in every way that a test asks for."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
import warnings
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any
from urllib.parse import unquote_plus, urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

HUGE = b'{"issuer": "' + b"x" * 1_000_000 + b'"}'
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]


@cache
def make_key(algorithm: str, kid: str) -> Key:
    """Return the key pair of a name, for an algorithm; it is made once, which takes a moment."""
    if algorithm.startswith("ES"):
        return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})
    if algorithm.startswith("Ed"):
        return OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig"})
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@dataclass
class User:
    """Somebody with an account at the provider; `names` are told in the ID token or by the userinfo endpoint."""

    subject: str
    names: dict[str, Any] = field(default_factory=dict)


@dataclass
class Misdeeds:
    """How the provider breaks the rules; nothing is broken at first."""

    claims: dict[str, Any] = field(default_factory=dict)
    """Claims of the ID token to replace, or with None to leave out."""
    unsigned: bool = False
    shared_secret: bool = False
    """Sign with HS256 and the client's secret."""
    foreign_key: bool = False
    """Sign with a key that is not published, under the name of one that is."""
    unpublished: bool = False
    """Sign with a key whose name is not published either."""
    no_kid: bool = False
    answer_issuer: str | None = None
    userinfo_subject: str | None = None
    userinfo_signed: bool = False
    slow: set[str] = field(default_factory=set)
    broken: dict[str, int] = field(default_factory=dict)
    """Paths and the status that they answer, for `slow` and `huge` the paths alone."""
    huge: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    """Paths that redirect."""
    not_json: set[str] = field(default_factory=set)
    document: dict[str, Any] = field(default_factory=dict)
    """Members of the discovery document to replace, or with None to leave out."""


class OpenIdProvider:
    """One provider on 127.0.0.1 with one client; whoever comes to it is signed in as `user`, or says no."""

    def __init__(
        self, *, algorithm: str = "RS256", client_id: str = "rialto", secret: str = "s3cret/+ä", port: int = 0
    ) -> None:
        self.algorithm = algorithm
        self.client_id = client_id
        self.secret = secret
        self.user: User | None = User("0001")
        self.names_in_token = True
        self.says_iss = True
        self.misdeeds = Misdeeds()
        self.asked: list[str] = []
        self.grants: list[dict[str, Any]] = []
        self.keys = [make_key(algorithm, "key-1")]
        self._released = asyncio.Event()
        self._server = TestServer(self._app(), port=port)

    @property
    def issuer(self) -> str:
        """The issuer, which is its address."""
        return str(self._server.make_url("/")).rstrip("/")

    async def __aenter__(self) -> OpenIdProvider:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        await self._server.close()

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one is not published any more."""
        self.keys = [make_key(self.algorithm, f"key-{secrets.token_hex(4)}")]

    def times_asked(self, path: str) -> int:
        """Return how often a path was asked for."""
        return self.asked.count(path)

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._misbehave])
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_get("/userinfo", self._userinfo)
        return app

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Any) -> web.StreamResponse:
        path = request.path
        self.asked.append(path)
        if path in self.misdeeds.slow:
            await self._released.wait()
        if path in self.misdeeds.broken:
            return web.Response(status=self.misdeeds.broken[path], text="out of order")
        if path in self.misdeeds.huge:
            return web.Response(body=HUGE, content_type="application/json")
        if path in self.misdeeds.not_json:
            return web.Response(text="<html>welcome</html>", content_type="text/html")
        if path in self.misdeeds.elsewhere:
            raise web.HTTPFound("https://elsewhere.example/")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _discovery(self, _: web.Request) -> web.Response:
        document: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": self.says_iss,
        }
        return web.json_response(_changed(document, self.misdeeds.document))

    async def _jwks(self, _: web.Request) -> web.Response:
        strange = {"kty": "AKP", "kid": "of the future", "alg": "ML-DSA-44", "pub": "AAAA"}
        return web.json_response({"keys": [strange, *(key.as_dict(private=False) for key in self.keys)]})

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        if query.get("client_id") != self.client_id or query.get("response_type") != "code":
            raise web.HTTPBadRequest(text="who asks, and for what?")
        if "openid" not in query.get("scope", "").split() or query.get("code_challenge_method") != "S256":
            raise web.HTTPBadRequest(text="openid and S256, please")
        answer = {"state": query["state"]}
        if self.says_iss:
            answer["iss"] = self.misdeeds.answer_issuer or self.issuer
        if self.user is None:
            answer["error"] = "access_denied"
        else:
            code = secrets.token_urlsafe(16)
            self.grants.append({"code": code, "user": self.user, **query})
            answer["code"] = code
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode(answer)}")

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if not self._client_fits(request.headers, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        grant = next((grant for grant in self.grants if grant["code"] == form.get("code")), None)
        challenge = _b64(hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest())
        fits = grant is not None and grant["redirect_uri"] == form.get("redirect_uri")
        if grant is None or not fits or grant["code_challenge"] != challenge:
            return web.json_response({"error": "invalid_grant", "error_description": "not this code"}, status=400)
        self.grants.remove(grant)
        return web.json_response(
            {"access_token": grant["user"].subject, "token_type": "Bearer", "id_token": self._id_token(grant)}
        )

    def _client_fits(self, headers: Mapping[str, str], form: Mapping[str, Any]) -> bool:
        methods = self.misdeeds.document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if not self.secret:
            return "Authorization" not in headers and form.get("client_id") == self.client_id
        if "client_secret_basic" in methods:
            scheme, _, pair = headers.get("Authorization", "").partition(" ")
            ident, _, secret = b64decode(pair).decode().partition(":")
            given = (unquote_plus(ident), unquote_plus(secret))
            return scheme == "Basic" and given == (self.client_id, self.secret)
        return (form.get("client_id"), form.get("client_secret")) == (self.client_id, self.secret)

    def _id_token(self, grant: dict[str, Any]) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": grant["user"].subject,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "nonce": grant.get("nonce"),
            **(grant["user"].names if self.names_in_token else {}),
        }
        return self.signed(_changed(claims, self.misdeeds.claims))

    def signed(self, claims: dict[str, Any]) -> str:
        """Return a token with these claims, signed as the present misdeeds want it."""
        key, kid = self.keys[-1], self.keys[-1].kid
        if self.misdeeds.unsigned:
            payload = jwt.encode({"alg": "RS256"}, claims, _ANY).split(".")[1]
            return f"{_b64(_UNSIGNED)}.{payload}."
        if self.misdeeds.shared_secret:
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(self.secret * 4))
        if self.misdeeds.foreign_key or self.misdeeds.unpublished:
            key = make_key(self.algorithm, "foreign")
            kid = "foreign" if self.misdeeds.unpublished else kid
        header = {"alg": self.algorithm} if self.misdeeds.no_kid else {"alg": self.algorithm, "kid": kid}
        with warnings.catch_warnings():
            # "EdDSA" is an old name by now (RFC 9864), and providers still use it.
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.encode(header, claims, key, algorithms=_ALGORITHMS)

    async def _userinfo(self, request: web.Request) -> web.Response:
        subject = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.user is None or self.user.subject != subject:
            return web.json_response({"error": "invalid_token"}, status=401)
        told = {"sub": self.misdeeds.userinfo_subject or subject, **self.user.names}
        if self.misdeeds.userinfo_signed:
            return web.Response(text=self.signed(told), content_type="application/jwt")
        return web.json_response(told)


_ANY = RSAKey.generate_key(2048)
_UNSIGNED = b'{"alg":"none"}'


def _changed(value: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in {**value, **changes}.items() if item is not None}


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
