"""`daily-papers check` names what is wrong with the database, arXiv and the token, each in its row."""

import io
from pathlib import Path

from rich.console import Console

from bot.commands.check import check
from bot.config import Settings
from tests.support.loopback import free_port


async def test_each_fault_has_a_row_with_its_reason(tmp_path: Path) -> None:
    database = tmp_path / "papers.sqlite3"
    database.write_bytes(b"not a database at all")
    settings = Settings.model_validate_json(
        f"""{{"database": "{database}", "huggingface": {{"enabled": false}}, "abstracts_kept_days": 365,
              "arxiv": {{"api_url": "http://127.0.0.1:{free_port()}/api/query", "request_interval_s": 0.01}}}}"""
    )
    output = io.StringIO()
    assert not await check(settings, Console(file=output, width=400))
    rows = output.getvalue()
    assert f"The file {database} is not a database or is damaged" in rows
    assert "abstracts are removed 365 days after a paper's last update" in rows
    assert "arXiv" in rows
    assert "switched off: huggingface.enabled is false" in rows
    assert "not set: set DISCORD_TOKEN" in rows
