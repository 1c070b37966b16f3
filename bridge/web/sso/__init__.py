"""Signing in with an account elsewhere: OpenID Connect providers, and the homeserver that Rialto stands beside."""
