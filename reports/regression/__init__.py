"""Is a run slower than the runs before it?"""
