use serde_json::{Value, json};

use super::*;

fn order(body: Value) -> Result<NewOrder, Error> {
    let Object(request): Object<OrderRequest> =
        serde_json::from_value(body).map_err(|_| bad_request("parse"))?;
    request.try_into()
}

fn with_lines(lines: impl IntoIterator<Item = (i64, i64)>) -> Result<NewOrder, Error> {
    let lines: Vec<_> = lines
        .into_iter()
        .map(|(product, quantity)| json!({"product_id": product, "quantity": quantity}))
        .collect();
    order(json!({"customer_id": 1, "lines": lines}))
}

#[test]
fn lines_are_put_in_product_order() {
    let order = with_lines([(9, 1), (3, 100), (7, 5)]).unwrap();
    assert_eq!(order.product_ids, [3, 7, 9]);
    assert_eq!(order.quantities, [100, 5, 1]);
}

#[test]
fn one_to_twenty_lines() {
    assert!(with_lines([]).is_err());
    assert!(with_lines((1..=20).map(|id| (id, 1))).is_ok());
    assert!(with_lines((1..=21).map(|id| (id, 1))).is_err());
}

#[test]
fn what_is_out_of_range_or_given_twice_is_refused() {
    for line in [(0, 1), (-1, 1), (2_147_483_648, 1), (1, 0), (1, 101)] {
        assert!(with_lines([line]).is_err(), "{line:?}");
    }
    assert!(with_lines([(5, 1), (6, 1), (5, 2)]).is_err());
    let line = json!({"product_id": 1, "quantity": 1});
    for customer in [
        json!(0),
        json!(2_147_483_648_i64),
        json!(null),
        json!("1"),
        json!(1.5),
    ] {
        assert!(order(json!({"customer_id": customer, "lines": [line]})).is_err());
    }
    assert!(order(json!({"lines": [line]})).is_err());
    assert!(order(json!({"customer_id": 1})).is_err());
}
