"""Writes initramfs archives ("newc" cpio), so that no root and no cpio program are needed."""

import stat
from pathlib import Path, PurePosixPath


class Archive:
    """One archive in memory. Parent folders come by themselves; everything belongs to root."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._folders: set[PurePosixPath] = set()
        self._inode = 0

    def folder(self, name: str, mode: int = 0o755) -> None:
        path = PurePosixPath(name)
        if path in self._folders or path == PurePosixPath("."):
            return
        self.folder(str(path.parent))
        self._folders.add(path)
        self._entry(str(path), stat.S_IFDIR | mode, b"")

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        self.folder(str(PurePosixPath(name).parent))
        self._entry(name, stat.S_IFREG | mode, content)

    def copy(self, name: str, source: Path, mode: int = 0o755) -> None:
        self.file(name, source.read_bytes(), mode)

    def link(self, name: str, target: str) -> None:
        self.folder(str(PurePosixPath(name).parent))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def console(self) -> None:
        """The device that the first program is given as its standard streams."""
        self.folder("dev")
        self._entry("dev/console", stat.S_IFCHR | 0o600, b"", device=(5, 1))

    def finish(self) -> bytes:
        self._entry("TRAILER!!!", 0, b"")
        return bytes(self._data)

    def _entry(self, name: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        encoded = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0)
        self._data += b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self._pad()
        self._data += content
        self._pad()

    def _pad(self) -> None:
        self._data += b"\0" * (-len(self._data) % 4)
