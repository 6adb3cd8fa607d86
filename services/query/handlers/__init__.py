"""The readers' questions, each answered for one tenant and never about another's."""
