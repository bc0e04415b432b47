// Command go is the Go target of fitmap: one small HTTP service over one PostgreSQL.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

const (
	exitConfig = 78 // EX_CONFIG of sysexits.h

	// What is in flight at SIGTERM has this long. The service's own work takes less: see acquireLimit and holdLimit. A
	// body that is still on its way may take longer, and is cut off.
	drainLimit = 10 * time.Second
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	cfg, err := loadConfig(os.LookupEnv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "configuration:", err)
		os.Exit(exitConfig)
	}
	if err := run(cfg); err != nil {
		slog.Error("stopped", "error", err)
		os.Exit(1)
	}
}

func run(cfg config) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	if cfg.cpus > 0 {
		runtime.GOMAXPROCS(cfg.cpus)
	}
	db, err := openStore(cfg.pool)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.address)
	if err != nil {
		return err
	}
	go db.open(ctx)
	server := newServer(newHandler(db, newMeta(cfg)))
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	slog.Info("listening", "address", cfg.address, "runtime", runtime.Version(), "cpus", runtime.GOMAXPROCS(0))

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	slog.Info("draining")
	return drain(server, db)
}

// drain has one limit for both steps: a database that no longer answers must not hold the exit up either.
func drain(server *http.Server, db *store) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		slog.Warn("requests were cut off", "error", err)
		return nil
	}
	closed := make(chan struct{})
	go func() {
		db.pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-ctx.Done():
		slog.Warn("connections were cut off")
	}
	return nil
}
