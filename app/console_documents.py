"""Documents of an outcome at the command line: printed whole, and with `--save` written into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from app.faults import Fault
from app.files import hand_on
from app.work.events import Document


def document_lines(document: Document) -> list[str]:
    """Return the document: what it is, who gets it, and its lines just as they are, to be marked or piped on."""
    return ["", document.title.english(), f"  {document.body.english()}", *document.content.splitlines(), ""]


def save_documents(documents: Sequence[Document], folder: Path) -> tuple[list[tuple[Document, Path]], list[Fault]]:
    """Write documents into a folder under their own names; return what is there now, and why others are not.

    One that is there already with the same lines counts as written; another file of that name is never replaced.
    """
    saved: list[tuple[Document, Path]] = []
    faults: list[Fault] = []
    for document in documents:
        path = folder / PurePath(document.file_name).name
        try:
            hand_on(path, document.content.encode(), over=False)
        except Fault as fault:
            faults.append(fault)
        else:
            saved.append((document, path))
    return saved, faults
