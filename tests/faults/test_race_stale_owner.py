"""An owner that was suspended past its lease and wakes up writes nothing."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from eventstore.connection import Pool
from tests.faults.folding import LEASE_SECONDS, EveryFact, Folder, Link
from tests.faults.stale_owner import REFUSED, WROTE
from tests.integration.test_ledger_leases import let_pass
from tests.ledger import STORE, appender_on, member, service_pool

ROOT = Path(__file__).resolve().parents[2]
# A cursor that forgets who moved it last: the guard by epoch then lets everybody pass.
FORGET_THE_EPOCH = """
CREATE FUNCTION forget_epoch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.epoch := 0; RETURN NEW; END $$;
CREATE TRIGGER forget_epoch BEFORE INSERT OR UPDATE ON projection_cursor FOR EACH ROW EXECUTE FUNCTION forget_epoch();
"""


async def _state(pool: Pool) -> Link:
    state = await pool.fetchval(
        "SELECT state FROM projection_state WHERE store_id = $1 AND projection = 'every_fact' AND key = 'the ledger'",
        STORE,
    )
    return msgspec.msgpack.decode(state, type=Link)


async def _suspend_and_take_over(url: str) -> tuple[list[str], Link, Link]:
    """Play it; return what became of the stale owner's steps, the ledger's chain before it woke and after."""
    async with service_pool(url) as pool:
        await appender_on(pool).append(STORE, [member(number) for number in range(3)])
        stale = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.stale_owner", url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        await asyncio.to_thread(os.waitid, os.P_PID, stale.pid, os.WSTOPPED | os.WNOWAIT)
        connection = await asyncpg.connect(url)
        await let_pass(connection, timedelta(seconds=LEASE_SECONDS + 1))
        await connection.close()
        successor = Folder(pool, UUID(int=2), [EveryFact()], facts_max=100)
        assert await successor.turn(STORE, steps=1) == 3
        await appender_on(pool).append(STORE, [member(number) for number in range(3, 5)])
        before = await _state(pool)
        stale.send_signal(signal.SIGCONT)
        told, _ = await stale.communicate()
        return msgspec.json.decode(told, type=list[str]), before, await _state(pool)


async def test_an_owner_that_wakes_up_after_its_lease_writes_nothing(stage_url: str) -> None:
    """Neither the step it was suspended in nor the next one, which it begins without looking; its successor goes on."""
    outcomes, before, after = await _suspend_and_take_over(stage_url)
    assert outcomes == [REFUSED, REFUSED]
    assert after == before


async def test_a_cursor_without_an_epoch_lets_the_late_owner_write_in_the_same_play(stage_url: str) -> None:
    """The broken variant: the cursor's position alone stops the step that was suspended, not the one after it."""
    connection = await asyncpg.connect(stage_url)
    await connection.execute(FORGET_THE_EPOCH)
    await connection.close()
    outcomes, before, after = await _suspend_and_take_over(stage_url)
    assert outcomes == [REFUSED, WROTE]
    assert after != before
