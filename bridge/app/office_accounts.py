"""The office's desk for accounts: what `rialto user` asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from bridge.app.parts import Parts
from bridge.model.ids import InviteId
from bridge.store.accounts import Account
from bridge.store.invites import Invite
from bridge.web.accounts.admins import OPERATOR
from bridge.web.accounts.tokens import invite_url, ticket_url

Arguments: TypeAlias = dict[str, Any]


class AccountsOffice:
    """Each method is one operation with JSON arguments and a JSON answer; refusals are `Refused`."""

    def __init__(self, made: Parts) -> None:
        self._accounts = made.accounts
        self._admins = made.accounts.admins
        self._url = made.settings.web.url

    def operations(self) -> dict[str, Callable[[Arguments], Awaitable[Any]]]:
        """Return what it does, by name."""
        return {
            "user add": self._add,
            "user passwd": self._passwd,
            "user list": self._list,
            "user deactivate": self._deactivate,
            "user reset": self._reset,
            "user admin": self._admin,
            "user claim": self._claim,
            "user sessions": self._sessions,
            "user signout": self._signout,
            "user invite": self._invite,
            "user invites": self._invites,
            "user uninvite": self._uninvite,
        }

    async def _named(self, arguments: Arguments) -> Account:
        return await self._accounts.named(arguments["name"])

    async def _add(self, arguments: Arguments) -> Any:
        admin = bool(arguments.get("admin"))
        return _account(await self._admins.add(OPERATOR, arguments["name"], arguments["password"], admin=admin))

    async def _passwd(self, arguments: Arguments) -> Any:
        await self._accounts.passwd(arguments["name"], arguments["password"])
        return {}

    async def _list(self, arguments: Arguments) -> Any:
        return [_account(account) for account in await self._accounts.list()]

    async def _deactivate(self, arguments: Arguments) -> Any:
        await self._accounts.deactivate(arguments["name"])
        return {}

    async def _reset(self, arguments: Arguments) -> Any:
        token, expires_at = await self._admins.reset(OPERATOR, await self._named(arguments))
        return {"url": ticket_url(self._url, token), "expires_at": expires_at}

    async def _admin(self, arguments: Arguments) -> Any:
        await self._admins.set_admin(OPERATOR, await self._named(arguments), bool(arguments["admin"]))
        return {}

    async def _claim(self, arguments: Arguments) -> Any:
        token, expires_at = await self._admins.claim(OPERATOR)
        return {"url": ticket_url(self._url, token), "expires_at": expires_at}

    async def _sessions(self, arguments: Arguments) -> Any:
        return [
            {
                "id": session.id,
                "agent": session.agent,
                "address": session.address,
                "created_at": session.created_at,
                "used_at": session.used_at,
            }
            for session in await self._accounts.sessions.list(await self._named(arguments))
        ]

    async def _signout(self, arguments: Arguments) -> Any:
        return {"ended": await self._admins.sign_out(OPERATOR, await self._named(arguments))}

    async def _invite(self, arguments: Arguments) -> Any:
        made, token = await self._admins.invite(
            OPERATOR, None, expires_in=arguments["expires_in"], max_uses=arguments["max_uses"]
        )
        return {**_described(made), "url": invite_url(self._url, token)}

    async def _invites(self, arguments: Arguments) -> Any:
        return [_described(invite) for invite in await self._accounts.invites.open_ones(None)]

    async def _uninvite(self, arguments: Arguments) -> Any:
        await self._admins.uninvite(OPERATOR, InviteId(arguments["invite"]))
        return {}


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "person": account.person,
        "admin": account.admin,
        "active": account.active,
        "kind": account.kind,
        "created_at": account.created_at,
    }


def _described(invite: Invite) -> dict[str, Any]:
    return {
        "id": invite.id,
        "created_at": invite.created_at,
        "expires_at": invite.expires_at,
        "uses": invite.uses,
        "max_uses": invite.max_uses,
    }
