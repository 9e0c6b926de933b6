"""A board's public key as lines to hand on, with the words that say who gets them (device-protocol.md 10.2, 10.3)."""

from __future__ import annotations

from app.keys.letter import PublicKeyLetter, local_cloud_places
from app.text import text
from app.work.events import Document

DOCUMENT = "public-key"

_TITLE = text("Letter", "Send this to your cloud")
_PARTICLE = text(
    "Letter",
    "Particle cloud: it takes the key from the account that the board belongs to. Without that account, write to "
    "Particle's support: give the device ID {id} and attach this file.",
)
_LOCAL_RSA = text(
    "Letter",
    "Local cloud: save it in the folder of the cloud's program as {place} (in a newer fork: {fork}), then reset the "
    "board.",
)
_LOCAL_EC = text(
    "Letter", "Local cloud: none takes this kind of key. Local clouds know RSA keys, and a board connected over TCP."
)
_PUBLIC = text("Letter", "Anybody may see this public half. The private half is on the board and in your key safe.")
_BODY = text("Letter", "{particle} {local} {public}")


def document(letter: PublicKeyLetter) -> Document:
    """Return a letter as lines to copy or to save."""
    place, fork = local_cloud_places(letter.device_id)
    local = _LOCAL_RSA.with_values(place=place, fork=fork) if letter.algorithm == "rsa" else _LOCAL_EC
    return Document(
        DOCUMENT,
        _TITLE,
        _BODY.with_values(particle=_PARTICLE.with_values(id=letter.device_id), local=local, public=_PUBLIC),
        letter.file_name,
        letter.public_pem,
    )
