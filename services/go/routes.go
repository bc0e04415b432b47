package main

import (
	"encoding/json/v2"
	"net/http"
	"path"
	"strconv"
	"time"
)

const (
	headLimit = 10 * time.Second
	bodyLimit = 10 * time.Second // from the arrival of the head

	mostHead = 60 << 10 // net/http allows 4 KiB more
)

// The deadlines end clients that stall; no request that the service itself holds comes near them.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler,
		// Not ReadTimeout: its expiry also cancels a request that arrived in time and is still being answered.
		ReadHeaderTimeout: headLimit,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    mostHead,
		// By itself net/http answers "OPTIONS *" with 200.
		DisableGeneralOptionsHandler: true,
	}
}

func newHandler(db *store, about meta) http.Handler {
	api := &api{db: db, about: about}
	mux := http.NewServeMux()
	mux.Handle("/health", allow(http.MethodGet, api.health))
	mux.Handle("/meta", allow(http.MethodGet, api.meta))
	mux.Handle("/ping", allow(http.MethodGet, api.ping))
	mux.Handle("/cpu/collatz", allow(http.MethodGet, api.collatz))
	mux.Handle("/cpu/summarize", allow(http.MethodPost, api.summarize))
	mux.Handle("/wait", allow(http.MethodGet, api.wait))
	mux.Handle("/products/{id}", allow(http.MethodGet, api.product))
	mux.Handle("/products/{id}/slow", allow(http.MethodGet, api.productSlow))
	mux.Handle("/customers/{id}/orders", allow(http.MethodGet, api.customerOrders))
	mux.Handle("/orders", allow(http.MethodPost, api.createOrder))
	mux.Handle("/reports/regions", allow(http.MethodGet, api.regions))
	mux.HandleFunc("/", noRoute)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyLimit)) // a closed connection needs none
		}
		// The mux would redirect such paths to their clean form, and answer "*" without a body.
		if r.URL.Path != path.Clean(r.URL.Path) || r.URL.Path == "*" {
			noRoute(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func noRoute(w http.ResponseWriter, r *http.Request) {
	fail(w, r, notFound("there is no such route"))
}

// allow stands in for the mux's own method patterns, whose 405 is plain text and whose GET takes HEAD along.
func allow(method string, handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			fail(w, r, &failure{status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Detail: "the route takes " + method + " only"})
			return
		}
		if err := handle(w, r); err != nil {
			fail(w, r, err)
		}
	})
}

// reply marshals before it writes, so that the answer's length is known.
func reply(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	write(w, status, "application/json", body)
	return nil
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	// net/http adds the length of a short answer by itself, and would send a longer one in chunks.
	if len(body) > 2048 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}
