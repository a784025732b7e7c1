"""The API contract: valid values, request bodies, answers, and problems."""
