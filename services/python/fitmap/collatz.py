"""Pure work: Collatz walks, step by step."""

from dataclasses import dataclass


@dataclass(slots=True)
class Walks:
    longest_start: int = 0
    longest_steps: int = -1
    total_steps: int = 0

    def walk(self, starts: range) -> None:
        """Walk from every start to 1; of walks of equal length the earlier start stays the longest."""
        longest_start, longest_steps, total_steps = self.longest_start, self.longest_steps, self.total_steps
        for start in starts:
            n = start
            steps = 0
            while n != 1:
                n = n * 3 + 1 if n % 2 else n // 2
                steps += 1
            total_steps += steps
            if steps > longest_steps:
                longest_start, longest_steps = start, steps
        self.longest_start, self.longest_steps, self.total_steps = longest_start, longest_steps, total_steps
