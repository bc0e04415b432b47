package main

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	mostBody = 1 << 20

	// What is set aside for a body before any of it has come. Most are shorter.
	firstBody = 64 << 10
)

// parseInteger is stricter than strconv: no sign, no more than ten digits.
func parseInteger[T ~string | ~[]byte](digits T, least, most int64) (int64, bool) {
	if len(digits) < 1 || len(digits) > 10 {
		return 0, false
	}
	value := int64(0)
	for i := range len(digits) {
		digit := digits[i]
		if digit < '0' || digit > '9' {
			return 0, false
		}
		value = value*10 + int64(digit-'0')
	}
	return value, least <= value && value <= most
}

func pathID(r *http.Request) (int32, error) {
	id, ok := parseInteger(r.PathValue("id"), 1, 1<<31-1)
	if !ok {
		return 0, badRequest("id must be an integer from 1 to 2147483647")
	}
	return int32(id), nil
}

func required(r *http.Request, name string, least, most int64) (int64, error) {
	value, found, err := parameter(r.URL.RawQuery, name, least, most)
	if err == nil && !found {
		err = badRequest(name + " is required")
	}
	return value, err
}

func optional(r *http.Request, name string, least, most, otherwise int64) (int64, error) {
	value, found, err := parameter(r.URL.RawQuery, name, least, most)
	if err == nil && !found {
		value = otherwise
	}
	return value, err
}

// parameter looks a query up pair by pair, because url.Values drops what it cannot decode without a word: an optional
// parameter that is malformed would count as absent.
func parameter(query, name string, least, most int64) (value int64, found bool, err error) {
	for pair := range strings.SplitSeq(query, "&") {
		key, raw, _ := strings.Cut(pair, "=")
		if key, err := url.QueryUnescape(key); err != nil || key != name {
			continue
		}
		if found {
			return 0, true, badRequest(name + " was given twice")
		}
		found = true
		digits, err := url.QueryUnescape(raw)
		ok := err == nil
		if ok {
			value, ok = parseInteger(digits, least, most)
		}
		if !ok {
			return 0, true, badRequest(fmt.Sprintf("%s must be an integer from %d to %d", name, least, most))
		}
	}
	return value, found, nil
}

// readJSON reads the whole body before it parses: of a body both too large and malformed, the size is reported.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(contentType), "application/json") {
		return &failure{status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Detail: "the body must be application/json"}
	}
	// For a short body of known length the buffer need not grow. ReadFrom wants some room beyond the end.
	body := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), firstBody)+bytes.MinRead))
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, mostBody)); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return &failure{status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: "the body may have 1048576 bytes at most"}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return &failure{status: http.StatusRequestTimeout, Code: "too_slow", Detail: "the body took longer than 10 s"}
		}
		return badRequest("the body could not be read")
	}
	// The deadline was the body's. Left alone it would cancel the request.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if err := json.Unmarshal(body.Bytes(), into); err != nil {
		return badRequest("the body is not the JSON that this route takes")
	}
	return nil
}

// text and integer know whether they were given at all, which a string and an int64 cannot say, and refuse null. They
// cost fewer allocations than pointers would.
type text struct {
	value   string
	present bool
}

func (t *text) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	token, err := decoder.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != jsontext.KindString {
		return errors.New("not a string")
	}
	t.value, t.present = token.String(), true
	return nil
}

type integer struct {
	value   int64
	present bool
}

func (n *integer) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	digits, err := decoder.ReadValue()
	if err != nil {
		return err
	}
	// No range of the contract goes below zero or beyond ten digits.
	n.value, n.present = parseInteger(digits, 0, 1<<31-1)
	if !n.present {
		return errors.New("not an integer")
	}
	return nil
}

func (n *integer) within(least, most int64) bool {
	return n.present && least <= n.value && n.value <= most
}
