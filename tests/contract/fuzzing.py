"""Property-based requests from the OpenAPI file: whatever is sent, no 5xx, and an answer that the file describes."""

from __future__ import annotations

from functools import cache
from typing import Any

import requests
import schemathesis
import yaml
from checks import CONTRACT, Problems
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from harness.containers.spec import LOOPBACK

EXAMPLES = 20
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: Parameters whose upper end takes seconds: (operation, parameter) -> largest value that is sent as a sound one.
GENTLE = {("wait", "ms"): 20, ("productSlow", "ms"): 20, ("collatz", "count"): 500}


def description() -> dict[str, Any]:
    """The OpenAPI file, with long waits and long walks left out of what is generated."""
    value: dict[str, Any] = yaml.safe_load((CONTRACT / "openapi.yaml").read_text())
    for item in value["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                limit = GENTLE.get((operation["operationId"], parameter.get("name")))
                if limit is not None:
                    parameter["schema"]["maximum"] = limit
    return value


@cache
def operations() -> dict[str, Any]:
    """The operations of the OpenAPI file by their label, "GET /ping"."""
    schema = schemathesis.openapi.from_dict(description())
    found: list[Any] = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return {operation.label: operation for operation in found}


def labels() -> list[str]:
    return list(operations())


def fuzz_problems(port: int, label: str) -> Problems:
    """Ask an operation sound and broken requests; the first failure of each kind of data."""
    operation = operations()[label]
    modes = [GenerationMode.POSITIVE]
    if operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody"):
        modes.append(GenerationMode.NEGATIVE)
    found: Problems = []
    for mode in modes:
        with requests.Session() as session:
            # Its own groups of failures are no Exceptions; what hypothesis raises is.
            try:
                _run(operation, mode, f"http://{LOOPBACK}:{port}", session)
            except (FailureGroup, Exception) as error:
                found.append(f"{label}, {mode.value} data: {error}")
    return found


def _run(operation: Any, mode: GenerationMode, base: str, session: requests.Session) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        response = case.call(base_url=base, session=session, timeout=10)
        case.validate_response(response, checks=CHECKS)

    run()
