"""The way to Jurnal, joined from the settings: the socket, the quota, the breakers."""

from fractions import Fraction
from uuid import UUID

import aiohttp

from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from service.breaker import BreakerLimits, Breakers
from service.jurnal.client import JurnalClient
from service.jurnal.pace import Limit, Reserves
from service.jurnal.package import Package
from service.jurnal_calls import JurnalCalls
from service.quota import QuotaBudget
from service.quota_wish import Sharing
from service.settings import Settings
from service.telemetry.metrics import Metrics

# However many calls are kept for probes: the rest of the trade needs some too.
_PROBE_SHARE_MAX = Fraction(1, 5)


def jurnal_calls(
    settings: Settings,
    pool: Pool,
    clock: Clock,
    credentials: Credentials,
    session: aiohttp.ClientSession,
    metrics: Metrics | None,
    owner: UUID,
) -> JurnalCalls:
    """Return what makes the calls of one process, whose leases and trials are `owner`'s."""
    client = JurnalClient(
        session,
        settings.jurnal_base_url,
        clock,
        deadline_seconds=settings.jurnal_deadline_seconds,
        proxy=settings.jurnal_proxy.reveal() if settings.jurnal_proxy is not None else None,
    )
    quota = QuotaBudget(
        pool,
        egress_address=settings.egress_address,
        company_limits=(Limit(settings.jurnal_requests_per_minute, 60), Limit(settings.jurnal_requests_per_hour, 3600)),
        address_limits=(Limit(settings.egress_requests_per_minute, 60), Limit(settings.egress_requests_per_hour, 3600)),
        sharing=Sharing(
            reserves=Reserves(
                probe=min(
                    Fraction(settings.jurnal_probe_calls_per_minute, settings.jurnal_requests_per_minute),
                    _PROBE_SHARE_MAX,
                ),
                fresh=Fraction(settings.jurnal_fresh_percent, 100),
                backfill=Fraction(settings.jurnal_backfill_percent, 100),
            ),
            ageing_seconds=settings.jurnal_ageing_seconds,
            package=package_of(settings),
        ),
        on_left=metrics.quota_told if metrics is not None else None,
    )
    breakers = Breakers(
        pool,
        owner,
        BreakerLimits(
            failures=settings.jurnal_breaker_failures,
            wait_seconds=settings.jurnal_breaker_wait_seconds,
            wait_seconds_max=settings.jurnal_breaker_wait_seconds_max,
        ),
        on_opened=metrics.breaker_openings_total.inc if metrics is not None else lambda: None,
    )
    return JurnalCalls(
        client,
        credentials,
        quota,
        breakers,
        deadline_seconds=settings.jurnal_deadline_seconds,
        on_call=metrics.jurnal_called if metrics is not None else None,
        on_date=metrics.jurnal_clock_off_seconds.set if metrics is not None else None,
    )


def package_of(settings: Settings) -> Package:
    """Return the month's package of calls."""
    return Package(settings.jurnal_calls_per_month, settings.jurnal_package_time_zone)
