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
mod tests;
