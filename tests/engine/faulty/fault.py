"""The Python service with one fault, named by FAULT, which the rules of validity must find in a real trial."""

import contextlib
import math
import os
import time
from pathlib import Path

from fitmap import __main__ as service
from fitmap.answers import Product
from fitmap.store import Store

honest = Store.product
state = {"calls": 0, "begun": 0.0}
AFTER_CALLS = 500


async def wrong(self: Store, product_id: int) -> Product:
    """A price that is a cent too low, after the golden cases."""
    state["calls"] += 1
    product = await honest(self, product_id)
    if state["calls"] < AFTER_CALLS:
        return product
    return Product(product.id, product.name, product.price_cents - 1, product.stock)


cache: dict[int, Product] = {}


async def cached(self: Store, product_id: int) -> Product:
    if product_id not in cache:
        cache[product_id] = await honest(self, product_id)
    return cache[product_id]


async def warming(self: Store, product_id: int) -> Product:
    """Each request uses six milliseconds of CPU at first, and less with each second, as while a compiler works.

    It is half as much after each five and a half seconds. Noise of a shared machine hides less than that.
    """
    state["begun"] = state["begun"] or time.monotonic()
    end = time.perf_counter() + 0.006 * math.exp(-(time.monotonic() - state["begun"]) / 8)
    while time.perf_counter() < end:
        pass
    return await honest(self, product_id)


async def greedy(self: Store, product_id: int) -> Product:
    """A helper process takes memory until the kernel kills it. The service itself goes on."""
    state["calls"] += 1
    if state["calls"] == AFTER_CALLS and os.fork() == 0:
        with contextlib.suppress(OSError), Path("/proc/self/oom_score_adj").open("w") as file:
            file.write("1000")
        hoard = []
        while True:
            hoard.append(b"x" * 50_000_000)
    return await honest(self, product_id)


async def restless(self: Store, product_id: int) -> Product:
    """A helper process uses half of a core from then on, even without requests, like a compiler with work left."""
    state["calls"] += 1
    if state["calls"] == AFTER_CALLS and os.fork() == 0:
        while True:
            end = time.perf_counter() + 0.005
            while time.perf_counter() < end:
                pass
            time.sleep(0.005)
    return await honest(self, product_id)


FAULTS = {"wrong": wrong, "cached": cached, "warming": warming, "greedy": greedy, "restless": restless}
Store.product = FAULTS[os.environ["FAULT"]]

if __name__ == "__main__":
    service.main()
