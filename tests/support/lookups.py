"""The service of lookups over the local arXiv."""

from collections.abc import Collection, Mapping

from bot.domain.paper import ArxivId
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.services.lookup import LookupService
from bot.services.search import SearchService
from bot.store.search import SearchIndex
from tests.support.ingest import Ingest


def lookup_service(ingest: Ingest, entries: Mapping[ArxivId, TrendingEntry] = NO_TRENDING_ENTRIES) -> LookupService:
    """Returns a service whose papers are in these trending lists."""

    async def find_entries(_: Collection[ArxivId]) -> Mapping[ArxivId, TrendingEntry]:
        return entries

    return LookupService(
        client=ingest.client,
        subscriptions=ingest.store.subscriptions,
        papers=ingest.store.papers,
        find_trending_entries=find_entries,
        find_stored=SearchService(SearchIndex(ingest.store.database), find_entries, ingest.clock).stored,
        poller=ingest.poller,
        clock=ingest.clock,
    )
