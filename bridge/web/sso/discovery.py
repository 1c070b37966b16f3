"""What an OpenID provider says of itself (OpenID Connect Discovery 1.0), and its keys: both read once and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from bridge.web.sso.asking import Asker, Unfit
from bridge.web.sso.kept import Kept

WELL_KNOWN = "/.well-known/openid-configuration"
KEPT_SECONDS = 3600.0
"""What was read is believed for so long; a provider that is away meanwhile is believed as it was."""

LEAST_RSA_BITS = 2048
MOST_KEYS = 50

logger = structlog.get_logger(__name__)


class Metadata(msgspec.Struct, frozen=True):
    """The part of a discovery document that matters here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    authorization_response_iss_parameter_supported: bool = False

    def endpoints(self) -> dict[str, str]:
        """Return the addresses by name."""
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
        return {name: value for name in names if (value := getattr(self, name))}


class Discovery:
    """One provider's document and keys."""

    def __init__(self, asker: Asker, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._asker = asker
        self._issuer = issuer
        self._metadata = Kept(self._read, KEPT_SECONDS, clock)
        self._keys = Kept(self._read_keys, KEPT_SECONDS, clock)

    async def metadata(self) -> Metadata:
        """Return the document; raise `Unfit` where it cannot be read and never was."""
        return await self._metadata.get()

    async def keys(self, *, anew: bool = False) -> list[Key]:
        """Return the keys that may sign; read again with `anew`, when a token names one that is not among them."""
        return await self._keys.get(anew=anew)

    async def _read_keys(self) -> list[Key]:
        metadata = await self.metadata()
        return usable_keys(await self._asker.get_object(metadata.jwks_uri))

    async def _read(self) -> Metadata:
        url = self._issuer.rstrip("/") + WELL_KNOWN
        raw = await self._asker.get_object(url)
        try:
            metadata = msgspec.convert(raw, Metadata)
        except msgspec.ValidationError as error:
            raise Unfit(f"the document at {url} is no discovery document ({error})") from None
        # People write the last slash or not; the provider's own way of writing it counts from here on.
        if metadata.issuer.rstrip("/") != self._issuer.rstrip("/"):
            raise Unfit(f"the document at {url} is that of the issuer {metadata.issuer!r}: set `issuer` to that")
        secure = urlsplit(self._issuer).scheme == "https"
        for name, address in metadata.endpoints().items():
            if urlsplit(address).scheme not in (("https",) if secure else ("https", "http")):
                raise Unfit(f"the document at {url} names a {name} without https: {address!r}")
        return metadata


def usable_keys(document: dict[str, object]) -> list[Key]:
    """Return the keys of a JWK set that can verify signatures; others (of unknown kinds, too short) are left out."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise Unfit("the provider's key set has no list of keys")
    found: list[Key] = []
    for raw in listed[:MOST_KEYS]:
        if not isinstance(raw, dict) or raw.get("use", "sig") != "sig" or _short(raw):
            continue
        try:
            key = import_key(raw)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            logger.info("a provider's key cannot be used", kid=str(raw.get("kid"))[:100], reason=str(error)[:200])
            continue
        if isinstance(key, (RSAKey, ECKey, OKPKey)):
            found.append(key)
    return found


def _short(raw: dict[str, object]) -> bool:
    """Tell whether this is an RSA key that nobody should trust any more, by the length of its modulus in base64."""
    modulus = raw.get("n")
    return raw.get("kty") == "RSA" and isinstance(modulus, str) and len(modulus) * 6 < LEAST_RSA_BITS
