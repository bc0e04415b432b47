"""The application of one worker process: its routes and its life."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from mmap import mmap

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fitmap import handlers
from fitmap.database import Database
from fitmap.errors import EXCEPTION_HANDLERS
from fitmap.handlers import ShopHandlers
from fitmap.settings import Settings
from fitmap.status import StatusHandlers
from fitmap.store import Store

logger = logging.getLogger(__name__)


def create_app(settings: Settings, worker: int, ready: mmap) -> Starlette:
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
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # In the background, for the port answers before the database does.
        opening = asyncio.create_task(open_pool())
        yield
        opening.cancel()
        await database.close()

    app = Starlette(
        # Starlette tries one route after the other: this is the order of the contract.
        routes=[
            _route("GET", "/health", status.health),
            _route("GET", "/meta", status.meta),
            _route("GET", "/ping", handlers.ping),
            _route("GET", "/cpu/collatz", handlers.collatz),
            _route("POST", "/cpu/summarize", handlers.summarize_orders),
            _route("GET", "/wait", handlers.wait),
            _route("GET", "/products/{id}", shop.product),
            _route("GET", "/products/{id}/slow", shop.product_slow),
            _route("GET", "/customers/{id}/orders", shop.customer_orders),
            _route("POST", "/orders", shop.create_order),
            _route("GET", "/reports/regions", shop.regions),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )
    # A path with a slash too many is another route, which there is not.
    app.router.redirect_slashes = False
    return app


def _route(method: str, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    route = Route(path, endpoint)
    # Route adds HEAD to GET. Here `allow` names the one method that a route has.
    route.methods = {method}
    return route
