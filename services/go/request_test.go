package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"
	"testing/iotest"
)

func TestParseInteger(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "7": 7, "0000000007": 7, "2147483647": 1<<31 - 1} {
		if got, ok := parseInteger(text, 0, 1<<31-1); !ok || got != want {
			t.Errorf("%q: got %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "+7", "-7", " 7", "7 ", "7.0", "7e0", "0x7", "1_0", "٧", "2147483648", "00000000007", "99999999999"} {
		if got, ok := parseInteger(text, 0, 1<<31-1); ok {
			t.Errorf("%q was taken as %d", text, got)
		}
	}
}

func TestParameter(t *testing.T) {
	for query, want := range map[string]int64{
		"ms=5": 5, "x=1&ms=5&y": 5, "%6ds=%35": 5, "x=%zz&ms=5": 5, "x=a;b&ms=5": 5, "&&ms=005&": 5,
	} {
		if got, found, err := parameter(query, "ms", 0, 10); err != nil || !found || got != want {
			t.Errorf("%q: got %d, %t, %v", query, got, found, err)
		}
	}
	for _, query := range []string{"", "MS=5", "x=5", "ms%3D5"} {
		if _, found, err := parameter(query, "ms", 0, 10); err != nil || found {
			t.Errorf("%q: %t, %v", query, found, err)
		}
	}
	for _, query := range []string{"ms", "ms=", "ms=5&ms=5", "ms=5&%6ds=5", "ms=%zz", "ms=11", "ms=+5", "ms=5;", "ms=5%20", "ms=5=5"} {
		if got, _, err := parameter(query, "ms", 0, 10); err == nil {
			t.Errorf("%q was taken as %d", query, got)
		}
	}
}

func TestALengthAloneTakesLittleMemory(t *testing.T) {
	request := httptest.NewRequest("POST", "/orders", iotest.ErrReader(io.ErrUnexpectedEOF))
	request.Header.Set("Content-Type", "application/json")
	request.ContentLength = mostBody
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = readJSON(httptest.NewRecorder(), request, new(orderRequest))
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > mostBody/4 {
		t.Errorf("%d bytes", taken)
	}
}

func TestBodiesThatDoNotArrive(t *testing.T) {
	handler := newHandler(nil, meta{})
	for _, test := range []struct {
		err  error
		want int
	}{
		{os.ErrDeadlineExceeded, http.StatusRequestTimeout},
		{io.ErrUnexpectedEOF, http.StatusBadRequest},
		{errors.New("connection reset"), http.StatusBadRequest},
	} {
		request := httptest.NewRequest("POST", "/orders", iotest.ErrReader(test.err))
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != test.want {
			t.Errorf("%v: %d", test.err, answer.Code)
		}
	}
}
