"""The cookie that a sign-in leaves in the browser: whole, in time, and of this very browser."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from bridge.model.errors import Refused
from bridge.web.sso import attempts
from bridge.web.sso.attempts import MINUTES, MOST_COOKIES, Attempt, Attempts, cookie_name, surplus

OURS = Attempts("a secret")


def cookies(attempt: Attempt, made_by: Attempts = OURS) -> dict[str, str]:
    """Return the browser's cookies."""
    return {attempt.cookie: made_by.sealed(attempt)}


def test_it_comes_back_as_it_went() -> None:
    attempt = OURS.new("keycloak", "/rooms/r1?a=b", account="a1")
    assert OURS.opened("keycloak", attempt.state, cookies(attempt)) == attempt
    again = Attempts("a secret")
    assert again.opened("keycloak", attempt.state, cookies(attempt)) == attempt
    secrets = OURS.secrets(attempt)
    assert again.secrets(attempt) == secrets
    assert 43 <= len(secrets.verifier) <= 128
    assert secrets.verifier not in repr(secrets)


def test_two_attempts_share_nothing() -> None:
    one, two = OURS.new("p", "/"), OURS.new("p", "/")
    both = cookies(one) | cookies(two)
    assert len(both) == 2
    assert OURS.opened("p", one.state, both) == one
    assert OURS.opened("p", two.state, both) == two
    told = [OURS.secrets(one), OURS.secrets(two)]
    values = {value for each in told for value in (each.state, each.nonce, each.verifier, each.challenge)}
    assert len(values) == 8


def refused(provider: str, state: str, given: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        OURS.opened(provider, state, given)
    assert (caught.value.reason_code, caught.value.field) == ("stale_sign_in", "state")


def test_nothing_else_is_believed() -> None:
    attempt, other = OURS.new("p", "/"), OURS.new("p", "/")
    refused("p", attempt.state, {})
    refused("p", attempt.state, cookies(other))
    refused("q", attempt.state, cookies(attempt))
    refused("p", "", cookies(attempt))
    refused("p", "\ud800", cookies(attempt))
    refused("p", attempt.state, cookies(attempt, Attempts("another secret")))
    # A cookie of one attempt under the name of another.
    refused("p", attempt.state, {attempt.cookie: OURS.sealed(other)})


@pytest.mark.parametrize("value", ["", ".", "a.b", "é.é", "=.=", "e30.e30", "..", "!" * 5000])
def test_rubbish_is_refused(value: str) -> None:
    refused("p", "state", {cookie_name("state"): value})


def test_a_changed_cookie_is_refused() -> None:
    attempt = OURS.new("p", "/")
    body, mac = OURS.sealed(attempt).split(".")
    raw = urlsafe_b64decode(body + "==").replace(b'"/"', b'"//evil.example"')
    refused("p", attempt.state, {attempt.cookie: urlsafe_b64encode(raw).rstrip(b"=").decode() + "." + mac})


def test_it_ends_after_some_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = OURS.new("p", "/")
    monkeypatch.setattr(attempts, "now_ms", lambda: attempt.expires_at - 1)
    assert OURS.opened("p", attempt.state, cookies(attempt)) == attempt
    monkeypatch.setattr(attempts, "now_ms", lambda: attempt.expires_at)
    refused("p", attempt.state, cookies(attempt))
    assert MINUTES == 10


def test_attempts_that_were_given_up_do_not_heap_up() -> None:
    held: dict[str, str] = {"other": "x"}
    for _ in range(MOST_COOKIES - 1):
        held |= cookies(OURS.new("p", "/"))
    assert surplus(held) == []
    held |= cookies(OURS.new("p", "/"))
    assert set(surplus(held)) == held.keys() - {"other"}
