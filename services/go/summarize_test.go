package main

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func summarizeText(t *testing.T, body string) (string, error) {
	t.Helper()
	var request summarizeRequest
	if err := json.Unmarshal([]byte(body), &request); err != nil {
		return "", badRequest(err.Error())
	}
	if err := request.validate(); err != nil {
		return "", err
	}
	answer, err := json.Marshal(summarize(request.Orders))
	if err != nil {
		t.Fatal(err)
	}
	return string(answer), nil
}

func TestSummarize(t *testing.T) {
	for _, test := range []struct{ body, want string }{
		{`{"orders":[]}`, `{"orders":0,"regions":[]}`},
		// No lines, no revenue: the tie goes to the smaller name.
		{
			`{"orders":[{"customer":"b","region":"r","lines":[]},{"customer":"a","region":"r","lines":[]}]}`,
			`{"orders":2,"regions":[{"region":"r","orders":2,"quantity":0,"revenue_cents":0,"top_customer":"a"}]}`,
		},
		// Equal revenue orders by code point (U+FF5E before U+1F600, other than in UTF-16); top within the region.
		{
			`{"x":1,"orders":[
			{"customer":"a","region":"\ud83d\ude00","lines":[{"sku":"","quantity":2,"price_cents":5,"x":null}]},
			{"customer":"b","region":"\uff5e","lines":[{"sku":"s","quantity":1,"price_cents":0},{"sku":"s","quantity":1,"price_cents":10}]},
			{"customer":"a","region":"<","lines":[{"sku":"s","quantity":1000000,"price_cents":100000000}]}]}`,
			`{"orders":3,"regions":[` +
				`{"region":"<","orders":1,"quantity":1000000,"revenue_cents":100000000000000,"top_customer":"a"},` +
				`{"region":"` + "\uff5e" + `","orders":1,"quantity":2,"revenue_cents":10,"top_customer":"b"},` +
				`{"region":"` + "\U0001f600" + `","orders":1,"quantity":2,"revenue_cents":10,"top_customer":"a"}]}`,
		},
	} {
		if got, err := summarizeText(t, test.body); err != nil || got != test.want {
			t.Errorf("%s\n got %s, %v\nwant %s", test.body, got, err, test.want)
		}
	}
}

func TestSummarizeRefuses(t *testing.T) {
	order := `{"orders":[{"customer":"c","region":"r","lines":[%s]}]}`
	bodies := []string{
		``, `null`, `[]`, `{}`, `{"orders":null}`, `{"orders":{}}`, `{"orders":[null]}`, `{"orders":[]} x`, `{"orders":[],}`,
		`{"orders":[{"region":"r","lines":[]}]}`, `{"orders":[{"customer":null,"region":"r","lines":[]}]}`,
		`{"orders":[{"customer":"c","region":1,"lines":[]}]}`, `{"orders":[{"customer":"c","region":"r"}]}`,
		`{"orders":[{"customer":"c","region":"r","lines":null}]}`, `{"Orders":[]}`,
		fmt.Sprintf(order, `null`),
		`{"orders":[` + strings.Repeat(`{"customer":"c","region":"r","lines":[]},`, mostOrders) + `{"customer":"c","region":"r","lines":[]}]}`,
	}
	for _, number := range []string{`0`, `-1`, `1.0`, `1e0`, `"1"`, `true`, `null`, `1000001`, `99999999999999999999`, `[]`} {
		bodies = append(bodies, fmt.Sprintf(order, `{"sku":"s","quantity":`+number+`,"price_cents":1}`))
	}
	for _, price := range []string{`-1`, `100000001`, `null`} {
		bodies = append(bodies, fmt.Sprintf(order, `{"sku":"s","quantity":1,"price_cents":`+price+`}`))
	}
	for _, line := range []string{`{"quantity":1,"price_cents":1}`, `{"sku":"s","price_cents":1}`, `{"sku":"s","quantity":1}`} {
		bodies = append(bodies, fmt.Sprintf(order, line))
	}
	for _, body := range bodies {
		_, err := summarizeText(t, body)
		if answer, ok := errors.AsType[*failure](err); !ok || answer.status != http.StatusBadRequest {
			t.Errorf("%.200s: %v", body, err)
		}
	}
}
