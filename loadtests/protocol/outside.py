"""A service that the harness did not start: where it is, and how many requests it may get."""

from __future__ import annotations

from msgspec import Struct


class Outside(Struct, frozen=True, forbid_unknown_fields=True):
    """A service at an address of its own.

    `origin`: as in its URL, such as `https://staging.shop.lab:8443`. `secure`: HTTP/1.1 over TLS, with a certificate that is
    verified. `ca`: the text of a file of certificates (PEM) in place of those that the generator trusts; empty: these.
    `most_per_second`: in no second it gets more requests than so many; 0: there is no limit.
    """

    host: str
    port: int
    origin: str
    secure: bool
    ca: str = ""
    most_per_second: int = 0
