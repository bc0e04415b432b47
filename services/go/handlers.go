package main

import (
	"net/http"
	"strconv"
	"time"
)

type api struct {
	db    *store
	about meta
}

type health struct {
	Status string `json:"status"`
}

type waited struct {
	WaitedMS int64 `json:"waited_ms"`
}

var pong = []byte("pong")

func (a *api) health(w http.ResponseWriter, r *http.Request) error {
	if err := a.db.health(r.Context()); err != nil {
		return reply(w, http.StatusServiceUnavailable, health{"starting"})
	}
	return reply(w, http.StatusOK, health{"ok"})
}

func (a *api) meta(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, a.about)
}

func (a *api) ping(w http.ResponseWriter, _ *http.Request) error {
	write(w, http.StatusOK, "text/plain", pong)
	return nil
}

func (a *api) wait(w http.ResponseWriter, r *http.Request) error {
	milliseconds, err := required(r, "ms", 0, 10_000)
	if err != nil {
		return err
	}
	select {
	case <-time.After(time.Duration(milliseconds) * time.Millisecond):
	case <-r.Context().Done():
		return nil
	}
	return reply(w, http.StatusOK, waited{milliseconds})
}

func (a *api) collatz(w http.ResponseWriter, r *http.Request) error {
	from, err := required(r, "from", 1, 1_000_000)
	if err != nil {
		return err
	}
	count, err := required(r, "count", 1, 100_000)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, walkCollatz(from, count))
}

func (a *api) summarize(w http.ResponseWriter, r *http.Request) error {
	var request summarizeRequest
	if err := readJSON(w, r, &request); err != nil {
		return err
	}
	if err := request.validate(); err != nil {
		return err
	}
	return reply(w, http.StatusOK, summarize(request.Orders))
}

func (a *api) product(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	found, err := a.db.product(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, found)
}

func (a *api) productSlow(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	milliseconds, err := required(r, "ms", 0, 1_000)
	if err != nil {
		return err
	}
	found, err := a.db.productSlow(r.Context(), id, int32(milliseconds))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, found)
}

func (a *api) customerOrders(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	limit, err := optional(r, "limit", 1, 100, 20)
	if err != nil {
		return err
	}
	found, err := a.db.customerOrders(r.Context(), id, int32(limit))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, found)
}

func (a *api) createOrder(w http.ResponseWriter, r *http.Request) error {
	var request orderRequest
	if err := readJSON(w, r, &request); err != nil {
		return err
	}
	order, err := request.validate()
	if err != nil {
		return err
	}
	created, err := a.db.createOrder(r.Context(), order)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/orders/"+strconv.FormatInt(created.ID, 10))
	return reply(w, http.StatusCreated, created)
}

func (a *api) regions(w http.ResponseWriter, r *http.Request) error {
	days, err := required(r, "days", 1, 365)
	if err != nil {
		return err
	}
	found, err := a.db.regions(r.Context(), int32(days))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, found)
}
