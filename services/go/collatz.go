package main

type collatz struct {
	From         int64 `json:"from"`
	Count        int64 `json:"count"`
	LongestStart int64 `json:"longest_start"`
	LongestSteps int64 `json:"longest_steps"`
	TotalSteps   int64 `json:"total_steps"`
}

func walkCollatz(from, count int64) collatz {
	walk := collatz{From: from, Count: count, LongestStart: from}
	for start := from; start < from+count; start++ {
		steps := int64(0)
		for n := start; n != 1; steps++ {
			if n%2 == 0 {
				n /= 2
			} else {
				n = 3*n + 1
			}
		}
		walk.TotalSteps += steps
		if steps > walk.LongestSteps {
			walk.LongestStart, walk.LongestSteps = start, steps
		}
	}
	return walk
}
