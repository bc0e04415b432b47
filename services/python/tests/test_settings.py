import pytest

from fitmap.settings import Settings, SettingsError

URL = "postgresql://shop:se%40cret@127.0.0.1:5432/fitmap"
ENVIRONMENT = {"PORT": "8080", "DATABASE_URL": URL, "CPUS": "1"}


def test_defaults() -> None:
    settings = Settings.from_environment({"PORT": "8080", "DATABASE_URL": URL})
    assert settings.host == "127.0.0.1"
    assert settings.db_pool_size == 16
    assert settings.cpus >= 1


def test_the_database_url_is_taken_apart_and_decoded() -> None:
    database = Settings.from_environment(ENVIRONMENT).database
    assert (database.host, database.port, database.user) == ("127.0.0.1", 5432, "shop")
    assert (database.password, database.name) == ("se@cret", "fitmap")
    assert "se@cret" not in repr(database)


@pytest.mark.parametrize("name", ["PORT", "DATABASE_URL"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is missing"):
        Settings.from_environment({key: value for key, value in ENVIRONMENT.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PORT", value) for value in ["", "0", "65536", "+80", "8_0", "80.0", "٨٠", " 80", "http"]),
        *(("DB_POOL_SIZE", value) for value in ["", "0", "1001", "-1"]),
        *(("CPUS", value) for value in ["", "0", "1025", "all"]),
        *(("HOST", value) for value in ["", "999.0.0.1", "not a host"]),
        *(
            ("DATABASE_URL", value)
            for value in [
                "",
                "mysql://shop:secret@127.0.0.1:5432/fitmap",
                "postgresql://shop@127.0.0.1:5432/fitmap",
                "postgresql://shop:secret@127.0.0.1/fitmap",
                "postgresql://shop:secret@127.0.0.1:port/fitmap",
                "postgresql://shop:secret@127.0.0.1:5432/",
                "postgresql://shop:secret@[::1:5432/fitmap",
                "postgresql://shop:secret@127.0.0.1:5432/fitmap/orders",
                "postgresql://shop:secret@127.0.0.1:5432/fitmap?sslmode=disable",
                "postgresql://shop:secret@127.0.0.1:5432/fitmap?",
                "postgresql://shop:secret@127.0.0.1:5432/fitmap#orders",
                "postgresql://shop:@127.0.0.1:5432/fitmap",
            ]
        ),
    ],
)
def test_a_malformed_value_is_named_in_one_line_without_secrets(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(ENVIRONMENT | {name: value})
    message = str(caught.value)
    assert message.startswith(name)
    assert "\n" not in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("pool_size", "cpus", "shares"),
    [(16, 1, [16]), (16, 2, [8, 8]), (16, 3, [6, 5, 5]), (2, 3, [1, 1, 1])],
)
def test_the_pool_is_shared_out(pool_size: int, cpus: int, shares: list[int]) -> None:
    settings = Settings.from_environment(ENVIRONMENT | {"DB_POOL_SIZE": str(pool_size), "CPUS": str(cpus)})
    assert [settings.pool_share(worker) for worker in range(cpus)] == shares
