"""Whether an ID token is to be believed (OpenID Connect Core 1.0, section 3.1.3.7)."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

from bridge.web.sso.asking import Unfit

ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA", "Ed25519")
LEEWAY_SECONDS = 60
OLDEST_SECONDS = 3600
"""A token for a sign-in that began minutes ago cannot have been made earlier."""

MOST_SUBJECT = 255
_END_OF_TIME = 2**53
KeySource = Callable[[bool], Awaitable[list[Key]]]


class _Allowed(JWSRegistry):
    """The algorithms that sign with a private key and are sound; not `none`, and none with a shared secret."""

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(f"the algorithm {name!r:.50} is not allowed")
        return self.algorithms[name]


# What is not known in a header is to be ignored (RFC 7515, section 4), except what is listed in `crit`.
_REGISTRY = _Allowed(strict_check_header=False)
_REGISTRY.max_header_length = 8192


async def verified(token: str, keys: KeySource) -> dict[str, Any]:
    """Return the claims of a token with a good signature; raise `Unfit`. `keys(True)` reads the keys anew."""
    try:
        header = jws.extract_compact(token.encode(), registry=_REGISTRY).headers()
        _REGISTRY.check_header(header)
        _REGISTRY.get_alg(header["alg"])
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Unfit(f"the ID token cannot be read: {error}") from None
    fitting = _fitting(await keys(False), header)
    if not fitting:
        fitting = _fitting(await keys(True), header)
    for key in fitting:
        try:
            return jwt.decode(token, key, registry=_REGISTRY).claims
        except (JoseError, ValueError, TypeError):
            continue
    if not fitting:
        raise Unfit(
            f"the ID token is signed with a key that the provider does not publish ({header.get('kid')!r:.100})"
        )
    raise Unfit("the ID token's signature is wrong")


def _fitting(keys: Sequence[Key], header: dict[str, Any]) -> list[Key]:
    """Return the keys that may have signed: of the kind that the algorithm needs, and of the name that is given."""
    kind = JWSRegistry.algorithms[header["alg"]].key_type
    kid = header.get("kid")
    return [
        key
        for key in keys
        if key.key_type == kind
        and (kid is None or key.kid == kid)
        and (key.alg is None or key.alg == header["alg"] or kind == "OKP")
    ]


def check_claims(claims: dict[str, Any], *, issuer: str, client_id: str, nonce: str, now: float) -> str:
    """Return the subject of a token that was made for us, now, and for this very sign-in; raise `Unfit`.

    `now` is in seconds of the epoch.
    """
    if claims.get("iss") != issuer:
        raise Unfit(f"the ID token comes from {claims.get('iss')!r:.200}, not from {issuer!r}")
    _check_audience(claims, client_id)
    _check_times(claims, now)
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8", "replace"), nonce.encode()):
        raise Unfit("the ID token was made for another sign-in (its nonce is wrong)")
    subject = claims.get("sub")
    # ASCII, says the specification (section 2).
    if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT or not subject.isascii():
        raise Unfit("the ID token has no usable subject")
    if not subject.isprintable():
        raise Unfit("the ID token's subject has characters that cannot be shown")
    return subject


def _check_audience(claims: dict[str, Any], client_id: str) -> None:
    named = claims.get("aud")
    audience = named if isinstance(named, list) else [named]
    if client_id not in audience:
        raise Unfit(f"the ID token is for {named!r:.200}, not for {client_id!r}")
    party = claims.get("azp")
    if party is None and len(audience) > 1:
        raise Unfit("the ID token is for several audiences and does not say who asked (azp)")
    if party is not None and party != client_id:
        raise Unfit(f"the ID token was asked for by {party!r:.200}, not by {client_id!r}")


def _check_times(claims: dict[str, Any], now: float) -> None:
    expires, made, earliest = (_number(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None or made is None:
        raise Unfit("the ID token does not say when it was made and when it ends (iat, exp)")
    if expires <= now - LEEWAY_SECONDS:
        raise Unfit(f"the ID token ended {now - expires:.0f} s ago: do both clocks agree?")
    if made > now + LEEWAY_SECONDS or (earliest is not None and earliest > now + LEEWAY_SECONDS):
        raise Unfit("the ID token is from the future: do both clocks agree?")
    if made < now - OLDEST_SECONDS:
        raise Unfit(f"the ID token was made {now - made:.0f} s ago")


def _number(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _END_OF_TIME:
        raise Unfit(f"the ID token's {name} is no time")
    return float(value)
