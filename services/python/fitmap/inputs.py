"""What requests may hold: integers of paths and queries, JSON bodies."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request

from fitmap.errors import BadRequest, TooLarge, UnsupportedMediaType

MAX_INTEGER = 2_147_483_647
_MAX_BODY_BYTES = 1_048_576

Id = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]


class Input(Struct):
    """Unknown keys are ignored, types are strict: 1.0, "1" and true are no integers, null is no value."""


class SoldLine(Input):
    sku: str
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]
    price_cents: Annotated[int, Meta(ge=0, le=100_000_000)]


class SoldOrder(Input):
    customer: str
    region: str
    lines: list[SoldLine]


class SummarizeRequest(Input):
    orders: Annotated[list[SoldOrder], Meta(max_length=10_000)]


class OrderLine(Input):
    product_id: Id
    quantity: Annotated[int, Meta(ge=1, le=100)]


class OrderRequest(Input):
    customer_id: Id
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=20)]


def parse_integer(name: str, text: str, low: int, high: int) -> int:
    # int() alone would take signs, underscores, blanks and the digits of other scripts.
    if text.isascii() and text.isdigit() and len(text) <= 10:
        value = int(text)
        if low <= value <= high:
            return value
    raise BadRequest(f"{name} must be an integer from {low} to {high}.")


def path_id(request: Request) -> int:
    return parse_integer("id", request.path_params["id"], 1, MAX_INTEGER)


def query_integer(request: Request, name: str, low: int, high: int, default: int | None = None) -> int:
    match request.query_params.getlist(name):
        case [text]:
            return parse_integer(name, text, low, high)
        case []:
            if default is not None:
                return default
            raise BadRequest(f"{name} is missing.")
        case _:
            raise BadRequest(f"{name} is given more than once.")


async def json_body[T](request: Request, decoder: msgspec.json.Decoder[T]) -> T:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType("The content type must be application/json.")
    body = await _read(request)
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError) as error:
        # ValueError: msgspec's own errors and UnicodeDecodeError; RecursionError: brackets nested without end.
        raise BadRequest(f"The body is not as it should be: {error}.") from error


async def _read(request: Request) -> bytes:
    too_large = TooLarge(f"The body must not be over {_MAX_BODY_BYTES} bytes.")
    if int(request.headers.get("content-length", 0)) > _MAX_BODY_BYTES:
        raise too_large
    # Joined at the end: a body may come in very many pieces.
    pieces: list[bytes] = []
    length = 0
    async for piece in request.stream():
        # A chunked body names no length: it is counted as it comes.
        pieces.append(piece)
        length += len(piece)
        if length > _MAX_BODY_BYTES:
            raise too_large
    return b"".join(pieces)
