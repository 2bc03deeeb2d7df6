"""The bytes of one HTTP answer, as whole events: cheap enough for a hundred thousand a second."""

from __future__ import annotations

import re

BLANK = b"\n\n"
#: Job, number and the sender's clock in nanoseconds, of the payloads that `states.payload` makes.
STATE = re.compile(rb'"job_id": ?"([^"]*)", ?"seq": ?(\d+)(?:[^\n]*?"message": ?"sent=(\d+))?')
LAST_ID = re.compile(rb"^id: ?([^\r\n]+)", re.MULTILINE)


class Answer:
    """One answer: its head, and of its body what ends with a blank line."""

    def __init__(self) -> None:
        #: 0 until the head is there.
        self.status = 0
        self.head = b""
        #: Whether the server has said that nothing more comes.
        self.ended = False
        self._tail = b""
        self._chunks: Chunks | None = None

    def feed(self, data: bytes) -> bytes:
        """Take what came from the socket; give the events that are whole now."""
        if not self.status:
            data = self._read_head(data)
            if not data:
                return b""
        if self._chunks is not None:
            data = self._chunks.feed(data)
            self.ended = self._chunks.ended
        if self._tail:
            data = self._tail + data
        if data.endswith(BLANK):
            self._tail = b""
            return data
        end = data.rfind(BLANK) + len(BLANK)
        if end < len(BLANK):
            self._tail = data
            return b""
        self._tail = data[end:]
        return data[:end]

    @property
    def rest(self) -> bytes:
        """What came after the last blank line: the whole body of an answer without events."""
        return self._tail

    def _read_head(self, data: bytes) -> bytes:
        self._tail += data
        head, found, body = self._tail.partition(b"\r\n\r\n")
        if not found:
            return b""
        self._tail = b""
        self.head = head.lower()
        self.status = int(head.split(None, 2)[1])
        if b"transfer-encoding: chunked" in self.head:
            self._chunks = Chunks()
        return body


class Chunks:
    """HTTP's chunked transfer coding, undone."""

    def __init__(self) -> None:
        self.ended = False
        #: Bytes of the chunk still to come, with the line end that follows it.
        self._left = 0
        self._size_line = b""

    def feed(self, data: bytes) -> bytes:
        """Take coded bytes, give plain ones."""
        if self._size_line:
            data, self._size_line = self._size_line + data, b""
        parts = []
        at = 0
        while at < len(data) and not self.ended:
            if self._left:
                if self._left > 2:
                    parts.append(data[at : at + self._left - 2])
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            end = data.find(b"\r\n", at)
            if end < 0:
                self._size_line = data[at:]
                break
            size = int(data[at:end].partition(b";")[0], 16)
            at = end + 2
            self._left = size + 2
            self.ended = size == 0
        return parts[0] if len(parts) == 1 else b"".join(parts)
