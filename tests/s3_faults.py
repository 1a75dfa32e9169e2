"""An S3 service over HTTP with switchable faults, which moto's server does not offer.

It serves a dict of buckets. Listing order, page size, refusals, delays and truncated bodies can be
changed while it runs.
"""

import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

STATUS = {
    "AccessDenied": 403,
    "AuthorizationHeaderMalformed": 400,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidObjectState": 403,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "RequestTimeTooSkewed": 403,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
}
ORDERS = {
    "utf8": lambda key: key.encode(),
    "case_insensitive": lambda key: (key.casefold(), key),
    "folders_first": lambda key: _folders_first(key),
    "hashed": lambda key: md5(key.encode(), usedforsecurity=False).hexdigest(),
    "reversed": lambda key: bytes(255 - byte for byte in key.encode()) + b"\xff",
    "utf16": lambda key: key.encode("utf-16-be"),
}
POLL_S = 0.02
FOREVER = float("inf")


@dataclass(frozen=True)
class StoredObject:
    """An object's bytes and when they were written."""

    data: bytes
    modified: datetime

    @property
    def etag(self):
        return md5(self.data, usedforsecurity=False).hexdigest()


@dataclass
class Fault:
    """A refusal of requests, selected by bucket, operation and key.

    It applies after `after_requests` matching requests, at most `times` times, and between `starts`
    and `ends`. Empty `operations` match all; `keys` of None match all, also requests without a key.
    """

    code: str
    status: int
    bucket: str = ""
    operations: tuple[str, ...] = ()
    keys: frozenset[str] | None = None
    after_requests: int = 0
    times: float = FOREVER
    starts: float = 0.0
    ends: float = FOREVER
    matched: int = field(default=0, init=False)
    refused: int = field(default=0, init=False)

    def refuses(self, operation, bucket, key):
        """Count a request and return whether it is refused."""
        if self.operations and operation not in self.operations:
            return False
        if self.bucket not in ("", bucket) or (self.keys is not None and key not in self.keys):
            return False
        self.matched += 1
        if self.matched <= self.after_requests or self.refused >= self.times:
            return False
        if not self.starts <= time.monotonic() < self.ends:
            return False
        self.refused += 1
        return True


