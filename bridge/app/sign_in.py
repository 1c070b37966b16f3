"""The settings for signing in from elsewhere, as the web face takes them."""

from __future__ import annotations

from bridge.networks.matrix.naming import Naming
from bridge.settings import Settings
from bridge.settings.models import OidcProvider
from bridge.web.sso.options import MatrixOptions, OidcOptions, SignInOptions


def sign_in_options(settings: Settings) -> SignInOptions:
    """Return what the settings allow."""
    return SignInOptions(oidc=tuple(map(_oidc, settings.sign_in.oidc)), matrix=_matrix(settings))


def _oidc(provider: OidcProvider) -> OidcOptions:
    return OidcOptions(
        id=provider.id,
        title=provider.title,
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        scopes=tuple(provider.scopes),
        signup=provider.signup,
    )


def _matrix(settings: Settings) -> MatrixOptions | None:
    chosen = settings.sign_in.matrix
    if chosen == "off":
        return None
    naming = Naming(settings.appservice.prefix, settings.homeserver.server_name)
    return MatrixOptions(
        url=settings.homeserver.url,
        server_name=settings.homeserver.server_name,
        password=chosen in ("password", "both"),
        sso=chosen in ("sso", "both"),
        signup=settings.sign_in.matrix_signup,
        ours=naming.ours,
    )
