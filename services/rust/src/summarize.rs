//! `POST /cpu/summarize`.

use std::{borrow::Cow, collections::HashMap};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, bad_request},
    request::Object,
};

const MAX_ORDERS: usize = 10_000;
const MAX_QUANTITY: u64 = 1_000_000;
const MAX_PRICE_CENTS: u64 = 100_000_000;

#[derive(Deserialize)]
pub struct SummarizeRequest<'a> {
    #[serde(borrow)]
    orders: Vec<Object<Order<'a>>>,
}

#[derive(Deserialize)]
struct Order<'a> {
    // Text without escapes, which is nearly all of it, stays where it is in the body.
    #[serde(borrow)]
    customer: Cow<'a, str>,
    #[serde(borrow)]
    region: Cow<'a, str>,
    #[serde(borrow)]
    lines: Vec<Object<Line<'a>>>,
}

#[derive(Deserialize)]
struct Line<'a> {
    // Has to be there, and nobody looks at it.
    #[serde(borrow, rename = "sku")]
    _sku: Cow<'a, str>,
    quantity: u64,
    price_cents: u64,
}

#[derive(Serialize)]
pub struct Summary<'a> {
    orders: usize,
    regions: Vec<Region<'a>>,
}

#[derive(Serialize)]
struct Region<'a> {
    region: &'a str,
    orders: u64,
    quantity: u64,
    revenue_cents: u64,
    top_customer: &'a str,
}

#[derive(Default)]
struct Tally<'a> {
    orders: u64,
    quantity: u64,
    revenue_cents: u64,
    customers: HashMap<&'a str, u64>,
}

pub fn summarize<'a>(request: &'a SummarizeRequest<'_>) -> Result<Summary<'a>, Error> {
    if request.orders.len() > MAX_ORDERS {
        return Err(bad_request("There are more than 10000 orders."));
    }
    let mut tallies: HashMap<&str, Tally> = HashMap::new();
    for Object(order) in &request.orders {
        let (mut quantity, mut revenue_cents) = (0, 0);
        for Object(line) in &order.lines {
            if !(1..=MAX_QUANTITY).contains(&line.quantity) {
                return Err(bad_request("A quantity is not within 1 to 1000000."));
            }
            if line.price_cents > MAX_PRICE_CENTS {
                return Err(bad_request("A price_cents is not within 0 to 100000000."));
            }
            // No overflow: a body of 1 MiB holds fewer than 30,000 lines of at most 10^14 each.
            quantity += line.quantity;
            revenue_cents += line.quantity * line.price_cents;
        }
        let tally = tallies.entry(&order.region).or_default();
        tally.orders += 1;
        tally.quantity += quantity;
        tally.revenue_cents += revenue_cents;
        *tally.customers.entry(&order.customer).or_default() += revenue_cents;
    }

    let mut regions: Vec<_> = tallies
        .into_iter()
        .map(|(region, tally)| Region {
            region,
            orders: tally.orders,
            quantity: tally.quantity,
            revenue_cents: tally.revenue_cents,
            top_customer: top_customer(&tally.customers),
        })
        .collect();
    regions.sort_unstable_by(|a, b| {
        (b.revenue_cents.cmp(&a.revenue_cents)).then_with(|| a.region.cmp(b.region))
    });
    Ok(Summary {
        orders: request.orders.len(),
        regions,
    })
}

fn top_customer<'a>(customers: &HashMap<&'a str, u64>) -> &'a str {
    customers
        .iter()
        .max_by(|(a, a_revenue), (b, b_revenue)| a_revenue.cmp(b_revenue).then_with(|| b.cmp(a)))
        .map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests;
