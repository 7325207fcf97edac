"""``docs/spool-format.md`` says what the code does."""

import re
from pathlib import Path

import pytest

from contract.health import Health
from device_agent.spool import schema
from device_agent.spool.checksum import checksum
from device_agent.spool.lease import STEP, read_note
from device_agent.spool.log_file import PAGE_BYTES
from device_agent.spool.rebuild import KEPT_DAMAGED
from device_agent.spool.sqlite import SqliteSpool
from device_agent.spool.surrender import KEPT_IN_QUARANTINE

DOCUMENT = (Path(__file__).parents[3] / "docs/spool-format.md").read_text(encoding="utf-8")


def plain(sql: str) -> list[str]:
    return [" ".join(statement.split()) for statement in sql.split(";") if statement.strip()]


def test_the_documented_tables_are_the_real_ones() -> None:
    (documented,) = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)
    assert plain(documented) == plain(schema.SCHEMA)


def test_every_table_is_explained() -> None:
    names = re.findall(r"CREATE TABLE (\w+)", schema.SCHEMA)
    assert not [name for name in names if f"\n| `{name}` |" not in DOCUMENT]


@pytest.mark.parametrize(
    "fact",
    [
        f"`PRAGMA user_version` {schema.FORMAT}",
        f"pages of {PAGE_BYTES:,} bytes",
        f"the newest {KEPT_DAMAGED} are kept",
        f"the newest {KEPT_IN_QUARANTINE} |",
        f"in steps of {STEP:,}",
        f"has the checksum {checksum('events', 7, 'b', b'{}')}",
    ],
)
def test_every_documented_number_is_the_real_one(fact: str) -> None:
    assert fact in DOCUMENT


def test_every_file_it_makes_is_documented(tmp_path: Path) -> None:
    spool = SqliteSpool(tmp_path / "spool.sqlite3")
    spool.append("b", [Health(wall_ms=1, monotonic_ms=1, version="1", uptime_ms=1, interval_ms=1, sensors={})])
    made = {file.name for file in tmp_path.iterdir()} - {"spool.sqlite3-shm"}
    spool.close()

    assert not [name for name in made if f"`{name}`" not in DOCUMENT]


def test_the_lease_looks_as_documented(tmp_path: Path) -> None:
    SqliteSpool(tmp_path / "spool.sqlite3").close()
    lease = tmp_path / "spool.sqlite3.lease"
    note = read_note(lease)
    assert note is not None

    text = lease.read_text()
    assert re.fullmatch(r"[0-9a-f]{8} \{.*\}\n", text)
    (documented,) = re.findall(r'`(\{"spool_id".*?\})`', DOCUMENT)
    assert re.sub(r'"(?:spool_id|hardware)":"[^"]*"', "…", text[9:].strip()) == re.sub(
        r'"(?:spool_id|hardware)":"[^"]*"', "…", documented
    )
