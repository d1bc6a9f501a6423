"""Emails: each has a plain text and an HTML part that says the same, and an ID at the site's own host.

The HTML is made from the text, so the two always agree: paragraphs, line breaks and links. Only addresses of this site
become links: other texts may come from strangers, such as the user agent in a notice. Nothing is loaded from elsewhere.
"""

import re
from collections.abc import Mapping
from email.utils import make_msgid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

__all__ = ["build", "with_html"]

#: The line between a text and its signature.
SIGNATURE = "\n--\n"


def build(
    subject: str, text: str, to: list[str], *, message_id: str = "", headers: Mapping[str, str] | None = None
) -> EmailMultiAlternatives:
    """Return an email with both parts. `message_id` is the part of its ID before the @; the default is a new one."""
    own = {"Message-ID": f"<{message_id}@{_host()}>"} if message_id else {}
    return with_html(EmailMessage(subject, text, to=to, headers={**(headers or {}), **own}))


def with_html(message: EmailMessage) -> EmailMultiAlternatives:
    """Return the text email with an HTML part, and with an ID if it has none. An HTML part that it has is kept."""
    message.extra_headers.setdefault("Message-ID", make_msgid(domain=_host()))
    if isinstance(message, EmailMultiAlternatives) and message.alternatives:
        return message
    both = EmailMultiAlternatives(
        message.subject, str(message.body), message.from_email, message.to, bcc=message.bcc,
        headers=message.extra_headers, cc=message.cc, reply_to=message.reply_to, attachments=message.attachments,
    )  # fmt: skip
    both.attach_alternative(_render(str(message.subject), str(message.body)), "text/html")
    return both


def _render(subject: str, text: str) -> str:
    body, _, signature = text.strip().partition(SIGNATURE)
    context = {
        "subject": subject,
        "blocks": [block for paragraph in re.split(r"\n\s*\n", body.strip()) for block in _blocks(paragraph)],
        "signature": [_linked(line) for line in signature.splitlines()],
    }
    return render_to_string("mail/message.html", context)


def _blocks(paragraph: str) -> list[dict[str, Any]]:
    """The paragraph as blocks of lines; a line that is nothing but a link of this site is a block of its own."""
    blocks: list[dict[str, Any]] = []
    for line in paragraph.splitlines():
        if _links().fullmatch(line.strip()):
            blocks.append({"button": line.strip()})
        elif blocks and "lines" in blocks[-1]:
            blocks[-1]["lines"].append(_linked(line))
        else:
            blocks.append({"lines": [_linked(line)]})
    return blocks


def _linked(text: str) -> SafeString:
    """The text, escaped, with links where it names addresses of this site."""
    pieces, end = [], 0
    for found in _links().finditer(text):
        pieces += [format_html("{}", text[end : found.start()]), format_html('<a href="{0}">{0}</a>', found[0])]
        end = found.end()
    return format_html_join("", "{}", [(piece,) for piece in [*pieces, text[end:]]])


def _links() -> re.Pattern[str]:
    """Addresses of this site, without the full stop or comma after them."""
    return re.compile(re.escape(settings.SITE_URL) + r"(?:[/?#][^\s<>\"']*[\w/=-]|/)?(?![\w.-]*@|[\w-])")


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"
