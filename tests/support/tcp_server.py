"""A PostgreSQL server on loopback that authenticates its users by password, and a proxy that can fall silent."""

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

from bot.runtime.server_url import ServerUrl
from tests.support.disks import SmallDisk, small_disk
from tests.support.loopback import free_port
from tests.support.private_server import PrivateServer

USER = "ada"
# Percent-encoded in URLs; each part between the special characters would be recognised alone.
PASSWORD = "hush/4711@hush:4712%hush+4713 hush"
_BLOCK = 65_536
_DISK_KB = 32 * 1024
# The database `tls_only` accepts encrypted connections only; administrators of the tests connect by the socket.
_AUTHENTICATION = """\
local all all trust
hostssl tls_only all 127.0.0.1/32 scram-sha-256
host tls_only all 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
"""


def server_url(port: int, name: str, *, user: str = USER, password: str = PASSWORD, options: str = "") -> ServerUrl:
    """Returns the URL of a database on a server on loopback."""
    return ServerUrl.parse(f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{port}/{name}{options}")


class TcpServer(PrivateServer):
    """A server that listens on a port of loopback, which stays the same when it starts again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._runs = False
        self._is_prepared = False
        super().__init__(folder)

    def start(self) -> None:
        """Starts the server and waits until it accepts connections."""
        if not self._is_prepared:
            self._prepare()
        # Nothing here has to survive a power cut.
        options = f"-h 127.0.0.1 -p {self.port} -k {self._folder} -c fsync=off"
        self._control("start", "-o", options, "-l", str(self._folder / "log"))
        self._runs = True

    def stop(self, *, at_once: bool = True) -> None:
        """Stops the server, usually at once, as a crash does; its connections end."""
        if self._runs:
            self._control("stop", "-m", "immediate" if at_once else "fast")
            self._runs = False

    def _prepare(self) -> None:
        """Creates the user who owns everything, without a port at first."""
        super().start()
        self._binaries, self.system_user = self._server.bin_path, self._server.system_user
        password = PASSWORD.replace("'", "''").replace("%", "%%")
        self.execute(f"CREATE ROLE {USER} LOGIN SUPERUSER PASSWORD '{password}'")
        super().stop()
        (self._folder / "pg_hba.conf").write_text(_AUTHENTICATION, encoding="ascii")
        self._is_prepared = True

    def _control(self, action: str, *arguments: str) -> None:
        command = (str(self._binaries / "pg_ctl"), "-w", "-D", str(self._folder), *arguments, action)
        subprocess.run(command, user=self.system_user, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def dump(self, name: str) -> list[str]:
        """Returns the tables of a database and their rows, as statements."""
        command = (str(self._binaries / "pg_dump"), "-h", str(self._folder), "-p", str(self.port), "-U", USER, name)
        dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        # Each dump has a random key for psql.
        return [line for line in dumped.splitlines() if not line.startswith(("\\restrict ", "\\unrestrict "))]

    @contextlib.contextmanager
    def on_small_disk(self, name: str) -> Iterator[SmallDisk]:
        """Moves a database to a disk that can be filled, and drops it at the end of the block."""
        with tempfile.TemporaryDirectory(prefix="daily-papers-disk-") as folder:
            Path(folder).chmod(0o755)  # the server's user may not enter the folders of tests
            with small_disk(Path(folder, "disk"), _DISK_KB) as disk:
                shutil.chown(disk.path, self.system_user)
                tables = disk.path / "tables"
                tables.mkdir()
                shutil.chown(tables, self.system_user)
                self.execute(f"CREATE TABLESPACE small LOCATION '{tables}'")
                self.execute(f"ALTER DATABASE {name} SET TABLESPACE small")
                yield disk
                self.execute(f"DROP DATABASE {name} WITH (FORCE)")
                self.execute("DROP TABLESPACE small")

    def url(self, name: str = "postgres", *, user: str | None = None, password: str | None = None) -> ServerUrl:
        """Returns the URL of a database on the server, over TCP."""
        if not self._is_prepared:
            return super().url(name)
        return server_url(self.port, name, user=user or USER, password=password or PASSWORD)


class Proxy:
    """Forwards connections to a server. While it is silent, it accepts connections, and no byte passes."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._answers = asyncio.Event()
        self._answers.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        # It falls silent at the next connection after so many.
        self.connections_max: int | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, target: int) -> AsyncIterator["Proxy"]:
        """Listens on a free port of loopback until the block ends."""
        proxy = cls(target)
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()
            await proxy._end()

    async def _end(self) -> None:
        self.answer()
        while self._writers:
            for writer in self._writers:
                writer.close()
            await asyncio.sleep(0)

    def fall_silent(self) -> None:
        self._answers.clear()

    def answer(self) -> None:
        self._answers.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.connections_max is not None:
            if not self.connections_max:
                self.fall_silent()
            self.connections_max -= 1
        self._writers.add(writer)
        await self._answers.wait()
        with contextlib.suppress(OSError):
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(reader, upstream_writer))
                group.create_task(self._forward(upstream_reader, writer))
        writer.close()
        self._writers.discard(writer)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(_BLOCK):
                await self._answers.wait()
                writer.write(block)
                await writer.drain()
        await self._answers.wait()
        writer.close()
