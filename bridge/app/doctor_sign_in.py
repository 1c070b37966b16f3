"""The doctor's look at the servers that vouch for visitors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.app.findings import Finding
from bridge.web.sso.asking import Asker, Unfit
from bridge.web.sso.discovery import Discovery
from bridge.web.sso.homeserver import Homeserver
from bridge.web.sso.matrix import PASSWORD, SSO, TOKEN
from bridge.web.sso.options import MatrixOptions, OidcOptions
from bridge.web.sso.tokens import ALGORITHMS

SECONDS = 10.0


async def provider_finding(options: OidcOptions) -> Finding:
    """Return whether a provider's document and keys can be read and used."""
    what = f"sign_in.oidc {options.id}"
    async with _asker() as asker:
        discovery = Discovery(asker, options.issuer)
        try:
            metadata = await discovery.metadata()
            keys = await discovery.keys()
        except Unfit as error:
            return Finding(what, str(error), f"mend issuer ({options.issuer}), or see that this machine reaches it")
    signs = metadata.id_token_signing_alg_values_supported
    if not set(ALGORITHMS) & set(signs) or not keys:
        detail = f"{metadata.issuer} signs with {', '.join(signs) or 'nothing'}, {len(keys)} usable keys"
        return Finding(what, detail, "give it a signing key for RS256 or ES256")
    return Finding(what, f"{metadata.issuer} answers, {len(keys)} usable key{'s' if len(keys) > 1 else ''}")


async def matrix_finding(options: MatrixOptions) -> Finding:
    """Return whether the homeserver offers the ways to sign in that the settings want."""
    async with _asker() as asker:
        try:
            flows = await Homeserver(options, asker).flows()
        except Unfit as error:
            return Finding("sign_in.matrix", str(error), "look into the homeserver's log")
    missing = [kind for kind in (PASSWORD,) if options.password and kind not in flows]
    missing += [kind for kind in (SSO, TOKEN) if options.sso and kind not in flows]
    if missing:
        remedy = "let the homeserver offer that, or change sign_in.matrix"
        return Finding("sign_in.matrix", f"the homeserver does not offer {', '.join(missing)}", remedy)
    return Finding("sign_in.matrix", "the homeserver offers what the settings want")


@asynccontextmanager
async def _asker() -> AsyncIterator[Asker]:
    asker = Asker(seconds=SECONDS)
    try:
        yield asker
    finally:
        await asker.close()
