package main

import (
	"errors"
	"log/slog"
	"net/http"
)

// failure is an answer that is not a success, and the error that handlers return for it.
type failure struct {
	status int
	Code   string `json:"error"`
	Detail string `json:"detail"`
}

func (f *failure) Error() string { return f.Code + ": " + f.Detail }

func badRequest(detail string) error {
	return &failure{status: http.StatusBadRequest, Code: "bad_request", Detail: detail}
}

func notFound(detail string) error {
	return &failure{status: http.StatusNotFound, Code: "not_found", Detail: detail}
}

func outOfStock() error {
	return &failure{status: http.StatusConflict, Code: "out_of_stock", Detail: "a product has too little stock"}
}

func fail(w http.ResponseWriter, r *http.Request, err error) {
	answer, ok := errors.AsType[*failure](err)
	switch {
	case ok:
	case errors.Is(err, errUnavailable):
		answer = &failure{status: http.StatusServiceUnavailable, Code: "database_unavailable", Detail: "the database did not answer"}
	default:
		// A bug, the one case in which a request is worth a line.
		slog.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		answer = &failure{status: http.StatusInternalServerError, Code: "internal", Detail: "the service failed"}
	}
	// Two strings of valid UTF-8 marshal, and a client that is gone needs no answer.
	_ = reply(w, answer.status, answer)
}
