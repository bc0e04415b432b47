package main

import (
	"maps"
	"strings"
	"testing"
)

const someURL = "postgresql://fitmap:se%40cret@127.0.0.1:5432/fitmap"

func load(environment map[string]string) (config, error) {
	return loadConfig(func(name string) (string, bool) {
		value, found := environment[name]
		return value, found
	})
}

func TestConfigDefaults(t *testing.T) {
	cfg, err := load(map[string]string{"PORT": "8080", "DATABASE_URL": someURL})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.address != "127.0.0.1:8080" || cfg.cpus != 0 || cfg.pool.MaxConns != 16 {
		t.Errorf("got %q, %d CPUs, %d connections", cfg.address, cfg.cpus, cfg.pool.MaxConns)
	}
	conn := cfg.pool.ConnConfig
	if conn.Password != "se@cret" || conn.Database != "fitmap" || conn.TLSConfig != nil || len(conn.Fallbacks) != 0 {
		t.Errorf("got password %q, database %q, %d fallbacks", conn.Password, conn.Database, len(conn.Fallbacks))
	}
}

func TestConfigTaken(t *testing.T) {
	cfg, err := load(map[string]string{
		"HOST": "::1", "PORT": "1", "CPUS": "1024", "DB_POOL_SIZE": "1000", "DATABASE_URL": someURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.address != "[::1]:1" || cfg.cpus != 1024 || cfg.pool.MaxConns != 1000 {
		t.Errorf("got %q, %d CPUs, %d connections", cfg.address, cfg.cpus, cfg.pool.MaxConns)
	}
}

func TestConfigRefused(t *testing.T) {
	for name, values := range map[string][]string{
		"HOST":         {"", "somewhere", "1.2.3"},
		"PORT":         {"", "0", "65536", "+80", "80 ", "http"},
		"CPUS":         {"", "0", "1025", "-1", "1.5"},
		"DB_POOL_SIZE": {"", "0", "1001", "1e1"},
		"DATABASE_URL": {
			"", "x", "mysql://fitmap:secret@127.0.0.1:5432/fitmap", "postgresql://127.0.0.1:5432/fitmap",
			"postgresql://fitmap@127.0.0.1:5432/fitmap", "postgresql://fitmap:secret@127.0.0.1/fitmap",
			"postgresql://fitmap:secret@127.0.0.1:5432", "postgresql://fitmap:secret@127.0.0.1:5432/",
			"postgresql://fitmap:secret@:5432/fitmap", "postgresql://fitmap:secret@127.0.0.1:99999/fitmap",
			"postgresql://fitmap:secret@127.0.0.1:5432/fitmap/x", "postgresql://fitmap:secret%zz@127.0.0.1:5432/fitmap",
		},
	} {
		for _, value := range values {
			environment := map[string]string{"PORT": "8080", "DATABASE_URL": someURL}
			maps.Copy(environment, map[string]string{name: value})
			_, err := load(environment)
			if err == nil {
				t.Errorf("%s=%q was taken", name, value)
				continue
			}
			if line := err.Error(); !strings.HasPrefix(line, name) || strings.Contains(line, "secret") || strings.Contains(line, "\n") {
				t.Errorf("%s=%q: %q", name, value, line)
			}
		}
	}
	for _, name := range []string{"PORT", "DATABASE_URL"} {
		environment := map[string]string{"PORT": "8080", "DATABASE_URL": someURL}
		delete(environment, name)
		if _, err := load(environment); err == nil {
			t.Errorf("%s may be missing", name)
		}
	}
}