class S3WithFaults:
    """The service: store objects, switch faults, read the received requests."""

    access_key = "faulty"
    secret_key = "faulty-secret"  # any signature is taken
    region = "us-east-1"

    def __init__(self):
        self.buckets: dict[str, dict[str, StoredObject]] = {}
        self.order = "utf8"
        self.page_size = 1000
        self.delay_s = 0.0
        self.truncated: dict[str, int] = {}
        self.requests: list[tuple[str, str, str]] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        service = self

        class Handler(_Handler):
            s3 = service

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_S,), daemon=True
        )

    @property
    def endpoint(self):
        """Return the service's address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self):
        self._thread.start()
        return self

    def close(self):
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def make(self, bucket):
        self.buckets.setdefault(bucket, {})

    def put(self, bucket, key, data):
        self.make(bucket)
        self.buckets[bucket][key] = StoredObject(data, datetime.now(UTC))

    def remove(self, bucket, key):
        del self.buckets[bucket][key]

    def fail(self, code, *operations, after_seconds=0.0, for_seconds=FOREVER, **when):
        """Refuse requests from now on (see Fault); return the fault, which `lift` removes.

        Operations are ListBuckets, HeadBucket, ListObjectsV2, HeadObject and GetObject.
        """
        starts = time.monotonic() + after_seconds
        if when.get("keys") is not None:
            when["keys"] = frozenset(when["keys"])
        fault = Fault(
            code,
            when.pop("status", STATUS.get(code, 400)),
            operations=operations,
            starts=starts,
            ends=starts + for_seconds,
            **when,
        )
        with self._lock:
            self._faults.append(fault)
        return fault

    def hide_bucket(self, bucket, **when):
        """Hide a bucket: at once, or after `after_requests` or `after_seconds`.

        It returns after `lift`, after `for_seconds`, or after `times` refusals.
        """
        return self.fail("NoSuchBucket", bucket=bucket, **when)

    def lift(self, *faults):
        """Remove some faults; without arguments all of them, with delays and truncated bodies."""
        with self._lock:
            self._faults = [one for one in self._faults if faults and one not in faults]
        if not faults:
            self.delay_s = 0.0
            self.truncated.clear()

    def asked(self, operation):
        """Return the requested keys (prefixes for listings) of an operation, in order."""
        return [key for one, _, key in list(self.requests) if one == operation]

    def refusal(self, operation, bucket, key):
        """Record a request, wait for `delay_s`, return the fault that refuses it, or None."""
        with self._lock:
            self.requests.append((operation, bucket, key))
            found = next((f for f in self._faults if f.refuses(operation, bucket, key)), None)
        if self.delay_s:
            self._closing.wait(self.delay_s)
        return found

    def listed(self, objects, *, prefix, delimiter, after):
        """Yield (key, name, object) after a key in listing order; object is None for a prefix."""
        rank = ORDERS[self.order]
        named = set()
        for key in sorted((one for one in objects if one.startswith(prefix)), key=rank):
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            name = prefix + head + delimiter if found else key
            if name in named:
                continue
            named.add(name)
            if not after or rank(key) > rank(after):
                yield key, name, None if found else objects[key]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    s3: S3WithFaults

    def log_message(self, *_args):
        """Do not log requests."""

    def do_GET(self):
        self._answer(self._names("GET"))

    def do_HEAD(self):
        self._answer(self._names("HEAD"))

    def _names(self, method):
        address = urlsplit(self.path)
        self.query = {
            name: values[0]
            for name, values in parse_qs(address.query, keep_blank_values=True).items()
        }
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        if not bucket:
            return "ListBuckets", "", ""
        if not key:
            operation = "HeadBucket" if method == "HEAD" else "ListObjectsV2"
            return operation, bucket, self.query.get("prefix", "")
        return ("HeadObject" if method == "HEAD" else "GetObject"), bucket, key

    def _answer(self, names):
        operation, bucket, key = names
        fault = self.s3.refusal(operation, bucket, key)
        if fault is not None:
            self._refuse(fault.code, fault.status)
        elif operation == "ListBuckets":
            self._send_buckets()
        elif bucket not in self.s3.buckets:
            self._refuse("NoSuchBucket", 404)
        elif operation == "HeadBucket":
            self._send(200, b"")
        elif operation == "ListObjectsV2":
            self._send_list(bucket)
        elif key not in self.s3.buckets[bucket]:
            self._refuse("NoSuchKey", 404)
        else:
            self._send_object(key, self.s3.buckets[bucket][key])

    def _send_buckets(self):
        named = "".join(
            f"<Bucket><Name>{escape(name)}</Name>"
            "<CreationDate>2020-01-01T00:00:00.000Z</CreationDate></Bucket>"
            for name in sorted(self.s3.buckets)
        )
        self._send_xml(
            200, f"<ListAllMyBucketsResult><Buckets>{named}</Buckets></ListAllMyBucketsResult>"
        )

    def _send_list(self, bucket):
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter", "")
        entries = self.s3.listed(
            dict(self.s3.buckets[bucket]),
            prefix=prefix,
            delimiter=delimiter,
            after=_from_token(self.query.get("continuation-token", ""))
            or self.query.get("start-after", ""),
        )
        size = min(int(self.query.get("max-keys", 1000)), self.s3.page_size)
        page, more = [], False
        for entry in entries:
            if len(page) == size:
                more = True
                break
            page.append(entry)
        encoded = quote if self.query.get("encoding-type") == "url" else escape
        parts = [
            f"<Name>{escape(bucket)}</Name><Prefix>{encoded(prefix)}</Prefix>",
            f"<KeyCount>{len(page)}</KeyCount><MaxKeys>{size}</MaxKeys>",
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>",
            "<EncodingType>url</EncodingType>" if encoded is quote else "",
            f"<NextContinuationToken>{_token(page[-1][0])}</NextContinuationToken>" if more else "",
            *(_listed_xml(name, stored, encoded) for _, name, stored in page),
        ]
        self._send_xml(200, f"<ListBucketResult>{''.join(parts)}</ListBucketResult>")

    def _send_object(self, key, stored):
        headers = {
            "ETag": f'"{stored.etag}"',
            "Last-Modified": stored.modified.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        }
        size = self.s3.truncated.get(key)
        self._send(200, stored.data, headers, sent=size)

    def _refuse(self, code, status):
        self._send_xml(status, f"<Error><Code>{code}</Code><Message>Switched on.</Message></Error>")

    def _send_xml(self, status, text):
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
        self._send(status, body, {"Content-Type": "application/xml"})

    def _send(self, status, body, headers=None, *, sent=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if sent is not None:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:sent])


def _listed_xml(name, stored, encoded):
    if stored is None:
        return f"<CommonPrefixes><Prefix>{encoded(name)}</Prefix></CommonPrefixes>"
    return (
        f"<Contents><Key>{encoded(name)}</Key>"
        f"<LastModified>{stored.modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
        f"<ETag>&quot;{stored.etag}&quot;</ETag><Size>{len(stored.data)}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def _folders_first(key):
    """Return a sort key that puts each folder's subfolders before its files."""
    *folders, file = key.split("/")
    return [(0, part) for part in folders] + [(1, file)]


def _token(name):
    return urlsafe_b64encode(name.encode()).decode()


def _from_token(token):
    return urlsafe_b64decode(token).decode()
