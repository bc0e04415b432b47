//go:build training

package main

import (
	"log"
	"os"
	"runtime/pprof"
	"time"
)

// The training loads the service for longer than this.
const profileTime = 8 * time.Second

// init writes a profile of the first seconds to the file /profile. The image has no such code: its build sets no tag.
func init() {
	file, err := os.Create("/profile")
	if err != nil {
		log.Fatal(err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		log.Fatal(err)
	}
	time.AfterFunc(profileTime, func() {
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			log.Fatal(err)
		}
	})
}
