"""What the tests of pages share: addresses, and what htmx sends with a request."""

import re
from html import unescape

from django.urls import reverse

HTML = {"Accept": "text/html"}


def part(target):
    """Return the headers of a request that swaps a part."""
    return {"HX-Request": "true", "HX-Target": target}


def of(name, album, **more):
    """Return the address of a page about an album."""
    return reverse(name, kwargs={"bucket": album.name.bucket, "sub": album.name.sub, **more})


def body_of(answer):
    return answer.content.decode()


def fields_of(body, assignment_id, form="decide"):
    """Return the hidden fields of a form in an assignment's row, as a browser would send them."""
    row = body.partition(f'id="assignment-{assignment_id}"')[2].partition("</tr>")[0]
    [form] = [one for one in row.split("<form")[1:] if f"/{form}/" in one]
    found = re.findall(r'<input type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}
