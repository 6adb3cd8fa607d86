"""How long readers wait at a million customers, beside one look-up by primary key, while events are committed."""
