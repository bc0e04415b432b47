package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Everything here is answered before the database is asked.
func TestRefusals(t *testing.T) {
	handler := newHandler(nil, meta{})
	json := http.Header{"Content-Type": {"application/json"}}
	for _, test := range []struct {
		request string
		header  http.Header
		body    string
		want    int
	}{
		{"GET /nowhere", nil, "", 404},
		{"GET /", nil, "", 404},
		{"GET /ping/", nil, "", 404},
		{"GET //ping", nil, "", 404},
		{"GET /cpu/../ping", nil, "", 404},
		{"GET /products/", nil, "", 404},
		{"OPTIONS *", nil, "", 404},
		{"GET /products//slow", nil, "", 404},
		{"POST /ping", nil, "", 405},
		{"DELETE /products/x", nil, "", 405},
		{"GET /orders", nil, "", 405},
		{"PUT /cpu/summarize", nil, strings.Repeat(" ", mostBody+1), 405},
		{"POST /orders", nil, "{}", 415},
		{"POST /orders", http.Header{"Content-Type": {"text/plain"}}, strings.Repeat(" ", mostBody+1), 415},
		{"POST /orders", json, strings.Repeat("x", mostBody+1), 413},
		{"POST /orders", json, strings.Repeat(" ", mostBody), 400},
		{"POST /cpu/summarize", http.Header{"Content-Type": {"Application/JSON ; charset=utf-8"}}, "{}", 400},
		{"GET /products/0", nil, "", 400},
		{"GET /products/1%2f2", nil, "", 400},
		{"GET /products/2147483648", nil, "", 400},
		{"GET /products/1/slow", nil, "", 400},
		{"GET /customers/1/orders?limit=0", nil, "", 400},
		{"GET /customers/1/orders?limit=%zz", nil, "", 400},
		{"GET /wait?ms=10001", nil, "", 400},
		{"GET /reports/regions?days=366", nil, "", 400},
		{"GET /cpu/collatz?from=1", nil, "", 400},
	} {
		method, target, _ := strings.Cut(test.request, " ")
		request := httptest.NewRequest(method, target, strings.NewReader(test.body))
		request.Header = test.header
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != test.want || answer.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d, %v", test.request, answer.Code, answer.Header())
		}
	}
}

func TestOrderValidation(t *testing.T) {
	handler := newHandler(nil, meta{})
	line := `{"product_id":1,"quantity":1}`
	for _, body := range []string{
		`{"lines":[` + line + `]}`, `{"customer_id":0,"lines":[` + line + `]}`, `{"customer_id":2147483648,"lines":[` + line + `]}`,
		`{"customer_id":1}`, `{"customer_id":1,"lines":[]}`, `{"customer_id":1,"lines":[` + line + `,` + line + `]}`,
		`{"customer_id":1,"lines":[{"product_id":0,"quantity":1}]}`, `{"customer_id":1,"lines":[{"product_id":1,"quantity":101}]}`,
		`{"customer_id":1,"lines":[{"product_id":1}]}`, `{"customer_id":1,"lines":[null]}`,
	} {
		request := httptest.NewRequest("POST", "/orders", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", body, answer.Code)
		}
	}
}
