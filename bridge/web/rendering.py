"""Turns templates into answers; everything that a template may call is named here."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bridge.model.errors import Refused
from bridge.web import faces
from bridge.web.languages import CODES, wanted
from bridge.web.limits import TooFast
from bridge.web.statics import Statics

_UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


class Rendering:
    """The templates of the page."""

    def __init__(self, statics: Statics) -> None:
        self._environment = Environment(
            loader=PackageLoader("bridge.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            static=statics.address, hue=faces.hue, initial=faces.initial, languages=CODES, data_block=data_block
        )

    def answer(
        self, request: web.Request, template: str, *, refusal: Refused | None = None, **values: Any
    ) -> web.Response:
        """Return a page in the visitor's language. With a `refusal` the page says `failure`, at the field `failed`."""
        language = wanted(request)
        values.update(failure=language.failure(refusal) if refusal else "", failed=(refusal and refusal.field) or "")
        values.setdefault("me", None)
        # Where the switch of languages leads back to: the answer to a form has no address of its own.
        path = request.rel_url.raw_path_qs if request.method == "GET" else "/"
        text = self._environment.get_template(template).render(
            language=language, t=language.t, n=language.n, path=path, **values
        )
        response = web.Response(text=text, content_type="text/html", status=refusal.status if refusal else 200)
        if isinstance(refusal, TooFast):
            response.headers["Retry-After"] = str(refusal.retry_after)
        response.headers["Content-Language"] = language.code
        response.headers["Vary"] = "Accept-Language, Cookie"
        return response


def data_block(value: Any) -> Markup:
    """Return a value as JSON that may stand inside a `<script type="application/json">`."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE))
