"""A process that indexes what waits in a database and ends: `python -m … URL`. It may be killed on the way."""

from __future__ import annotations

import asyncio
import sys

from bridge.core.indexer import Indexer
from bridge.store import indexing
from bridge.store.database import open_database


async def main(url: str) -> None:
    """Index until nothing waits."""
    db = open_database(url)
    working = asyncio.create_task(Indexer(db).run())
    while await db.read(indexing.waiting):
        await asyncio.sleep(0.01)
        if working.done():
            working.result()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
