use super::*;

fn query(query: &str) -> Result<Option<u32>, Error> {
    let uri = format!("/route?{query}").parse().unwrap();
    optional(&uri, "n", 1..=100)
}

#[test]
fn integers_are_one_to_ten_digits() {
    assert_eq!(parse_integer("0"), Some(0));
    assert_eq!(parse_integer("0000000042"), Some(42));
    assert_eq!(parse_integer("9999999999"), Some(9_999_999_999));
    for text in [
        "",
        "+1",
        "-1",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x1",
        "00000000001",
        "٣",
    ] {
        assert_eq!(parse_integer(text), None, "{text}");
    }
}

#[test]
fn query_parameters_are_decoded_and_held_to_their_range() {
    assert_eq!(query("n=7&other=x").unwrap(), Some(7));
    assert_eq!(query("%6E=%31%30").unwrap(), Some(10));
    assert_eq!(query("m=7").unwrap(), None);
    assert_eq!(query("").unwrap(), None);
    for text in [
        "n",
        "n=",
        "n=0",
        "n=101",
        "n=4294967297",
        "n=+1",
        "n=1&n=1",
        "n=1&%6e=2",
    ] {
        assert!(query(text).is_err(), "{text}");
    }
    assert!(required(&"/route".parse().unwrap(), "n", 1..=100_u32).is_err());
}

#[test]
fn the_content_type_is_json_whatever_its_case_and_parameters() {
    let accepts = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, value.parse().unwrap());
        is_json(&headers)
    };
    assert!(accepts("application/json"));
    assert!(accepts("Application/JSON ; charset=utf-8"));
    for value in [
        "",
        "text/plain",
        "application/jsonp",
        "application/json2;",
        "json",
    ] {
        assert!(!accepts(value), "{value}");
    }
    assert!(!is_json(&HeaderMap::new()));
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte_and_no_more() {
    let body = |length| Body::from(vec![b' '; length]);
    assert_eq!(read(body(MAX_BODY)).await.unwrap().len(), MAX_BODY);
    assert!(matches!(
        read(body(MAX_BODY + 1)).await,
        Err(Error::TooLarge)
    ));
}
