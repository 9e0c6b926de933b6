"""A board's public key as lines to hand on, with the words that say who gets them (device-protocol.md 10.2, 10.3)."""

from __future__ import annotations

from app.keys.clouds import CloudKind
from app.keys.letter import PublicKeyLetter, local_cloud_places
from app.text import joined, text
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
_AND = text("Letter", "{before} {after}")


def document(letter: PublicKeyLetter, whose: CloudKind = CloudKind.UNKNOWN) -> Document:
    """Return a letter as lines to copy or to save.

    Args:
        letter: The board's public key.
        whose: The cloud that gets it, as far as it is known: the words are only about that one.
    """
    place, fork = local_cloud_places(letter.device_id)
    local = _LOCAL_RSA.with_values(place=place, fork=fork) if letter.algorithm == "rsa" else _LOCAL_EC
    particle = _PARTICLE.with_values(id=letter.device_id)
    places = {CloudKind.PARTICLE: (particle,), CloudKind.LOCAL: (local,)}.get(whose, (particle, local))
    return Document(
        DOCUMENT,
        _TITLE,
        joined((*places, _PUBLIC), _AND),
        letter.file_name,
        letter.public_pem,
    )
