"""What each route does between its request and its answer."""

import asyncio
from http import HTTPStatus

from msgspec.json import Decoder
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from fitmap.answers import Collatz, JsonResponse
from fitmap.collatz import Walks
from fitmap.inputs import OrderRequest, SummarizeRequest, json_body, path_id, query_integer
from fitmap.store import Store
from fitmap.summarize import summarize

_decode_orders = Decoder(SummarizeRequest)
_decode_order = Decoder(OrderRequest)

# About ten milliseconds of work.
_STARTS_PER_TURN = 1_000


async def ping(_request: Request) -> Response:
    return PlainTextResponse("pong")


async def collatz(request: Request) -> Response:
    first = query_integer(request, "from", 1, 1_000_000)
    count = query_integer(request, "count", 1, 100_000)
    walks = Walks()
    end = first + count
    for start in range(first, end, _STARTS_PER_TURN):
        if start > first:
            # The largest request takes a second: others on this event loop get their turn meanwhile. A thread would
            # not help, it shares the interpreter lock.
            await asyncio.sleep(0)
        walks.walk(range(start, min(start + _STARTS_PER_TURN, end)))
    return JsonResponse(Collatz(first, count, walks.longest_start, walks.longest_steps, walks.total_steps))


async def summarize_orders(request: Request) -> Response:
    body = await json_body(request, _decode_orders)
    return JsonResponse(summarize(body.orders))


async def wait(request: Request) -> Response:
    milliseconds = query_integer(request, "ms", 0, 10_000)
    await asyncio.sleep(milliseconds / 1000)
    return JsonResponse({"waited_ms": milliseconds})


class ShopHandlers:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def product(self, request: Request) -> Response:
        return JsonResponse(await self._store.product(path_id(request)))

    async def product_slow(self, request: Request) -> Response:
        product_id = path_id(request)
        milliseconds = query_integer(request, "ms", 0, 1_000)
        return JsonResponse(await self._store.product_slow(product_id, milliseconds))

    async def customer_orders(self, request: Request) -> Response:
        customer_id = path_id(request)
        limit = query_integer(request, "limit", 1, 100, default=20)
        return JsonResponse(await self._store.customer_orders(customer_id, limit))

    async def create_order(self, request: Request) -> Response:
        order = await self._store.create_order(await json_body(request, _decode_order))
        return JsonResponse(order, HTTPStatus.CREATED, headers={"location": f"/orders/{order.id}"})

    async def regions(self, request: Request) -> Response:
        days = query_integer(request, "days", 1, 365)
        return JsonResponse(await self._store.regions(days))
