"""The HTTP API: operations that say what they take and answer; routes and the OpenAPI document are made of them."""
