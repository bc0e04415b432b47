"""What requests are mutated with. *Loose*: the contract leaves open what that gets, as long as it is safe."""

from __future__ import annotations

# Rows, because there are many short values.
# fmt: off

#: Digits as text: around each power of two that a parser may stop at.
EDGES = [str(2**bits + step) for bits in (7, 8, 15, 16, 31, 32, 53, 63, 64, 128) for step in (-1, 0, 1)]
DIGITS = [b"0", b"1", b"7", b"00000000007", b"0000000007", b"9999999999", b"10000000000", b"9" * 400]
DIGITS += [edge.encode() for edge in EDGES]
#: No integers, though some parsers take them for one.
NO_DIGITS = [
    b"-1", b"%2B1", b"+1", b"%201", b"1%20", b"1.0", b"1e2", b"0x10", b"1_0", b"%D9%A3", b"%EF%BC%97", b"%00", b"1%00",
    b"%31%00", b"abc", b"NaN", b"null", b"true", b"1,2", b"1;2", b"%FF", b"%C3%28", b"'1'", b"%221%22",
]
#: The same number, percent-encoded.
ENCODED = [b"%37", b"%30%37", b"0%37"]
#: Percent-encoding that is broken: refused, or taken for an unknown parameter.
BROKEN_PERCENT = [b"%", b"%z", b"%zz", b"%1", b"%%", b"%u0037", b"7%", b"7%z1"]

#: In a JSON document, in place of a required value. Each is wrong or refused by the rules, or sound in some place.
VALUES = [edge.encode() for edge in EDGES] + [b"-" + edge.encode() for edge in EDGES[12:]]
VALUES += [
    b"0", b"1", b"1.0", b"1.5", b"1e2", b"1E400", b"-1", b"9" * 1000, b"1e-5", b"0.0", b"true", b"false", b"null", b'""',
    b'"7"', b'"x"', b'"1e2"', b'"\\u0000"', b'"\\u00e9"', b'"\\ud83d\\ude00"', b'"\xf0\x9f\x98\x80"', b"{}", b"[]",
    b"[1]", b"[[1]]", b'{"a":1}', b"[null]", b"[" * 60 + b"]" * 60, b"[" * 3000 + b"]" * 3000, b"[" * 100_000,
    b'{"a":' * 60 + b"1" + b"}" * 60, b'{"a":' * 3000 + b"1" + b"}" * 3000, b"01", b"+1", b".5", b"1.", b"0x1", b"NaN",
    b"Infinity", b"-", b"tru", b"'x'", b'"', b'"\xff"', b'"\xe2\x82"', b'"\xed\xa0\x80"', b'"\\x"', b'"\\u12"', b"",
    b"1 2", b"/* */1", b"// 1", b"undefined", b"\xef\xbb\xbf1", b"{", b"}", b"]", b",", b":", b"1,", b"\x00",
]
#: Texts that some parsers take and others refuse.
LOOSE_VALUES = [b"-0", b'"\\ud800"', b'"\\udc00x"', b'"a\x01b"', b'"a\nb"', b'"a\tb"', b'"a\x00b"', b'"\x7f"']
#: Values of unknown keys: sound ones are ignored everywhere.
UNKNOWN = [b"1", b"null", b'"x"', b"[]", b'{"b":[1,{}]}', b"[" * 100 + b"]" * 100, b"1e5", b'"\\u00e9"']
LOOSE_UNKNOWN = [
    b"[" * 1500 + b"]" * 1500, b"[" * 100_000 + b"]" * 100_000, b"NaN", b"01", b"1e999", b'"\\ud800"', b'"\xff"',
    b'{"a":1,"a":2}', b"tru", b'"\x01"', b"9" * 5000,
]
NAMES = [b"x", b"orders", b"lines", b"quantity", b"constructor", b"__proto__", b"", b"\\u006frders"]
AROUND = [b" ", b"\n\r\t ", b" " * 5000]
AFTER = [b"x", b"{}", b",", b"]", b"\x00", b"null", b"//"]
BEFORE = [b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b",", b"//\n", b"x"]

