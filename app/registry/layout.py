"""Every path in storage, drawn once.

The first tree is distribution's, to the byte: the Go registry serves what we write and we what it wrote.

    /docker/registry/v2/
      blobs/<alg>/<first two hex>/<hex>/data                       content, once, under its canonical digest
      repositories/<name>/
        _layers/<alg>/<hex>/link                                   permission to see a blob; holds the canonical digest
        _manifests/revisions/<alg>/<hex>/link                      the same for a manifest
        _manifests/revisions/<alg>/<hex>/signatures/<alg>/<hex>/link
        _manifests/tags/<tag>/current/link                         the digest that the tag was pushed with
        _manifests/tags/<tag>/index/<alg>/<hex>/link               its history
        _uploads/                                                  the Go registry's sessions; ours are below

    /moorage/v1/
      format                                                       version, storage id, mode
      state/now                                                    epoch and collector, compare-and-swap only
      state/secret                                                 signs Locations when no secret is configured
      state/uploads/<id>/<from offset>                             records of sessions, created and never replaced
      state/pieces/<id>/<piece>                                    immutable pieces of sessions
      derived/referrers/<repository>/<alg>/<hex>/<alg>-<hex>       subject -> referrer, holds the whole descriptor
      derived/repositories/<repository>                            one key per repository
      derived/repositories-built                                   that index is whole

In `derived/` a repository's name is one component: ``-`` ``.`` ``/`` and the digits become upper-case letters in the
order of their bytes, so keys sort like names and no key is the folder of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.oci.reference import RepositoryName

if TYPE_CHECKING:
    from app.oci.digest import Digest
    from app.oci.reference import Tag

ROOT: Final = "/docker/registry/v2"
REPOSITORIES: Final = f"{ROOT}/repositories"
BLOBS: Final = f"{ROOT}/blobs"
OWN: Final = "/moorage/v1"
FORMAT: Final = f"{OWN}/format"
NOW: Final = f"{OWN}/state/now"
SECRET: Final = f"{OWN}/state/secret"
UPLOADS: Final = f"{OWN}/state/uploads"
PIECES: Final = f"{OWN}/state/pieces"
REPOSITORY_INDEX: Final = f"{OWN}/derived/repositories"
REPOSITORY_INDEX_BUILT: Final = f"{OWN}/derived/repositories-built"

_PLAIN: Final = "-./0123456789"
_LETTERS: Final = "ABCDEFGHIJKLM"
_ENCODE: Final = str.maketrans(_PLAIN, _LETTERS)
_DECODE: Final = str.maketrans(_LETTERS, _PLAIN)


def encode_name(name: str) -> str:
    """Return a repository's name as one path component that sorts as the name does."""
    return name.translate(_ENCODE)


def decode_name(component: str) -> RepositoryName:
    """Return the name that `encode_name` was given.

    Raises:
        NameInvalid: no name encodes to this.
    """
    return RepositoryName.parse(component.translate(_DECODE))


def repository(name: RepositoryName) -> str:
    """The folder of a repository."""
    return f"{REPOSITORIES}/{name}"


def blob_data(digest: Digest) -> str:
    """Where the bytes of a canonical digest are."""
    return f"{BLOBS}/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}/data"


def layers(name: RepositoryName) -> str:
    """The folder of a repository's layer links."""
    return f"{REPOSITORIES}/{name}/_layers"


def revisions(name: RepositoryName) -> str:
    """The folder of a repository's manifest links."""
    return f"{REPOSITORIES}/{name}/_manifests/revisions"


def link(folder: str, digest: Digest) -> str:
    """The link of a digest below a folder of links."""
    return f"{folder}/{digest.algorithm}/{digest.hex}/link"


def tags(name: RepositoryName) -> str:
    """The folder of a repository's tags."""
    return f"{REPOSITORIES}/{name}/_manifests/tags"


def tag(name: RepositoryName, tag: Tag) -> str:
    """The folder of a tag."""
    return f"{tags(name)}/{tag}"


def tag_current(name: RepositoryName, tag_: Tag) -> str:
    """The link that is the tag."""
    return f"{tags(name)}/{tag_}/current/link"


def tag_index(name: RepositoryName, tag_: Tag) -> str:
    """The folder of a tag's history."""
    return f"{tags(name)}/{tag_}/index"


def foreign_upload(name: RepositoryName, session_id: str) -> str:
    """The folder of a session that the Go registry began."""
    return f"{REPOSITORIES}/{name}/_uploads/{session_id}"


def upload_record(session_id: str, record: str) -> str:
    """A record of a session."""
    return f"{UPLOADS}/{session_id}/{record}"


def upload_piece(session_id: str, piece: str) -> str:
    """A piece of a session."""
    return f"{PIECES}/{session_id}/{piece}"


def referrers(name: RepositoryName, subject: Digest) -> str:
    """The folder of the entries that name *subject*."""
    return f"{OWN}/derived/referrers/{encode_name(name)}/{subject.algorithm}/{subject.hex}"


def referrer(name: RepositoryName, subject: Digest, digest: Digest) -> str:
    """One such entry."""
    return f"{referrers(name, subject)}/{digest.algorithm}-{digest.hex}"


def repository_key(name: RepositoryName) -> str:
    """A repository's key in the index of repositories."""
    return f"{REPOSITORY_INDEX}/{encode_name(name)}"
