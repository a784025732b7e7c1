"""What is published about the API, made from the handlers themselves: the OpenAPI document and what follows from it."""