PATHS = [
    b"/", b"//", b"/ping/", b"/PING", b"/ping.", b"/pin", b"/pingg", b"/products", b"/products/1/", b"/products/1/2",
    b"/products/1/slow/", b"/customers/1", b"/orders/1", b"/cpu", b"/x" * 700, b"/a?b", b"/?ping",
]
#: A path that some servers put in order, or decode, before they look for its route.
LOOSE_PATHS = [
    b"/./ping", b"/x/../ping", b"/ping/.", b"/ping/..", b"/%70ing", b"/ping%2F", b"//ping", b"/ping//", b"/products//1",
    b"/%2e/ping", b"/ping%00", b"/ping;a=b", b"/products/1%2Fslow?ms=0", b"/products/..%2F1", b"/%FF", b"/ping??",
    b"/" + b"y" * 1500, b"/products;a/1", b"/products/1;a=2", b"/products/%2e", b"/customers/7%2Forders",
    b"/customers//orders", b"/products//slow?ms=0",
]
#: What may not stand in a request's first line.
BROKEN_TARGETS = [
    b"/%", b"/%zz", b"/products/%zz", b"/products/7%", b"/\\ping", b"/ping\\", b"/ping#a", b"/ping?#", b"/ping?\xff",
    b"/\xc3\xa9", b"http://localhost/ping", b"*", b"localhost:80", b"", b"ping", b"http://", b"/\x00", b"/ping x", b"/\t",
    b"/ping?\x01", b'/"', b"/" + b"y" * 3000, b"/" + b"y" * 70_000, b"/ping?" + b"y" * 70_000, b"/ping?<>{}|^`",
    b"/<>{}|^`", b"http://[/", b"http://a:b/ping",
]
METHODS = [b"PUT", b"DELETE", b"PATCH", b"OPTIONS"]
LOOSE_METHODS = [
    b"get", b"Get", b"G", b"GETGET", b"TRACE", b"CONNECT", b"PRI", b"G\x00T", b"G T", b"G/T", b"\xff", b"POST",
    b"X" * 300,
]
VERSIONS = [
    b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1", b"HTTP/11", b"http/1.1", b"HTTP/1.1 ", b"HTPP/1.1",
    b"", b"HTTP/1.1\x00", b"HTTP/ 1.1", b"HTTP/-1.1", b"HTTP/1.1x", b"HTTPS/1.1",
]
HEADERS = [
    b"content-length: 5", b"content-length: 0", b"content-length: -1", b"content-length: +5", b"content-length: 0x5",
    b"content-length: 5, 5", b"content-length: 5,6", b"content-length: 1e1", b"content-length: 99999999999999999999",
    b"content-length: 9223372036854775807", b"content-length: 9223372036854775808", b"content-length:",
    b"content-length: 5 5", b"transfer-encoding: chunked", b"transfer-encoding: Chunked", b"transfer-encoding: gzip",
    b"transfer-encoding: identity", b"transfer-encoding: chunked, chunked", b"transfer-encoding: gzip, chunked",
    b"transfer-encoding: chunked, gzip", b"transfer-encoding:\x0bchunked", b"transfer-encoding: xchunked",
    b"transfer-encoding : chunked", b"transfer-encoding:", b"Transfer_Encoding: chunked", b"content_length: 3",
    b"host: other", b"host:", b"host: a b", b"host: \xff", b"host: [", b"host: x:y", b"a", b"a b: c", b"a : b", b" a: b",
    b": b", b"", b"\x00: b", b"a\x00: b", b"a: \x00", b"a: b\x00c", b"a: \x01", b"a: \x7f", b"a: \xff", b"\xff: b",
    b"a: b\r\n c", b"a: b\r\n\tc", b"a: b\r\n ", b"a: b\nc: d", b"a: b\rc: d", b"a: b\r\r\nc: d", b"a:\r\n",
    b"a: " + b"b" * 6000, b"a: " + b"b" * 70_000, b"a" * 70_000 + b": b", b"\r\n".join([b"a: b"] * 150),
    b"\r\n".join([b"a: b"] * 20_000), b"connection: close", b"connection: keep-alive, close", b"connection: x",
    b"connection: upgrade\r\nupgrade: h2c",
    b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__",
    b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-version: 13",
    b"upgrade: websocket", b"expect: 100-continue", b"expect: x", b"content-encoding: gzip", b"content-type: text/plain",
    b"content-type: \xff", b"content-type: application/json;charset=utf-16", b"content-type: application/json; charset=x",
    b"content-type: ;", b"accept: x", b"accept: text/html;q=x", b"accept-encoding: gzip", b"range: bytes=0-1",
    b"cookie: a=b; c", b"trailer: x", b"te: x", b"x-http-method-override: DELETE", b"if-none-match: *",
    b"if-modified-since: x", b"forwarded: for=x", b"x-forwarded-for: x",
]
CHUNKS = [
    b"1 \r\n", b"1;a=b\r\n", b"01\r\n", b"00000000000000001\r\n", b"1\n", b" 1\r\n", b"+1\r\n", b"-1\r\n", b"0x1\r\n",
    b"1_\r\n", b"g\r\n", b"\r\n", b"ffffffffffffffff\r\n", b"10000000000000001\r\n", b"80000000\r\n",
    b"7fffffffffffffff\r\n", b"1\r\r\n", b"1;" + b"a" * 20_000 + b"\r\n", b'1;a="\r\n"\r\n', b"1\x00\r\n", b"1;\x00\r\n",
]
ENDS = [
    b"0\r\n\r\n", b"0\r\na: b\r\n\r\n", b"0\r\ncontent-length: 5\r\n\r\n", b"0\r\nX", b"0\n\n", b"00\r\n\r\n", b"0\r\n\n",
    b"0\r\n" + b"a: b\r\n" * 5000 + b"\r\n", b"0\r\na\r\n\r\n", b"0\r\n\x00: b\r\n\r\n", b"0;a\r\n\r\n",
    b"0\r\na: " + b"b" * 70_000 + b"\r\n\r\n",
]
SEPARATORS = [b"", b"\n", b"\r", b"XX", b"\r\nX", b"\n\r"]
