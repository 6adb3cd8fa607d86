"""Tests of `services.verify` over HTTP, on real servers."""
