"""The name an order has at the venue, known before it leaves and the same after every restart."""

from __future__ import annotations

import base64
import hashlib

LENGTH = 20
"""Characters of a tag: the most that Kite keeps."""


def tag_of(run: str, order_id: int) -> str:
    """The tag of an order of a run: 20 characters (a-z, 2-7) of BLAKE2b over `run/order_id`, 100 bits of it."""
    digest = hashlib.blake2b(f"{run}/{order_id}".encode(), digest_size=16).digest()
    return base64.b32encode(digest)[:LENGTH].decode().lower()
