package main

import "testing"

func TestWalkCollatz(t *testing.T) {
	for _, want := range []collatz{
		{From: 1, Count: 1, LongestStart: 1, LongestSteps: 0, TotalSteps: 0},
		{From: 1, Count: 10, LongestStart: 9, LongestSteps: 19, TotalSteps: 67},
		{From: 12, Count: 2, LongestStart: 12, LongestSteps: 9, TotalSteps: 18}, // a tie
		{From: 27, Count: 1, LongestStart: 27, LongestSteps: 111, TotalSteps: 111},
		{From: 837799, Count: 1, LongestStart: 837799, LongestSteps: 524, TotalSteps: 524},
	} {
		if got := walkCollatz(want.From, want.Count); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
