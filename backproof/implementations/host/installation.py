"""Where backproof was installed from, so that it or an extra can be had from there again."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

PACKAGE = Path(__file__).resolve().parents[2]
NAME = "backproof"


def requirement(*extras: str) -> str:
    """What pip takes for this backproof: ``backproof[keras] @ file:///…``, or with its version.

    The version alone where it came from a package index, as far as can be told: where a folder or a
    file was named to pip, `direct_url.json` says so (PEP 610).
    """
    wanted = f"{NAME}[{','.join(extras)}]" if extras else NAME
    found = source()
    return f"{wanted} @ {found}" if found else f"{wanted}{version()}"


def to_install(extra: str) -> str:
    """The command that brings what an extra of backproof brings."""
    return f"pip install '{requirement(extra)}'"


def source() -> str | None:
    """The address that backproof was installed from; None of one from a package index."""
    if (PACKAGE.parent / "pyproject.toml").is_file():
        return PACKAGE.parent.as_uri()  # it runs in a clone, whatever has led here
    try:
        text = metadata.distribution(NAME).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    return None if text is None else address(json.loads(text))


def address(direct: dict[str, dict[str, str] | str]) -> str | None:
    """What pip takes for the content of `direct_url.json`; None if its file is gone."""
    url = str(direct["url"])
    if urlsplit(url).scheme == "file" and not Path(unquote(urlsplit(url).path)).exists():
        return None
    match direct:
        case {"vcs_info": {"vcs": vcs, "commit_id": commit}}:
            url = f"{vcs}+{url}@{commit}"
    match direct:
        case {"subdirectory": folder}:
            url = f"{url}#subdirectory={folder}"
    return url


def version() -> str:
    """``==0.1.0``; nothing if it is not known."""
    try:
        return f"=={metadata.version(NAME)}"
    except metadata.PackageNotFoundError:
        return ""
