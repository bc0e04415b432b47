package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	acquireLimit = 2 * time.Second

	// The server ends a statement after 5 s by itself. This is for several statements, and for a server that has stopped
	// answering.
	holdLimit = 6 * time.Second

	// SQLSTATEs
	foreignKeyViolation = "23503"
	queryCanceled       = "57014" // by statement_timeout
	resources           = "53"    // a class: no memory, no room on the disk
)

// errUnavailable: no connection, a connection that failed, a statement that timed out, or one that the server had no
// resources for.
var errUnavailable = errors.New("database unavailable")

type store struct {
	pool   *pgxpool.Pool
	opened atomic.Bool // every connection of the pool has stood once
	lost   atomic.Bool // the database was away or short of something, which is logged, and nothing has succeeded since
	broken atomic.Bool // a connection broke, for which the pool was reset, and nothing has succeeded since
}

func openStore(cfg *pgxpool.Config) (*store, error) {
	// A fixed size: see open. What is lost later is opened again when it is needed, or by the pool's health check, which
	// sends nothing.
	cfg.MinConns = cfg.MaxConns
	// The default pings a connection that has been idle for a second: a silent round trip. store.with resets the pool
	// when a connection breaks instead.
	cfg.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	cfg.ConnConfig.ConnectTimeout = acquireLimit
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = "5000"
	cfg.ConnConfig.RuntimeParams["application_name"] = "fitmap-go"
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, err
	}
	return &store{pool: pool}, nil
}

// open waits until all connections stand. The pool's own health check would retry only once a minute.
func (s *store) open(ctx context.Context) {
	for ctx.Err() == nil {
		if s.openAll(ctx) == nil {
			s.opened.Store(true)
			slog.Info("pool open", "connections", s.pool.Stat().TotalConns())
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// openAll holds as many connections at once as the pool may have: then all of them stand.
func (s *store) openAll(ctx context.Context) error {
	for range s.pool.Stat().MaxConns() {
		conn, err := s.acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
	}
	s.reached()
	return nil
}

func (s *store) health(ctx context.Context) error {
	if !s.opened.Load() {
		return errUnavailable
	}
	return s.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		var one int32
		return conn.QueryRow(ctx, sqlHealth).Scan(&one)
	})
}

// with lends f a connection, and tells a database that is away from an error of ours.
func (s *store) with(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()

	// A client that leaves does not cancel its statement: pgx gives up the connection of a cancelled statement, and a
	// new one costs more than the rest of any statement here.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), holdLimit)
	defer cancel()
	err = f(ctx, conn.Conn())
	switch answer, answered := errors.AsType[*pgconn.PgError](err); {
	case err != nil && conn.Conn().IsClosed() && ctx.Err() == nil:
		// The connection broke, so the others are probably dead too. Idle ones go now, so that no request has to find out,
		// and lent ones when they come back. Once, until a request succeeds: those that were opened since are sound.
		s.lose(err)
		if s.broken.CompareAndSwap(false, true) {
			s.pool.Reset()
		}
		return unavailable(err)
	case err != nil && ctx.Err() != nil, answered && answer.Code == queryCanceled:
		// What took too long says nothing about the database, and must not cost other connections.
		return unavailable(err)
	case answered && strings.HasPrefix(answer.Code, resources):
		s.lose(err)
		return unavailable(err)
	}
	s.reached()
	return err
}

func (s *store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, acquireLimit)
	defer cancel()
	conn, err := s.pool.Acquire(ctx)
	if err == nil {
		return conn, nil
	}
	_, refused := errors.AsType[*pgconn.ConnectError](err)
	unanswered := errors.Is(err, context.DeadlineExceeded) && s.pool.Stat().ConstructingConns() > 0
	// A pool that is whole but busy, or a client that left, says nothing about the database.
	if refused || unanswered {
		s.lose(err)
	}
	return nil, unavailable(err)
}

func unavailable(err error) error {
	return fmt.Errorf("%w: %w", errUnavailable, err)
}

func (s *store) reached() {
	if s.broken.Load() {
		s.broken.Store(false)
	}
	if s.lost.Load() && s.lost.CompareAndSwap(true, false) {
		slog.Info("database reached")
	}
}

// lose logs the first of a row of failures only.
func (s *store) lose(err error) {
	if s.lost.CompareAndSwap(false, true) {
		slog.Warn("database unavailable", "error", err)
	}
}
