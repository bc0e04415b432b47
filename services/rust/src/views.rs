//! Rows as the answers show them. Text is borrowed from the row, because it goes straight on into
//! JSON.

use serde::Serialize;
use time::OffsetDateTime;
use tokio_postgres::{Error, Row};

#[derive(Serialize)]
pub struct Product<'a> {
    id: i32,
    name: &'a str,
    price_cents: i32,
    stock: i32,
}

impl<'a> Product<'a> {
    pub fn from_row(row: &'a Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            price_cents: row.try_get(2)?,
            stock: row.try_get(3)?,
        })
    }
}

#[derive(Serialize)]
pub struct CustomerOrders<'a> {
    customer: Customer<'a>,
    orders: Vec<Order<'a>>,
}

#[derive(Serialize)]
struct Customer<'a> {
    id: i32,
    name: &'a str,
    region: &'a str,
}

#[derive(Serialize)]
struct Order<'a> {
    id: i64,
    #[serde(serialize_with = "whole_seconds")]
    created_at: OffsetDateTime,
    status: &'a str,
    total_cents: i64,
    lines: i64,
}

impl<'a> CustomerOrders<'a> {
    /// `None` without a row: a customer who has no orders is one row of which the second half is
    /// null.
    pub fn from_rows(rows: &'a [Row]) -> Result<Option<Self>, Error> {
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let mut orders = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(id) = row.try_get(3)? {
                orders.push(Order {
                    id,
                    created_at: row.try_get(4)?,
                    status: row.try_get(5)?,
                    total_cents: row.try_get(6)?,
                    lines: row.try_get(7)?,
                });
            }
        }
        Ok(Some(Self {
            customer: Customer {
                id: first.try_get(0)?,
                name: first.try_get(1)?,
                region: first.try_get(2)?,
            },
            orders,
        }))
    }
}

/// RFC 3339 has a fraction only where there is one.
fn whole_seconds<S: serde::Serializer>(
    instant: &OffsetDateTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time::serde::rfc3339::serialize(&instant.truncate_to_second(), serializer)
}

#[derive(Serialize)]
pub struct Regions<'a> {
    days: i32,
    regions: Vec<Region<'a>>,
}

#[derive(Serialize)]
struct Region<'a> {
    region: &'a str,
    orders: i64,
    revenue_cents: i64,
}

impl<'a> Regions<'a> {
    pub fn from_rows(days: i32, rows: &'a [Row]) -> Result<Self, Error> {
        let region = |row: &'a Row| {
            Ok(Region {
                region: row.try_get(0)?,
                orders: row.try_get(1)?,
                revenue_cents: row.try_get(2)?,
            })
        };
        Ok(Self {
            days,
            regions: rows.iter().map(region).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests;
