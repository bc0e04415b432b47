"""The routes of the reference servers. The harness imports this module too, so it imports nothing itself."""

NULL = "GET /"
#: The fixed delays between reading a request and its answer, milliseconds. Connections do not wait for each other.
DELAYS_MS = (0, 1, 5, 10, 20, 2000)
#: Answered at once, except in one pause of this route: STALL_SECONDS long, STALL_AFTER_SECONDS after its first request.
STALL = "GET /stall"
STALL_AFTER_SECONDS = 3.0
STALL_SECONDS = 0.5
#: One request at a time, SERIAL_MS each: a server of known capacity.
SERIAL = "GET /serial"
SERIAL_MS = 1.0
#: Numbers of rounds of hashing. CPU time grows in proportion.
WORK_ROUNDS = (1000, 1100)
WORK = tuple(f"GET /hash/{rounds}" for rounds in WORK_ROUNDS)


def delay(milliseconds: int) -> str:
    """The route with a fixed delay."""
    return f"GET /delay/{milliseconds}"


ROUTES = (NULL, *(delay(ms) for ms in DELAYS_MS), STALL, SERIAL, *WORK)
