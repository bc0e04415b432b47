"""What the service says about itself: is it ready, and what is it made of."""

import platform
from collections.abc import Callable
from http import HTTPStatus

import asyncpg
import starlette
import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from fitmap.answers import JsonResponse
from fitmap.errors import DatabaseUnavailable
from fitmap.settings import Settings
from fitmap.store import Store
from fitmap.variant import CLASS


class StatusHandlers:
    def __init__(self, settings: Settings, store: Store, all_ready: Callable[[], bool]) -> None:
        self._store = store
        self._all_ready = all_ready
        self._meta = {
            "target": "python",
            "language": "Python",
            "runtime": f"{platform.python_implementation()} {platform.python_version()}",
            "framework": f"Starlette {starlette.__version__}, uvicorn {uvicorn.__version__}",
            "driver": f"asyncpg {asyncpg.__version__}",
            "class": CLASS,
            "cpus": settings.cpus,
            "db_pool_size": settings.db_pool_size,
        }

    async def meta(self, _request: Request) -> Response:
        return JsonResponse(self._meta)

    async def health(self, _request: Request) -> Response:
        try:
            if self._all_ready():
                await self._store.check()
                return JsonResponse({"status": "ok"})
        except DatabaseUnavailable:
            pass
        return JsonResponse({"status": "starting"}, HTTPStatus.SERVICE_UNAVAILABLE)
