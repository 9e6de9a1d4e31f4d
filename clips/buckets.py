"""What a bucket is asked for: a file in one request that proves itself, its bytes back in pieces, and deletions that
leave no version behind. Raises what botocore raises; ``clips/storage.py`` says it in our words.

One PUT holds up to five gigabytes, which is more than a clip may have. So nothing is ever sent in parts, and no parts
that nobody sees are left in a bucket when a sender dies.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import IO, Any

from botocore.exceptions import ClientError

CHUNK = 256 * 1024
CONTENT_TYPE = "application/octet-stream"
_ANOTHER_WAS_FIRST = {"PreconditionFailed", "ConditionalRequestConflict"}


def is_bucket(storage: Any) -> bool:
    """Whether this Django storage is a bucket."""
    return hasattr(storage, "bucket_name")


def head(storage: Any, key: str) -> Mapping[str, Any] | None:
    """What the bucket says of an object, with its checksum if it keeps one; None when there is none."""
    try:
        answer: Mapping[str, Any] = _client(storage).head_object(**_place(storage, key), ChecksumMode="ENABLED")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise
    return answer


def put(storage: Any, key: str, stream: IO[bytes], *, size: int, sha256: str) -> None:
    """Write the object, unless there is one: a bucket that keeps versions keeps each, also those nobody wanted."""
    try:
        _client(storage).put_object(
            **_place(storage, key),
            Body=stream,
            ContentLength=size,
            ContentType=CONTENT_TYPE,
            ChecksumSHA256=_base64(sha256),
            IfNoneMatch="*",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ANOTHER_WAS_FIRST:
            raise


def is_proven(found: Mapping[str, Any], *, sha256: str, md5: str = "") -> bool:
    """Whether what the bucket says of an object shows that it holds these very bytes.

    The tag of an object that came in one PUT is the MD5 of what was written, unless it is encrypted with a key of KMS;
    then, or when the MD5 is not known, the checksum that the bucket checked when the object came is believed.
    """
    by_kms = str(found.get("ServerSideEncryption", "")).startswith("aws:kms")
    if md5 and not by_kms:
        return str(found.get("ETag", "")).strip('"') == md5
    return bool(found.get("ChecksumSHA256") == _base64(sha256))


def read(storage: Any, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """The object's bytes in pieces, or ``length`` of them from ``start``. Asked for before this returns."""
    span = {} if length is None else {"Range": f"bytes={start}-{start + length - 1}"}
    answer = _client(storage).get_object(**_place(storage, key), **span)
    body = answer["Body"]
    if length is not None and answer["ContentLength"] != length:
        body.close()
        raise OSError("the bucket gave another range than it was asked for")
    return _pieces(body)


def _pieces(body: Any) -> Iterator[bytes]:
    # Closed also when nobody wants the rest; a connection that is not would be kept until it is collected.
    with closing(body):
        yield from body.iter_chunks(CHUNK)


def keys_under(storage: Any, folder: str) -> list[str]:
    """The keys that begin with ``folder/``, also those of which only old versions and marks of deletion are left."""
    return sorted({key for key, _version in _versions(storage, f"{folder}/")})


def delete(storage: Any, key: str) -> None:
    """Remove the object for good: each of its versions, and the marks that earlier deletions left."""
    for found, version in list(_versions(storage, key)):
        if found == key:
            _client(storage).delete_object(**_place(storage, key), **version)


def empty(storage: Any, folder: str) -> int:
    """Remove each version and each mark of deletion under ``folder/`` and end uploads in parts that somebody began
    there; returns how many."""
    count = 0
    for key, version in list(_versions(storage, f"{folder}/")):
        _client(storage).delete_object(**_place(storage, key), **version)
        count += 1
    for key, upload in list(_begun_in_parts(storage, f"{folder}/")):
        _client(storage).abort_multipart_upload(**_place(storage, key), UploadId=upload)
        count += 1
    return count


def remains(storage: Any, folder: str) -> list[str]:
    """What the bucket still lists under ``folder/``: versions, marks of deletion, uploads in parts."""
    there = [f"{key} {version.get('VersionId', '')}".strip() for key, version in _versions(storage, f"{folder}/")]
    return there + [f"{key} in parts" for key, _upload in _begun_in_parts(storage, f"{folder}/")]


def upload_link(
    storage: Any, key: str, *, size: int, sha256: str, seconds: int, endpoint: str
) -> tuple[str, dict[str, str]]:
    """A link that takes one PUT, and the headers to send with it; they are part of what is signed.

    So the link is good for a body of this length and this digest, and only while there is no object. ``endpoint`` is
    where senders reach the bucket, if that is elsewhere than where we do.
    """
    client = _client_at(storage, endpoint)
    wanted = {"ContentLength": size, "ContentType": CONTENT_TYPE, "ChecksumSHA256": _base64(sha256), "IfNoneMatch": "*"}
    url: str = client.generate_presigned_url("put_object", Params=_place(storage, key) | wanted, ExpiresIn=seconds)
    return url, {
        "Content-Length": str(size),
        "Content-Type": CONTENT_TYPE,
        "x-amz-checksum-sha256": _base64(sha256),
        "If-None-Match": "*",
    }


def download_link(storage: Any, key: str, *, seconds: int, content_type: str, endpoint: str) -> str:
    """A link that gives the object for some seconds, and says of it what we chose, whatever the bucket knows of it."""
    wanted = {"ResponseContentType": content_type, "ResponseContentDisposition": "inline"}
    wanted |= {"ResponseCacheControl": "private, no-store"}
    link: str = _client_at(storage, endpoint).generate_presigned_url(
        "get_object", Params=_place(storage, key) | wanted, ExpiresIn=seconds
    )
    return link


def _client_at(storage: Any, endpoint: str) -> Any:
    """A client that signs for an address, for our own when it is blank."""
    if not endpoint:
        return _client(storage)
    session = storage._create_session()
    return session.client("s3", endpoint_url=endpoint, region_name=storage.region_name, config=storage.client_config)


def _versions(storage: Any, prefix: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Key, as we call it, and version of all that begins with the prefix."""
    ours = f"{storage.location}/" if storage.location else ""
    asked = {"Bucket": storage.bucket_name, "Prefix": ours + prefix}
    try:
        for page in _client(storage).get_paginator("list_object_versions").paginate(**asked):
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                yield entry["Key"].removeprefix(ours), {"VersionId": entry["VersionId"]}
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotImplemented":
            raise
        # A store that keeps no versions, such as Garage, has none to list.
        for page in _client(storage).get_paginator("list_objects_v2").paginate(**asked):
            for entry in page.get("Contents", ()):
                yield entry["Key"].removeprefix(ours), {}


def _begun_in_parts(storage: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Key, as we call it, and number of each upload in parts that was begun under the prefix and not ended. We send
    nothing so, but others that may write to the bucket could have."""
    ours = f"{storage.location}/" if storage.location else ""
    asked = {"Bucket": storage.bucket_name, "Prefix": ours + prefix}
    try:
        for page in _client(storage).get_paginator("list_multipart_uploads").paginate(**asked):
            for entry in page.get("Uploads", ()):
                # Asked for by prefix, and looked at again: not every store minds it.
                if entry["Key"].startswith(ours + prefix):
                    yield entry["Key"].removeprefix(ours), entry["UploadId"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotImplemented":
            raise


def _client(storage: Any) -> Any:
    return storage.connection.meta.client


def _place(storage: Any, key: str) -> dict[str, str]:
    return {"Bucket": storage.bucket_name, "Key": storage._normalize_name(key)}


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
