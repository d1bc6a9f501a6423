"""Addresses and titles that programs send, as far as they can be shown to the public.

Both come from strangers. An address becomes the name of a host, in ASCII, so that letters that look alike are told
apart, and so that the paths of an app's pages are not published. A title is shown beside it.
"""

import re
import unicodedata
from urllib.parse import urlsplit

import idna

__all__ = ["slug_of", "title_of"]

#: Longest address and title that are shown.
LONGEST_SLUG, LONGEST_TITLE = 120, 60
#: Top-level names of hosts that only some networks know.
PRIVATE = frozenset(
    {
        "arpa", "corp", "example", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain",
        "localhost", "onion", "private", "test",
    }
)  # fmt: skip
#: Hosts of many apps, with the number of path segments that name one.
SHARED_HOSTS = {"github.com": 2, "gitlab.com": 2, "codeberg.org": 2, "huggingface.co": 2}
#: Scripts that have letters like those of the Latin script.
LOOKALIKES = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?P<top>[a-z]{2,63}|xn--[a-z0-9-]{1,59})", re.ASCII)
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}", re.ASCII)


def slug_of(address: str) -> str | None:
    """Return the host of an app's address, with a path on hosts of many apps; None for one that can't be shown.

    These are addresses that no browser of the public can open: other schemes than HTTP, IP addresses, names of private
    networks, and what is no address.
    """
    if not address.isprintable() or any(each.isspace() or each == "\\" for each in address):
        return None
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode()
    except ValueError:  # also of idna
        return None
    found = _HOST.fullmatch(host)
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or not found or found["top"] in PRIVATE:
        return None
    host = host.removeprefix("www.") if host.count(".") > 1 else host
    if length := SHARED_HOSTS.get(host):
        segments = [each for each in parts.path.split("/") if each][:length]
        if len(segments) < length or not all(_SEGMENT.fullmatch(each) for each in segments):
            return None
        host = "/".join([host, *segments]).lower()
    return host if len(host) <= LONGEST_SLUG else None


def title_of(text: str, slug: str) -> str:
    """Return a title of the app `slug` that may be shown; empty for one that could mislead.

    These are titles with control or invisible characters, with letters of scripts that look alike, too long ones,
    and addresses other than the app's own.
    """
    title = " ".join(unicodedata.normalize("NFKC", text).split())
    if len(title) > LONGEST_TITLE or any(unicodedata.category(each)[0] in "CZ" and each != " " for each in title):
        return ""
    if not any(each.isalnum() for each in title) or re.search("[\u0300-\u036f]{3}", title):
        return ""
    scripts = {unicodedata.name(each, "").partition(" ")[0] for each in title if each.isalpha()}
    if "LATIN" in scripts and scripts & LOOKALIKES:
        return ""
    host = title.lower().removeprefix("www.")
    if "://" in title or (_HOST.fullmatch(host) and slug != host and not slug.endswith(f".{host}")):
        return ""
    return title
