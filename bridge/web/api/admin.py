"""The API of administrators: other people's accounts, and invites to the server."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bridge.model.ids import AccountId, InviteId, PersonId
from bridge.store.account_list import Listed
from bridge.store.invites import Invite
from bridge.web.accounts.tokens import invite_url, ticket_url
from bridge.web.api.entrance import DisplayName, LoginName, Password
from bridge.web.api.operations import Call, Operation
from bridge.web.api.signup import NAMES, PASSWORDS
from bridge.web.parts import WebParts

YEAR_SECONDS = 366 * 24 * 3600


class ListedAccount(msgspec.Struct):
    """An account as administrators see it; `used_at` is when one of its sessions was last noted as used, or null."""

    id: str
    name: str
    display_name: str
    person: str
    kind: str
    admin: bool
    active: bool
    created_at: int
    sessions: int
    used_at: int | None


class AccountList(msgspec.Struct):
    """Accounts by name; `next` is there where more follow: ask with `after` for them."""

    accounts: list[ListedAccount]
    next: str | UnsetType = UNSET


class AccountQuery(msgspec.Struct):
    """Which accounts: those whose login or display name holds `q`, from the one after `after` on."""

    q: Annotated[str, Meta(max_length=256)] = ""
    after: Annotated[str, Meta(max_length=64)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class GivenAccount(msgspec.Struct):
    """An account for somebody else; without a password they choose one with a one-time link."""

    name: LoginName
    password: Password | None = None
    display_name: DisplayName | None = None
    admin: bool = False


class MadeAccount(msgspec.Struct):
    """The account, and where it has no password yet the one-time link to choose one, which is shown this once."""

    account: ListedAccount
    url: str | UnsetType = UNSET
    expires_at: int | UnsetType = UNSET


class AccountChange(msgspec.Struct):
    """What is to change of an account; what is left out stays."""

    admin: bool | None = None


class Link(msgspec.Struct):
    """A one-time link, which is shown this once, and until when it can be used."""

    url: str
    expires_at: int


class InviteShape(msgspec.Struct):
    """An invite; null as `expires_at` or `max_uses` is no limit, as `created_by` the operator of the machine."""

    id: str
    created_by: str | None
    created_at: int
    expires_at: int | None
    uses: int
    max_uses: int | None


class InviteList(msgspec.Struct):
    """The open invites, the newest first."""

    invites: list[InviteShape]


class NewInvite(msgspec.Struct):
    """An invite to the server; `expires_in` is in seconds. What is left out sets no limit."""

    expires_in: Annotated[int, Meta(ge=60, le=YEAR_SECONDS)] | None = None
    max_uses: Annotated[int, Meta(ge=1, le=10_000)] | None = None


class MadeInvite(msgspec.Struct):
    """An invite and its link, which is shown this once."""

    invite: InviteShape
    url: str


class AdminApi:
    """Handlers of /admin."""

    def __init__(self, parts: WebParts) -> None:
        self._accounts = parts.accounts
        self._admins = parts.accounts.admins
        self._url = parts.url

    def operations(self) -> list[Operation]:
        """Return what it does."""
        return [*self._for_accounts(), *self._for_invites()]

    def _for_accounts(self) -> list[Operation]:
        tag, all_, one = "admin", "/admin/accounts", "/admin/accounts/{account}"
        return [
            Operation(
                "GET", all_, "listAccounts", "All accounts, by name.", tag, self.list_all,
                query=AccountQuery, answer=AccountList, door="admin",
            ),
            Operation(
                "POST", all_, "makeAccount", "Make an account for somebody.", tag, self.add, body=GivenAccount,
                answer=MadeAccount, status=201, door="admin", counts="change", refusals=(*NAMES, *PASSWORDS),
            ),
            Operation(
                "PATCH", one, "changeOtherAccount", "Let an account administer this server, or not.", tag,
                self.change, body=AccountChange, answer=ListedAccount, door="admin", counts="change",
                refusals=("no_such_account", "last_admin", "not_for_admins"),
            ),
            Operation(
                "POST", f"{one}/reset", "makeResetLink", "A one-time link to choose a new password.", tag,
                self.reset, answer=Link, door="admin", counts="change", refusals=("no_such_account",),
            ),
            Operation(
                "POST", f"{one}/deactivate", "deactivateAccount", "Close somebody's account for good.", tag,
                self.deactivate, answer=ListedAccount, door="admin", counts="change",
                refusals=("no_such_account", "last_admin"),
            ),
        ]

    def _for_invites(self) -> list[Operation]:
        tag, path = "admin", "/admin/invites"
        return [
            Operation(
                "GET", path, "listServerInvites", "The open invites to this server.", tag, self.invites,
                answer=InviteList, door="admin",
            ),
            Operation(
                "POST", path, "makeServerInvite", "Invite somebody to make an account.", tag, self.invite,
                body=NewInvite, answer=MadeInvite, status=201, door="admin", counts="change",
                refusals=("too_many_invites",),
            ),
            Operation(
                "DELETE", f"{path}/{{invite}}", "revokeServerInvite", "Revoke an invite to this server.", tag,
                self.uninvite, door="admin", counts="change", refusals=("no_such_invite",),
            ),
        ]

    async def list_all(self, call: Call) -> AccountList:
        """Answer a page of all accounts."""
        query: AccountQuery = call.query
        after = None if query.after is None else AccountId(query.after)
        found = await self._admins.find(query=query.q.strip(), after=after, limit=query.limit + 1)
        page = [_listed(each) for each in found[: query.limit]]
        return AccountList(page, page[-1].id if len(found) > query.limit else UNSET)

    async def add(self, call: Call) -> MadeAccount:
        """Make an account for somebody."""
        body: GivenAccount = call.body
        by = call.session.account.name
        made = await self._admins.add(
            by, body.name, body.password, display_name=body.display_name, admin=body.admin
        )
        shape = await self._show(made.id)
        if body.password is not None:
            return MadeAccount(shape)
        token, expires_at = await self._admins.reset(by, made)
        return MadeAccount(shape, ticket_url(self._url, token), expires_at)

    async def change(self, call: Call) -> ListedAccount:
        """Let an account administer this server, or not."""
        body: AccountChange = call.body
        account = await self._accounts.registry.get(AccountId(call.path["account"]))
        if body.admin is not None and body.admin != account.admin:
            await self._admins.set_admin(call.session.account.name, account, body.admin)
        return await self._show(account.id)

    async def reset(self, call: Call) -> Link:
        """Answer a one-time link for somebody's new password."""
        account = await self._accounts.registry.get(AccountId(call.path["account"]))
        token, expires_at = await self._admins.reset(call.session.account.name, account)
        return Link(ticket_url(self._url, token), expires_at)

    async def deactivate(self, call: Call) -> ListedAccount:
        """Close somebody's account for good."""
        account = await self._accounts.registry.get(AccountId(call.path["account"]))
        await self._admins.deactivate(call.session.account.name, account)
        return await self._show(account.id)

    async def invites(self, _call: Call) -> InviteList:
        """Answer the open invites to this server."""
        return InviteList([_invite(each) for each in await self._accounts.invites.open_ones(None)])

    async def invite(self, call: Call) -> MadeInvite:
        """Make an invite to this server."""
        body: NewInvite = call.body
        made, token = await self._admins.invite(
            call.session.account.name, call.person, expires_in=body.expires_in, max_uses=body.max_uses
        )
        return MadeInvite(_invite(made), invite_url(self._url, token))

    async def uninvite(self, call: Call) -> None:
        """Revoke an invite to this server."""
        await self._admins.uninvite(call.session.account.name, InviteId(call.path["invite"]))

    async def _show(self, account: AccountId) -> ListedAccount:
        return _listed(await self._admins.show(account))


def _listed(of: Listed) -> ListedAccount:
    account = of.account
    return ListedAccount(
        id=account.id,
        name="" if account.kind == "guest" else account.name,
        display_name=of.shown,
        person=PersonId(account.person),
        kind=account.kind,
        admin=account.admin,
        active=account.active,
        created_at=account.created_at,
        sessions=of.sessions,
        used_at=of.used_at,
    )


def _invite(of: Invite) -> InviteShape:
    return InviteShape(of.id, of.created_by, of.created_at, of.expires_at, of.uses, of.max_uses)
