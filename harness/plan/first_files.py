"""Writes the first service.toml and the first profile of a team's own service, with comments that say what to look at."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from harness.plan.openapi import FirstRequest, Openapi
from harness.record.own import IMAGE_USER
from harness.record.plan import SATURATE

Language = tuple[str, str, bool]
JAVA: Language = ("Java", "managed", True)
PYTHON: Language = ("Python", "interpreted", False)
NODE: Language = ("JavaScript", "managed", True)
GO: Language = ("Go", "compiled", False)
RUST: Language = ("Rust", "compiled", False)
RUBY: Language = ("Ruby", "interpreted", False)
PHP: Language = ("PHP", "interpreted", False)
CSHARP: Language = ("C#", "managed", True)
#: Variables of the official images, and the language that they tell.
BY_VARIABLE: Mapping[str, Language] = {
    "JAVA_VERSION": JAVA, "JAVA_HOME": JAVA, "NODE_VERSION": NODE, "PYTHON_VERSION": PYTHON, "GOLANG_VERSION": GO,
    "RUST_VERSION": RUST, "RUBY_VERSION": RUBY, "PHP_VERSION": PHP, "ASPNET_VERSION": CSHARP, "DOTNET_VERSION": CSHARP,
}  # fmt: skip
#: Words in the names of base images.
BY_BASE: Mapping[str, Language] = {
    "temurin": JAVA, "jdk": JAVA, "jre": JAVA, "java": JAVA, "maven": JAVA, "gradle": JAVA, "python": PYTHON, "node": NODE,
    "golang": GO, "rust": RUST, "ruby": RUBY, "php": PHP, "dotnet": CSHARP, "aspnet": CSHARP,
}  # fmt: skip
UNKNOWN: Language = ("unknown", "", False)
#: What a service that runs elsewhere gets at first: next to nothing.
FIRST_RATE, FIRST_CONNECTIONS, FIRST_FUSE = "20/s", 8, 50
LEVEL_WORDS = ("well below most_requests_per_second", 'a rate such as "200/s" shows latency too')
_HEALTH = re.compile(r"https?://[^/\s\"']+(/[^\s\"']*)")


class ImageFacts(Struct, frozen=True):
    """What an image, or a Dockerfile, says of itself."""

    #: As the manifest has it: `use = "..."` or `build = "..."`.
    source: str
    ports: tuple[int, ...] = ()
    environment: Mapping[str, str] = {}
    user: str = ""
    volumes: tuple[str, ...] = ()
    #: Its HEALTHCHECK.
    healthcheck: str = ""
    #: The images that the stages of a Dockerfile start from, the last one first.
    bases: tuple[str, ...] = ()

    @property
    def language(self) -> Language:
        """The language that its variables or its base images tell."""
        told = (found for variable, found in BY_VARIABLE.items() if variable in self.environment)
        named = (found for base in self.bases for word, found in BY_BASE.items() if word in base.lower())
        return next(told, None) or next(named, UNKNOWN)


def read_dockerfile(text: str, source: str) -> ImageFacts:
    """What a Dockerfile says in its last stage. Instructions that fitmap does not look at are skipped."""
    ports: list[int] = []
    environment: dict[str, str] = {}
    volumes: list[str] = []
    user = healthcheck = ""
    bases: list[str] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        match instruction.upper():
            case "FROM":
                ports, environment, volumes, user, healthcheck = [], {}, [], "", ""
                bases.insert(0, rest)
            case "EXPOSE":
                ports += [int(word) for word in re.findall(r"\d+", rest)]
            case "ENV":
                environment |= dict(re.findall(r"(\w+)[= ]\"?([^\s\"]+)", rest))
            case "USER":
                user = rest.strip()
            case "VOLUME":
                volumes += re.findall(r"/[^\s\",\]]+", rest)
            case "HEALTHCHECK":
                healthcheck = rest
    return ImageFacts(source, tuple(ports), environment, user, tuple(volumes), healthcheck, tuple(bases))


def first_manifest(name: str, facts: ImageFacts) -> str:
    """The text of service.toml."""
    language, kind, jit = facts.language
    health = match[1] if (match := _HEALTH.search(facts.healthcheck)) else ""
    lines = [
        f"# {name} under measurement with fitmap: docs/guide/your-own-service.md has every entry.",
        f"language = {_text(language)}{'' if kind else '           # a word for the report: write it'}",
        'class = "own"',
        f"profiles = [{_text(name)}]      # loadtests/{name}.toml beside this file",
        f"image = {{ {facts.source} }}",
        f"health = {_text(health or '/')}{'' if health else '                   # a path that answers 200 when ready'}",
        *([f"kind = {_text(kind)}"] if kind else []),
        *(["jit = true                     # compiled while it runs, so its warm-up is longer"] if jit else []),
        *([f'user = "{IMAGE_USER}"                  # {facts.user}; without this line: 10001'] if facts.user else []),
        *([f"writable = [{', '.join(map(_text, facts.volumes))}]"] if facts.volumes else []),
        '# keeps = ["drain"]             # it ends with status 0 after SIGTERM: `fitmap check` says whether it does',
        '# secrets = ["API_KEY"]         # taken over from the environment of fitmap, and kept out of all records',
        "",
        "[environment]",
        *_port_lines(facts),
        '# HOST = "{host}"               # 127.0.0.1, if it can be told where to listen',
        '# DATABASE_URL = "postgresql://postgres:{database_password}@{database_host}:{database_port}/app"',
        "",
        "# [database]",
        '# image = "postgres:18"',
        '# init = ["schema.sql"]         # files beside this one, executed before the service starts',
        '# environment = { POSTGRES_DB = "app", POSTGRES_PASSWORD = "{database_password}", PGPORT = "{database_port}" }',
        '# writable = ["/var/lib/postgresql"]',
        "",
        "# [[beside]]                    # a cache, for instance",
        '# name = "redis"',
        '# image = "redis:8"',
        '# command = ["redis-server", "--port", "{redis_port}"]',
    ]
    return "\n".join(lines) + "\n"


def _port_lines(facts: ImageFacts) -> list[str]:
    """The variable that sets the port: the one whose value is a port that the image exposes."""
    exposed = {str(port) for port in facts.ports}
    named = [name for name, value in facts.environment.items() if value in exposed and "PORT" in name.upper()]
    if named:
        return [f'{name} = "{{port}}"' for name in named]
    said = f"the image exposes {', '.join(sorted(exposed))}" if exposed else "the image exposes no port"
    return [f"# {said}: which variable of the service sets it?", 'PORT = "{port}"']


def first_external(name: str, url: str) -> str:
    """The text of fitmap.toml for a service that runs already. Its owner has not allowed anything yet."""
    lines = [
        f"# {name} under measurement with fitmap, which does not start it: docs/guide/your-own-service.md has every entry.",
        f"[targets.{name}]",
        f"url = {_text(url)}",
        'language = "unknown"           # a word for the report: write it',
        f"profiles = [{_text(name)}]      # loadtests/{name}.toml beside this file",
        "i_may_load_it = false          # true: you may send it load. Until then nothing is sent",
        f"most_requests_per_second = {FIRST_FUSE}  # in no second it gets more, whatever the profile says",
        "# most_connections = 8         # needed by levels without a rate, such as saturate",
        '# ca = "authority.pem"         # who signed its certificate, if that is an authority of your own',
    ]
    return "\n".join(lines) + "\n"


def first_profile(name: str, health: str, found: Openapi | None, *, level: str = SATURATE, connections: int = 32) -> str:
    """The text of the first profile: the requests of an OpenAPI file, or one to the health path."""
    requests: Sequence[FirstRequest] = found.requests if found else ()
    lines = [
        f"title = {_text(name.capitalize())}",
        'question = "What does a request cost?"',
        f"connections = {connections}",
        f"levels = [{_text(level)}]           # {LEVEL_WORDS[level == SATURATE]}",
        '# headers = { authorization = "Bearer ${API_TOKEN}" }',
        "# A number is drawn by {1..5000}, a line of a file by {line:ids.txt}; {unique} is new at each sending.",
        '# An answer is best checked by its content too: json = { currency = "EUR" }, or contains = "total".',
        "request = [",
        *(
            f"  {{ send = {_text(each.send)}, route = {_text(each.route)}, answer = {{ status = {each.status} }} }},"
            for each in (requests or (FirstRequest(f"GET {health}", f"GET {health}", 200),))
        ),
        *(f"  # left out: {each}" for each in (found.left_out if found else ())),
        "]",
    ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A text as TOML has it; JSON's form is the same."""
    return json.dumps(value, ensure_ascii=False)
