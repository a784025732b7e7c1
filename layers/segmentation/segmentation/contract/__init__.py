"""What is valid, what is answered, and what can go wrong."""
