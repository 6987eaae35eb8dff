"""What encrypted connections are checked against: the system's certificates and, where it has none, certifi's.

A frozen program runs on systems whose certificates lie elsewhere than on the one that it was built on.
"""

from __future__ import annotations

import ssl


def context() -> ssl.SSLContext:
    """A context that checks names and certificates. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are obeyed."""
    held = ssl.create_default_context()
    try:
        import certifi

        held.load_verify_locations(certifi.where())
    except (ImportError, OSError, ssl.SSLError):
        pass  # the system's alone: context() still refuses whom it does not know
    return held
