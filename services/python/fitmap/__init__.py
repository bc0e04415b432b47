"""The fitmap service in Python: Starlette on uvicorn, asyncpg to PostgreSQL."""
