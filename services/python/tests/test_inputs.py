import pytest
from msgspec import DecodeError
from msgspec.json import Decoder

from fitmap.errors import BadRequest
from fitmap.inputs import OrderRequest, SummarizeRequest, parse_integer


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("0000000100", 100), ("100", 100)])
def test_integers_are_digits(text: str, value: int) -> None:
    assert parse_integer("count", text, 1, 100) == value


@pytest.mark.parametrize(
    "text", ["", "0", "101", "+1", "-1", "1.0", "1e1", " 1", "1_0", "\u0661", "\u00b2", "00000000001", "1\n"]
)
def test_anything_else_is_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequest, match="count must be an integer from 1 to 100"):
        parse_integer("count", text, 1, 100)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"customer_id":1,"lines":[]}',
        '{"customer_id":1,"lines":null}',
        '{"customer_id":1,"lines":[{"product_id":1,"quantity":1}]} x',
        *(
            f'{{"customer_id":1,"lines":[{{"product_id":1,"quantity":{value}}}]}}'
            for value in ["0", "101", "1.0", "1e0", '"1"', "true", "null", "[]", "-1", "01", "1" * 30]
        ),
        '{"customer_id":2147483648,"lines":[{"product_id":1,"quantity":1}]}',
        '{"customer_id":1,"lines":[' + ",".join(['{"product_id":1,"quantity":1}'] * 21) + "]}",
    ],
)
def test_orders_are_strict(body: str) -> None:
    with pytest.raises(DecodeError):
        Decoder(OrderRequest).decode(body)


def test_unknown_keys_are_ignored() -> None:
    body = '{"x":{"y":[1.5,null]},"customer_id":1,"lines":[{"product_id":2,"quantity":3,"z":true}]}'
    order = Decoder(OrderRequest).decode(body)
    assert (order.customer_id, order.lines[0].product_id, order.lines[0].quantity) == (1, 2, 3)


def test_at_most_ten_thousand_orders() -> None:
    def body(count: int) -> str:
        return '{"orders":[' + ",".join(['{"customer":"","region":"","lines":[]}'] * count) + "]}"

    decoder = Decoder(SummarizeRequest)
    assert len(decoder.decode(body(10_000)).orders) == 10_000
    with pytest.raises(ValueError, match="length"):
        decoder.decode(body(10_001))
