"""The bodies of successful answers, and the response that carries them."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.json import Encoder
from starlette.responses import Response

_encode = Encoder().encode


class JsonResponse(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return _encode(content)


class Answer(Struct):
    """Keys are written in the order of the fields."""


class Collatz(Answer, rename={"first": "from"}):
    first: int
    count: int
    longest_start: int
    longest_steps: int
    total_steps: int


class RegionSummary(Answer):
    region: str
    orders: int
    quantity: int
    revenue_cents: int
    top_customer: str


class Summary(Answer):
    orders: int
    regions: list[RegionSummary]


class Product(Answer):
    id: int
    name: str
    price_cents: int
    stock: int


class Customer(Answer):
    id: int
    name: str
    region: str


class Order(Answer):
    id: int
    created_at: datetime
    status: str
    total_cents: int
    lines: int


class CustomerOrders(Answer):
    customer: Customer
    orders: list[Order]


class OrderCreated(Answer):
    id: int
    total_cents: int


class RegionRevenue(Answer):
    region: str
    orders: int
    revenue_cents: int


class Regions(Answer):
    days: int
    regions: list[RegionRevenue]
