"""`fitmap init`: the first files can be read as they are, and say what an image or an OpenAPI file says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.plan.first_files import ImageFacts, first_manifest, first_profile, read_dockerfile
from harness.plan.openapi import read_openapi
from harness.plan.own import find_own
from harness.plan.own_profiles import find_own_profiles
from harness.record.own import Own

DOCKERFILE = """\
FROM maven:3 AS build
EXPOSE 1
FROM eclipse-temurin:25
ENV JAVA_VERSION=25 SERVER_PORT=8081 \\
    OTHER=8081
EXPOSE 8081/tcp
VOLUME ["/app/logs"]
USER app
HEALTHCHECK CMD curl -f http://localhost:8081/actuator/health || exit 1
"""

OPENAPI = """\
openapi: 3.1.0
paths:
  /carts/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer, maximum: 5000}}
    get:
      responses: {"200": {}, "404": {}}
    delete:
      responses: {"204": {}}
  /search:
    get:
      parameters:
        - {name: q, in: query, required: true, schema: {type: string}, example: red shoes}
      responses: {"200": {}}
  /users/{name}:
    get:
      parameters: [{$ref: "#/components/parameters/Name"}]
      responses: {"200": {}}
  /me:
    get:
      security: [{token: []}]
      responses: {"200": {}}
components:
  parameters:
    Name: {name: name, in: path, required: true, schema: {type: string}}
"""


def test_a_dockerfile_tells_port_user_health_and_language() -> None:
    facts = read_dockerfile(DOCKERFILE, 'build = ".."')
    assert facts.ports == (8081,)
    text = first_manifest("checkout", facts)
    assert 'SERVER_PORT = "{port}"' in text
    assert "OTHER =" not in text
    assert 'health = "/actuator/health"' in text
    assert 'user = "image"' in text
    assert 'writable = ["/app/logs"]' in text
    assert 'language = "Java"' in text and "jit = true" in text


@pytest.mark.parametrize("openapi", [None, OPENAPI])
def test_what_is_written_can_be_read(tmp_path: Path, openapi: str | None) -> None:
    folder = tmp_path / "checkout"
    (folder / "loadtests").mkdir(parents=True)
    (tmp_path / "openapi.yaml").write_text(openapi or "")
    found = read_openapi(tmp_path / "openapi.yaml") if openapi else None
    (folder / "service.toml").write_text(first_manifest("checkout", ImageFacts('use = "shop:1"')))
    (folder / "loadtests" / "checkout.toml").write_text(first_profile("checkout", "/", found))
    targets = find_own((str(tmp_path),), ())
    assert isinstance(targets["checkout"].own, Own)
    routes = find_own_profiles(targets, ())["checkout"].profile.routes
    assert routes == (("GET /carts/{id}", "GET /search") if openapi else ("GET /",))


def test_an_openapi_file_gives_the_requests_that_need_no_further_knowledge(tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(OPENAPI)
    found = read_openapi(path)
    assert [each.send for each in found.requests] == ["GET /carts/{1..5000}", "GET /search?q=red%20shoes"]
    assert found.left_out == (
        "DELETE /carts/{id}: only GET requests are written",
        "GET /users/{name}: it needs a value for {name}: take {line:FILE}",
        "GET /me: it needs a log-in: add a header with ${NAME}",
    )


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.yaml", "a: [", "neither JSON nor YAML"),
        ("a.json", "{", "neither JSON nor YAML"),
        ("a.json", json.dumps([1]), "not an OpenAPI file: it has no paths"),
        ("a.yaml", "swagger: 2", "not an OpenAPI file: it has no paths"),
    ],
)
def test_a_file_that_is_no_openapi_file_is_refused(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=sentence):
        read_openapi(tmp_path / name)


def test_a_port_that_no_variable_has_is_told() -> None:
    assert "# the image exposes 80: which variable of the service sets it?" in first_manifest(
        "shop", ImageFacts('use = "a"', (80,))
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("FROM golang:1.27 AS build\nFROM scratch\n", "Go"),
        ("FROM node:24\nFROM python:3.14-slim\n", "Python"),
        ("FROM eclipse-temurin:25-jre\n", "Java"),
        ("FROM debian\n", "unknown"),
    ],
)
def test_the_language_is_that_of_the_last_base_that_tells_one(text: str, language: str) -> None:
    assert read_dockerfile(text, "").language[0] == language
