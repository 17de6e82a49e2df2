"""Programs that are put together by chance, and the damage that is done to them."""
