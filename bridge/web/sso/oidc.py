"""Signing in at an OpenID provider: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9207)."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from bridge.model.errors import Refused
from bridge.web.sso.asking import Answer, Asker, Unfit
from bridge.web.sso.attempts import Secrets
from bridge.web.sso.discovery import Discovery, Metadata
from bridge.web.sso.options import OidcOptions
from bridge.web.sso.proof import Back, Known, Proof, name
from bridge.web.sso.tokens import check_claims, verified

# What the visitor can mend, or chose; the rest of RFC 6749, section 4.1.2.1, is between the two servers.
_VISITOR_SAID_NO = {"access_denied", "login_required", "interaction_required", "consent_required"}


class OidcProvider:
    """One provider. `callback` is the address to which it sends visitors back."""

    def __init__(self, options: OidcOptions, asker: Asker, callback: str) -> None:
        self._options = options
        self._asker = asker
        self._callback = callback
        self._discovery = Discovery(asker, options.issuer)

    @property
    def id(self) -> str:
        """Its name in addresses."""
        return self._options.id

    @property
    def title(self) -> str:
        """Its name for people."""
        return self._options.title

    @property
    def issuer(self) -> str:
        """The issuer of its identities, without a last slash."""
        return self._options.issuer.rstrip("/")

    @property
    def signup(self) -> bool | None:
        """Whether a first sign-in makes an account; None leaves it to the server's own rule."""
        return self._options.signup

    async def address(self, secrets: Secrets) -> str:
        """Return where to send the visitor; raise `Unfit`."""
        endpoint = (await self._discovery.metadata()).authorization_endpoint
        query = {
            "response_type": "code",
            "client_id": self._options.client_id,
            "redirect_uri": self._callback,
            "scope": " ".join(self._options.scopes),
            "state": secrets.state,
            "nonce": secrets.nonce,
            "code_challenge": secrets.challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    async def prove(self, secrets: Secrets, back: Back, known: Known) -> Proof:
        """Return who came back; raise `Unfit`, or `Refused` where the visitor or the place said no."""
        metadata = await self._discovery.metadata()
        _check_issuer(metadata, back.query.get("iss"))
        code = _code(back.query)
        tokens = await self._redeem(metadata, code, secrets.verifier)
        claims = await verified(tokens["id_token"], self._keys)
        subject = check_claims(
            claims,
            issuer=metadata.issuer,
            client_id=self._options.client_id,
            nonce=secrets.nonce,
            now=time.time(),
        )
        if not await known(metadata.issuer, subject):
            claims = await self._with_names(metadata, claims, tokens["access_token"])
        return Proof(metadata.issuer, subject, name(claims.get("preferred_username")), name(claims.get("name")))

    async def _keys(self, anew: bool) -> list[Any]:
        return await self._discovery.keys(anew=anew)

    async def _redeem(self, metadata: Metadata, code: str, verifier: str) -> dict[str, str]:
        """Return the tokens for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        self._authenticate(metadata, headers, form)
        answer = await self._asker.ask("POST", metadata.token_endpoint, headers=headers, form=form)
        if answer.status != 200:
            raise Unfit(f"{answer.what} answered {answer.status}{_said(answer)}")
        found = answer.object()
        if not isinstance(found.get("id_token"), str):
            raise Unfit(f"{answer.what} gave no ID token: do the scopes hold `openid`?")
        access = found.get("access_token")
        return {"id_token": found["id_token"], "access_token": access if isinstance(access, str) else ""}

    def _authenticate(self, metadata: Metadata, headers: dict[str, str], form: dict[str, str]) -> None:
        """Say who we are, in the way that the provider takes (OpenID Connect Core 1.0, section 9)."""
        ident, secret = self._options.client_id, self._options.client_secret
        methods = metadata.token_endpoint_auth_methods_supported
        if not secret:
            form["client_id"] = ident
        elif "client_secret_basic" in methods:
            pair = f"{quote_plus(ident)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        elif "client_secret_post" in methods:
            form.update(client_id=ident, client_secret=secret)
        else:
            raise Unfit(f"{self.id} takes neither client_secret_basic nor client_secret_post, but {methods}")

    async def _with_names(self, metadata: Metadata, claims: dict[str, Any], access: str) -> dict[str, Any]:
        """Return the claims with the names that the provider tells only when it is asked (section 5.3)."""
        if (claims.get("preferred_username") and claims.get("name")) or not (metadata.userinfo_endpoint and access):
            return claims
        answer = await self._asker.ask("GET", metadata.userinfo_endpoint, headers={"Authorization": f"Bearer {access}"})
        if answer.status != 200:
            raise Unfit(f"{answer.what} answered {answer.status}")
        if answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/jwt":
            return claims  # A signed answer is for clients that asked for one; names can be chosen later.
        told = answer.object()
        if told.get("sub") != claims["sub"]:
            raise Unfit(f"{answer.what} is about somebody else ({told.get('sub')!r:.100})")
        return {**told, **claims}


def _check_issuer(metadata: Metadata, given: str | None) -> None:
    """Refuse an answer that another provider gave (RFC 9207)."""
    if given is None and not metadata.authorization_response_iss_parameter_supported:
        return
    if given != metadata.issuer:
        raise Unfit(f"the answer comes from {given!r:.200}, not from {metadata.issuer!r}")


def _code(query: Mapping[str, str]) -> str:
    error = query.get("error")
    if error in _VISITOR_SAID_NO:
        raise Refused("sign_in_denied", "You were not signed in there: try again if you want to.", status=403)
    if error:
        raise Unfit(f"it answered {error!r:.100}: {query.get('error_description', '')!r:.300}")
    code = query.get("code")
    if not code:
        raise Refused("missing_field", "code is missing.", field="code")
    return code


def _said(answer: Answer) -> str:
    """Return what an error answer of OAuth says (RFC 6749, section 5.2), for the operator."""
    try:
        told = answer.object()
    except Unfit:
        return ""
    return f" ({told.get('error')!r:.100}: {told.get('error_description', '')!r:.300})"
