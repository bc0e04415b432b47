package main

import (
	"path"
	"runtime"
	"runtime/debug"
)

type meta struct {
	Target     string `json:"target"`
	Language   string `json:"language"`
	Runtime    string `json:"runtime"`
	Framework  string `json:"framework"`
	Driver     string `json:"driver"`
	Class      string `json:"class"`
	CPUs       int    `json:"cpus"`
	DBPoolSize int32  `json:"db_pool_size"`
}

func newMeta(cfg config) meta {
	m := meta{
		Language:   "Go",
		Runtime:    runtime.Version(),
		Framework:  "net/http", // part of the runtime: its version is that
		Class:      class,
		CPUs:       runtime.GOMAXPROCS(0),
		DBPoolSize: cfg.pool.MaxConns,
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		m.Target = path.Base(build.Main.Path)
		for _, module := range build.Deps {
			if module.Path == "github.com/jackc/pgx/v5" {
				m.Driver = "pgx " + module.Version
			}
		}
	}
	return m
}
