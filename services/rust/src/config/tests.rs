use tokio_postgres::config::Host;

use super::*;

const URL: &str = "postgresql://fitmap:p%40ss%2Fword@127.0.0.1:5433/shop";

fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_lookup(|wanted| {
        let (_, value) = variables.iter().find(|(name, _)| *name == wanted)?;
        Some((*value).to_owned())
    })
}

#[test]
fn defaults_fill_what_is_optional() {
    let config = config(&[("PORT", "8080"), ("DATABASE_URL", URL)]).unwrap();
    assert_eq!(config.host, Ipv4Addr::LOCALHOST);
    assert_eq!(config.port, 8080);
    assert_eq!(config.db_pool_size, 16);
    assert!(config.cpus >= 1);
}

#[test]
fn the_database_url_is_taken_apart_and_decoded() {
    let database = database(URL).unwrap();
    assert_eq!(database.get_user(), Some("fitmap"));
    assert_eq!(database.get_password(), Some(b"p@ss/word".as_slice()));
    assert_eq!(database.get_hosts(), [Host::Tcp("127.0.0.1".to_owned())]);
    assert_eq!(database.get_ports(), [5433]);
    assert_eq!(database.get_dbname(), Some("shop"));
}

#[test]
fn a_malformed_database_url_is_refused() {
    for url in [
        "",
        "fitmap",
        "mysql://u:p@h:1/n",
        "postgresql://h:1/n",
        "postgresql://u@h:1/n",
        "postgresql://u:@h:1/n",
        "postgresql://:p@h:1/n",
        "postgresql://u:p@:1/n",
        "postgresql://u:p@h/n",
        "postgresql://u:p@h:0/n",
        "postgresql://u:p@h:x/n",
        "postgresql://u:p@h:65536/n",
        "postgresql://u:p@h:1",
        "postgresql://u:p@h:1/",
        "postgresql://u:p@h:1/n?sslmode=disable",
        "postgresql://u:p%ff@h:1/n",
    ] {
        assert!(database(url).is_none(), "{url}");
    }
}

#[test]
fn a_bad_variable_is_named_and_its_value_is_not() {
    for (name, value) in [
        ("HOST", "localhost:1"),
        ("HOST", ""),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "+80"),
        ("DB_POOL_SIZE", "0"),
        ("DB_POOL_SIZE", "1001"),
        ("CPUS", "1025"),
        ("CPUS", "two"),
        ("DATABASE_URL", "postgresql://u:secret@h"),
    ] {
        let error = config(&[(name, value), ("PORT", "1"), ("DATABASE_URL", URL)]).unwrap_err();
        assert_eq!(error.0, name);
        assert!(!error.to_string().contains("secret"));
    }
    assert_eq!(config(&[("DATABASE_URL", URL)]).unwrap_err().0, "PORT");
    assert_eq!(config(&[("PORT", "1")]).unwrap_err().0, "DATABASE_URL");
}
