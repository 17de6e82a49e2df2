"""What SQLAlchemy really does under asyncio, one function a fact, held against both release lines."""
