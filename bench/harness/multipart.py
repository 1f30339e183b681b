"""Multipart bodies, the form in which browsers and HTTP clients send files."""

BOUNDARY = "batchlight-bench"
MULTIPART_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def multipart_body(png: bytes, *, field: str = "file") -> bytes:
    """Return a multipart body with one PNG in the form field `field`."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="image.png"\r\n'
    return f"{head}Content-Type: image/png\r\n\r\n".encode() + png + f"\r\n--{BOUNDARY}--\r\n".encode()
