"""The application of one worker process: its routes and its life."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from mmap import mmap

from starlette.routing import Router

from fitmap import handlers
from fitmap.database import Database
from fitmap.handlers import ShopHandlers
from fitmap.routing import ApiRoute, not_found
from fitmap.settings import Settings
from fitmap.status import StatusHandlers
from fitmap.store import Store

logger = logging.getLogger(__name__)


def create_app(settings: Settings, worker: int, ready: mmap) -> Router:
    """`ready` is memory that the workers share: a byte for each, 1 once its pool is open."""
    database = Database(settings.database, settings.pool_share(worker))
    store = Store(database)
    shop = ShopHandlers(store)
    status = StatusHandlers(settings, store, all_ready=lambda: 0 not in ready[:])

    async def open_pool() -> None:
        try:
            await database.open()
        except Exception:
            # A bug. Nobody awaits this task, and /health would go on with "starting" for no reason that is told.
            logger.exception("the pool cannot be opened")
        else:
            ready[worker] = 1

    @contextlib.asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        # In the background, for the port answers before the database does.
        opening = asyncio.create_task(open_pool())
        yield
        opening.cancel()
        await database.close()

    return Router(
        # Starlette tries one route after the other: the busy ones come first.
        [
            ApiRoute("GET", "/ping", handlers.ping),
            ApiRoute("GET", "/products/{id}", shop.product),
            ApiRoute("GET", "/customers/{id}/orders", shop.customer_orders),
            ApiRoute("POST", "/orders", shop.create_order),
            ApiRoute("GET", "/cpu/collatz", handlers.collatz),
            ApiRoute("POST", "/cpu/summarize", handlers.summarize_orders),
            ApiRoute("GET", "/products/{id}/slow", shop.product_slow),
            ApiRoute("GET", "/wait", handlers.wait),
            ApiRoute("GET", "/reports/regions", shop.regions),
            ApiRoute("GET", "/health", status.health),
            ApiRoute("GET", "/meta", status.meta),
        ],
        redirect_slashes=False,
        default=not_found,
        lifespan=lifespan,
    )
