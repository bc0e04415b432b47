"""Can this machine and the load generator be trusted?"""
