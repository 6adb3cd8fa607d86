"""The web console: pages for people, drawn on the server from the same answers as the read API's."""
