"""Making ordinary Matrix accounts through the homeserver's shared registration secret."""

from __future__ import annotations

import hashlib
import hmac

import aiohttp


async def register_with_secret(
    url: str, secret: str, name: str, password: str, *, admin: bool = False
) -> tuple[str, str]:
    """Register `name`: (user ID, access token). RuntimeError with the homeserver's words if it refuses."""
    address = f"{url}/_synapse/admin/v1/register"
    async with aiohttp.ClientSession() as session:
        async with session.get(address) as answer:
            nonce = (await answer.json())["nonce"]
        parts = (nonce, name, password, "admin" if admin else "notadmin")
        mac = hmac.new(secret.encode(), b"\0".join(part.encode() for part in parts), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac}
        async with session.post(address, json=body) as answer:
            made = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"registering {name!r}: {answer.status} {made}")
    return made["user_id"], made["access_token"]
