"""The manifest of a team's own service: what it gives, and one sentence for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_folder import MANIFEST, write_service

from harness.errors import UsageError
from harness.evaluation.statements import contract_of, name_of
from harness.plan.own import find_own
from harness.plan.own_profiles import find_own_profiles
from harness.plan.placeholders import filled, words_in
from harness.record.own import Counted, Own
from harness.trials.own_statements import statistics_sql


def refused(perf: Path, taken: tuple[str, ...] = ("go", "load")) -> str:
    with pytest.raises(UsageError) as error:
        find_own((str(perf),), taken)
    return str(error.value)


def test_a_folder_and_each_folder_in_it_is_a_service(tmp_path: Path) -> None:
    folder = write_service(tmp_path)
    write_service(tmp_path, "cart")
    (tmp_path / "notes").mkdir()
    assert list(find_own((str(tmp_path),), ())) == ["cart", "checkout"]
    (found,) = find_own((str(folder),), ()).values()
    assert isinstance(found.own, Own)
    assert (found.language, found.target_class, found.own.health) == ("Java", "own", "/actuator/health")
    assert found.own.parts == ("database", "redis")
    assert found.own.user == "10001"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('image = { build = ".." }', 'image = { build = "..", use = "a:1" }', "image needs either build or use"),
        ('image = { build = ".." }', "image = {}", "image needs either build or use"),
        ('build = ".."', 'build = "../nowhere"', "image: build: there is no folder ../nowhere beside it"),
        ('build = ".."', 'build = "."', "image: . has no Dockerfile: name it as dockerfile"),
        ('{ build = ".." }', '{ use = "a:1", dockerfile = "X" }', "image: dockerfile and arguments are for build: "
         "an image that is used exists already"),
        ('"{port}"', '"{prot}"', "environment SERVER_PORT: {prot} is not known; did you mean {port}?"),
        ('"{port}"', '"8080"', "environment: nothing has {port}: each copy of the service "
         "gets a port of its own, and must be told"),
        ("{redis_port}", "{redis_prot}", "beside redis: command: {redis_prot} is not known; did you mean {redis_port}?"),
        ('class = "own"', 'class = "standard"', 'class "standard" is for fitmap\'s own '
         'targets: a service elsewhere has class "own"'),
        ('class = "own"', 'class = "owned"', 'unknown class "owned": known are own'),
        ("keeps =", "keep =", 'unknown key "keep": did you mean "keeps"?'),
        ('["drain"]', '["drian"]', 'unknown keeps "drian": known are drain, statements'),
        ('["checkout"]', "[]", "profiles is empty, so nothing would be measured: name one under loadtests/ beside it"),
        ('"/actuator/health"', '"health"', 'health: "health" must begin with /'),
        ('["/app/logs"]', '["logs"]', 'writable: "logs" must begin with /'),
        ('health = "/actuator/health"', "ready_seconds = 0", "ready_seconds must be within 1-600, not 0"),
        ('health = "/actuator/health"', 'user = "root"', "user must be a number such as "
         '10001, or "image" for the image\'s own'),
        ('["schema.sql"]', '["seed.sql"]', "database: init: there is no file seed.sql beside it"),
        ('"redis"', '"database"', 'beside: "database" can\'t be its name: take lower-case letters, '
         "digits, _ and -; not service, database, generator, proxy, migrate"),
        ('["PAYMENT_KEY"]', '["SERVER_PORT"]', "secrets: SERVER_PORT stands under [environment] too: "
         "a secret has no value here"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in MANIFEST
    folder = write_service(tmp_path, manifest=MANIFEST.replace(old, new, 1))
    assert refused(tmp_path) == f"{folder}/service.toml: {sentence}"


def test_a_name_that_is_taken_or_odd_is_refused(tmp_path: Path) -> None:
    write_service(tmp_path, "go")
    assert refused(tmp_path) == f'--services {tmp_path}: "go" is one of fitmap\'s targets: rename the folder'
    assert refused(tmp_path / "nothing") == f"--services {tmp_path}/nothing: there is no such folder"
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty").endswith("neither it nor a folder in it has a service.toml: `fitmap init "
                                                f"{tmp_path}/empty` writes one")  # fmt: skip
    write_service(tmp_path / "other", "Check.out")
    assert "\"Check.out\" can't be a target's name" in refused(tmp_path / "other")


def test_two_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    write_service(tmp_path / "a")
    write_service(tmp_path / "b")
    with pytest.raises(UsageError, match='another folder is called "checkout" too'):
        find_own((str(tmp_path / "a"), str(tmp_path / "b")), ())


def test_a_variant_has_another_image_or_other_variables(tmp_path: Path) -> None:
    section = '[variants.next]\nquestion = "What does 1.43 bring?"\nimage = { use = "shop:1.43" }\n'
    write_service(tmp_path, manifest=MANIFEST + section)
    base, changed = find_own((str(tmp_path),), ()).values()
    assert (changed.name, changed.variant and changed.variant.base) == ("checkout.next", "checkout")
    assert isinstance(changed.own, Own) and isinstance(base.own, Own)
    assert (base.own.image.build, changed.own.image.use) == ("..", "shop:1.43")


def test_a_variant_that_changes_nothing_is_refused(tmp_path: Path) -> None:
    folder = write_service(tmp_path, manifest=MANIFEST + '[variants.next]\nquestion = "What?"\n')
    assert refused(tmp_path) == f"{folder}/service.toml: [variants.next] changes nothing: give it an image or environment"


def test_placeholders_leave_json_and_doubled_braces_alone() -> None:
    text = '{"port": {port}, "a": "{{port}}", "x": {}}'
    assert list(words_in(text)) == ["port"]
    assert filled(text, {"port": "80"}) == '{"port": 80, "a": "{port}", "x": {}}'


COUNTED = MANIFEST.replace('["drain"]', '["statements"]').replace(
    'init = ["schema.sql"]', 'init = ["schema.sql"]\ncounted = { user = "shop", database = "shop" }'
)
QUERIES = """\
[queries]
cart = "SELECT * FROM carts WHERE id = $1"
[routes]
"GET /carts/{id}" = ["cart"]
"POST /orders" = ["BEGIN", "COMMIT"]
"""


def test_a_service_may_keep_its_own_statements(tmp_path: Path) -> None:
    folder = write_service(tmp_path, manifest=COUNTED)
    where = f"{folder}/service.toml: keeps"
    assert refused(tmp_path) == f'{where}: "statements" needs a queries.toml beside it'
    (folder / "queries.toml").write_text(QUERIES.replace('["cart"]', '["carts"]'))
    assert refused(tmp_path) == (
        f'{folder}/queries.toml: [routes] "GET /carts/{{id}}": unknown statement "carts": did you mean "cart"?'
    )
    (folder / "queries.toml").write_text(QUERIES)
    (target,) = find_own((str(tmp_path),), ()).values()
    assert isinstance(target.own, Own) and target.own.queries
    contract = contract_of(target.own.queries)
    assert contract.routes["POST /orders"] == ("BEGIN", "COMMIT")
    assert name_of(contract, "select * from carts") != "cart"
    assert name_of(contract, "SELECT * FROM carts  WHERE id = 7;") == "cart"
    assert find_own_profiles({"checkout": target}, ())
    (folder / "queries.toml").write_text(QUERIES.replace('"POST /orders"', '"POST /order"'))
    with pytest.raises(UsageError, match=r'\[routes\] has no "POST /orders", which profile checkout sends'):
        find_own_profiles(find_own((str(tmp_path),), ()), ())


def test_statements_are_counted_for_a_role_and_a_database(tmp_path: Path) -> None:
    write_service(tmp_path, manifest=MANIFEST.replace('["drain"]', '["statements"]'))
    assert '"statements" are counted by PostgreSQL: give the database counted = ' in refused(tmp_path)
    text = statistics_sql(Counted("o'shop", "shop"))
    assert "fitmap" not in text
    assert "userid = '\"o''shop\"'::regrole AND dbid = (SELECT oid FROM pg_database WHERE datname = 'shop')" in text
