"""Ed25519 signatures of seals. Keys are read from files; a private one never leaves this module or shows in a text."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from tradsys.core.errors import ConfigError, ResourceError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_RAW_BYTES = 32
_EXTRA = 'pip install "tradsys[audit]"'


class Signer:
    """Signs with a private key. Made by `read_private_key`."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw().hex()
        """The public key that belongs to it, hex."""

    def sign(self, message: bytes) -> str:
        """The signature of a message, hex."""
        return self._key.sign(message).hex()


class PublicKey:
    """Checks signatures. Made by `read_public_key`."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.hex = key.public_bytes_raw().hex()

    def signed(self, message: bytes, signature: str) -> bool:
        """Whether the owner of this key signed a message; `signature` is hex, or anything else."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True


def read_private_key(path: Path) -> Signer:
    """A private key of 32 bytes, or PEM without a password, in a file that its owner alone may read.

    Raises `ConfigError` for anything else, and where the library is not installed; `ResourceError` for the disk.
    """
    _require_library()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _content(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigError("others may read this private key", value=str(path), limit="0600", fix=f"chmod 600 {path}")
    try:
        raw = len(content) == _RAW_BYTES
        key = Ed25519PrivateKey.from_private_bytes(content) if raw else load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise _malformed(path, "openssl genpkey -algorithm ed25519 -out KEY")
    return Signer(key)


def read_public_key(path: Path) -> PublicKey:
    """A public key: PEM, 32 bytes, or 64 hexadecimal digits. Raises as `read_private_key`, for any mode of the file."""
    _require_library()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = _content(path)
    try:
        raw = _raw(content)
        key = Ed25519PublicKey.from_public_bytes(raw) if raw is not None else load_pem_public_key(content)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise _malformed(path, "openssl pkey -in KEY -pubout")
    return PublicKey(key)


def _raw(content: bytes) -> bytes | None:
    """The key's 32 bytes, if that is what they are, written out or not."""
    if len(content) == _RAW_BYTES:
        return content
    text = content.strip()
    return bytes.fromhex(text.decode("ascii")) if len(text) == 2 * _RAW_BYTES else None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise ConfigError("no such key file", value=str(path), fix="name the file of an Ed25519 key") from None
    except OSError as error:
        raise ResourceError(f"the key cannot be read: {error}", value=str(path)) from error


def _malformed(path: Path, fix: str) -> ConfigError:
    return ConfigError("this file holds no Ed25519 key of the kind asked for", value=str(path), fix=fix)


def _require_library() -> None:
    try:
        import cryptography
    except ImportError:
        raise ConfigError("signatures need the package cryptography", fix=_EXTRA) from None
    del cryptography
