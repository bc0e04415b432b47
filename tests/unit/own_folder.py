"""A team's service as a folder, for tests: its manifest, its Dockerfile, and a profile."""

from __future__ import annotations

from pathlib import Path

MANIFEST = """\
language = "Java"
class = "own"
keeps = ["drain"]
profiles = ["checkout"]
image = { build = ".." }
health = "/actuator/health"
writable = ["/app/logs"]
migrate = ["/app/migrate", "{database_port}"]
secrets = ["PAYMENT_KEY"]

[environment]
SERVER_PORT = "{port}"
SERVER_ADDRESS = "{host}"
SPRING_DATASOURCE_URL = "jdbc:postgresql://{database_host}:{database_port}/shop?password={database_password}"

[database]
image = "postgres:18"
init = ["schema.sql"]
environment = { POSTGRES_PASSWORD = "{database_password}", PGPORT = "{database_port}" }

[[beside]]
name = "redis"
image = "redis:8"
command = ["redis-server", "--port", "{redis_port}"]
"""

PROFILE = """\
title = "Checkout"
question = "What does a cart cost?"
connections = 32
levels = ["saturate", "200/s"]
headers = { authorization = "Bearer ${CHECKOUT_TOKEN}" }
request = [
  { send = "GET /carts/{1..5000}", route = "GET /carts/{id}", weight = 70, answer = { json = { currency = "EUR" } } },
  { send = "POST /orders", weight = 30, body = { ref = "{unique}", sku = "{line:skus.txt}" }, answer = { status = 201 } },
]
"""


def write_service(perf: Path, name: str = "checkout", manifest: str = MANIFEST, profile: str = PROFILE) -> Path:
    """A service in a folder `perf`, with its Dockerfile there."""
    folder = perf / name
    (folder / "loadtests").mkdir(parents=True)
    (perf / "Dockerfile").write_text("FROM scratch\n")
    (folder / "service.toml").write_text(manifest)
    (folder / "schema.sql").write_text("CREATE TABLE carts (id int);\n")
    (folder / "loadtests" / "checkout.toml").write_text(profile)
    (folder / "loadtests" / "skus.txt").write_text("A-1\nB-2\n")
    return folder
