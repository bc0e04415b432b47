use serde_json::{Value, json};

use super::*;

fn answer(body: &Value) -> Result<Value, Error> {
    let body = body.to_string();
    let Object(request) = serde_json::from_str(&body).map_err(|_| bad_request("parse"))?;
    summarize(&request).map(|summary| serde_json::to_value(summary).unwrap())
}

fn order(customer: &str, region: &str, lines: &[(u64, u64)]) -> Value {
    let lines: Vec<_> = lines
        .iter()
        .map(|(quantity, price)| json!({"sku": "s", "quantity": quantity, "price_cents": price}))
        .collect();
    json!({"customer": customer, "region": region, "lines": lines, "unknown": [null]})
}

#[test]
fn nothing_gives_nothing() {
    let expected = json!({"orders": 0, "regions": []});
    assert_eq!(answer(&json!({"orders": []})).unwrap(), expected);
}

#[test]
fn regions_are_ordered_by_revenue_then_name() {
    let orders = json!({"orders": [
        order("a", "west", &[(2, 100)]),
        order("b", "east", &[(1, 50), (3, 50)]),
        order("c", "north", &[(1, 1000)]),
        order("d", "east", &[]),
    ]});
    let region = |region: &str, orders: u64, quantity: u64, revenue: u64, top: &str| {
        json!({
            "region": region,
            "orders": orders,
            "quantity": quantity,
            "revenue_cents": revenue,
            "top_customer": top,
        })
    };
    let expected = json!({"orders": 4, "regions": [
        region("north", 1, 1, 1000, "c"),
        region("east", 2, 4, 200, "b"),
        region("west", 1, 2, 200, "a"),
    ]});
    assert_eq!(answer(&orders).unwrap(), expected);
}

#[test]
fn the_top_customer_is_the_regions_own_and_ties_go_to_the_smaller_name() {
    let orders = json!({"orders": [
        order("é", "x", &[(1, 10)]),
        order("z", "x", &[(1, 5)]),
        order("z", "x", &[(1, 5)]),
        order("é", "y", &[(9, 10)]),
        order("\u{ff5e}", "y", &[(9, 10)]),
    ]});
    let answer = answer(&orders).unwrap();
    assert_eq!(answer["regions"][0]["top_customer"], "é");
    assert_eq!(answer["regions"][1]["top_customer"], "z");
}

#[test]
fn the_largest_values_fit() {
    let answer = answer(&json!({"orders": [order("a", "r", &[(1_000_000, 100_000_000); 2])]}));
    assert_eq!(
        answer.unwrap()["regions"][0]["revenue_cents"],
        200_000_000_000_000_u64
    );
}

#[test]
fn what_is_out_of_range_is_refused() {
    for lines in [[(0, 1)], [(1_000_001, 1)], [(1, 100_000_001)]] {
        assert!(answer(&json!({"orders": [order("a", "r", &lines)]})).is_err());
    }
    let orders = vec![order("a", "r", &[]); MAX_ORDERS];
    assert!(answer(&json!({"orders": orders})).is_ok());
    let orders = vec![order("a", "r", &[]); MAX_ORDERS + 1];
    assert!(answer(&json!({"orders": orders})).is_err());
}

#[test]
fn what_is_not_of_the_schema_is_refused() {
    for body in [
        json!([[]]),
        json!({}),
        json!({"orders": null}),
        json!({"orders": {}}),
        json!({"orders": [["a", "r", []]]}),
        json!({"orders": [{"customer": null, "region": "r", "lines": []}]}),
        json!({"orders": [{"customer": "a", "region": 1, "lines": []}]}),
        json!({"orders": [{"customer": "a", "region": "r"}]}),
    ] {
        assert!(answer(&body).is_err(), "{body}");
    }
}
#[test]
fn strings_are_strings_and_integers_are_integers() {
    let with_line = |sku, quantity, price_cents| {
        let line = json!({"sku": sku, "quantity": quantity, "price_cents": price_cents});
        answer(&json!({"orders": [{"customer": "a", "region": "r", "lines": [line]}]}))
    };
    assert!(with_line(json!("s"), json!(1), json!(0)).is_ok());
    assert!(with_line(json!(1), json!(1), json!(1)).is_err());
    for number in [
        json!(1.0),
        json!(1e3),
        json!("1"),
        json!(true),
        json!(-1),
        json!(null),
    ] {
        assert!(with_line(json!("s"), number.clone(), json!(1)).is_err());
        assert!(with_line(json!("s"), json!(1), number).is_err());
    }
}
