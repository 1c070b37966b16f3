"""Tokens: 256 random bits for their holder, a hash for the database, and the links that carry them."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """Return a token that nobody can guess; it is shown once and stored nowhere."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def ticket_url(web_url: str, token: str) -> str:
    """Return the one-time link of a ticket; `web_url` is the page's own address."""
    return f"{web_url}/ticket/{token}"


def invite_url(web_url: str, token: str) -> str:
    """Return the link of an invite; `web_url` is the page's own address."""
    return f"{web_url}/invite/{token}"
