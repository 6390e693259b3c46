"""The imports of a template or a type file: in all spellings of TOSCA, to the names that they mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from paas_stream.tosca import catalogue
from paas_stream.tosca.catalogue import Catalogue

MOST = 50  # imports of one file


@dataclass(frozen=True)
class Import:
    """One import."""

    path: str  # where it stands
    name: str  # what it means: a URL, or the name of a file


def wanted(tree: Mapping[str, Any], base: str = "") -> tuple[list[Import], list[str]]:
    """The imports of a document, and what is wrong with the others.

    A text, a list of texts, `{file: ...}`, `{name: text}` and `{name: {file: ...}}` are understood.
    A file with a `repository` is taken from the URL of that repository, another one that is no URL
    from beside `base`, the URL of the document itself, where that is known.
    """
    entries = tree.get("imports")
    if entries is None:
        return [], []
    listed = entries if isinstance(entries, list) else [entries]
    found, faults = [], []
    if len(listed) > MOST:
        return [], [f"imports: at most {MOST} are accepted, not {len(listed)}"]
    for number, entry in enumerate(listed):
        path = f"imports[{number}]"
        file, repository = _spelled(entry)
        if not isinstance(file, str) or not file:
            faults.append(f"{path}: the name of a file is needed")
        elif repository is None:
            found.append(Import(path, urljoin(base, file) if base else file))
        elif (url := _url(tree, repository)) is None:
            faults.append(
                f'{path}: the import "{file}" is not known here: its repository "{repository}" has '
                "no URL in this file"
            )
        else:
            found.append(Import(path, f"{url.rstrip('/')}/{file.lstrip('/')}"))
    return found, faults


def unknown(one: Import) -> str:
    """The sentence that refuses an import."""
    return (
        f'{one.path}: the import "{one.name}" is not known here; nothing is fetched from the '
        "network or read from files, an operator can add it (paas-stream types add)"
    )


def merged(catalogues: list[Catalogue]) -> Catalogue:
    """The types of several imports; of two with the same name the later one counts."""
    made: dict[str, catalogue.Entry] = {}
    for one in catalogues:
        made |= one
    return made


def _spelled(entry: Any) -> tuple[Any, Any]:
    """File and repository of an import in any of its spellings."""
    if isinstance(entry, dict) and "file" not in entry and len(entry) == 1:
        entry = next(iter(entry.values()))
    if isinstance(entry, dict):
        return entry.get("file"), entry.get("repository")
    return entry, None


def _url(tree: Mapping[str, Any], repository: Any) -> str | None:
    """The URL of a repository that the document declares."""
    repositories = tree.get("repositories")
    declared = repositories.get(repository) if isinstance(repositories, dict) else None
    url = declared.get("url") if isinstance(declared, dict) else declared
    return url if isinstance(url, str) else None
