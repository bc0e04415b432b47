package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
)

// fakeDatabase greets connections, and answers nothing else but the SQLSTATE that statements fail with.
type fakeDatabase struct {
	mute     bool   // it does not even greet them
	breaks   bool   // it hangs up on a statement
	fails    string // the SQLSTATE of every statement
	mutex    sync.Mutex
	settings map[string]string // of the last connection
}

func (f *fakeDatabase) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go f.serve(server)
	return client, nil
}

func (f *fakeDatabase) serve(conn net.Conn) {
	defer conn.Close()
	backend := pgproto3.NewBackend(conn, conn)
	message, err := backend.ReceiveStartupMessage()
	startup, ok := message.(*pgproto3.StartupMessage)
	if err != nil || !ok { // a request to cancel
		return
	}
	f.mutex.Lock()
	f.settings = startup.Parameters
	f.mutex.Unlock()
	if !f.mute {
		backend.Send(&pgproto3.AuthenticationOk{})
		backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if backend.Flush() != nil {
			return
		}
	}
	for {
		message, err := backend.Receive()
		if _, end := message.(*pgproto3.Terminate); err != nil || end || f.breaks {
			return
		}
		if f.fails != "" {
			backend.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: f.fails})
			backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			if backend.Flush() != nil {
				return
			}
		}
	}
}

// withStore runs a test with a store of two connections, in a bubble with a clock of its own.
func withStore(t *testing.T, database *fakeDatabase, test func(*testing.T, *store)) {
	synctest.Test(t, func(t *testing.T) {
		cfg, err := poolConfig("postgresql://user:password@127.0.0.1:5432/name", 2)
		if err != nil {
			t.Fatal(err)
		}
		cfg.ConnConfig.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
		cfg.ConnConfig.DialFunc = database.dial
		db, err := openStore(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer db.pool.Close()
		test(t, db)
	})
}

func TestSessionSettings(t *testing.T) {
	database := &fakeDatabase{}
	withStore(t, database, func(t *testing.T, db *store) { db.open(t.Context()) })
	if database.settings["application_name"] != "fitmap-go" || database.settings["statement_timeout"] != "5000" {
		t.Error(database.settings)
	}
}

func TestFailedWork(t *testing.T) {
	for name, test := range map[string]struct {
		breaks bool
		after  time.Duration
		idle   int32
	}{
		"a slow request costs its own connection":   {false, holdLimit, 1},
		"a broken connection casts doubt on others": {true, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			withStore(t, &fakeDatabase{breaks: test.breaks}, func(t *testing.T, db *store) {
				db.open(t.Context())
				// The pool opens its connections too, by itself. One that came late would count below.
				synctest.Wait()
				start := time.Now()
				err := db.health(t.Context())
				after := time.Since(start)
				synctest.Wait()
				if idle := db.pool.Stat().IdleConns(); !errors.Is(err, errUnavailable) || after != test.after || idle != test.idle {
					t.Errorf("%v after %v, and %d idle connections", err, after, idle)
				}
				if db.lost.Load() != test.breaks {
					t.Errorf("logged: %t", db.lost.Load())
				}
			})
		})
	}
}

func TestOfConnectionsThatBreakTogetherTheFirstResetsThePool(t *testing.T) {
	withStore(t, &fakeDatabase{breaks: true}, func(t *testing.T, db *store) {
		db.open(t.Context())
		synctest.Wait()
		use := func(ctx context.Context, conn *pgx.Conn) error { return conn.Ping(ctx) }
		var later *pgxpool.Conn
		_ = db.with(t.Context(), func(ctx context.Context, first *pgx.Conn) error {
			if err := db.with(ctx, use); !errors.Is(err, errUnavailable) {
				t.Fatal(err)
			}
			var err error
			if later, err = db.acquire(ctx); err != nil {
				t.Fatal(err)
			}
			return use(ctx, first)
		})
		later.Release()
		synctest.Wait()
		if idle := db.pool.Stat().IdleConns(); idle != 1 {
			t.Errorf("%d idle connections: what was opened after the first failure is gone", idle)
		}
	})
}

func TestAConnectionThatBreaksWhenTheServerWasShortResetsThePoolToo(t *testing.T) {
	database := &fakeDatabase{fails: "53100"}
	withStore(t, database, func(t *testing.T, db *store) {
		db.open(t.Context())
		synctest.Wait()
		use := func(ctx context.Context, conn *pgx.Conn) error { return conn.Ping(ctx) }
		fail := func() {
			if err := db.with(t.Context(), use); !errors.Is(err, errUnavailable) || !db.lost.Load() {
				t.Fatalf("%v, logged: %t", err, db.lost.Load())
			}
			synctest.Wait()
		}
		fail()
		if idle := db.pool.Stat().IdleConns(); idle != 2 {
			t.Errorf("%d idle connections after a server that was short", idle)
		}
		database.breaks = true
		fail()
		if idle := db.pool.Stat().IdleConns(); idle != 0 {
			t.Errorf("%d idle connections after one that broke", idle)
		}
	})
}

func TestWhatAStatementFailsWith(t *testing.T) {
	for code, test := range map[string]struct{ unavailable, logged bool }{
		"53100": {true, true},
		"57014": {true, false},
		"22012": {false, false},
	} {
		withStore(t, &fakeDatabase{fails: code}, func(t *testing.T, db *store) {
			err := db.with(t.Context(), func(ctx context.Context, conn *pgx.Conn) error { return conn.Ping(ctx) })
			if err == nil || errors.Is(err, errUnavailable) != test.unavailable || db.lost.Load() != test.logged {
				t.Errorf("%s: %v, logged: %t", code, err, db.lost.Load())
			}
		})
	}
}

func TestConnectionsThatWait(t *testing.T) {
	withStore(t, &fakeDatabase{mute: true}, func(t *testing.T, db *store) {
		if _, err := db.acquire(t.Context()); !errors.Is(err, errUnavailable) || !db.lost.Load() {
			t.Errorf("%v, logged: %t", err, db.lost.Load())
		}
	})
	withStore(t, &fakeDatabase{}, func(t *testing.T, db *store) {
		for range 2 {
			conn, err := db.acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Release()
		}
		// Busy, but whole.
		if _, err := db.acquire(t.Context()); !errors.Is(err, errUnavailable) || db.lost.Load() {
			t.Errorf("%v, logged: %t", err, db.lost.Load())
		}
	})
}
