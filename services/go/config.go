package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

type config struct {
	address string
	cpus    int // 0: as many as the Go runtime finds by itself (affinity mask and CPU quota)
	pool    *pgxpool.Config
}

// loadConfig takes os.LookupEnv. A variable that is set but empty is malformed, not missing.
func loadConfig(lookup func(string) (string, bool)) (config, error) {
	host, found := lookup("HOST")
	if !found {
		host = "127.0.0.1"
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
		return config{}, errors.New("HOST must be an IP address or localhost")
	}
	port, found, err := number(lookup, "PORT", 65535)
	if err != nil {
		return config{}, err
	}
	if !found {
		return config{}, errors.New("PORT is missing")
	}
	poolSize, found, err := number(lookup, "DB_POOL_SIZE", 1000)
	if err != nil {
		return config{}, err
	}
	if !found {
		poolSize = 16
	}
	cpus, _, err := number(lookup, "CPUS", 1024)
	if err != nil {
		return config{}, err
	}
	address, found := lookup("DATABASE_URL")
	if !found {
		return config{}, errors.New("DATABASE_URL is missing")
	}
	pool, err := poolConfig(address, int32(poolSize))
	if err != nil {
		return config{}, err
	}
	return config{address: net.JoinHostPort(host, fmt.Sprint(port)), cpus: int(cpus), pool: pool}, nil
}

func number(lookup func(string) (string, bool), name string, most int64) (value int64, found bool, err error) {
	digits, found := lookup(name)
	if !found {
		return 0, false, nil
	}
	value, ok := parseInteger(digits, 1, most)
	if !ok {
		return 0, true, fmt.Errorf("%s must be an integer from 1 to %d", name, most)
	}
	return value, true, nil
}

func poolConfig(address string, size int32) (*pgxpool.Config, error) {
	// Never the parser's own error: it quotes the address, and with it the password.
	malformed := errors.New("DATABASE_URL must have the form postgresql://user:password@host:port/name")
	target, err := url.Parse(address)
	if err != nil {
		return nil, malformed
	}
	_, hasPassword := target.User.Password()
	_, validPort := parseInteger(target.Port(), 1, 65535)
	name := strings.TrimPrefix(target.Path, "/")
	if target.Scheme != "postgresql" || target.User.Username() == "" || !hasPassword || target.Hostname() == "" ||
		!validPort || name == "" || strings.Contains(name, "/") || target.RawQuery != "" || target.Fragment != "" {
		return nil, malformed
	}
	// The driver's default, prefer, dials each connection twice where the server has no TLS.
	target.RawQuery = "sslmode=disable"
	pool, err := pgxpool.ParseConfig(target.String())
	if err != nil {
		return nil, malformed
	}
	pool.MaxConns = size
	return pool, nil
}
