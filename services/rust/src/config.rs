//! The configuration: environment variables, and nothing else.

use std::{
    env, fmt,
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
    thread,
};

use percent_encoding::percent_decode_str;

use crate::request::parse_integer;

#[derive(Debug)]
pub struct Config {
    pub host: IpAddr,
    pub port: u16,
    pub database: tokio_postgres::Config,
    pub db_pool_size: usize,
    pub cpus: usize,
}

/// Names the variable and what it should be, never its value: `DATABASE_URL` holds a password.
#[derive(Debug, PartialEq)]
pub struct ConfigError(&'static str, &'static str);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be {}", self.0, self.1)
    }
}

impl Config {
    pub fn from_env() -> Result<Self, ConfigError> {
        // What is not UTF-8 is malformed, not missing: it must not fall back to a default.
        Self::from_lookup(|name| Some(env::var_os(name)?.into_string().unwrap_or_default()))
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            host: match lookup("HOST") {
                None => Ipv4Addr::LOCALHOST.into(),
                Some(text) => text
                    .parse()
                    .map_err(|_| ConfigError("HOST", "an IP address"))?,
            },
            port: lookup("PORT")
                .and_then(|text| integer(&text, 1..=65_535))
                .ok_or(ConfigError("PORT", "a number from 1 to 65535"))?,
            database: lookup("DATABASE_URL")
                .and_then(|url| database(&url))
                .ok_or(ConfigError(
                    "DATABASE_URL",
                    "of the form postgresql://user:password@host:port/name",
                ))?,
            db_pool_size: match lookup("DB_POOL_SIZE") {
                None => 16,
                Some(text) => integer(&text, 1..=1000)
                    .ok_or(ConfigError("DB_POOL_SIZE", "a number from 1 to 1000"))?,
            },
            cpus: match lookup("CPUS") {
                // Knows the affinity mask and the CPU quota of the control group.
                None => thread::available_parallelism().map_or(1, usize::from),
                Some(text) => integer(&text, 1..=1024)
                    .ok_or(ConfigError("CPUS", "a number from 1 to 1024"))?,
            },
        })
    }
}

fn integer<T: TryFrom<u64>>(text: &str, range: RangeInclusive<u64>) -> Option<T> {
    let value = parse_integer(text).filter(|value| range.contains(value))?;
    T::try_from(value).ok()
}

/// Stricter than the driver's own parser, which takes other notations and lets parts be absent.
fn database(url: &str) -> Option<tokio_postgres::Config> {
    let (credentials, address) = url.strip_prefix("postgresql://")?.rsplit_once('@')?;
    let (user, password) = credentials.split_once(':')?;
    let (authority, name) = address.split_once('/')?;
    let (host, port) = authority.rsplit_once(':')?;
    let decoded = |text| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        (!text.is_empty()).then_some(text)
    };
    if host.is_empty() || host.contains([':', '/', ',']) || name.contains(['/', '?', '#']) {
        return None;
    }

    let mut config = tokio_postgres::Config::new();
    config
        .user(decoded(user)?)
        .password(decoded(password)?.as_bytes())
        .host(host)
        .port(integer(port, 1..=65_535)?)
        .dbname(decoded(name)?);
    Some(config)
}

#[cfg(test)]
mod tests {
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
}
