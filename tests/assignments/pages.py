"""What the tests of pages share: addresses, and what htmx sends with a request."""

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
